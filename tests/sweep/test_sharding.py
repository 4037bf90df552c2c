"""Sharding: shards of about equal cost, without a run lost and with one framework each."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batchf1.datasets.synthetic import Synthetic
from batchf1.errors import InputError
from batchf1.sweep import sharding
from batchf1.sweep.cells import Cell, RunRange, all_runs, n_runs, runs_digest
from batchf1.training.engines import framework_of
from helpers.shards import cell, ids
from helpers.training import run

OLD = {"training__engine": "keras224", "strategies": "[batch_mean]"}


def shape_of(one):
    return framework_of(one).shape(one)


def shapes_in(part):
    return {shape_of(piece.cell.first) for piece in part}


def same_runs(parts, cells):
    """Whether every run of the cells is in one part, once."""
    return sorted(ids(piece for part in parts for piece in part)) == sorted(ids(all_runs(cells)))


def test_runs_of_a_shape_stay_together_and_none_is_lost():
    cells = [cell(run(training__batch_size=b), range(3)) for b in (8, 16, 32, 64)]
    parts = sharding.assign_shards(cells, 3)
    assert same_runs(parts, cells)
    shapes = [shapes_in(part) for part in parts]
    assert sum(map(len, shapes)) == len(set.union(*shapes)) == 4
    assert sharding.assign_shards(cells, 9)[8] == []


@dataclass
class Grown(Synthetic):
    """A data set of somebody's own."""

    kinds: list[str] = field(default_factory=lambda: ["a"])


def test_runs_share_a_shape_unless_a_setting_could_change_their_arrays():
    one = run(dataset="synthetic")
    alike = [{"dataset__prevalence": 0.3}, {"seed": 1}, {"training__epochs": 9}]
    others = [
        {"dataset__n_samples": 500},
        {"dataset__validation_fraction": 0.3},
        {"dataset__dimensions": 6},
        {"training__batch_size": 33},
        {"model__hidden": "[5]"},
    ]
    for changed in alike:
        assert shape_of(run(dataset="synthetic", **changed)) == shape_of(one)
    for changed in others:
        assert shape_of(run(dataset="synthetic", **changed)) != shape_of(one)
    first, same, other = (
        replace(one, dataset=Grown(prevalence=p, kinds=kinds))
        for p, kinds in ((0.1, ["a"]), (0.2, ["a"]), (0.1, ["a", "b"]))
    )
    assert shape_of(first) == shape_of(same)
    assert len({shape_of(each) for each in (first, same, other)}) == 2


def both(n=4):
    """Cells of two frameworks in two engines, one after the other."""
    sizes = [8, 16, 32, 64][:n]
    of_each = ({"training__engine": "plain"}, OLD)
    return [cell(run(training__batch_size=b, **e), (0, 1)) for b in sizes for e in of_each]


@pytest.mark.parametrize("n_shards", [2, 3, 5, 40])
def test_every_run_is_dealt_once_and_never_beside_one_of_another_framework(n_shards):
    cells = both()
    parts = sharding.assign_shards(cells, n_shards)
    assert len(parts) == n_shards
    assert same_runs(parts, cells)
    for part in parts:
        assert len({framework_of(piece.cell.first) for piece in part}) <= 1


def test_fewer_shards_than_frameworks_are_refused():
    with pytest.raises(
        InputError, match=("^shards must be at least one for each framework.*; got 1$")
    ):
        sharding.assign_shards(both(1), 1)
    assert sharding.min_shards(both(1)) == 2


@pytest.mark.parametrize(
    "other", [{"training__device": "cpu"}, {"training__threads": 1}, {"training__threads": 3}]
)
def test_a_process_has_one_device_and_one_number_of_threads(other):
    cells = [cell(run(**more), (0, 1)) for more in ({}, other)]
    parts = sharding.assign_shards(cells, 3)
    assert same_runs(parts, cells)
    for part in parts:
        trainings = [piece.cell.first.training for piece in part]
        assert len({(t.device, t.threads) for t in trainings}) <= 1
    with pytest.raises(InputError, match="device and number of threads; got 1"):
        sharding.assign_shards(cells, 1)


