"""The function `audit`: the averaging rule behind a logged number, and its error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from batchf1.auditing import broadcast, report
from batchf1.auditing.averages import matching_rules, mean, number, values_of
from batchf1.auditing.classes import Decision
from batchf1.auditing.random_batches import on_random_batches
from batchf1.auditing.result import AuditResult
from batchf1.auditing.samples import Function, FunctionMetric, Measure, measured
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
    **shapes: Any,
) -> AuditResult:
    """Compute what each averaging rule would log, and find the rule that gives the logged number.

    Parameters
    ----------
    metric
        A function of (y_true, y_pred) that gives a number, scikit-learn's or your own; or a metric
        of `batchf1.metrics`: a `Ratio` or a `ClassAveraged`, which is much faster, or another
        function of sums, such as `mcc()` or `r2()`.
    batches
        Pairs (y_true, y_pred) in the order of the loop, iterated over once; arrays of one length.

        - Of a function: of any further shape. It gets the predictions unchanged.
        - Of a `Ratio`: labels 0 or 1 and scores, (n,) or (n, 1). Predictions 0 or 1 are scores too.
        - Of a `ClassAveraged`: class labels, (n,), (n, 1) or one-hot; predictions are such labels,
          or scores (n, n_classes), of which the largest is the predicted class.
        - Of a `ClassAveraged` with `multilabel`: labels 0 or 1 and scores, (n, n_classes) both.
        - Of any metric of `batchf1.metrics`, also pixels and tokens, and (y_true, y_pred,
          sample_weight), as `batchf1.keras.Strategy` takes them; a mask is a weight of 0 or 1.
    logged
        The logged number, as a float, which float32 sums may have put off by a relative 1e-6 (more
        beyond a thousand batches), or its digits as text, `"0.473"` or `"47.3%"`.
    threshold
        Scores above it are positive; for a `Ratio`, or with `multilabel`. In (0, 1), scores must
        lie in [0, 1], or be logits with `from_logits`; any other threshold is compared with the
        scores as they are.
    from_logits
        Whether scores are logits, compared with the logit of the threshold.
    multilabel
        Whether a sample can have several classes.
    devices
        Number of devices that take the batches in turn, or the device of each batch.
    cuts
        Number of random partitions into batches for the estimates below, at least 2.
    seed
        Seed of the random partitions.
    **shapes
        `of_class`, `ignore_class`, `include_background`, `axis` and `per` of
        `batchf1.keras.Strategy`, for a metric of `batchf1.metrics`.

    Returns
    -------
    AuditResult
        The value of each rule, the rules that give `logged`, the error and the remedy.

    Raises
    ------
    InputError
        For no batch, a batch that is no pair or is empty, other labels, NaN, scores out of range,
        rows of predicted 0s and 1s without exactly one 1 unless `multilabel`, an option that the
        metric does not use, a metric that does not take all samples together, `logged` that is no
        number, or `cuts` below 2.

    Notes
    -----
    A function is undefined on a batch where it gives NaN, emits scikit-learn's
    `UndefinedMetricWarning`, or raises `ValueError`, `TypeError` or `ArithmeticError`. A `Ratio` is
    undefined where it is 0/0, which `per_batch` counts as 0. A `ClassAveraged` is always defined: a
    class that is 0/0 counts as 0, or is left out in `undefined_skipped`.

    For batches of one size and a shorter last one, `expected` and `sd` of a `Ratio`, and `expected`
    of a `ClassAveraged`, are exact: those of `batchf1.expect`. Otherwise they are estimated from
    `cuts` random partitions; from fewer, but at least 5, where those would take more than
    50 million rows or 20,000 calls of a function.

    Labels (n,) and predictions (n, 1), or the reverse, broadcast to (n, n) in a function that does
    not bring them to one shape. This is found by calling it on the batches as they are and in one
    shape. `broadcast` is what it logs of them as they are, and all other rules are of one shape. Of
    a `Ratio` with such shapes `broadcast` and `broadcast_cells` are what functions for it log.

    Examples
    --------
    >>> from batchf1 import F1
    >>> batches = [([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1]), ([1, 0, 0, 0], [0.7, 0.1, 0.2, 0.3])]
    >>> result = audit(F1, batches, logged="0.75")
    >>> result.rule, round(result.pooled, 3), round(result.error, 3)
    ('per_batch', 0.667, 0.083)
    """
    n_cuts = checks.check_integer("cuts", cuts, least=2)
    start = checks.check_integer("seed", seed, least=0)
    if logged is not None:
        value = number(logged)
        logged = logged if isinstance(logged, str) else value
    measure = measured(metric, batches, Decision(threshold, from_logits, multilabel), shapes)
    pooled, each = measure.pooled(), measure.per_batch()
    with np.errstate(invalid="ignore"):  # of a metric that is infinite somewhere
        values = values_of(measure, each, pooled, devices)
        random = on_random_batches(measure, each, pooled, n_cuts, start)
        cause = _cause(mean(each.values), pooled, random.expected, random.sd)
    rules = () if logged is None else matching_rules(values, logged, len(each.values))
    rule = _as_called(measure) if logged is None else next(iter(rules), None)
    result = AuditResult(
        pooled=pooled,
        values=values,
        logged=logged,
        rule=rule,
        error=_error(values, logged, rule),
        additive=random.additive,
        expected=random.expected,
        sd=random.sd,
        advice="",
        rules=rules,
        cause=cause,
        metric=_name(metric),
        n_samples=int(measure.sizes.sum()),
        n_batches=len(measure.sizes),
        cuts=random.cuts,
        seed=start,
        formula=_formula(measure, rule, values),
    )
    return _advised(result, metric, measure.reshape)


def as_broadcast(result: AuditResult, value: float, formula: str, reshape: str) -> AuditResult:
    """Return the result of a function that compares each prediction with every label.

    Parameters
    ----------
    result
        The result of its batches with labels and predictions of one shape.
    value
        What it logs of the batches as they are.
    formula
        Its value of a batch, if known.
    reshape
        How to give labels the shape of the predictions.
    """
    result = result._replace(
        values=result.values | {broadcast.RULE: value},
        rule=broadcast.RULE,
        rules=(broadcast.RULE,),
        error=value - result.pooled,
        formula=formula,
    )
    return _advised(result, None, reshape)


def _advised(result: AuditResult, metric: Any, reshape: str | None) -> AuditResult:
    remedy = "" if result.ok else report.instead(result, metric, reshape)
    result = result._replace(remedy=remedy)
    return result._replace(advice=report.advice(result))


def _as_called(measure: Measure) -> str | None:
    """Return the rule that a function follows by the shapes of its arguments, if it does."""
    lets = isinstance(measure, FunctionMetric) and bool(measure.as_given)
    return broadcast.RULE if lets else None


def _formula(measure: Measure, rule: str | None, values: dict[str, float]) -> str:
    """Return the value of a batch by a rule `broadcast...`; empty for another, or if unknown."""
    if rule is None or not rule.startswith(broadcast.RULE):
        return ""
    if isinstance(measure, FunctionMetric):
        return broadcast.recognized(measure.as_given, values[broadcast.RULE])
    return broadcast.formula(measure.metric, rule)


def _error(values: dict[str, float], logged: float | str | None, rule: str | None) -> float:
    if rule is not None:
        return values[rule] - values["pooled"]
    return (values["per_batch"] if logged is None else number(logged)) - values["pooled"]


SIGNIFICANT = 4
"""Deviation from the expectation, in standard deviations, that chance hardly ever explains."""


def _cause(observed: float, pooled: float, expected: float, sd: float) -> str | None:
    """Return the larger part of the error: of random batches, or of these; None for rounding."""
    shared, own = abs(expected - pooled), abs(observed - expected)
    rounding = 1e-6 * max(abs(observed), abs(pooled), 1e-6)
    if not abs(observed - pooled) > rounding:
        return None
    if own > SIGNIFICANT * sd + rounding and own > shared:
        return "order"
    return "bias" if shared > sd else "noise"


def _name(metric: Any) -> str:
    return str(getattr(metric, "name", None) or getattr(metric, "__name__", type(metric).__name__))
