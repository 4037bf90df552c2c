"""Studies: composition of their runs, the order of a grid, and what does not fit."""

import pytest

from batchf1.config.settings import Run
from batchf1.errors import InputError
from batchf1.records import provenance
from batchf1.studies.experiments import experiments
from batchf1.sweep import grid, shard
from batchf1.sweep.grid import Study, cells, compose, load_study, runs


def write(folder, text, name="study.yaml"):
    path = folder / name
    path.write_text(text)
    return path


def test_grid_order_types_and_names(tmp_path):
    path = write(
        tmp_path,
        """
        question: q
        overrides: [dataset.n_samples=200]
        grid:
          dataset: [diamonds, synthetic]
          training.batch_size: [4, 8]
          dataset.prevalence: [0.5, 1e-1]
          seed: [0, 7]
        """,
    )
    found = runs(path)
    assert len(found) == 16
    assert {run.study for run in found} == {"study"}
    assert [run.dataset.name for run in found] == ["diamonds"] * 8 + ["synthetic"] * 8
    assert [run.training.batch_size for run in found[:8]] == [4] * 4 + [8] * 4
    assert {type(run.dataset.prevalence) for run in found} == {float}
    assert len({run.run_id for run in found}) == 16
    overrides = ["dataset.n_samples=200", "training.batch_size=4", "dataset.prevalence=0.5"]
    assert found[0] == compose([*overrides, "study=study"])


SEEDS = """
question: q
overrides: [dataset=synthetic, dataset.n_samples=200]
grid:
  seed: [3, 1]
  dataset.prevalence: [0.5, 0.1]
"""


def test_seeds_are_fastest_wherever_the_grid_has_them(tmp_path):
    path = write(tmp_path, SEEDS)
    assert [(r.dataset.prevalence, r.seed) for r in runs(path)] == [
        (0.5, 3),
        (0.5, 1),
        (0.1, 3),
        (0.1, 1),
    ]
    assert [cell.point for cell in cells(path)] == [
        {"dataset.prevalence": 0.5},
        {"dataset.prevalence": 0.1},
    ]


def test_a_run_of_a_cell_is_the_composed_run_of_its_seed(tmp_path):
    overrides = ["dataset=synthetic", "dataset.n_samples=200", "study=study"]
    for cell in cells(write(tmp_path, SEEDS)):
        for seed in cell.seeds:
            prevalence = f"dataset.prevalence={cell.point['dataset.prevalence']}"
            right = compose([*overrides, prevalence, f"seed={seed}"])
            made = cell.run(seed)
            assert made == right
            assert made.run_id == cell.run_id(seed) == right.run_id
            assert made.resolved == right.resolved
            assert cell.first.seed == 3


def test_without_seeds_a_study_has_that_of_the_config(tmp_path):
    path = write(tmp_path, "question: q\ngrid: {dataset.prevalence: [0.5, 0.1]}")
    assert [run.seed for run in runs(path)] == [0, 0]
    path = write(tmp_path, "question: q\ngrid: {dataset.prevalence: [0.5]}\noverrides: [seed=4]")
    assert [run.seed for run in runs(path)] == [4]


def test_a_number_of_seeds_says_them_in_short(tmp_path):
    short = write(tmp_path, "question: q\ngrid: {dataset.prevalence: [0.5]}\nseeds: 3")
    found = runs(short)
    assert [run.seed for run in found] == [0, 1, 2]
    long = write(tmp_path, "question: q\ngrid: {dataset.prevalence: [0.5], seed: [0, 1, 2]}")
    assert runs(long) == found


@pytest.mark.parametrize("wrong", ["[{}]", "[[]]", "[{a: 1}]"])
def test_overrides_that_are_no_texts_are_refused(wrong, tmp_path):
    path = write(tmp_path, f"question: q\ngrid: {{seed: [0]}}\noverrides: {wrong}")
    with pytest.raises(InputError, match="overrides"):
        cells(path)


