"""Metrics of all predictions of a network, and their averages over batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchf1.config.seeds import generator
from batchf1.errors import TraceError
from batchf1.metrics.batched import Values
from batchf1.studies.atlas.config import Cell
from batchf1.studies.atlas.metrics import Metric, of_task
from batchf1.studies.atlas.rows import ATLAS
from batchf1.studies.atlas.train import predictions

TOLERANCE = 1e-9


def measure(cell: Cell) -> pd.DataFrame:
    """Train a network and return the rows of its cell; raises `TraceError` as `averages` does."""
    rows = averages(*predictions(cell), of_task(cell.task), cell)
    about = {"cell_id": cell.cell_id, "study": cell.study, "task": cell.task, "seed": cell.seed}
    table = pd.DataFrame([about | row for row in rows])
    return table[list(ATLAS.columns)].sort_values(["metric", "batch_size", "cut"], kind="stable")


def averages(
    y: NDArray[Any], output: NDArray[np.float64], metrics: Sequence[Metric], cell: Cell
) -> Iterator[dict[str, Any]]:
    """Yield, for each metric, batch size and cut, the mean over batches and the pooled value.

    Parameters
    ----------
    y
        Labels (n,).
    output
        Output of a network, (n,) or (n, c), float64.
    metrics
        Metrics of the task.
    cell
        Names that seed the cuts, batch sizes, and the number of cuts.

    Raises
    ------
    TraceError
        Where a metric of batches differs from that of scikit-learn or SciPy: for all samples, and
        of the first cut for the first batch and the first that is undefined.
    """
    pooled = {metric.name: metric.of_all(y, output) for metric in metrics}
    for metric in metrics:
        _hold(metric, metric.of_batches(y[None], output[None]), y[None], output[None])
    for size in cell.batch_sizes:
        for cut in range(cell.cuts):
            order = generator(*cell.names, "cut", size, cut).permutation(len(y)).reshape(-1, size)
            for metric in metrics:
                values = metric.of_batches(y[order], output[order])
                if cut == 0:
                    _hold(metric, values, y[order], output[order])
                row = {"metric": metric.name, "batch_size": size, "cut": cut}
                yield row | average(values) | {"value": pooled[metric.name]}


def average(values: Values) -> dict[str, Any]:
    """Return the mean over the batches with a value, and the other columns of a row."""
    left_out, undefined = np.isnan(values.value), np.flatnonzero(values.undefined)
    return {
        "n_batches": len(left_out),
        "n_undefined": len(undefined),
        "n_left_out": int(left_out.sum()),
        "gives": _given(values.value[undefined[0]]) if len(undefined) else "",
        "batch_mean": float("nan") if left_out.all() else float(np.nanmean(values.value)),
    }


def _given(value: float) -> str:
    """Return the value that undefined batches have, as a word of `rows.GIVES`."""
    if np.isnan(value):
        return "NaN"
    return "0" if value == 0 else "a value"


def _hold(metric: Metric, values: Values, y: NDArray[Any], output: NDArray[np.float64]) -> None:
    """Compare the first and the first undefined batch with scikit-learn or SciPy."""
    for index in {0, int(values.undefined.argmax())}:
        ours, theirs = float(values.value[index]), metric.of_all(y[index], output[index])
        if not np.isclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
            raise TraceError(f"{metric.name}: {ours} by us, {theirs} by scikit-learn or SciPy")
