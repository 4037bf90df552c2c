"""How samples are cut into batches, as far as a log tells their number."""

import numpy as np
import pytest

from batchf1.forensics.grid import SAMPLES, Grid, batches
from batchf1.forensics.printed import read


@pytest.mark.parametrize(("averaging", "weight"), [("per_batch", 1 / 32), ("size_weighted", 0.008)])
def test_known_samples_leave_a_known_last_batch(averaging, weight):
    """31 batches of 32 and one of 8 hold 1,000 samples; one batch holds 20."""
    cut = batches((32,), 1000, None, averaging)
    assert [part.item() for part in cut[:4]] == [32, 8, 1000, pytest.approx(weight)]
    alone = batches((32,), 20, None, averaging)
    assert [part.item() for part in alone[:4]] == [20, 20, 20, 1]


@pytest.mark.parametrize(("averaging", "share"), [("per_batch", 1), ("size_weighted", 0.5)])
def test_a_last_batch_of_unknown_size_is_half_full(averaging, share):
    """Weighted by size, it counts half as much as a full batch; otherwise as much."""
    by_steps = batches((32,), None, 10, averaging)
    assert [part.item() for part in by_steps[:4]] == [32, 16, 9.5 * 32, pytest.approx(share / 10)]
    unknown = batches((32, 64), None, None, averaging)
    number = np.ceil(unknown.samples / unknown.size)
    assert unknown.samples[:, 0].ravel().tolist() == SAMPLES.tolist()
    assert unknown.weight == pytest.approx(share / number)


def test_a_last_batch_of_another_size_varies_more():
    """Compared with a full batch, size / rest times; three times where its size is unknown."""
    m = 1000 / 32  # full batches in 1,000 samples
    known, steps = batches((32,), 1000, None, "per_batch"), batches((32,), None, 32, "per_batch")
    assert known.last.item() == pytest.approx(32 / 8 / m**2)
    assert steps.last.item() == pytest.approx(3 / 31.5**2)
    for cut in (
        batches((40,), 1000, None, "per_batch"),
        batches((32,), 1000, None, "size_weighted"),
    ):
        assert cut.last.item() == 0  # the linear part cancels


def test_an_epoch_that_comes_twice_leaves_the_same_rough_misfit():
    row = {"f1": "0.7", "precision": "0.80", "recall": "0.65", "accuracy": "0.95"}
    cut, at = batches((16, 32), 1000, None, "per_batch"), np.log([0.05, 0.1, 0.2])
    one, two = (
        Grid(read(rows, training=False)[0][0], cut).rough_misfit(at) for rows in ([row], [row] * 2)
    )
    assert one.shape == (2, 3)
    assert two == pytest.approx(one)
