"""Options of each decision (threshold, class weight, epoch, search), and the rule of choice.

A table is one of the study of decisions: a row per run, epoch and threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchf1.errors import check
from batchf1.sweep.schema import last_epoch
from batchf1.training.selection import best, checkpoint, early_stopping

UNIT = ["dataset", "prevalence", "seed"]
"""Within one of these all options share data, order and seeds."""
PLAIN = 0.5
"""The threshold wherever it is not what is chosen."""
PATIENCES = (3, 5)
SEARCHES = (16, 32)
WEIGHTED = 10.0
"""The class weight of the weighted models."""

Choose = Callable[..., NDArray[np.intp]]
"""Of values (units, options), and `max` or `min`: the place of the option taken in each unit."""


class Options(NamedTuple):
    """Options of a decision, as many in each of several units.

    `units`: dataset, prevalence and seed, a row a unit. `rows`: (units, options), numbers of rows
    of the table, in the order in which `choose` sees them. `own`: whether each option is validated
    in the batch size that it was trained in.
    """

    decision: str
    model: str
    class_weight: str
    units: pd.DataFrame
    rows: NDArray[np.intp]
    choose: Choose
    own: bool = False

    def indices(self, values: NDArray[np.float64], mode: str = "max") -> NDArray[np.intp]:
        """Return the index of the chosen option in each unit."""
        return self.choose(values[self.rows], mode=mode)

    def at(self, indices: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the row of the table at an index in each unit."""
        return np.take_along_axis(self.rows, indices[:, None], axis=1)[:, 0]


def decisions(table: pd.DataFrame) -> list[Options]:
    """Return every decision with at least two options.

    Parameters
    ----------
    table
        Table of a study of decisions, whose index counts its rows.

    Returns
    -------
    list of Options
        Thresholds, epochs, class weights, searches, and pairs of models, in this order.

    Raises
    ------
    InputError
        Where some units of a decision have more options than others.
    """
    plain = table[table["threshold"] == PLAIN]
    last = last_epoch(plain)
    all_options = [_thresholds(last_epoch(table)), _epochs(plain), _class_weights(last)]
    all_options += [_searches(last), _two_models(last)]
    return [options for of_kind in all_options for options in of_kind if options.rows.shape[1] > 1]


def among(
    rows: pd.DataFrame, order: str, names: tuple[str, str, str], choose: Choose, own: bool = False
) -> Options:
    """Return the decision between some rows of a table in each unit.

    Parameters
    ----------
    rows
        The options of all units.
    order
        Column that orders the options of a unit.
    names
        The decision, its model and its class weight.
    choose
        Rule of choice.
    own
        Whether each option is validated in the batch size that it was trained in.

    Raises
    ------
    InputError
        Where some units have more options than others.
    """
    rows = rows.sort_values([*UNIT, order], kind="stable")
    sizes = rows.groupby(UNIT).size()
    n_options = sorted(set(sizes)) or [0]
    rule = "must have as many options in each dataset, prevalence and seed"
    check(len(n_options) == 1, f"decision {names[0]}", rule, list(map(int, n_options)))
    units = sizes.index.to_frame(index=False)
    indices = rows.index.to_numpy(np.intp).reshape(len(units), n_options[0])
    return Options(*names, units, indices, choose, own)


def _of(rows: pd.DataFrame, role: str, class_weight: float | None = None) -> pd.DataFrame:
    mask = rows["role"] == role
    if class_weight is not None:
        mask &= rows["training.class_weight"] == class_weight
    return rows[mask]


def _thresholds(last: pd.DataFrame) -> Iterator[Options]:
    for role in ("network", "logistic"):
        names = ("threshold", role, "1")
        yield among(_of(last, role, 1.0), "threshold", names, best)


def _epochs(plain: pd.DataFrame) -> Iterator[Options]:
    ways: dict[str, Choose] = {"checkpoint": checkpoint}
    for patience, (name, restore) in product(PATIENCES, {"best": True, "last": False}.items()):
        stop = partial(early_stopping, patience=patience, restore_best=restore)
        ways[f"early_stopping_{patience}_{name}"] = stop
    for (decision, choose), weight in product(ways.items(), (1.0, WEIGHTED)):
        names = (decision, "network", f"{weight:g}")
        yield among(_of(plain, "network", weight), "epoch", names, choose)


def _class_weights(last: pd.DataFrame) -> Iterator[Options]:
    names = ("class_weight", "network", "")
    yield among(_of(last, "network"), "training.class_weight", names, best)


def _searches(last: pd.DataFrame) -> Iterator[Options]:
    candidates = _of(last, "candidate")
    for n in SEARCHES:
        some = candidates[candidates["candidate"] < n]
        yield among(some, "candidate", (f"search_{n}", "candidate", ""), best)
    names = (f"search_{n}_own", "candidate", "")
    yield among(some, "candidate", names, best, own=True)


def _two_models(last: pd.DataFrame) -> Iterator[Options]:
    """Yield the decisions between a logistic regression, which wins ties, and a network."""
    weights = (1.0, WEIGHTED)
    for ours, theirs in ((1.0, 1.0), (WEIGHTED, WEIGHTED), weights, weights[::-1]):
        both: list[Any] = [_of(last, "logistic", theirs), _of(last, "network", ours)]
        names = ("two_models", "network v logistic", f"{ours:g} v {theirs:g}")
        yield among(pd.concat(both), "role", names, best)
