"""The batches that Keras saw: their counts, and room for them."""

import numpy as np
import pytest
import tensorflow as tf

from batchf1.errors import TraceError
from batchf1.training.keras3.batch_counts import BatchTrace
from batchf1.training.keras3.plain import PlainTrainer
from helpers.training import run


def seen(*batches):
    """Batches of (label, score), as arrays of shape (n, 1)."""
    return [np.array(batch, np.float32).T[..., None] for batch in batches]


MIXED = [(1, 0.9), *[(0, 0.31)] * 2, (1, 0.3), *[(1, 0.1)] * 2, *[(0, 0.3)] * 2, *[(0, 0)] * 2]
"""tp 1, fp 2, fn 3, tn 4 at the threshold 0.3, where a score of 0.3 is negative."""


def test_a_trace_keeps_the_counts_of_each_batch_until_it_is_reset():
    trace = BatchTrace(3, 0.3)
    for y, scores in seen(MIXED, [(0, 0.2)], [(1, 1), (0, 1)]):
        trace.update_state(y, scores)
    assert float(trace.result()) == 3
    expected = {"tp": [1, 0, 1], "fp": [2, 0, 1], "fn": [3, 0, 0], "tn": [4, 1, 0]}
    assert {name: part.tolist() for name, part in trace.counts()._asdict().items()} == expected
    trace.reset_state()
    assert float(trace.result()) == 0
    assert trace.counts().tp.shape == (0,)


def test_a_trace_without_room_for_its_batches_says_so():
    trace = BatchTrace(1, 0.5)
    update = tf.function(trace.update_state, jit_compile=True)  # XLA drops what has no place
    for y, scores in seen([(0, 0)], [(1, 1)]):
        update(y, scores)
    with pytest.raises(TraceError, match="room for 1 batches, and Keras saw 2"):
        trace.counts()


@pytest.mark.parametrize(
    ("settings", "n"),
    [
        ({"training__batch_size": 8}, 50),
        ({"training__batch_size": 48}, 13),  # Keras may validate in batches of 32
        ({"training__batch_size": 8, "dataset__validation_fraction": 2}, 100),
    ],
)
def test_a_trace_has_room_for_the_batches_of_both_splits(settings, n):
    assert PlainTrainer(run(**settings)).trace.rows.shape == (n, 4)
