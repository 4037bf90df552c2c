"""The atlas: its numbers worked out by hand, and what is drawn of them."""

import numpy as np
import pandas as pd
import pytest

from batchf1.errors import InputError
from batchf1.figures import atlas as plot
from batchf1.records import tables
from batchf1.studies.atlas.rows import ATLAS
from helpers import pictures

SIZES = (8, 16, 32, 64)
LAWS = {
    "accuracy": ("grade", lambda size: 1e-17),
    "F1": ("heavy", lambda size: -8 / size),
    "perplexity": ("grade", lambda size: 4 / size**0.5),
    "ROC AUC": ("heavy", lambda size: 1e-6),
    "R2": ("price", lambda size: 0.3 - 4 / size),
}
NOISE = {"ROC AUC": 0.01}


def made_up(laws=LAWS, seeds=3, noise=NOISE):
    """Rows as if measured: a value a seed, and an error by a law, the same in both cuts."""
    rows = []
    for metric, (task, law) in laws.items():
        for seed in range(seeds):
            value = 1 + 0.1 * seed
            for size in SIZES:
                odd = metric in ("F1", "ROC AUC") and size == 8
                for cut in range(2):
                    wobble = noise.get(metric, 0) * (seed - 1) * (1 + cut)
                    rows.append(
                        {
                            "cell_id": f"{task}-{seed}",
                            "study": "mini",
                            "task": task,
                            "seed": seed,
                            "metric": metric,
                            "batch_size": size,
                            "cut": cut,
                            "n_batches": 64 // size,
                            "n_undefined": 2 * odd,
                            "n_left_out": 2 * (odd and metric == "ROC AUC"),
                            "gives": {"F1": "0", "ROC AUC": "NaN"}[metric] if odd else "",
                            "value": value,
                            "batch_mean": value + law(size) + wobble,
                        }
                    )
    return pd.DataFrame(rows)


def of(folder, rows):
    tables.write(rows, folder / "runs.parquet", ATLAS, {})
    return plot.table(folder / "runs.parquet")


@pytest.fixture
def table(tmp_path):
    return of(tmp_path, made_up())


def test_every_number_of_a_cell(table):
    cell = table[(table["metric"] == "F1") & (table["batch_size"] == 8)].iloc[0]
    assert cell.to_dict() == {
        "task": "heavy",
        "metric": "F1",
        "batch_size": 8,
        "n_seeds": 3,
        "n_cuts": 2,
        "n_samples": 64,
        "value": pytest.approx(1.1),
        "sd": pytest.approx(0.1),
        "error": pytest.approx(-1),
        "error_se": pytest.approx(0, abs=1e-12),
        "error_in_sds": pytest.approx(-10),
        "percent": pytest.approx(-100 / 1.1),
        "undefined": 0.25,
        "left_out": 0,
        "too_low": 1,
        "too_high": 0,
        "gives": "0",
        "verdict": "too low",
        "exponent": pytest.approx(-1),
        "exponent_se": pytest.approx(0, abs=1e-6),
    }
    auc = table[(table["metric"] == "ROC AUC") & (table["batch_size"] == 8)].iloc[0]
    assert (auc["undefined"], auc["left_out"], auc["gives"]) == (0.25, 0.25, "NaN")
    assert (auc["too_low"], auc["too_high"]) == pytest.approx((1 / 3, 2 / 3))
    assert auc["error_se"] == pytest.approx(0.015 / 3**0.5)  # of the networks' means


def test_each_metric_has_its_verdict_and_its_law(table):
    found = table.groupby("metric").first()
    assert found["verdict"].to_dict() == {
        "accuracy": "safe",
        "F1": "too low",
        "perplexity": "too high",
        "ROC AUC": "right on average",
        "R2": "either way",
    }
    assert found.loc["perplexity", "exponent"] == pytest.approx(-0.5)
    assert found.loc[["accuracy", "ROC AUC", "R2"], "exponent"].isna().all()
    assert (table[table["metric"] == "accuracy"]["error"] == 0).all()
    assert table["metric"].drop_duplicates().tolist() == [  # as the study has them
        *("accuracy", "R2", "perplexity", "F1", "ROC AUC")
    ]


def test_the_table_is_as_its_columns_are_described(table):
    tables.validate(table, plot.SCHEMA, "atlas")
    assert list(table) == list(plot.COLUMNS)


