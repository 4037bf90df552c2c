"""The theory beside the runs: the tables of `theory` and `collapse`, worked out by hand."""

import itertools
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from batchf1.figures import collapse, theory
from batchf1.sweep import expected as sweep_expected
from helpers import pictures
from helpers.tables_of_runs import table, written

# In two batches of 2 the mean F1 is 1/3 in 1 of 3 cuts and 1/2 in the others (see
# test_figures_sweep): expected 4/9, variance (1/81 + 2/324) / 3 = 1/162.
POOL = {"tp": 1, "fp": 0, "fn": 1, "tn": 2, "batch_size": 2, "n_batches": 2}
EXPECTED, SD = 4 / 9, 162**-0.5
# TP, FN and TN in batches of 2 and 1. Alone stands TP: F1 0 and 1; FN: 1 and 0; TN: 2/3 and 0.
SHORT = {"tp": 1, "fp": 0, "fn": 1, "tn": 1, "batch_size": 2, "n_batches": 2}
SHORT_EXPECTED = {
    "per_batch": (1 / 2 + 1 / 2 + 1 / 3) / 3,
    "size_weighted": (1 / 3 + 2 / 3 + 4 / 9) / 3,
}
SHORT_SD = {"per_batch": 162**-0.5, "size_weighted": 14**0.5 / 27}


def enumerated(tp, fp, fn, tn, size, averaging):
    """Mean and standard deviation over every order of the samples."""
    samples = [(1, 1)] * tp + [(0, 1)] * fp + [(1, 0)] * fn + [(0, 0)] * tn
    values = []
    for order in itertools.permutations(samples):
        batches = [order[i : i + size] for i in range(0, len(order), size)]
        weights = [1 if averaging == "per_batch" else len(batch) for batch in batches]
        f1s = [
            Fraction(2 * sum(y * p for y, p in batch), max(sum(y + p for y, p in batch), 1))
            for batch in batches
        ]
        pairs = zip(weights, f1s, strict=True)
        values.append(float(sum(w * f for w, f in pairs) / sum(weights)))
    return np.mean(values), np.std(values)


