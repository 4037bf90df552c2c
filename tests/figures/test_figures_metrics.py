"""Figures of runs with other metrics than F1: one metric, in its own name, or a refusal."""

import itertools

import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.text import Text

from batchf1.errors import InputError
from batchf1.figures import _read_csv, study_rows, style
from batchf1.figures import base as figures
from batchf1.metrics.counts import as_counts
from batchf1.metrics.factories import f_beta
from batchf1.metrics.ratios import F1
from batchf1.records import tables
from batchf1.records.provenance_of_file import provenance_of, write_record
from batchf1.sweep import schema
from batchf1.theory.expectation import expect
from helpers.slow import slow
from helpers.tables_of_runs import table

ANY = ["error_vs_batch_size", "error_vs_imbalance", "error_vs_dataset_size"]
ANY += ["theory", "calibration", "collapse"]
F1_ONLY = ["discrepancy"]
METRICS = {"f1": F1, "f2": f_beta(2)}
POOL = {"tp": 30, "fp": 20, "fn": 10, "tn": 140}
COUNTS = as_counts(*POOL.values())


def runs():
    """Two batch sizes, two seeds, both splits, three strategies: the rows of F1 and of F2."""
    made = []
    for name, metric in METRICS.items():
        true = float(metric(COUNTS))
        points = itertools.product((10, 40), (0, 1), ("train", "validation"), (-0.1, 0.0))
        made += [
            {"batch_size": size, "seed": seed, "split": split, "run_id": f"{size}-{seed}"}
            | {"strategy": "reconstructed" if error == 0 else "batch_mean", "metric": name}
            | {"value": true + error * (seed + 1), "n_batches": 200 // size}
            | {"reference_pooled": true, "reference_full_pass": true}
            for size, seed, split, error in points
        ]
    rows = table(*made, n_samples=200, prevalence=0.2, **POOL).drop(columns="f1")
    return rows[list(schema.RUNS_OF_METRICS.columns)]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "runs.parquet"
    tables.write(runs(), path, schema.RUNS_OF_METRICS, {})
    return path


@pytest.fixture
def of_f1(tmp_path):
    """The table of the same runs with F1 alone."""
    path = tmp_path / "f1.parquet"
    tables.write(schema.of_metric(runs(), "f1"), path, schema.RUNS, {})
    return path


@pytest.mark.parametrize("name", [*ANY, *F1_ONLY])
def test_runs_of_several_metrics_need_a_choice(source, name):
    words = (
        f"^figure {name} must show one metric: choose by figure_metrics of the study, or --metric; "
        "got f1, f2$"
    )
    with pytest.raises(InputError, match=words):
        figures.table(name, [source])
    with pytest.raises(InputError, match=f"^figure {name} must show .* f1, f2; got jaccard$"):
        figures.table(name, [source], "jaccard")
    with pytest.raises(InputError, match="^metrics must be f1 .*; got auc$"):
        figures.table(name, [source], "auc")


@pytest.mark.parametrize("name", F1_ONLY)
def test_a_figure_of_f1_alone_refuses_another(source, name):
    with pytest.raises(InputError, match=f"^figure {name} cannot show another metric than f1"):
        figures.table(name, [source], "f2")


@pytest.mark.parametrize("name", ANY)
def test_f1_of_several_is_f1_alone(source, of_f1, name):
    found = figures.table(name, [source], "f_beta(1)")
    pd.testing.assert_frame_equal(found, figures.table(name, [of_f1]))
    assert "metric" not in found


@pytest.mark.parametrize("name", [ANY[0], *map(slow, ANY[1:3]), "theory", *map(slow, ANY[4:])])
def test_another_metric_is_in_the_csv_and_in_all_words(source, tmp_path, name):
    csv = tmp_path / "figure.csv"
    tables.write_csv(figures.table(name, [source], "f_beta(2)"), csv)
    write_record(csv, name, [source], "f2")
    assert provenance_of(csv)["metric"] == "f2"
    assert set(pd.read_csv(csv)["metric"]) == {"f2"}
    *said, alt = figures.draw(name, csv, [tmp_path / "figure.png"])
    plot = figures.module(name)
    with style.apply_style():
        figure = plot.draw(_read_csv.read(csv, plot.COLUMNS, name))
    texts = [text.get_text() for text in figure.findobj(Text)]
    plt.close(figure)
    for text in [*said, *texts, alt]:
        # where something was learned F1 tells, whatever the metric
        assert "F1" not in text.replace("a true F1", "").replace("true F1", "", "collapse" in name)
    assert any("f2" in text for text in texts)


def test_the_numbers_are_the_metrics_own(source):
    true = {name: float(metric(COUNTS)) for name, metric in METRICS.items()}
    found = figures.table("error_vs_batch_size", [source], "f2")
    assert found["true_f2"].tolist() == pytest.approx([true["f2"]] * len(found))
    assert found["true_f1"].tolist() == pytest.approx([true["f1"]] * len(found))
    naive = found[(found["strategy"] == "batch_mean") & (found["batch_size"] == 10)].iloc[0]
    assert naive["f2"] == pytest.approx(true["f2"] - 0.15)
    error = expect(COUNTS, 10, metric=f_beta(2)).error
    assert naive["expected_error"] == pytest.approx(error, abs=1e-12)
    of_theory = figures.table("theory", [source], "f2")
    assert {"f2", "expected_f2"} < set(of_theory)
    row = of_theory[of_theory["batch_size"] == 40].iloc[0]
    moments = expect(COUNTS, 40, metric=f_beta(2))
    assert row["expected_f2"] == pytest.approx(moments.expected_f1, abs=1e-6)
    assert row["sd"] == pytest.approx(moments.sd, abs=1e-6)


def test_a_module_of_ones_own_reads_f1_or_the_metric_that_it_names(source, of_f1):
    pd.testing.assert_frame_equal(
        study_rows.last_epoch(source, ["f1", "split"]),
        study_rows.last_epoch(of_f1, ["f1", "split"]),
    )
    rows = study_rows.read(source, metric="f2")
    assert list(rows) == list(schema.RUNS.columns)
    assert rows["f1"].max() == pytest.approx(float(f_beta(2)(COUNTS)))
    with pytest.raises(InputError, match=r"runs.parquet: metric must be one of \['f1', 'f2'\]"):
        study_rows.read(source, metric="jaccard")


def test_a_metric_named_as_a_column_is_refused(tmp_path, monkeypatch):
    (tmp_path / "my_clash.py").write_text(
        "from batchf1 import Ratio\nSD = Ratio((1, 0, 0, 0), (1, 1, 0, 0), 'error')\n"
    )
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "runs.parquet"
    tables.write(
        runs().assign(metric="my_clash.SD").drop_duplicates(["run_id", "split", "strategy"]),
        path,
        schema.RUNS_OF_METRICS,
        {},
    )
    with pytest.raises(
        InputError, match=r"cannot show a metric named as a column of it; got \['error', "
    ):
        figures.table("error_vs_batch_size", [path])