@pytest.mark.parametrize("unit", [1e6, 1e-6])
def test_what_rounding_does_to_a_mean_is_no_error_in_any_unit(tmp_path, unit):
    rows = made_up({"R2": LAWS["R2"]})
    value = rows["value"] * unit
    for error, verdict in ((1e-13, "safe"), (1e-9, "too high")):
        found = of(tmp_path, rows.assign(value=value, batch_mean=value * (1 + error)))
        assert set(found["verdict"]) == {verdict}


def test_at_one_batch_size_there_is_a_verdict_and_no_exponent(tmp_path):
    rows = made_up({"F1": LAWS["F1"], "perplexity": LAWS["perplexity"]})
    found = of(tmp_path, rows[rows["batch_size"] == 16])
    assert found["verdict"].tolist() == ["too high", "too low"]
    assert found["exponent"].isna().all()


def test_a_table_that_is_none_of_the_study_is_refused(tmp_path):
    with pytest.raises(InputError, match="must have an empty gives where no batch is undefined"):
        of(tmp_path, made_up().assign(n_undefined=1, n_left_out=0, gives=""))


def test_one_seed_says_nothing(tmp_path):
    with pytest.raises(
        InputError, match="runs.parquet must have at least two seeds of each metric.*got 1"
    ):
        of(tmp_path, made_up(seeds=1))


def drawn(table):
    figure, words = pictures.laid_out(plot.draw, table)
    return figure, words, [text.get_text() for ax in figure.axes for text in ax.texts]


def test_metrics_stand_from_the_safe_ones_to_the_worst(table):
    figure, (headline, caption), texts = drawn(table)
    assert headline == (
        "1 of 5 metrics may be averaged over batches; 1 come out too low, 1 too high, "
        "1 either way, 1 right if defined"
    )
    assert caption.startswith(
        "A cell is the mean of 3 networks a task, each with 64 validation samples in 2"
    )
    places, titles, bottom = plot._places(table)
    ranked = ["accuracy", "ROC AUC", "R2", "F1", "perplexity"]
    assert sorted(places, key=places.get) == ranked
    assert list(titles) == list(plot.BLOCKS)
    assert bottom > max(places.values())
    for words in (*plot.BLOCKS, "R²", "25 %, count 0", "25 %, left out", "safe", "on average"):
        assert words in texts
    assert figure.axes[0].get_xticklabels()[0].get_text() == "8"


def test_a_cell_says_percent_and_has_the_colour_of_its_size_in_seeds(table):
    cells = table.set_index(["metric", "batch_size"])
    low, high = plot.SHADES["too low"], plot.SHADES["too high"]
    for key, said, colour in (
        (("accuracy", 8), "0", plot.FINE),
        (("F1", 8), "\N{MINUS SIGN}91", low[2]),
        (("F1", 64), "\N{MINUS SIGN}11", low[1]),
        (("R2", 8), "\N{MINUS SIGN}18", low[1]),
        (("R2", 64), "+22", high[1]),
        (("perplexity", 8), "+129", high[2]),
        (("ROC AUC", 8), "≈ 0", plot.FINE),
    ):
        assert (plot._said(cells.loc[key]), plot._shade(cells.loc[key])[0]) == (said, colour), key
    small = cells.loc[("F1", 64)].copy()
    small[["error", "percent", "error_in_sds"]] = (-0.0004, -0.04, -0.004)
    assert (plot._said(small), plot._shade(small)[0]) == ("≈ 0", plot.FINE)
    small[["error", "percent", "error_in_sds"]] = (-0.004, -0.4, -0.04)
    assert (plot._said(small), plot._shade(small)[0]) == ("\N{MINUS SIGN}0.4", low[0])


def test_batches_that_give_no_number_at_all_are_said_to_give_none(tmp_path):
    rows = made_up({"ROC AUC": LAWS["ROC AUC"]})
    rows.loc[rows["batch_size"] == 8, ["n_undefined", "n_left_out"]] = 8
    rows.loc[rows["batch_size"] == 8, "batch_mean"] = np.nan
    found = of(tmp_path, rows)
    assert "none" in drawn(found)[2]
    assert plot._shade(found.iloc[0])[0] == "white"
    assert (found["too_low"][0], found["left_out"][0]) == (0, 1)


def test_a_table_without_metrics_is_drawn_as_nothing(table):
    assert drawn(table[:0])[1] == ("Nothing to show", "No metric was measured.")