@pytest.mark.parametrize("averaging", ["per_batch", "size_weighted"])
@pytest.mark.parametrize(
    ("cells", "size"), [((1, 0, 1, 1), 2), ((2, 1, 0, 3), 4), ((1, 2, 1, 2), 4), ((0, 1, 2, 2), 3)]
)
def test_the_expectation_is_that_of_all_cuts_by_the_rows_own_rule(cells, size, averaging):
    counts = dict(zip(("tp", "fp", "fn", "tn"), cells, strict=True))
    rows = table(counts, averaging=averaging, batch_size=size, n_batches=-(-sum(cells) // size))
    mean, sd = enumerated(*cells, size, averaging)
    found = sweep_expected.with_expectation(rows).iloc[0]
    assert found["expected_f1"] == pytest.approx(mean, abs=1e-12)
    assert found["sd"] == pytest.approx(sd, abs=1e-7)
    assert sweep_expected.with_expected_f1(rows)["expected_f1"][0] == pytest.approx(mean, abs=1e-12)


def test_the_expectation_of_another_metric():
    """Jaccard is 1/4 in the cut that puts TP beside FN, and 1/2 in the two others."""
    rows = table(POOL)
    found = sweep_expected.with_expectation(rows, "jaccard").iloc[0]
    assert found["expected_f1"] == pytest.approx(5 / 12, abs=1e-12)
    assert found["sd"] == pytest.approx(72**-0.5, abs=1e-7)
    alone = sweep_expected.with_expected_f1(rows, "jaccard")["expected_f1"]
    assert alone.tolist() == pytest.approx([5 / 12], abs=1e-12)


@pytest.mark.parametrize("n_batches", [1, 3])
def test_batches_of_another_size_have_no_expectation(n_batches):
    rows = table(POOL, POOL | {"n_batches": n_batches})
    for found in (sweep_expected.with_expectation(rows), sweep_expected.with_expected_f1(rows)):
        assert found["expected_f1"].isna().tolist() == [False, True]
    assert sweep_expected.with_expectation(rows)["sd"].isna().tolist() == [False, True]
    assert sweep_expected.with_expectation(rows.head(0))["expected_f1"].dtype == np.float64


KEY = ["split", "n_samples", "prevalence", "batch_size", "seed", "epoch"]


def test_every_number_of_the_theory(tmp_path):
    made = [
        {"run_id": "b", "seed": 1, "split": "validation", "f1": 0.6} | POOL,
        {"run_id": "a", "epoch": 2, "split": "validation", "f1": 0.4} | POOL,
        {"run_id": "a", "epoch": 1, "split": "validation", "f1": 0.25} | SHORT,
        {"run_id": "a", "epoch": 1, "split": "train", "f1": 0.7}
        | SHORT
        | {"averaging": "size_weighted"},
        {"run_id": "a", "epoch": 2, "split": "train", "f1": 2 / 3}
        | POOL
        | {"batch_size": 2, "n_batches": 4},
        {"run_id": "c", "split": "train", "f1": 0.9, "strategy": "streaming"} | POOL,
    ]
    rows = table(*made, strategy="batch_mean", n_samples=8, prevalence=0.3)
    rows.loc[5, "strategy"] = "streaming"
    found = theory.table(written(tmp_path, rows))
    sw = SHORT_EXPECTED["size_weighted"], SHORT_SD["size_weighted"]
    expected = [
        ("train", 0, 1, 0.7, *sw, (0.7 - sw[0]) / sw[1]),
        ("train", 0, 2, 2 / 3, *[np.nan] * 3),
        ("validation", 0, 1, 0.25, EXPECTED, SD, (0.25 - EXPECTED) / SD),
        ("validation", 0, 2, 0.4, EXPECTED, SD, (0.4 - EXPECTED) / SD),
        ("validation", 1, 1, 0.6, EXPECTED, SD, 1.979899),
    ]
    numbers = ["f1", "expected_f1", "sd", "residual"]
    expected = pd.DataFrame(expected, columns=["split", "seed", "epoch", *numbers])
    expected = expected.assign(n_samples=8, prevalence=0.3, batch_size=2)
    assert list(found) == [*KEY, *numbers]
    pd.testing.assert_frame_equal(
        found.reset_index(drop=True), expected[[*KEY, *numbers]], rtol=0, atol=6e-7
    )
    assert found["expected_f1"].iloc[-1] == 0.444444  # six decimals
    assert found["residual"].iloc[-1] == 1.979899


def test_no_residual_of_a_deviation_that_is_rounding(tmp_path, monkeypatch):
    sd = {0: 0.0, 1: 0.9e-6, 2: 1.1e-6}
    monkeypatch.setattr(
        theory, "with_expectation", lambda r, _: r.assign(expected_f1=0.4, sd=r["seed"].map(sd))
    )
    made = [{"run_id": f"{i}", "seed": i, "f1": 0.4 + 2.2e-6} for i in sd]
    found = theory.table(written(tmp_path, table(*made, strategy="batch_mean")))
    assert found["residual"].isna().tolist() == [True, True, False]
    assert found["residual"].iloc[2] == pytest.approx(2, abs=1e-6)


def passes(*rows, **common):
    defaults = {"split": "validation", "epoch": 1, "f1": 0.5, "expected_f1": 0.4, "sd": 0.1}
    return pd.DataFrame([defaults | {"residual": 1.0} | common | row for row in rows])


def drawn(module, numbers):
    """A figure, laid out, and its words."""
    return pictures.laid_out(module.draw, numbers)


def test_what_the_theory_draws_and_says():
    numbers = passes(
        {"f1": 0.52, "residual": -1.5},
        {"f1": 0.3, "residual": np.nan, "sd": 0.0},
        {"f1": 0.1, "residual": 9.0},
        {"f1": 0.9, "expected_f1": np.nan, "residual": np.nan},
        {"split": "train", "f1": 0.45},
        {"split": "train", "f1": 0.47},
        {"split": "train", "epoch": 3, "f1": 0.38},
        {"split": "train", "epoch": 3, "f1": 0.9, "expected_f1": np.nan},
    )
    figure, (headline, caption) = drawn(theory, numbers)
    left, right = figure.axes
    assert left.collections[0].get_offsets().tolist() == [[0.4, 0.52], [0.4, 0.3], [0.4, 0.1]]
    filled = [bar.get_x() for bar in right.patches if bar.get_height() > 0]
    np.testing.assert_allclose(filled, [-1.6, 3.8])
    assert [bar.get_height() for bar in right.patches if bar.get_height()] == pytest.approx(
        [2.5] * 2
    )
    assert right.get_title(loc="left") == "Distances: mean +3.75, deviation 7.42"
    assert headline.startswith("The logged F1 differs from what")
    assert caption.startswith(
        "A point is one of 3 validation passes; the line is logged = expected"
    )
    assert "chance alone makes. In training, where weights move" in caption
    assert caption.endswith(
        "lies +6.00 points from the expectation in epoch 1 and \N{MINUS SIGN}2.00 in epoch 3, on "
        "average."
    )


# collapse


def test_every_number_of_the_collapse(tmp_path):
    made = [
        {"run_id": run_id, "seed": seed, "epoch": epoch, "split": split, "strategy": strategy}
        | {"f1": f1, "reference_pooled": true}
        for run_id, seed, epoch, split, strategy, f1, true in (
            ("a", 0, 1, "validation", "batch_mean", 0.1, 0.9),
            ("a", 0, 2, "validation", "batch_mean", 0.4, 0.8),
            ("b", 1, 2, "validation", "batch_mean", 0.42, 0.6),
            ("c", 2, 2, "validation", "batch_mean", 0.3, 0.499),
            ("b", 1, 2, "validation", "streaming", 0.6, 0.6),
            ("a", 0, 2, "train", "batch_mean", 0.35, 0.5),
        )
    ]
    rows = table(*made, batch_size=32, prevalence=0.01, n_samples=500)
    other = table({"run_id": "d", "strategy": "batch_mean", "f1": 0.9, "reference_pooled": 0.75})
    found = collapse.table(written(tmp_path, pd.concat([rows, other])))
    columns = ["n_samples", "batch_size", "prevalence", "split", "n_runs"]
    columns += ["true_f1", "share", "share_se", "positives_per_batch"]
    expected = [
        (10, 4, 0.5, "train", 1, 0.75, 1.2, np.nan, 2.0),
        (500, 32, 0.01, "train", 1, 0.5, 0.7, np.nan, 0.32),
        (500, 32, 0.01, "validation", 2, 0.7, 0.6, 0.1, 0.32),  # shares 0.5 and 0.7
    ]
    pd.testing.assert_frame_equal(
        found, pd.DataFrame(expected, columns=columns), check_dtype=False, rtol=0, atol=1e-12
    )


def cell(**changes):
    numbers = {"n_samples": 100, "prevalence": 0.01, "batch_size": 10, "n_runs": 2}
    numbers |= {"true_f1": 0.8, "share": 0.1, "share_se": 0.01, "positives_per_batch": 0.1}
    return numbers | {"split": "train"} | changes


def test_what_the_collapse_draws_and_says():
    many = cell(split="validation", positives_per_batch=30, share=1.3, batch_size=3000, n_runs=5)
    figure, (headline, caption) = drawn(collapse, pd.DataFrame([cell(), many]))
    ax = figure.axes[0]
    (bars,) = ax.containers[0].lines[2]
    points = [c.get_offsets().tolist() for c in ax.collections if c is not bars]
    assert points == [[[0.1, 0.1]], [[30, 1.3]]]
    assert ax.get_ylim()[1] > 1.3
    assert len(ax.lines) == 4  # three laws, and 1
    ends = ax.lines[0].get_xdata()[[0, -1]]
    assert ends == pytest.approx([0.1, 30])
    # 0.095 = 1 - exp(-0.1), the chance of a positive in a batch, of which 0.95 are found
    assert ax.lines[0].get_ydata()[0] == pytest.approx(0.095, abs=0.01)
    assert ax.lines[0].get_ydata()[-1] == pytest.approx(1, abs=0.01)
    assert headline == "With few positives in a batch, most of F1 is lost, whatever the data's size"
    assert caption.startswith(
        "A point is a combination of data size, prevalence and batch size: 100 samples, "
        "prevalence 1 %, batches of 10 to 3,000:"
    )
    assert "mean and standard error of 2 to 5 trainings with a true F1 of 0.5 or more" in caption
