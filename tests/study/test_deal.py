def test_runs_of_a_shape_stay_together_and_none_is_lost():
    runs = [run(training__batch_size=b, seed=s) for b in (8, 16, 32, 64) for s in range(3)]
    parts = deal.deal(runs, 3)
    assert sorted(r.run_id for part in parts for r in part) == sorted(r.run_id for r in runs)
    shapes = [{deal.shape(r) for r in part} for part in parts]
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
    for settings in alike:
        assert deal.shape(run(dataset="synthetic", **settings)) == deal.shape(one)
    for settings in others:
        assert deal.shape(run(dataset="synthetic", **settings)) != deal.shape(one)
    first, same, other = (
        replace(one, dataset=Grown(prevalence=p, kinds=kinds))
        for p, kinds in ((0.1, ["a"]), (0.2, ["a"]), (0.1, ["a", "b"]))
    )
    assert deal.shape(first) == deal.shape(same)
    assert len({deal.shape(each) for each in (first, same, other)}) == 2
