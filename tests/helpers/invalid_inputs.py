"""Refusals of bad input: the lines that several functions share, and how one is expected."""

import pytest

from batchf1.errors import InputError

COUNT = "must be whole numbers >= 0 and at most 2**53"
RATIO = "metric must be a Ratio of 4 and 4 weights, 0 <= top <= bottom, not all 0"
AVERAGING = "averaging must be one of ('per_batch', 'size_weighted')"


def refused(said, call, *arguments, **named):
    """Assert that a call raises `InputError` with exactly this line."""
    with pytest.raises(InputError) as caught:
        call(*arguments, **named)
    assert str(caught.value) == said
