"""A study of decisions: its runs and their rows, beside plain Keras and beside counting by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from batchf1.errors import InputError
from batchf1.figures import base as figures
from batchf1.metrics.averaging import batch_mean
from batchf1.metrics.counts import Counts, batch_counts
from batchf1.records import provenance_of_file, tables
from batchf1.studies.decisions import control
from batchf1.studies.decisions import rows as decisions_rows
from batchf1.studies.decisions.cells import CANDIDATE, LOGISTIC, NETWORK, cells
from batchf1.studies.experiments import load, plan
from batchf1.sweep import shard
from batchf1.sweep.collect import collect
from batchf1.training.engines import framework_of
from helpers import in_keras
from helpers.once import made_once
from helpers.slow import slow

TASKS = """\
  heavy: [dataset=diamonds, dataset.cut=1.5]
  light: [dataset=diamonds, dataset.cut=0.7]
"""
STUDY = f"""
question: Does it work?
overrides:
  - dataset.n_samples=320  # whole batches: one form to compile
  - dataset.validation_fraction=0.9375
  - dataset.test_fraction=1.40625
  - model.hidden=[4]
  - training.batch_size=40
  - training.epochs=3
  - strategies=[batch_mean]
tasks:
{TASKS}prevalences: [0.05, 0.2]
seeds: 2
validation_batch_sizes: [8, 40]
n_thresholds: 10
class_weights: [1, 5]
logistic_class_weights: [1]
candidates: 3
space:
  learning_rate: [0.001, 0.1]
  class_weight: [1, 20]
  hidden: [[4]]
  epochs: [1, 2]
  batch_size: [40]