# A shape dealt to several shards


@pytest.fixture(scope="module")
def base():
    return run(training__engine="plain")


def of_shapes(base, epochs, seeds):
    """Cells of as many shapes as there are numbers of epochs, with that many seeds each."""
    return [
        cell(replace(base, training=replace(base.training, epochs=e, batch_size=i + 1)), range(n))
        for i, (e, n) in enumerate(zip(epochs, seeds, strict=True))
    ]


def costs(parts):
    """Expected seconds of each part, each of its shapes compiled once."""
    found = []
    for part in parts:
        each = {}
        for piece in part:
            each.setdefault(shape_of(piece.cell.first), []).append(piece)
        found.append(sum(map(sharding._cost, each.values())))
    return found


@example([(17, 20), (29, 20)], 2, 1)  # two of one cost, for two parts
@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 400)), min_size=1, max_size=8),
    st.integers(1, 12),
    st.sampled_from([1, 7, 32]),
)
def test_parts_are_balanced_and_groups_full(base, sizes, n_parts, together):
    cells = of_shapes(base, *zip(*sizes, strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(framework_of(base)), "group_size", lambda self, run: together)
        parts = sharding.assign_shards(cells, n_parts)
    assert len(parts) == n_parts
    assert same_runs(parts, cells)
    each, once = (
        [sharding.training_cost(c.first) for c in cells],
        sharding._cost([RunRange(cells[0], 0, 0)]),
    )
    fair = sum(sharding._cost([piece]) for piece in all_runs(cells)) / n_parts + once
    # beyond its fair share a part has at most one shape that is not split, or a group
    most = max(
        min(cost * n, max(cost * together, fair)) for cost, (_, n) in zip(each, sizes, strict=True)
    )
    assert max(costs(parts)) <= fair + most + once
    for part in parts:
        for piece in part:
            assert piece.start % together == 0
            assert piece.stop % together == 0 or piece.stop == len(piece.cell.seeds)
    for one in cells:
        if sharding._cost(all_runs([one])) <= fair:  # no more than a fair share
            assert sum(any(piece.cell is one for piece in part) for part in parts) == 1


def test_parts_are_in_the_order_of_the_grid_with_neighbours_as_one(base):
    cells = of_shapes(base, [1, 9, 5, 7], [2, 2, 2, 2])
    place = {id(one): i for i, one in enumerate(cells)}
    (part,) = sharding.assign_shards(cells, 1)
    assert part == all_runs(cells)
    pieces = [RunRange(cells[1], 1, 2), RunRange(cells[0], 0, 2), RunRange(cells[1], 0, 1)]
    assert sharding._in_order(pieces, place) == all_runs(cells[:2])


def test_what_is_told_of_a_part_says_which_runs_it_has(base):
    one, other = of_shapes(base, [1, 2], [5, 5])
    texts = {
        runs_digest([RunRange(one, 0, 5)]),
        runs_digest([RunRange(one, 0, 4)]),
        runs_digest([RunRange(one, 1, 5)]),
        runs_digest([RunRange(other, 0, 5)]),
        runs_digest([]),
        runs_digest([RunRange(cell(one.first, range(1, 6)), 0, 5)]),
    }
    assert len(texts) == 6
    again = cell(replace(one.first), range(5))
    assert runs_digest([RunRange(again, 0, 5)]) == runs_digest([RunRange(one, 0, 5)])


def test_to_deal_and_to_tell_makes_no_run(base, monkeypatch):
    cells = of_shapes(base, [20, 1, 1], [100_000, 3, 3])
    for name in ("run", "run_id"):
        monkeypatch.delattr(Cell, name)
    parts = sharding.assign_shards(cells, 4)
    assert sum(map(n_runs, parts)) == 100_006
    assert len({runs_digest(part) for part in parts}) == 4
