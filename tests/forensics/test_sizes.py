"""Which batch sizes are usual, and which numbers of samples a log allows."""

import numpy as np
import pytest

from batchf1.forensics.answer import investigate
from batchf1.forensics.log import parse
from batchf1.forensics.sizes import (
    SHARES,
    SIZES,
    rarity,
    sizes_by_accuracy,
    train_range,
    train_size,
)
from helpers.logs import fit_on_arrays


def test_bounds_from_a_printed_accuracy():
    low, high = sizes_by_accuracy("0.9982", np.array([13, 130]))
    assert low.tolist() == [7028, 70271]  # errors / 0.00185
    assert high.tolist() == [7428, 74285]  # errors / 0.00175
    low, high = sizes_by_accuracy("1.0000", np.array([0, 3]))
    assert low.tolist() == [0, 60000]  # errors / 0.00005
    assert high.tolist() == [10_000_000] * 2
    assert [part.tolist() for part in sizes_by_accuracy("98%", np.array([30]))] == [[1200], [2000]]


def test_bounds_from_the_progress_bar():
    log = parse(fit_on_arrays("0.8700"))
    assert train_range(log, 32) == (3000, 3000)
    assert train_size(log, 32) == 3000
    steps = log._replace(total=10, in_samples=False)
    assert train_range(steps, 32) == (289, 351)  # the last batch short, or one more dropped
    assert train_range(steps, 1) == (10, 10)
    assert train_size(steps, 32) == 320
    assert train_range(log._replace(total=None), 32) == (1, 10_000_000)


def test_how_rare_a_batch_size_is():
    assert [rarity(2**k) for k in range(6)] == [5, 4, 3, 2, 1, 0]
    assert [rarity(2**k) for k in range(6, 16)] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    assert [rarity(size) for size in (10, 50, 60, 100, 1000)] == [4] * 5
    assert [rarity(size) for size in (25, 75, 48, 96, 3)] == [6] * 5
    assert [rarity(size) for size in (47, 5, 49, 45, 255)] == [9] * 5


def test_batch_sizes_that_are_tried():
    assert {*range(1, 257), 300, 500, 512, 1000, 1024, 4096} <= {*SIZES}
    assert len(SIZES) == len({*SIZES})
    odd = [n for n in SIZES if n > 256 and n.bit_count() > 1 and rarity(n) > 6]
    assert not odd
    text = fit_on_arrays("0.8700")
    assert investigate(text).batch_sizes == sorted(SIZES)
    answer = investigate(text, batch_sizes=[40, 33, 40])
    assert answer.batch_sizes == [33, 40]
    assert {found.batch_size for found in answer.candidates} == {33, 40}


def test_shares_that_are_tried():
    """A validation set of 1/k of the training set, or of 40, 30 or 5 % of all samples."""
    wanted = {1 / k for k in range(1, 11)} | {part / (1 - part) for part in (0.4, 0.3, 0.05)}
    assert sorted(SHARES) == pytest.approx(sorted(wanted))
