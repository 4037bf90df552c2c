"""Regret of choosing by a logged value: a row per decision, unit and way of choosing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchf1.errors import check
from batchf1.metrics.arithmetic import dot, safe_divide
from batchf1.metrics.counts import Counts, Floats
from batchf1.metrics.ratios import F1, PRECISION, RECALL, Ratio
from batchf1.studies.decisions.options import Options
from batchf1.studies.decisions.rows import EMPTY, LOGGED, TEST, VALIDATION
from batchf1.theory.expectation import expected_f1

RATIOS = ("f1", "precision", "recall")
NUMBERS = [
    *("regret", "different"),
    *(f"{name}_{whose}" for name in RATIOS for whose in ("true", "chosen")),
    *("regret_of_true", "largest_true", "largest_chosen"),
]
"""What `regrets` measures of each choice."""

KEY = ["decision", "model", "class_weight"]
COLUMNS = [*KEY, "dataset", "prevalence", "seed", "validation_batch_size", "empty", "chosen_by"]
COLUMNS += NUMBERS

Cut = tuple[int, str]
"""Size of validation batches, and what an empty one counts: a key of `rows.EMPTY`."""


class Values(NamedTuple):
    """Values to choose by, for each row of a table: true F1, and F1 by batch size and rule.

    `expected` is the exact expectation of `logged`; NaN in rows that no decision uses.
    """

    table: pd.DataFrame
    true: Floats
    logged: dict[Cut, Floats]
    expected: dict[Cut, Floats]


class Way(NamedTuple):
    """Way of choosing: by the best of these values."""

    chosen_by: str
    size: float
    empty: str
    values: Floats
    mode: str = "max"


def cuts(columns: Iterable[str]) -> dict[Cut, str]:
    """Return the columns of logged values among these names."""
    matches = (re.match(LOGGED, name) for name in columns)
    return {(int(match[1]), match[2]): match[0] for match in matches if match}


def values(table: pd.DataFrame, options: list[Options]) -> Values:
    """Return the true, the logged and the expected value of each row that is an option.

    Parameters
    ----------
    table
        Table of a study of decisions: `rows.EPOCHS`.
    options
        Decisions whose rows need an expectation, which takes longest.

    Returns
    -------
    Values
        float64, in the order of the table.
    """
    logged = {cut: table[name].to_numpy(np.float64) for cut, name in cuts(map(str, table)).items()}
    parts = [np.unique(option.rows) for option in options]
    used = np.unique(np.concatenate([np.zeros(0, np.intp), *parts]))
    counts = [table[name].to_numpy(np.int64) for name in VALIDATION]
    pools = Counts(*(count[used] for count in counts))
    expected = {cut: np.full(len(table), np.nan) for cut in logged}
    for (size, empty), of_cut in expected.items():
        of_cut[used] = expected_f1(pools, size, "per_batch", EMPTY[empty])
    return Values(table, ratio(F1, table, VALIDATION), logged, expected)


def ratio(
    metric: Ratio, table: pd.DataFrame, columns: Sequence[str], undefined: float = 0.0
) -> Floats:
    """Return a metric of the counts in four columns, for each row.

    Parameters
    ----------
    metric
        Ratio of counts.
    table
        Any table with these columns.
    columns
        Names of tp, fp, fn and tn, such as `rows.VALIDATION`.
    undefined
        Value of 0/0.
    """
    counts = [table[name].to_numpy(np.float64) for name in columns]
    return safe_divide(dot(metric.top, counts), dot(metric.bottom, counts), undefined)


def regrets(options: list[Options], row_values: Values) -> pd.DataFrame:
    """Return the regret of each decision, unit and way of choosing, against the true F1.

    Parameters
    ----------
    options
        Decisions, as `options.decisions` returns them.
    row_values
        Values to choose by, of all rows of the table, as `values` returns them.

    Returns
    -------
    DataFrame
        `COLUMNS`. The true F1 is that of all validation samples; the `NUMBERS` are of the test
        split, precision NaN without a predicted positive. `validation_batch_size` and `empty` are
        missing where they do not matter: the size where each option has its own, both where the
        loss decides.

    Raises
    ------
    InputError
        For a training batch size in which no run is validated.
    """
    scores = {
        "f1": ratio(F1, row_values.table, TEST),
        "precision": ratio(PRECISION, row_values.table, TEST, np.nan),
        "recall": ratio(RECALL, row_values.table, TEST),
    }
    parts = [
        _outcome(option, way, row_values, scores)
        for option in options
        for way in _ways(option, row_values)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def _ways(option: Options, row_values: Values) -> Iterator[Way]:
    for chosen_by, by_cut in {"logged": row_values.logged, "expected": row_values.expected}.items():
        if option.own:
            for empty, mixed in _own(row_values.table, by_cut).items():
                yield Way(chosen_by, np.nan, empty, mixed)
        else:
            for (size, empty), of_cut in by_cut.items():
                yield Way(chosen_by, size, empty, of_cut)
    if option.decision != "threshold":  # on which the loss does not depend
        yield Way("loss", np.nan, "", row_values.table["val_loss"].to_numpy(np.float64), "min")


def _own(table: pd.DataFrame, by_cut: dict[Cut, Floats]) -> dict[str, Floats]:
    """Return, by value of empty batches, each row's value at its training batch size."""
    own, sizes = table["batch_size"].to_numpy(), {size for size, _ in by_cut}
    strange = sorted({int(size) for size in own[table["role"] == "candidate"]} - sizes)
    rule = f"must have training batch sizes that are validated in, {sorted(sizes)}"
    check(not strange, "candidates", rule, strange)
    mixed = {empty: np.full(len(table), np.nan) for _, empty in by_cut}
    for (size, empty), of_cut in by_cut.items():
        mixed[empty][own == size] = of_cut[own == size]
    return mixed


def _outcome(
    option: Options, way: Way, row_values: Values, scores: dict[str, NDArray[np.float64]]
) -> pd.DataFrame:
    """Return what is chosen in each unit, and what the true F1 would have chosen."""
    indices = {
        "true": option.indices(row_values.true),
        "chosen": option.indices(way.values, way.mode),
    }
    rows = {whose: option.at(index) for whose, index in indices.items()}
    numbers = {f"{name}_{whose}": scores[name][rows[whose]] for name in RATIOS for whose in rows}
    best = scores["f1"][option.rows].max(axis=1)
    numbers["regret"] = numbers["f1_true"] - numbers["f1_chosen"]
    numbers["different"] = (indices["true"] != indices["chosen"]).astype(np.float64)
    numbers["regret_of_true"] = best - numbers["f1_true"]
    for whose, row in rows.items():
        numbers[f"largest_{whose}"] = _largest(option, row_values.table, row)
    labels = {"validation_batch_size": way.size, "empty": way.empty, "chosen_by": way.chosen_by}
    names = dict(zip(KEY, option[:3], strict=True))
    columns: dict[str, Any] = names | labels | numbers
    return option.units.assign(**columns)[COLUMNS]


def _largest(option: Options, table: pd.DataFrame, rows: NDArray[np.intp]) -> Floats:
    """Return 1 where the largest training batch size is chosen, NaN if options have one size."""
    if not option.own:
        return np.full(len(rows), np.nan)
    sizes = table["batch_size"].to_numpy()
    return np.asarray(sizes[rows] == sizes[option.rows].max(axis=1), np.float64)
