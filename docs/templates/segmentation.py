"""Numbers of docs/segmentation.md, from figures/segmentation.csv."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from batchf1.studies.segmentation.config import LARGE, SMALL, SegmentationStudy
from batchf1.studies.segmentation.schema import EMPTY_0, EMPTY_1, LEFT_OUT, SOFT
from batchf1.sweep.grid import load_study
from templates.common import claim, figure, minus, only, table_rows

SIZE = 8
"""Batch size of the mean over batches in the table."""


def context(root: Path) -> dict[str, object]:
    """Compute the table and the sentences, and check what the page concludes from them."""
    table = figure(root, "segmentation")
    study = load_study(root / "experiments/segmentation.yaml", SegmentationStudy)
    _check(table, study)
    logged = table.dropna(subset="logged")
    random = logged[logged["batch_size"].between(2, study.n_validation - 1)]
    inside = float(random["inside"].mean())
    claim(inside > 0.9, "the logs lie within their intervals", inside)
    return {
        "study": study,
        "model": {name: _model(table, name) for name in (LARGE, SMALL)},
        "numbers": table_rows(_numbers(table, study)),
        "inside": inside,
        "n_logs": int((random["n_seeds"]).sum()),
        "deviation": logged["deviation"].max(),
        "crossing": _crossing(table),
        "prefers": {
            "pooled": _pairs(table, study, LARGE, study.n_validation),
            "image_mean": _pairs(table, study, SMALL, 1),
        },
    }


def _model(table: pd.DataFrame, name: str) -> pd.Series:
    return only(table, model=name, dice=EMPTY_0, batch_size=1)


def _pairs(table: pd.DataFrame, study: SegmentationStudy, model: str, size: int) -> int:
    """Return the number of pairs in which a model has the higher mean over batches of a size."""
    row = only(table, model=model, dice=EMPTY_0, batch_size=size)
    return round(study.seeds * row["preferred"])


def _numbers(table: pd.DataFrame, study: SegmentationStudy) -> Iterator[list[str]]:
    """Yield a line for each of the four numbers, and its variants."""
    n = study.n_validation
    for words, dice, size in (
        ("pooled Dice: all pixels of all images", EMPTY_0, n),
        ("mean over images; an empty one counts 0", EMPTY_0, 1),
        ("the same, an empty one counts 1", EMPTY_1, 1),
        ("the same, an empty one left out", LEFT_OUT, 1),
        (f"mean over batches of {SIZE}; an empty one counts 0", EMPTY_0, SIZE),
        ("soft Dice of a loss, all images together", SOFT, n),
        (f"soft Dice of a loss, batches of {SIZE}", SOFT, SIZE),
        ("soft Dice of a loss, image by image", SOFT, 1),
    ):
        large, small = (only(table, model=m, dice=dice, batch_size=size) for m in (LARGE, SMALL))
        gap = f"{small['gap']:+.3f} ± {small['gap_se']:.3f}"
        prefers = f"{study.seeds * small['preferred']:.0f} of {study.seeds}"
        yield [words, f"{large['exact']:.3f}", f"{small['exact']:.3f}", minus(gap), prefers]


def _crossing(table: pd.DataFrame) -> dict[str, int]:
    """Return the last batch size at which the model of small objects is ahead, and the next."""
    rows = table[table["dice"] == EMPTY_0].pivot_table("expected", "batch_size", "model")
    ahead = rows[SMALL] > rows[LARGE]
    falls = ahead.iloc[0] and not ahead.iloc[-1] and ahead.is_monotonic_decreasing
    claim(falls, "the order of the models turns once, as batches grow")
    return {"last": int(ahead[ahead].index[-1]), "first": int(ahead[~ahead].index[0])}


def _check(table: pd.DataFrame, study: SegmentationStudy) -> None:
    large, small = (_model(table, name) for name in (LARGE, SMALL))
    claim(large["of_large"] > small["of_large"], "one model is better at large objects")
    claim(small["of_small"] > large["of_small"], "the other is better at small ones")
    apart = [only(table, model=SMALL, dice=dice, batch_size=1) for dice in (EMPTY_1, EMPTY_0)]
    convention = apart[0]["exact"] - apart[1]["exact"]
    models = max(one["gap"] for one in apart)
    claim(convention > models, "conventions are further apart than models", convention)
    claim(table["deviation"].max() <= 1e-6, "every log is the mean over its batches to 1e-6")
    for dice in (EMPTY_0, EMPTY_1, LEFT_OUT):
        image = only(table, model=SMALL, dice=dice, batch_size=1)
        pooled = only(table, model=LARGE, dice=dice, batch_size=study.n_validation)
        for row, words in ((image, "mean over images"), (pooled, "pooled value")):
            sure = row["preferred"] > 0.75 and row["gap"] > 2 * row["gap_se"]
            claim(sure, f"the {words} prefers its model", row["gap"])
