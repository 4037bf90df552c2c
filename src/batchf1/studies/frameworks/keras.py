"""Rows of the Keras versions: their logs for a metric function, and the rules that explain these.

`batchf1 workflow probe keras224|tf_keras|keras` prints one framework's rows as JSON, and
`batchf1 workflow probe --write docs` measures all three and writes `docs/averaging.csv` and the
tables of `docs/averaging.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from batchf1.errors import check
from batchf1.metrics.averaging import average
from batchf1.metrics.counts import Floats, Integers
from batchf1.metrics.ratios import F1
from batchf1.programs.environments import Program, output_of
from batchf1.programs.example import (
    BATCH_SIZE,
    BATCHES,
    LABELS,
    SCORES,
    WEIGHTS,
)
from batchf1.programs.keras_metrics import MARGINS, names
from batchf1.studies.frameworks.rows import (
    CASE,
    FRAMEWORKS,
    RULES,
    TOLERANCE,
    MetricRow,
)


def measure(framework: str) -> list[MetricRow]:
    """Measure a framework in a fresh process; takes some 20 seconds.

    Parameters
    ----------
    framework
        One of `rows.FRAMEWORKS`.

    Returns
    -------
    list of MetricRow
        In the order of `docs/averaging.csv`.

    Raises
    ------
    InputError
        For another name, or where the framework cannot be used.
    """
    check(framework in FRAMEWORKS, "framework", f"must be one of {tuple(FRAMEWORKS)}", framework)
    output = output_of(framework, Program("keras_metrics", argument=framework))
    version = output["version"]
    return judged(MetricRow(framework, version, **case) for case in output["cases"])


def judged(rows: Iterable[MetricRow]) -> list[MetricRow]:
    """Return the rows with their F1, rule, verdict and precision, rounded."""
    return [_rounded(row) for row in _with_precision(_with_rule(list(map(_judged, rows))))]


def _judged(row: MetricRow) -> MetricRow:
    """Return the row with its F1, the true F1, and whether they agree."""
    n = BATCHES[row.batches]
    each, weights = spread("per_sample", n), _weights(row)
    true, weighted = (
        _f1(*(float(np.sum(each[name] * w)) for name in MARGINS)) for w in (np.ones(n), weights)
    )
    row = replace(row, true_f1=true, weighted_f1=weighted)
    if row.raises:
        return row
    value = _logged(row)[0] if row.returned == "f1" else _f1(*_logged(row))
    targets = {"unweighted": true, "weighted": weighted}
    equal = [name for name, target in targets.items() if abs(value - target) <= TOLERANCE]
    return replace(row, f1=value, exact=[*equal, "no"][0])


def _f1(tp: float, predicted: float, positives: float) -> float:
    return float(F1.from_margins(tp, positives, predicted))


def _weights(row: MetricRow) -> Floats:
    n, weights = BATCHES[row.batches], WEIGHTS[row.weights][1]
    return np.ones(n) if weights is None else weights[:n].astype(np.float64)


def spread(returned: str, n: int) -> dict[str, Floats]:
    """Return the values of a metric function on the example, spread over the samples.

    Parameters
    ----------
    returned
        What the function returns: one of `RETURNED`.
    n
        Number of the example's samples, from the first.

    Returns
    -------
    dict
        Name -> (n,) float64; a scalar of a batch stands at each of its samples.
    """
    y, d = LABELS[:n].astype(np.float64), SCORES[:n].astype(np.float64)
    each = dict(zip(MARGINS, (y * d, d, y), strict=True))
    if returned == "per_sample":
        return each
    sizes = _sizes(n)
    sums = {name: _by_batch(values) for name, values in each.items()}
    if returned == "f1":
        sums = {"f1": 2 * sums["tp"] / (sums["predicted_positives"] + sums["positives"])}
    scale = sizes if returned == "mean" else np.ones_like(sizes)
    return {name: np.repeat(values / scale, sizes) for name, values in sums.items()}


def by_rules(values: Floats, weights: Floats) -> dict[str, float]:
    """Return what each of `RULES` logs.

    Parameters
    ----------
    values, weights
        Of the samples, (n,) float64.
    """
    sizes = _sizes(len(values))
    means, weighted = _by_batch(values) / sizes, _by_batch(values * weights)
    nonzero = _by_batch((weights != 0).astype(np.float64))
    return {
        "per_batch": float(average(means, sizes, "per_batch")),
        "per_sample": float(average(means, sizes, "size_weighted")),
        "per_weight": float(weighted.sum() / weights.sum()),
        "per_nonzero_weight": float(average(weighted / nonzero, sizes, "size_weighted")),
    }


def _sizes(n: int) -> Integers:
    return np.diff(np.append(np.arange(0, n, BATCH_SIZE), n))


def _by_batch(values: Floats) -> Floats:
    return np.add.reduceat(values, np.arange(0, len(values), BATCH_SIZE))


def _with_rule(rows: list[MetricRow]) -> list[MetricRow]:
    """Return the rows with the first rule that explains all numbers of a case."""
    fitting = {case: list(RULES) for case in map(_case, rows)}
    for row in rows:
        for name, values in spread(row.returned, BATCHES[row.batches]).items():
            logged, rules = getattr(row, name), by_rules(values, _weights(row))
            left = fitting[_case(row)]
            fitting[_case(row)] = [
                r for r in left if row.raises or abs(rules[r] - logged) <= TOLERANCE
            ]
    return [replace(r, rule="" if r.raises else [*fitting[_case(r)], "other"][0]) for r in rows]


def _case(row: MetricRow) -> tuple[str, ...]:
    return tuple(getattr(row, name) for name in CASE)


def _with_precision(rows: list[MetricRow]) -> list[MetricRow]:
    """Return the rows with the precision of their call and split, inferred from the logs."""

    def part(row: MetricRow) -> tuple[str, str]:
        return row.call, row.split

    finer = {part(row) for row in rows for v in _logged(row) if float(np.float32(v)) != v}
    return [
        replace(r, precision="" if r.raises else "float64" if part(r) in finer else "float32")
        for r in rows
    ]


def _logged(row: MetricRow) -> list[float]:
    return [] if row.raises else [getattr(row, name) for name in names(row.returned)]


def _rounded(row: MetricRow) -> MetricRow:
    """Return the row rounded to seven digits, as further digits differ between machines."""
    numbers = {name: v for name, v in asdict(row).items() if isinstance(v, float)}
    rounded: dict[str, Any] = {name: round(value, 7) for name, value in numbers.items()}
    return replace(row, **rounded)
