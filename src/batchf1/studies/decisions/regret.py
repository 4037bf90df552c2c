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
    found = (re.match(LOGGED, name) for name in columns)
    return {(int(match[1]), match[2]): match[0] for match in found if match}


def values(table: pd.DataFrame, options: list[Options]) -> Values:
    """Return the true, the logged and the expected value of each row that is an option."""
    logged = {cut: table[name].to_numpy(np.float64) for cut, name in cuts(map(str, table)).items()}
    parts = [np.unique(option.rows) for option in options]
    used = np.unique(np.concatenate([np.zeros(0, np.intp), *parts]))
    counts = [table[name].to_numpy(np.int64) for name in VALIDATION]
    pools = Counts(*(count[used] for count in counts))
    expected = {cut: np.full(len(table), np.nan) for cut in logged}
    for (size, empty), found in expected.items():
        found[used] = expected_f1(pools, size, "per_batch", EMPTY[empty])
    return Values(table, ratio(F1, table, VALIDATION), logged, expected)


def ratio(
    metric: Ratio, table: pd.DataFrame, columns: Sequence[str], undefined: float = 0.0
) -> Floats:
    """Return a metric of the counts in these columns, for each row."""
    counts = [table[name].to_numpy(np.float64) for name in columns]
    return safe_divide(dot(metric.top, counts), dot(metric.bottom, counts), undefined)


def regrets(options: list[Options], known: Values) -> pd.DataFrame:
    """Return a row per decision, unit and way of choosing, with its regret against the true F1.

    The true F1 is that of all validation samples; the `NUMBERS` are of the test split, precision
    NaN where nothing is found. `validation_batch_size` and `empty` are missing where they do not
    matter: the size where each option has its own, both where the loss decides.
    """
    scores = {
        "f1": ratio(F1, known.table, TEST),
        "precision": ratio(PRECISION, known.table, TEST, np.nan),
        "recall": ratio(RECALL, known.table, TEST),
    }
    found = [
        _outcome(option, way, known, scores) for option in options for way in _ways(option, known)
    ]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)


def _ways(option: Options, known: Values) -> Iterator[Way]:
    for chosen_by, by_cut in {"logged": known.logged, "expected": known.expected}.items():
        if option.own:
            for empty, mixed in _own(known.table, by_cut).items():
                yield Way(chosen_by, np.nan, empty, mixed)
        else:
            for (size, empty), found in by_cut.items():
                yield Way(chosen_by, size, empty, found)
    if option.decision != "threshold":  # on which the loss does not depend
        yield Way("loss", np.nan, "", known.table["val_loss"].to_numpy(np.float64), "min")


def _own(table: pd.DataFrame, by_cut: dict[Cut, Floats]) -> dict[str, Floats]:
    """Return, by value of empty batches, each row's value at its training batch size."""
    own, sizes = table["batch_size"].to_numpy(), {size for size, _ in by_cut}
    strange = sorted({int(size) for size in own[table["role"] == "candidate"]} - sizes)
    rule = f"must have training batch sizes that are validated in, {sorted(sizes)}"
    check(not strange, "candidates", rule, strange)
    mixed = {empty: np.full(len(table), np.nan) for _, empty in by_cut}
    for (size, empty), found in by_cut.items():
        mixed[empty][own == size] = found[own == size]
    return mixed


def _outcome(
    option: Options, way: Way, known: Values, scores: dict[str, NDArray[np.float64]]
) -> pd.DataFrame:
    """Return what is chosen in each unit, and what the true F1 would have chosen."""
    places = {"true": option.places(known.true), "chosen": option.places(way.values, way.mode)}
    rows = {whose: option.at(place) for whose, place in places.items()}
    found = {f"{name}_{whose}": scores[name][rows[whose]] for name in RATIOS for whose in rows}
    best = scores["f1"][option.rows].max(axis=1)
    found["regret"] = found["f1_true"] - found["f1_chosen"]
    found["different"] = (places["true"] != places["chosen"]).astype(np.float64)
    found["regret_of_true"] = best - found["f1_true"]
    for whose, row in rows.items():
        found[f"largest_{whose}"] = _largest(option, known.table, row)
    labels = {"validation_batch_size": way.size, "empty": way.empty, "chosen_by": way.chosen_by}
    names = dict(zip(KEY, option[:3], strict=True))
    columns: dict[str, Any] = names | labels | found
    return option.units.assign(**columns)[COLUMNS]


def _largest(option: Options, table: pd.DataFrame, rows: NDArray[np.intp]) -> Floats:
    """Return 1 where the largest training batch size is chosen, NaN if options have one size."""
    if not option.own:
        return np.full(len(rows), np.nan)
    sizes = table["batch_size"].to_numpy()
    return np.asarray(sizes[rows] == sizes[option.rows].max(axis=1), np.float64)
