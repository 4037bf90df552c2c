"""Dealing: shards of about equal cost, without a run lost and with one framework each."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchf1.datasets.synthetic import Synthetic
from batchf1.errors import InputError
from batchf1.study import deal
from helpers.training import run

OLD = {"training__engine": "keras224", "strategies": "[batch_mean]"}


def shape_of(one):
    return one.framework.shape(one)


def ids(runs):
    return sorted(one.run_id for one in runs)


def test_runs_of_a_shape_stay_together_and_none_is_lost():
    runs = [run(training__batch_size=b, seed=s) for b in (8, 16, 32, 64) for s in range(3)]
    parts = deal.deal(runs, 3)
    assert sorted(r.run_id for part in parts for r in part) == sorted(r.run_id for r in runs)
    shapes = [{shape_of(r) for r in part} for part in parts]
    assert sum(map(len, shapes)) == len(set.union(*shapes)) == 4
    assert deal.deal(runs, 9)[8] == []


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
    """Runs of two frameworks in three engines, one after the other."""
    of_each = ({"training__engine": "plain"}, {"training__engine": "ensemble"}, OLD)
    sizes = [8, 16, 32, 64][:n]
    return [
        run(training__batch_size=b, seed=s, **e) for b in sizes for e in of_each for s in (0, 1)
    ]


@pytest.mark.parametrize("n_shards", [2, 3, 5, 40])
def test_every_run_is_dealt_once_and_never_beside_one_of_another_framework(n_shards):
    runs = both()
    parts = deal.deal(runs, n_shards)
    assert len(parts) == n_shards
    assert ids(one for part in parts for one in part) == ids(runs)
    assert all(len({one.framework for one in part}) <= 1 for part in parts)
    shapes = [{shape_of(one) for one in part} for part in parts]
    assert sum(map(len, shapes)) == len(set.union(*shapes)) == 12


def test_two_engines_of_a_framework_share_a_shard():
    today = [one for one in both() if one.training.engine != "keras224"]
    (part,) = deal.deal(today, 1)
    assert {one.training.engine for one in part} == {"plain", "ensemble"}


def test_fewer_shards_than_frameworks_are_refused():
    with pytest.raises(InputError, match="^shards: are at least one for each framework.*; got 1$"):
        deal.deal(both(1), 1)


@pytest.mark.parametrize(
    "other", [{"training__device": "cpu"}, {"training__threads": 1}, {"training__threads": 3}]
)
def test_a_process_has_one_device_and_one_number_of_threads(other):
    runs = [run(seed=s, **more) for s in (0, 1) for more in ({}, other)]
    parts = deal.deal(runs, 3)
    assert ids(one for part in parts for one in part) == ids(runs)
    for part in parts:
        assert len({(r.training.device, r.training.threads) for r in part}) <= 1
    with pytest.raises(InputError, match="device and number of threads; got 1"):
        deal.deal(runs, 1)


def test_most_shards_go_where_most_is_to_do():
    slow = [run(training__engine="plain", training__epochs=500, seed=s) for s in range(3)]
    slow += [replace(one, training=replace(one.training, batch_size=20)) for one in slow]
    parts = deal.deal([*slow, run(**OLD)], 3)
    engines = [{one.training.engine for one in part} for part in parts]
    assert engines == [{"plain"}, {"plain"}, {"keras224"}]


@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=6).flatmap(
        lambda costs: st.tuples(st.just(costs), st.integers(len(costs), len(costs) + 30))
    )
)
def test_shares_add_up_and_none_is_empty(drawn):
    costs, n_shards = drawn
    shares = deal._shares(costs, n_shards)
    assert len(shares) == len(costs)
    assert sum(shares) == n_shards
    assert min(shares) >= 1
    # no shard moved from one to another would make the fullest less full
    fullest = max(c / s for c, s in zip(costs, shares, strict=True))
    for i, cost in enumerate(costs):
        if shares[i] > 1:
            assert cost / (shares[i] - 1) >= fullest or fullest == 0


@settings(max_examples=30)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=12), st.integers(1, 6))
def test_parts_are_balanced_to_a_shape(epochs, n_parts):
    base = run()
    runs = [
        replace(base, training=replace(base.training, epochs=e, batch_size=i + 1))
        for i, e in enumerate(epochs)
    ]
    parts = deal.deal(runs, n_parts)
    costs = [sum(deal._cost([one]) for one in part) for part in parts]
    assert ids(one for part in parts for one in part) == ids(runs)
    assert max(costs) - min(costs) <= max(deal._cost([one]) for one in runs) + 1e-9


def test_the_first_runs_cost_what_they_do():
    """400 samples in batches of 50 and 80 in 2: 10 steps an epoch."""
    one = run(training__engine="plain", training__batch_size=50, training__epochs=3)
    seconds = one.framework.engines["plain"]
    assert deal.training_cost(one) == pytest.approx(3 * (seconds.epoch + 10 * seconds.step))
    assert deal._cost([one, one]) == pytest.approx(seconds.shape + 2 * deal.training_cost(one))
