"""Generators: what they yield, without end, and how much of it is asked for."""

from itertools import chain, islice

import numpy as np
import pytest

from batchf1.datasets.base import Split
from batchf1.sweep.grid import compose
from batchf1.training import batches as training_batches
from batchf1.training.shuffle import shuffled


def run(program, **settings):
    chosen = {"dataset.n_samples": 10, "dataset.validation_fraction": 0.7, "training.batch_size": 4}
    chosen |= {"dataset.prevalence": 0.5, "training.engine": "plain", "program": program} | settings
    return compose([f"{key}={value}" for key, value in chosen.items()])


def split(n):
    x = np.arange(n, dtype=np.float32)[:, None]
    return Split(x, -x)


def places(batches, number):
    taken = list(islice(batches, number))
    for x, y in taken:
        np.testing.assert_array_equal(x, -y)
    return [x.ravel().astype(int).tolist() for x, _ in taken]


def joined(batches):
    return list(chain.from_iterable(batches))


def test_training_batches_follow_the_order_of_the_runs_epochs():
    one = run("endless_generators")
    order = shuffled(one)
    found = places(training_batches.train_batches(one, split(10), order), 6)
    assert [len(batch) for batch in found] == [4, 4, 2] * 2
    assert joined(found[:3]) == order(0).tolist()
    assert joined(found[3:]) == order(1).tolist()


def test_a_short_batch_can_be_dropped():
    one = run("dropped_batch")
    order = shuffled(one)
    found = places(training_batches.train_batches(one, split(10), order), 4)
    passes = (order(0), order(0), order(1), order(1))
    starts = (0, 4, 0, 4)
    expected = [p[i : i + 4].tolist() for p, i in zip(passes, starts, strict=True)]
    assert found == expected


def test_validation_keeps_its_order_or_takes_another_in_each_pass():
    fixed = places(training_batches.validation_batches(run("drifting_validation"), split(7)), 4)
    assert fixed == [[0, 1, 2, 3], [4, 5, 6]] * 2
    found = places(training_batches.validation_batches(run("shuffled_validation"), split(7)), 4)
    first, second = joined(found[:2]), joined(found[2:])
    assert first != second
    assert sorted(first) == sorted(second) == list(range(7))


@pytest.mark.parametrize(
    ("program", "n", "steps"),
    [
        ("endless_generators", 10, 3),
        ("endless_generators", 8, 2),
        ("drifting_validation", 10, 2),
        ("drifting_validation", 3, 1),
        ("dropped_batch", 10, 2),
    ],
)
def test_the_number_of_batches_asked_for(program, n, steps):
    assert training_batches.steps(run(program), split(n)) == steps
