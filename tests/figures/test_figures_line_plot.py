"""The error figures of the sweep: every number of their tables, worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from batchf1.figures import _line_words
from batchf1.figures import base as figures
from helpers import pictures
from helpers.tables_of_runs import table, written

# TP 1, FN 1, TN 2 in two batches of 2: TP and FN meet in 1 of 3 cuts, and F1 is 2/3 and 0; else a
# batch has F1 1 and the other 0. The expected mean is (1/3 + 2 * 1/2) / 3 = 4/9.
POOL = {"tp": 1, "fp": 0, "fn": 1, "tn": 2, "batch_size": 2, "n_batches": 2}
EXPECTED = 4 / 9
# TP 2, TN 2: the two TP meet in 1 of 3 cuts, F1 1 and 0; else both batches have 1: 5/6.
OTHER_POOL = POOL | {"tp": 2, "fn": 0}
OTHER_EXPECTED = 5 / 6
MEAN = (EXPECTED + OTHER_EXPECTED) / 2
COLUMNS = [
    *("n_samples", "batch_size", "prevalence", "split", "strategy"),
    *("n_runs", "true_f1", "f1", "error", "error_se", "worst_error"),
    *("error_full_pass", "expected_error"),
]


def run(run_id, f1s, **settings):
    """Two epochs of a run; `f1s`: split -> strategy -> F1 and the references of the last."""
    for split, of_split in f1s.items():
        for strategy, (f1, pooled, full_pass) in of_split.items():
            common = settings | {"run_id": run_id, "split": split, "strategy": strategy}
            yield common | {"epoch": 1, "f1": 0.123, "tp": 0, "reference_pooled": 0.456}
            last = {"f1": f1, "reference_pooled": pooled, "reference_full_pass": full_pass}
            yield common | {"epoch": 2} | last


FIRST = {
    "train": {"batch_mean": (0.4, 0.7, 0.5), "reconstructed": (0.7, 0.7, 0.5)},
    "validation": {"batch_mean": (0.5, 0.8, 0.75), "reconstructed": (0.6, 0.8, 1.0)},
}
SECOND = {
    "train": {"batch_mean": (0.9, 0.7, 0.6), "reconstructed": (0.7, 0.7, 0.6)},
    "validation": {"batch_mean": (0.6, 0.6, 0.5), "reconstructed": (0.6, 0.6, 0.25)},
}
LARGE = {"n_samples": 20, "prevalence": 0.1}
SMALL = {"n_samples": 10, "prevalence": 0.1}


@pytest.fixture
def source(tmp_path):
    """One cell in full, of the largest data; others that some figures leave out."""
    made = [
        *run("a", FIRST, **POOL, **LARGE, seed=0),
        *run("b", SECOND, **OTHER_POOL, **LARGE, seed=1),
        *run("c", FIRST, **POOL, **SMALL),
        *run("d", FIRST, **POOL, **LARGE | {"prevalence": 0.5}),
        *run("e", FIRST, **POOL, **SMALL | {"prevalence": 0.5}),
        *run("f", FIRST, **POOL, **LARGE | {"prevalence": 0.01}),
    ]
    return written(tmp_path, table(*made))


NAN = float("nan")
# seeds a and b: f1 - reference is -0.3 and 0.2 in training, -0.3 and 0 in validation
CELL = [
    ("train", "batch_mean", 2, 0.7, 0.65, -0.05, 0.25, 0.3, 0.1, MEAN - 0.7),
    ("train", "reconstructed", 2, 0.7, 0.7, 0, 0, 0, 0.15, NAN),
    ("validation", "batch_mean", 2, 0.7, 0.55, -0.15, 0.15, 0.3, -0.075, MEAN - 0.7),
    ("validation", "reconstructed", 2, 0.7, 0.6, -0.1, 0.1, 0.2, -0.025, NAN),
]
# seed a alone, which has no standard error
ALONE = [
    ("train", "batch_mean", 1, 0.7, 0.4, -0.3, NAN, 0.3, -0.1, EXPECTED - 0.7),
    ("train", "reconstructed", 1, 0.7, 0.7, 0, NAN, 0, 0.2, NAN),
    ("validation", "batch_mean", 1, 0.8, 0.5, -0.3, NAN, 0.3, -0.25, EXPECTED - 0.8),
    ("validation", "reconstructed", 1, 0.8, 0.6, -0.2, NAN, 0.2, -0.4, NAN),
]


def assert_table(found, cells):
    """`cells`: the settings of each cell and its rows."""
    expected = [(*settings, *row) for settings, of_cell in cells for row in of_cell]
    expected = pd.DataFrame(expected, columns=COLUMNS)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["error_vs_batch_size", "error_vs_imbalance"])
def test_over_batch_size_and_imbalance_at_the_largest_data(source, name):
    assert_table(
        figures.table(name, [source]),
        [((20, 2, 0.01), ALONE), ((20, 2, 0.1), CELL), ((20, 2, 0.5), ALONE)],
    )


def test_over_the_size_of_the_data_at_the_rarest_class_that_all_sizes_have(source):
    found = figures.table("error_vs_dataset_size", [source])
    assert_table(found, [((10, 2, 0.1), ALONE), ((20, 2, 0.1), CELL)])


def test_the_largest_and_the_rarest_are_those_of_each_data_set(tmp_path):
    cells = {
        "a": [(10, 0.5), (20, 0.5), (20, 0.1), (10, 0.1), (20, 0.01)],
        "b": [(5, 0.2), (3, 0.2), (5, 0.5)],
    }
    made = [
        {"run_id": f"{name}{n}{p}", "dataset": name, "n_samples": n, "prevalence": p}
        for name, of_set in cells.items()
        for n, p in of_set
    ]
    rows = pd.concat([table(*made, split=split) for split in ("train", "validation")])
    path = written(tmp_path, rows)

    def found(name):
        cells = figures.table(name, [path])[["dataset", "n_samples", "prevalence"]]
        return sorted(set(cells.itertuples(index=False, name=None)))

    largest = [("a", 20, 0.01), ("a", 20, 0.1), ("a", 20, 0.5), ("b", 5, 0.2), ("b", 5, 0.5)]
    assert found("error_vs_imbalance") == found("error_vs_batch_size") == largest
    rarest = [("a", 10, 0.1), ("a", 20, 0.1), ("b", 3, 0.2), ("b", 5, 0.2)]
    assert found("error_vs_dataset_size") == rarest


def a_table(*rows):
    """A figure's table of these rows: settings and numbers."""
    common = dict.fromkeys(COLUMNS, NAN) | {"n_samples": 20, "prevalence": 0.1, "n_runs": 3}
    return pd.DataFrame([common | row for row in rows])


