"""Every number of docs/atlas.md stands in figures/atlas.csv."""

import math

import keras
import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr

from batchf1.study.atlas.metrics import METRICS

SHOWN = (8, 32, 1024)
"""Batch sizes of the page's table."""
ANSWERS = {"safe": "yes", "right on average": "if defined"}
"""Verdict -> whether to average; else the verdict itself is the answer."""
TOP = "Of {n} metrics {n_safe} may be averaged: accuracy, log loss, MSE, MAE and micro F1"
F1 = (
    "In batches of 32 with 5 % positives F1 averages to {batch_mean:.2f} where it is {value:.2f}: "
    "{undefined:.0f} % of the batches have neither a positive nor an alarm, and count 0."
)
SLOPES = (
    "From batches of 256 to 1,024 the slope is {RMSE} for RMSE, {R2} for R², {Pearson} for Pearson "
    "and {perplexity} for perplexity"
)
MORAN = "{gap:.4f} / (n + 1)"


@pytest.fixture(scope="module")
def table(repository):
    found = pd.read_csv(repository / "figures/atlas.csv", keep_default_na=False, na_values=[""])
    return found.set_index(["metric", "batch_size"])


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs/atlas.md").read_text()


@pytest.fixture(scope="module")
def text(page):
    return " ".join(page.split())


def signed(value, form=None):
    """With a real minus; by default two digits that say something, and no exponent."""
    two = {"precision": 2, "fractional": False, "sign": True, "trim": "-"}
    text = f"{value:{form}}" if form else np.format_float_positional(value, **two)
    return "0" if value == 0 else text.replace("-", "\N{MINUS SIGN}")


def row(table, metric):
    """The numbers of a metric as its row on the page has them."""
    cells = table.loc[metric]
    first, at_32 = cells.iloc[0], cells.loc[32]
    law = signed(first["exponent"], ".2f") + f" ± {first['exponent_se']:.2f}"
    parts = [
        metric.replace("R2", "R²"),
        ANSWERS.get(first["verdict"], first["verdict"]),
        *(signed(cells.loc[size, "error"]) for size in SHOWN),
        signed(at_32["error_in_sds"]),
        f"{100 * at_32['undefined']:.0f} %" if at_32["undefined"] else "",
        "" if math.isnan(first["exponent"]) else law,
    ]
    return "| " + " | ".join(parts) + " |"


@pytest.mark.parametrize("metric", [metric.name for metric in METRICS])
def test_each_metric_has_a_row_with_its_numbers_and_a_reason(page, table, metric):
    (line,) = [line for line in page.splitlines() if line.startswith(row(table, metric))]
    assert len(line.removeprefix(row(table, metric))) > 20


def test_the_table_of_the_page_has_no_other_rows(page):
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    assert len(lines) == 1 + len(METRICS)


def test_the_lines_at_the_top(text, table):
    verdicts = table.groupby("metric")["verdict"].first()
    assert TOP.format(n_safe=(verdicts == "safe").sum(), n=len(verdicts)) in text
    assert "RMSE, R², F1, precision, recall, MCC, kappa and macro F1 come out too low" in text
    low = ["RMSE", "R2", "F1", "precision", "recall", "MCC", "Cohen's kappa", "macro F1"]
    assert set(verdicts[low]) == {"too low"}
    assert "perplexity and balanced accuracy too high" in text
    assert set(verdicts[["perplexity", "balanced accuracy"]]) == {"too high"}
    cell = dict(table.loc[("F1", 32)])
    cell |= {"batch_mean": cell["value"] + cell["error"], "undefined": 100 * cell["undefined"]}
    assert F1.format(**cell) in text


def test_average_precision_is_the_worst(text, table):
    assert "The worst of all beside what seeds change" in text
    worst = table["error_in_sds"].abs().groupby(level="metric").max()
    assert worst.idxmax() == "average precision"


def test_the_slopes_between_large_batches(text, table):
    errors = table.reset_index().pivot_table("error", "metric", "batch_size")
    errors = errors.loc[["RMSE", "R2", "Pearson", "perplexity"]]
    slopes = np.log(errors[1024] / errors[256]) / np.log(4)
    assert SLOPES.format(**{name: signed(value, ".2f") for name, value in slopes.items()}) in text


def test_spearman_follows_moran(text, table):
    """One number, from batches of 8, gives those of 16 and 32."""
    errors = table.loc["Spearman", "error"]
    gap = 9 * errors[8]
    assert MORAN.format(gap=gap).replace("-", "\N{MINUS SIGN}") in text
    for size in (16, 32, 64):
        assert errors[size] == pytest.approx(gap / (size + 1), rel=0.02)


def test_keras_own_correlation_is_a_mean_over_batches():
    metric, rng = keras.metrics.PearsonCorrelation(axis=0), np.random.default_rng(0)
    x, y = rng.normal(size=(2, 2, 9, 1))
    for batch in zip(x, y, strict=True):
        metric.update_state(*batch)
    each = [pearsonr(*pair).statistic[0] for pair in zip(x, y, strict=True)]
    assert float(metric.result()) == pytest.approx(np.mean(each), abs=1e-5)
