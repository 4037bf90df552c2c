"""Which rule made a logged number, and how wrong it is: for any metric, in any loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from batchf1.auditing import report
from batchf1.auditing.averages import matching_rules, mean, number, values_of
from batchf1.auditing.classes import Decision
from batchf1.auditing.random_batches import on_random_cuts
from batchf1.auditing.result import AuditResult
from batchf1.auditing.samples import Function, measured
from batchf1.metrics import checks
from batchf1.metrics.ratios import Metric


def audit(
    metric: Metric | Function,
    batches: Iterable[Any],
    logged: float | str | None = None,
    *,
    threshold: float = 0.5,
    from_logits: bool = False,
    multilabel: bool = False,
    devices: int | Sequence[Any] | None = None,
    cuts: int = 20,
    seed: int = 0,
) -> AuditResult:
    """What each rule of averaging would log for these batches, which one did, and how wrong it is.

    `metric`: a function of (y_true, y_pred) that gives a number, scikit-learn's or your own; or one
    of `batchf1.metrics`, a `Ratio` or an `ClassAveraged`, which is much faster. `batches`: pairs
    (y_true, y_pred) as the loop saw them, gone through once; arrays of one length, of any further
    shape for a function. A `Ratio` takes labels 0 or 1 and scores, (n,) or (n, 1); an
    `ClassAveraged`
    labels of classes, (n,), (n, 1) or one-hot, and as predictions such labels, or scores
    (n, n_classes) of which the largest counts. With `multilabel` it takes labels 0 or 1 and scores
    of each class, (n, n_classes) both.

    `threshold`, for a `Ratio` or with `multilabel`: scores above it are positive. Scores must lie
    in [0, 1], or be logits with `from_logits`; a threshold outside (0, 1) is compared with any
    scores as they are. Decided predictions, 0 or 1, are scores too. A function gets the predictions
    unchanged.

    `logged`: the number as a float, which float32 sums may have put off by a millionth of itself
    (more beyond a thousand batches), or its digits as text, `"0.473"` or `"47.3%"`. `devices`: how
    many took the batches in turn, or the device of each batch.

    On a batch a function is undefined where it gives NaN or scikit-learn's UndefinedMetricWarning,
    or raises `ValueError`, `TypeError` or `ArithmeticError`; a `Ratio` where it is 0/0, which
    `per_batch` counts as 0. An `ClassAveraged` always is defined: a class that is 0/0 counts 0, or,
    in `undefined_skipped`, is left out.

    `expected` and `sd` are exact for a `Ratio` on batches of one size and a shorter last one, and
    `expected` for an `ClassAveraged`; else they are found by `cuts` random cuts with `seed`, or by
    fewer, 5 at least, where they would come to 50 million rows or 20,000 calls of a function.

    Raises `InputError` for no batch, one that is no pair or has no sample, other labels, NaN,
    scores out of range, rows of predicted 0s and 1s without exactly one 1 unless `multilabel`, an
    option that the metric does not use, a metric that does not take all samples together, `logged`
    that is no number, or `cuts` below 2.

    >>> from batchf1 import F1
    >>> batches = [([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1]), ([1, 0, 0, 0], [0.7, 0.1, 0.2, 0.3])]
    >>> found = audit(F1, batches, logged="0.75")
    >>> found.rule, round(found.pooled, 3), round(found.error, 3)
    ('per_batch', 0.667, 0.083)
    """
    number_of_cuts = checks.check_integer("cuts", cuts, least=2)
    start = checks.check_integer("seed", seed, least=0)
    if logged is not None:
        value = number(logged)
        logged = logged if isinstance(logged, str) else value
    measure = measured(metric, batches, Decision(threshold, from_logits, multilabel))
    pooled, each = measure.pooled(), measure.per_batch()
    with np.errstate(invalid="ignore"):  # of a metric that is infinite somewhere
        values = values_of(measure, each, pooled, devices)
        found = on_random_cuts(measure, each, pooled, number_of_cuts, start)
        cause = _cause(mean(each.values), pooled, found.expected, found.sd)
    rules = () if logged is None else matching_rules(values, logged, len(each.values))
    rule = next(iter(rules), None)
    answer = AuditResult(
        pooled=pooled,
        values=values,
        logged=logged,
        rule=rule,
        error=_off(values, logged, rule),
        additive=found.additive,
        expected=found.expected,
        sd=found.sd,
        advice="",
        rules=rules,
        cause=cause,
        metric=_name(metric),
        n_samples=int(measure.sizes.sum()),
        n_batches=len(measure.sizes),
        cuts=found.cuts,
        seed=start,
    )
    return answer._replace(advice=report.advice(answer, metric))


def _off(values: dict[str, float], logged: float | str | None, rule: str | None) -> float:
    if rule is not None:
        return values[rule] - values["pooled"]
    return (values["per_batch"] if logged is None else number(logged)) - values["pooled"]


CLEAR = 4
"""Standard deviations of a random cut that its mean is hardly ever off."""


def _cause(seen: float, pooled: float, expected: float, sd: float) -> str | None:
    """The larger of what random cuts share and what this one has of its own; None for rounding."""
    shared, own = abs(expected - pooled), abs(seen - expected)
    trifle = 1e-6 * max(abs(seen), abs(pooled), 1e-6)
    if not abs(seen - pooled) > trifle:
        return None
    if own > CLEAR * sd + trifle and own > shared:
        return "order"
    return "bias" if shared > sd else "noise"


def _name(metric: Any) -> str:
    return str(getattr(metric, "name", None) or getattr(metric, "__name__", type(metric).__name__))