TWO = [
    {"batch_size": size, "split": split, "strategy": strategy, "true_f1": true_f1}
    | {"error": error, "error_se": 0.01, "worst_error": abs(error), "expected_error": -0.25}
    for size, strategy, true_f1, error in (
        (8, "batch_mean", 0.9, -0.3),
        (32, "batch_mean", 0.5, -0.1),
        (128, "batch_mean", 0.499, -0.9),
        (8, "reconstructed", 0.9, 0.0),
        (32, "reconstructed", 0.5, 1e-9),
        (128, "reconstructed", 0.499, 0.5),
    )
    for split in ("train", "validation")
]


def test_what_is_drawn_are_the_cells_that_learned():
    figure, _ = pictures.laid_out(figures.module("error_vs_batch_size").draw, a_table(*TWO))
    above, below = figure.axes[0], figure.axes[2]
    naive = above.containers[0].lines[0]
    assert naive.get_xydata().tolist() == [[8, -0.3], [32, -0.1]]
    expectation = above.lines[1]
    assert expectation.get_xydata().tolist() == [[8, -0.25], [32, -0.25]]
    (bar,) = above.containers[0].lines[2]
    ends = [segment[:, 1].tolist() for segment in bar.get_segments()]
    np.testing.assert_allclose(ends, [[-0.31, -0.29], [-0.11, -0.09]], atol=1e-12)
    rebuilt = [line.get_xydata().tolist() for line in above.lines if line.get_marker() == "s"]
    assert rebuilt == [[[8, 0.0], [32, 1e-9]]]
    assert [text.get_text() for text in below.texts] == [
        "Largest error of a run:",
        "0.30   batch mean (naive)",
        r"$1\times10^{-9}$   reconstructed from counts",
    ]
    assert [text.get_text() for text in above.texts] == ["10 %"]
    assert above.texts[0].xy == (8, -0.3)
    assert above.get_xlabel() == "batch size (samples)"


def conclusion(*rows, x="batch_size"):
    return _line_words.conclusion(a_table(*rows), x)


def test_the_conclusion_is_the_largest_error_with_its_sign():
    naive = [row for row in TWO if row["strategy"] == "batch_mean"]
    counts = [row for row in TWO if row["strategy"] == "reconstructed"]
    low = "Averaged over batches, F1 comes out up to 90 points too low"
    assert conclusion(*naive, *counts[:4]) == f"{low}; rebuilt from counts it is exact"
    assert conclusion(*naive, *counts) == low
    high = [row | {"error": -row["error"]} for row in naive]
    assert conclusion(*high) == low.replace("low", "high")
    assert conclusion(*counts[:4]) == "Rebuilt from counts F1 is exact"
    assert conclusion(*counts) == "No strategy averages over batches"
    rounded = [row | {"worst_error": 1e-6} for row in counts]
    assert conclusion(*rounded) == "Rebuilt from counts F1 is exact"
    assert conclusion(*naive, *rounded) == f"{low}; rebuilt from counts it is exact"
    falling = naive[:4]
    assert conclusion(*falling) == "Small batches make the logged F1 up to 30 points too low"


def test_the_conclusion_says_how_the_error_goes_along_the_axis():
    def naive(x, errors):
        rows = [{x: i + 1, "error": e, "strategy": "batch_mean"} for i, e in enumerate(errors)]
        return [row | {"worst_error": abs(row["error"])} for row in rows]

    rare = "The rarer the positives, the more the logged F1 is off: up to 50 points too low"
    plain = "Averaged over batches, F1 comes out up to 50 points too low"
    flat = "More data does not help: the logged F1 stays up to 41 points too low"
    for x, errors, said in (
        ("prevalence", (-0.5, -0.1), rare),
        ("prevalence", (-0.1, -0.5), plain),
        ("n_samples", (-0.5, -0.45, -0.41), flat),
        ("n_samples", (-0.5, -0.45, -0.39), plain),
        ("n_samples", (-0.5,), plain),
    ):
        assert conclusion(*naive(x, errors), x=x) == said


@pytest.mark.parametrize(
    ("error", "said"), [(0, "0"), (0.736, "0.74"), (2e-16, r"$2\times10^{-16}$"), (NAN, "nan")]
)
def test_the_size_of_an_error_is_short(error, said):
    assert _line_words.size(error) == said
