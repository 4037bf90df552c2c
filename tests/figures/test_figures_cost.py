"""What costs become in their figure, worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from batchf1.errors import InputError
from batchf1.figures import cost as plot
from batchf1.figures import style
from batchf1.records import tables
from batchf1.studies.cost.rows import COST
from helpers import pictures


def test_the_standard_error_of_a_slope_is_that_of_least_squares():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, 20)
    y = 3 * x + rng.normal(size=20)
    value, error = plot.slope(x, y)
    (slope, _), covariance = np.polyfit(x, y, 1, cov=True)
    assert (value, error) == (pytest.approx(slope), pytest.approx(np.sqrt(covariance[0, 0])))
    assert np.isnan(plot.slope([1, 2], [3, 5])[1])


MEASURED = {
    "study": "mini",
    "device": "cpu",
    "model": "tiny",
    "engine": "plain",
    "batch_size": 32,
    "n_samples": 1000,
    "n_rows": 1024,
    "n_epochs": 1,
    "device_peak_bytes": 100.0,
    "f1": 0.5,
}
LARGER = {"n_samples": 3000, "n_rows": 3072}


def measured(strategy, repetition, seconds, beside, start, peak, **more):
    """A row of `COST`: seconds of training and validation, and of the turns without a strategy."""
    times = ("train_seconds", "validation_seconds")
    row = MEASURED | {"strategy": strategy, "repetition": repetition} | more
    row |= dict(zip(times, seconds, strict=True))
    row |= {f"none_{k}": v for k, v in zip(times, beside, strict=True)}
    row |= {"start_bytes": start, "peak_bytes": peak}
    row["cell_id"] = f"{strategy}-{repetition}-{row['n_rows']}-{row['model']}"
    return row | ({"f1": np.nan} if strategy == "none" else {})


ROWS = [
    measured("none", 0, (2.0, 1.0), (1.0, 0.5), 400, 500),
    measured("none", 1, (4.0, 2.0), (4.0, 2.0), 400, 520),
    measured("none", 0, (6.0, 3.0), (6.0, 3.0), 400, 600, **LARGER),
    measured("streaming", 0, (3.0, 1.0), (2.0, 0.8), 390, 530),
    measured("streaming", 1, (5.0, 3.0), (2.5, 2.0), 410, 510, device_peak_bytes=300.0),
    measured("streaming", 0, (9.0, 4.0), (6.0, 4.0), 450, 700, **LARGER),
    measured("epoch_end", 1, (4.0, 4.0), (4.0, 2.0), 400, 540),
]


def of_rows(folder, rows):
    path = folder / "runs.parquet"
    tables.write(pd.DataFrame(rows)[list(COST.columns)], path, COST, {})
    return plot.table(path)


def test_every_number_of_a_cell(tmp_path):
    found = of_rows(tmp_path, ROWS)
    cells = found[found["row"] == "cell"].set_index(["strategy", "n_rows"])
    assert set(cells.index) == {
        *(("none", 1024), ("none", 3072), ("streaming", 1024), ("streaming", 3072)),
        ("epoch_end", 1024),
    }
    cell = cells.loc[("streaming", 1024)]
    ratio = (4 / 2.8, 8 / 4.5)
    assert cell.dropna().drop(["row", *plot.KEY]).to_dict() == pytest.approx(
        {
            "n_samples": 1000,
            "n_runs": 2,
            "extra_passes": 0,
            "train_seconds": 4,
            "train_seconds_sd": 2**0.5,
            "validation_seconds": 2,
            "validation_seconds_sd": 2**0.5,
            "epoch_seconds": 6,
            "epoch_seconds_sd": 8**0.5,
            "peak_bytes": 520,
            "peak_bytes_sd": 200**0.5,
            "extra_bytes": (30 - 10) / 2,
            "extra_bytes_sd": 800**0.5,
            "grown_bytes": (140 + 100) / 2,
            "grown_bytes_sd": 800**0.5,
            "train_ratio": 1.75,  # 1.5 and 2
            "train_ratio_sd": 0.125**0.5,
            "train_ratio_min": 1.5,
            "train_ratio_max": 2,
            "validation_ratio": 1.375,  # 1.25 and 1.5
            "validation_ratio_sd": 0.03125**0.5,
            "validation_ratio_min": 1.25,
            "validation_ratio_max": 1.5,
            "epoch_ratio": sum(ratio) / 2,
            "epoch_ratio_sd": (ratio[1] - ratio[0]) / 2**0.5,
            "epoch_ratio_min": ratio[0],
            "epoch_ratio_max": ratio[1],
            "device_peak_bytes": 200,
        },
        rel=1e-12,
    )
    assert cells.loc[("epoch_end", 1024), "extra_passes"] == 1
    assert cells.loc[("epoch_end", 1024), "extra_bytes"] == 20
    assert cells.loc[("none", 1024), "epoch_ratio"] == pytest.approx((3 / 1.5 + 1) / 2)
    assert cells.loc[("none", 1024), "extra_bytes"] == 0


def test_every_number_of_a_slope(tmp_path):
    found = of_rows(tmp_path, ROWS)
    lines = found[found["row"] == "slope"].set_index("strategy")
    assert list(lines.index) == ["none", "streaming"]  # two sizes
    # two points at 1024 rows and one at 3072, 2048 further; sum of squares about the mean row
    squares = 2 * (2048 / 3) ** 2 + (2 * 2048 / 3) ** 2
    line = lines.loc["streaming"].dropna().drop(["row", *plot.KEY]).to_dict()
    assert line == pytest.approx(
        {
            "n_runs": 3,
            "extra_passes": 0,
            "bytes_per_row": (700 - 520) / 2048,
            "bytes_per_row_se": (200 / squares) ** 0.5,
            "extra_bytes_per_row": (100 - 10) / 2048,
            "extra_bytes_per_row_se": (800 / squares) ** 0.5,
            "grown_bytes_per_row": (250 - 120) / 2048,
            "grown_bytes_per_row_se": (800 / squares) ** 0.5,
            "seconds_per_million_rows": 1e6 * (13 - 6) / 2048,
            "seconds_per_million_rows_se": 1e6 * (8 / squares) ** 0.5,
            # beyond the turns without: 1.2 and 3.5, and 3
            "extra_seconds_per_million_rows": 1e6 * (3 - 2.35) / 2048,
            "extra_seconds_per_million_rows_se": 1e6 * (2 * 1.15**2 / squares) ** 0.5,
        },
        rel=1e-12,
    )


def draw(table):
    return pictures.laid_out(plot.draw, table)


def test_what_is_drawn_of_the_costs(tmp_path):
    rows = [row | {"peak_bytes": row["peak_bytes"] * 10**5} for row in ROWS]
    rows = [row | {"start_bytes": row["start_bytes"] * 10**5} for row in rows]
    figure, (headline, caption) = draw(of_rows(tmp_path, rows))
    left, right = figure.axes
    # by name; the cell with the most runs
    ratios = [bar.get_width() for bar in left.patches]
    np.testing.assert_allclose(ratios, [8 / 6, (4 / 2.8 + 8 / 4.5) / 2])
    np.testing.assert_allclose(left.lines[0].get_xdata(), [4 / 2.8, 8 / 4.5])
    growth = [bar.get_width() for bar in right.patches]
    np.testing.assert_allclose(growth, [np.nan, 13e6 / 2048])
    assert [text.get_text() for text in right.texts] == ["not measured", "6,348"]
    names = [label.get_text() for label in left.get_yticklabels()]
    assert names == ["epoch end, streamed", style.label("streaming")]
    assert headline == "A strategy costs time and memory, beside an epoch without one"
    assert caption.startswith("A bar is the mean of 1 to 2 processes")
    assert caption.endswith("that epochs add over the rows. Data: random rows.")


def test_the_model_with_the_most_cells_on_a_cpu_is_drawn(tmp_path):
    wide = [row | {"model": "wide", "cell_id": f"w{i}"} for i, row in enumerate(ROWS[:2])]
    gpu = [row | {"device": "gpu", "cell_id": f"g{i}"} for i, row in enumerate(ROWS)]
    gpu = [row | {"model": "vast"} for row in gpu]
    table = of_rows(tmp_path, [*ROWS, *wide, *gpu])
    assert plot._plain_model(table[table["device"] == "cpu"]) == "tiny"
    figure, _ = draw(table)
    assert len(figure.axes[0].containers) == 2
    assert draw(of_rows(tmp_path, gpu))[1] == ("Nothing to show", "Nothing was measured on a CPU.")


def test_a_series_without_a_run_to_compare_with_is_refused(tmp_path):
    lonely = [row for row in ROWS if row["strategy"] != "none"]
    with pytest.raises(InputError, match="series must have a run with strategy none; got .*1000"):
        of_rows(tmp_path, lonely)