def test_a_study_of_many_runs_makes_none_of_them(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(Run, "__post_init__", lambda self: made.append(self))
    found = cells(write(tmp_path, SEEDS.replace("[3, 1]", f"{list(range(5000))}")))
    assert [len(cell.seeds) for cell in found] == [5000, 5000]
    assert {run.seed for run in made} == {0, 4999}
    assert len(made) <= 8


def test_the_resolution_of_a_cell_does_not_depend_on_its_seeds(tmp_path, monkeypatch):
    composed = []
    right = grid._typed_one
    monkeypatch.setattr(grid, "_typed_one", lambda *a: composed.append(a[1]) or right(*a))
    cells(write(tmp_path, SEEDS))
    assert composed == ["dataset.prevalence"] * 2
    # of seeds that are no whole numbers the config decides
    path = write(tmp_path, SEEDS.replace("[3, 1]", "['3', 1]"))
    assert {run.seed for run in runs(path)} == {3, 1}


def test_cells_are_left_out_by_the_stated_rules_only(tmp_path):
    text = """
        question: q
        grid:
          dataset.n_samples: [100, 1000]
          dataset.prevalence: [0.5, 0.02]
          training.batch_size: [8, 512]
        """
    with pytest.raises(InputError, match="training.batch_size must not exceed .*100; got 512"):
        runs(write(tmp_path, text))
    rule = "exclude: {class_below: 4, batch_above_data: true}"
    found = runs(write(tmp_path, f"{text}\n        {rule}"))
    cells = {(r.dataset.n_samples, r.dataset.prevalence, r.training.batch_size) for r in found}
    assert cells == {
        (100, 0.5, 8),
        (1000, 0.5, 8),
        (1000, 0.02, 8),
        (1000, 0.5, 512),
        (1000, 0.02, 512),
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("question: q\ngrid: {training.bach_size: [1]}", r"grid.training.bach_size.*got \[?1"),
        ("question: q\ngrid: {seed: []}", "grid.seed must have at least one value"),
        (
            "question: q\ngrid: {seed: [1, 1]}",
            "grid.seed must have at least one value, and none twice",
        ),
        ("question: q\ngrid: {seed: [one]}", "grid.seed must fit its setting: .*; got one"),
        ("question: q\ngrid: {seed: 3}", r"at grid.seed.*3"),
        ("question: q\ngrid: {dataset.prevalence: [0.5, 2]}", "dataset.prevalence must lie in"),
        ("question: q\ngrid: {dataset: [nope]}", "Could not find 'dataset/nope'"),
        ("question: q\ngrid: {seed: [1]}\nbudget: 3", "Key 'budget' not in 'Study'"),
        (
            "question: q\noverrides: [dataset.n_samples=100]\ngrid: {dataset.prevalence: [0.001]}",
            "must have a positive and a negative in each split; got n_samples=100, .*=0.001",
        ),
        (
            "question: q\ngrid: {seed: [1]}\nleave_out: {class_below: 99999}",
            "must have a grid of at least one cell",
        ),
        ("question: [", "expected the node content"),
    ],
)
def test_bad_studies_are_refused_by_file_and_key(tmp_path, text, words):
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=words) as caught:
        runs(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_study_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="nothing.yaml must be a readable file"):
        load_study(tmp_path / "nothing.yaml", Study)


def test_a_figure_needs_a_module(tmp_path):
    write(tmp_path, "question: q\ngrid: {seed: [1]}\nfigures: {f: nope}")
    with pytest.raises(InputError, match=r"figures.f must be one of .*; got nope"):
        experiments(tmp_path)


def test_every_experiment_of_the_repository_is_valid_and_its_modules_have_sources(repository):
    found = experiments(repository / "experiments")
    assert {"sweep", "worked_example"} <= found.keys()
    for name, study in found.items():
        assert study.question
        if isinstance(study, Study):
            planned = cells(repository / f"experiments/{name}.yaml")
            modules = shard.modules([cell.first for cell in planned][:50])
            assert len(provenance.sources(*modules)) > len(modules)