control: {{separation: 2, n_validation: 2000, n_thresholds: 10}}
"""
COLUMNS = [decisions_rows.column(size, empty) for size in (8, 40) for empty in decisions_rows.EMPTY]


def written(folder, text=STUDY):
    path = folder / "mini.yaml"
    path.write_text(text)
    return path


def execute(path):
    shard.execute(plan(path), 0, 1, path.parent / "store", path.parent / "shard.parquet")


@pytest.fixture(scope="session")
def experiment(tmp_path_factory):
    """A tiny study, trained and collected."""

    def make(folder):
        path = written(folder)
        execute(path)
        collect(plan(path), [folder / "shard.parquet"], folder / "runs.parquet")

    return made_once(tmp_path_factory, "decisions", make) / "mini.yaml"


@pytest.fixture(scope="module")
def table(experiment):
    return tables.read(experiment.parent / "runs.parquet", decisions_rows.EPOCHS)


@pytest.fixture(scope="module")
def runs(experiment):
    return [(cell, cell.run(seed)) for cell in cells(experiment) for seed in cell.seeds]


def test_the_models_of_each_task_prevalence_and_seed(table):
    last = table.drop_duplicates("run_id", keep="last")
    of_each = last.groupby(["dataset", "prevalence", "seed"])["role"].value_counts()
    assert dict(of_each.groupby("role").unique().map(list)) == {
        NETWORK: [2],
        LOGISTIC: [1],
        CANDIDATE: [3],
    }
    assert set(last["dataset"]) == {"heavy", "light"}
    assert last.loc[last["role"] == NETWORK, "training.class_weight"].unique().tolist() == [1, 5]
    assert last.loc[last["role"] == LOGISTIC, "model.hidden"].unique().tolist() == ["[]"]
    drawn = last[last["role"] == CANDIDATE]
    settings = ["model.learning_rate", "training.class_weight", "training.epochs"]
    searches = drawn.groupby(["seed", "candidate"])[settings].nunique()
    assert (searches == 1).all(axis=None)  # the same in every task and at every prevalence
    assert drawn["training.class_weight"].nunique() == 2 * 3
    assert drawn["training.class_weight"].between(1, 20).all()
    assert drawn["model.learning_rate"].between(0.001, 0.1).all()


def test_a_row_for_each_epoch_and_for_each_threshold_at_the_end(table):
    for _, rows in table.groupby("run_id"):
        n, weight = rows["training.epochs"].iloc[0], rows["training.class_weight"].iloc[0]
        assert rows["epoch"].tolist() == [*range(1, n + 1), *[n] * (8 if weight == 1 else 0)]
        own, others = rows["threshold"][:n], rows["threshold"][n:]
        assert (own == 0.5).all()
        assert others.tolist() == [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9][: len(others)]
    sizes = (
        table[[*decisions_rows.VALIDATION]].sum(axis=1),
        table[[*decisions_rows.TEST]].sum(axis=1),
    )
    assert [size.unique().tolist() for size in sizes] == [[300], [450]]


def test_runs_of_a_task_prevalence_and_seed_see_the_same_samples(table):
    positives = (table["tp"] + table["fn"]).groupby([table["dataset"], table["prevalence"]])
    assert positives.nunique().eq(1).all()


@pytest.mark.parametrize(
    "role",
    [NETWORK, *(slow(role) for role in (LOGISTIC, CANDIDATE))],
)
def test_logged_is_what_plain_keras_logs(table, runs, role):
    """By `fit`, and at each validation batch size by `evaluate`."""
    of_role = [run for cell, run in runs if cell.point["role"] == role]
    for run in of_role[-1:]:
        mine = table[(table["run_id"] == run.run_id) & (table["threshold"] == 0.5)]
        logs, weights = in_keras.fitted(run)
        close(mine["f1_8_0"], [of["val_f1_batch_mean"] for of in logs])
        close(mine["val_loss"], [of["val_loss"] for of in logs])
        evaluated = in_keras.evaluated(run, weights, [8, 40])
        assert evaluated.keys() == set(COLUMNS)
        close(mine[COLUMNS].iloc[-1], [evaluated[name] for name in COLUMNS])


def close(one, other):
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


def test_thresholds_by_hand(table, runs):
    run = next(run for cell, run in runs if cell.point["role"] == LOGISTIC)
    (passes,) = framework_of(run).trainer(run).train([run])
    scored = {of.split: of.predictions for of in passes[-3:]}
    mine = table[(table["run_id"] == run.run_id) & (table["epoch"] == 3)]
    assert len(mine) == 9
    for row in mine.to_dict("records"):
        found = {}
        for split, names in (
            ("validation", decisions_rows.VALIDATION),
            ("test", decisions_rows.TEST),
        ):
            labels, above = scored[split].labels == 1, scored[split].scores > row["threshold"]
            cells = (labels & above, ~labels & above, labels & ~above, ~labels & ~above)
            found |= dict(zip(names, map(np.sum, cells), strict=True))
            assert [row[name] for name in names] == [found[name] for name in names]
        for size in (8, 40):
            parts = [slice(i, i + size) for i in range(0, 300, size)]
            pairs = [_decided(scored["validation"], row, part) for part in parts]
            for empty, value in decisions_rows.EMPTY.items():
                each = [f1_score(*pair, zero_division=value) for pair in pairs]
                assert row[decisions_rows.column(size, empty)] == pytest.approx(
                    np.nanmean(each), abs=1e-12
                )


def _decided(scored, row, part=slice(None)):
    return scored.labels[part] == 1, scored.scores[part] > row["threshold"]


def test_started_again_it_trains_nothing_and_ends_the_same(experiment, table, capsys):
    execute(experiment)
    assert "48 runs, 48 of them kept" in capsys.readouterr().err
    output = experiment.parent / "again.parquet"
    collect(plan(experiment), [experiment.parent / "shard.parquet"], output)
    again = tables.read(output, decisions_rows.EPOCHS)
    pd.testing.assert_frame_equal(again, table, check_exact=True)


@pytest.mark.parametrize(
    ("old", "new"), [("[8, 40]", "[8, 16, 40]"), slow("n_thresholds: 10", "n_thresholds: 4")]
)
def test_what_is_kept_of_a_run_depends_on_how_it_is_looked_at(tmp_path, old, new):
    before, after = plan(written(tmp_path)), plan(written(tmp_path, STUDY.replace(old, new)))
    run = before.cells[0].first
    assert after.cells[0].first.run_id == run.run_id
    assert shard.fingerprint(run, before.recording) != shard.fingerprint(run, after.recording)


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(
            st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=5, max_size=5),
            min_size=n,
            max_size=n,
        )
    )
)
def test_batches_of_a_multiple_are_merged(cells):
    """Five batches of 9 samples: in fours, the last is short."""
    tp, fp, fn = np.moveaxis(np.array(cells, np.int64), -1, 0)
    batches = Counts(tp, fp, fn, 9 - tp - fp - fn)
    found = decisions_rows.logged(batches, [9, 36], "per_batch")
    for row, _ in enumerate(cells):
        short = [part[row] for part in batches]
        long = [np.array([part[:4].sum(), part[4]]) for part in short]
        for size, counts in ((9, short), (36, long)):
            for empty, value in decisions_rows.EMPTY.items():
                right = batch_mean(Counts(*counts), "per_batch", value)
                np.testing.assert_equal(found[decisions_rows.column(size, empty)][row], right)


@pytest.mark.slow
def test_the_figure_is_made_from_the_table(experiment):
    folder = experiment.parent
    sources = [folder / "runs.parquet", experiment]
    found = figures.table("decisions", sources)
    made = set(found["decision"])
    assert {"threshold", "checkpoint", "class_weight", "two_models"} <= made
    assert set(found["row"]) == {"cell", "bin", "pairs", "control"}
    cell = found[(found["row"] == "cell") & (found["decision"] == "class_weight")]
    assert set(cell["dataset"]) == {"heavy", "light"}
    assert (cell["n_seeds"] == 2).all()
    found.to_csv(folder / "decisions.csv", index=False)
    provenance_of_file.write_record(folder / "decisions.csv", "decisions", [])
    words = figures.draw("decisions", folder / "decisions.csv", [folder / "decisions.png"])
    assert "logged F1" in words[0]


BAD = {
    "a size that is no multiple": (
        "[8, 40]",
        "[8, 20]",
        "must be increasing multiples of the first",
    ),
    "a class weight twice": (
        "[1, 5]",
        "[5, 5]",
        "class_weights must have at least one value, and none twice",
    ),
    "too few positives": ("[0.05, 0.2]", "[0.001]", "must have a positive and a negative in"),
    "more positives than there are": (
        "n_samples=320",
        "n_samples=20000",
        (
            "dataset diamonds cannot give more than its 53775 samples; got a request for 20000 and "
            "18750 to validate"
        ),
    ),
    "no test split": (
        "test_fraction=1.40625",
        "test_fraction=0",
        "dataset.test_fraction must give a test split",
    ),
    "a range upside down": ("[0.001, 0.1]", "[0.1, 0.001]", "must be a least and a greatest value"),
    "no task": (
        TASKS,
        "  {}\n",
        "tasks must have at least one task",
    ),
    "a seed of its own": (
        "- training.epochs=3",
        "- seed=3",
        "cannot set what the study varies; got seed",
    ),
    "a batch that validation is not in": (
        "batch_size: [40]",
        "batch_size: [41]",
        (
            "space.batch_size must be among validation_batch_sizes [8, 40], as each is also "
            "validated in its own"
        ),
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_studies_are_refused_in_one_line(tmp_path, case):
    old, new, said = BAD[case]
    assert old in STUDY
    path = written(tmp_path, STUDY.replace(old, new))
    with pytest.raises(InputError) as refused:
        cells(path)
    assert said in str(refused.value)
    assert "mini.yaml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_committed_study_is_the_whole_of_it(repository):
    study = load(repository / "experiments/decisions.yaml")
    planned = plan(repository / "experiments/decisions.yaml")
    assert study.on_demand
    assert sum(len(cell.seeds) for cell in planned.cells) == 2 * 5 * 30 * (6 + 2 + 32)
    assert {cell.first.dataset.label for cell in planned.cells} == {"diamonds", "flights"}
    assert all(cell.first.dataset.cut is not None for cell in planned.cells)


def test_the_controls_truth_is_the_normal_law(experiment):
    study = load(experiment)
    study.control.n_validation = 200_000
    found = control.curves("mini", study)
    assert len(found) == 2 * 2 * 9
    assert (found[[*decisions_rows.TEST]].sum(axis=1) == control.N_TEST).all()
    for row in found.to_dict("records"):
        n, p = study.control.n_validation, row["prevalence"]
        for mine, test, share in (("tp", "test_tp", p), ("fp", "test_fp", 1 - p)):
            rate = row[test] / (share * control.N_TEST)
            deviation = np.sqrt(share * n * rate * (1 - rate))
            assert abs(row[mine] - share * n * rate) <= 5 * deviation + 1
    best = found.loc[found.groupby(["prevalence", "seed"])["test_tp"].idxmax(), "threshold"]
    assert (best == 0.1).all()


def test_a_score_of_the_control_is_the_share_of_positives_among_such(experiment):
    study = load(experiment)
    study.control.n_validation = 400_000
    labels, scores = control._drawn(study, 0.05, np.random.default_rng(0))
    of_tenth = np.digitize(scores, np.linspace(0, 1, 11))
    for tenth in range(1, 11):
        mine = of_tenth == tenth
        deviation = np.sqrt((scores * (1 - scores))[mine].sum())
        assert abs((labels - scores)[mine].sum()) < 4 * deviation


def test_the_control_logs_what_counting_by_hand_says(experiment):
    study = load(experiment)
    found = control.curves("mini", study)
    again = control.curves("mini", study)
    pd.testing.assert_frame_equal(found, again, check_exact=True)
    labels, scores = control._drawn(study, 0.2, control.generator("mini", "binormal", 0.2, 1))
    assert labels.sum() == 400
    for row in found[(found["prevalence"] == 0.2) & (found["seed"] == 1)].to_dict("records"):
        for size in (8, 40):
            counts = batch_counts(labels, scores, size, row["threshold"])
            assert row[f"f1_{size}_0"] == pytest.approx(float(batch_mean(counts)), abs=1e-12)
