"""What figures/cost.csv has of each strategy, on a processor in batches of 512."""

from pathlib import Path

import pandas as pd

from templates.common import claim, figure

LIGHT = ("batch_mean", "reconstructed", "streaming")
"""Strategies that keep a few numbers."""


def cells(root: Path, engine: str, *, largest: bool = False) -> pd.DataFrame:
    """Return the cells of an engine with the fewest rows, or the most, by strategy."""
    table = _of_512(root)
    found = table[(table["row"] == "cell") & (table["engine"] == engine)]
    n_rows = found["n_rows"].max() if largest else found["n_rows"].min()
    return found[found["n_rows"] == n_rows].set_index("strategy")


def smallest_cells(root: Path) -> pd.DataFrame:
    """Return the cells of ordinary `fit` with the fewest rows, by strategy."""
    found = cells(root, "plain")
    none = found.loc["none", "epoch_ratio"]
    claim(0.7 < none < 1.4, "no strategy beside none takes as long", none)
    return found


def grown_bytes(root: Path) -> pd.Series:
    """Return by how many bytes a row the peak memory grows, by strategy."""
    slopes = _of_512(root).query("row == 'slope'")
    # `blocks` reaches far more rows, where it was measured
    plain = (slopes["engine"] == "plain") == (slopes["strategy"] == "epoch_end_arrays")
    return slopes[plain].set_index("strategy")["grown_bytes_per_row"]


def check_memory(root: Path) -> None:
    """Check that only predicting arrays needs memory that grows with the rows."""
    grown = grown_bytes(root)
    small = max(grown[name] for name in (*LIGHT, "epoch_end"))
    claim(small < 0.5, "less than half a byte a row", small)
    arrays = grown["epoch_end_arrays"]
    claim(370 <= arrays <= 450, "predicting arrays takes about 400 bytes a row", arrays)


def ratio(cell: pd.Series) -> str:
    """Return the ratio of an epoch's time, with its range where several processes measured it."""
    low, high = (f"{cell[f'epoch_ratio_{end}']:.2f}" for end in ("min", "max"))
    return f"{cell['epoch_ratio']:.2f}" + (f" ({low} to {high})" if low != high else "")


def _of_512(root: Path) -> pd.DataFrame:
    table = figure(root, "cost")
    return table[(table["device"] == "cpu") & (table["batch_size"] == 512)]
