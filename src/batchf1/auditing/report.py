"""Report on an audit: a sentence on whether the number is right, and on what to log instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchf1.auditing.broadcast import RULE
from batchf1.auditing.result import format_logged, relevant_rules
from batchf1.metrics.ratios import ClassAveraged, Ratio
from batchf1.metrics.sums import SumMetric

if TYPE_CHECKING:
    from batchf1.auditing.result import AuditResult

ALL_PAIRS = "a value that compares every prediction with every label"
"""Description of what a function that lets labels broadcast gives a batch."""
MEANING = {
    "pooled": "the metric of all samples",
    "per_batch": "the mean over batches",
    "size_weighted": "the mean over batches by their size",
    "undefined_skipped": "the mean over batches on which it is defined",
    "undefined_as_zero": "the mean over batches, 0 where undefined",
    "undefined_as_one": "the mean over batches, 1 where undefined",
    "undefined_as_nan": "the mean over batches, NaN where undefined",
    "over_samples": "the sum over batches divided by the samples",
    "last_batch": "the value of the last batch",
    "mean_of_running": "the mean of the running means over batches",
    "running_average": "the exponential running average (alpha 0.98)",
    "mean_of_prefixes": "the mean of the values of all samples so far",
    "mean_of_devices": "the mean over devices of their means over batches",
    "devices_pooled": "the mean over devices of the metric of their samples",
    "broadcast": f"the mean over batches of {ALL_PAIRS}",
    "broadcast_by_size": f"the mean over batches by their size of {ALL_PAIRS}",
    "broadcast_cells": f"the mean over batches of {ALL_PAIRS}, if written with cells",
    "broadcast_cells_by_size": f"the mean over batches by their size of {ALL_PAIRS}, if written"
    " with cells",
}
"""Rule -> description of the value that it logs."""
SHAPE = "give labels the shape of the predictions, {}"
"""Remedy where labels broadcast; takes how to write it."""
WEIGH = "weigh the batches by their size"
"""Remedy for an additive metric, whose batches of several sizes must not count alike."""
SYMBOLS = {"B": "samples", "P": "positives", "Q": "predicted positives"}
"""Letter in a formula of `broadcast.FORMULAS` -> what it counts in a batch."""
CAUSES = {
    "bias": "bias, which random batches share and more epochs do not average out",
    "noise": "chance of this cut, where another cut gives another value",
    "order": "the order of the data, which a shuffle would take away",
}
"""Cause of an error -> its description."""


def meaning(result: AuditResult) -> str:
    """Describe the number that the rule of a result gives, with its formula if it has one."""
    text = MEANING[str(result.rule)]
    if not result.formula:
        return text
    symbols = ", ".join(f"{one}: {of}" for one, of in SYMBOLS.items() if one in result.formula)
    return text.replace("a value that", f"{result.formula} ({symbols}), which")


def advice(result: AuditResult) -> str:
    """Write one sentence: that the number is right, or its error, the cause, and the remedy."""
    if result.logged is None:
        return _of_metric(result)
    if result.rule == "pooled":
        return _of_right_log(result)
    if result.rule is None:
        return (
            f"No rule known gives {format_logged(result.logged)} on these batches, "
            f"{result.error:+.4g} off: "
            f"make sure that they are those of the log, and {result.remedy}."
        )
    why = f", {CAUSES[result.cause]}" if result.rule == "per_batch" and result.cause else ""
    return (
        f"Do not read {format_logged(result.logged)}: it is {meaning(result)} "
        f"({' or '.join(relevant_rules(result))}), {result.error:+.4g} off "
        f"{MEANING['pooled']}{why}; {result.remedy}."
    )


def _of_metric(result: AuditResult) -> str:
    if result.rule is not None:
        return (
            f"Do not log {result.metric} of these shapes: it is {meaning(result)}, "
            f"{result.error:+.4g} off {MEANING['pooled']}; {result.remedy}."
        )
    if result.n_batches == 1:
        return "Fine: there is one batch, so nothing is averaged."
    if result.additive:
        note = f"; each counted once, their mean is {result.error:+.4g} off" if result.cause else ""
        return f"Fine: {result.metric} may be averaged over batches, by their size{note}."
    if result.additive is None:
        return (
            f"Undecided: {result.metric} is {result.pooled:.6g} in all batches of each cut, which "
            "does not show whether it may be averaged: look at other samples."
        )
    why = f", {CAUSES[result.cause]}" if result.cause else ""
    return (
        f"Do not average {result.metric} over batches: {MEANING['per_batch']} is "
        f"{result.error:+.4g} off {MEANING['pooled']}{why}; {result.remedy}."
    )


def _of_right_log(result: AuditResult) -> str:
    others = [rule for rule in relevant_rules(result) if rule != "pooled"]
    text = f"Fine: {format_logged(result.logged)} is {MEANING['pooled']}"
    if not others:
        return f"{text}."
    note = f"which these batches cannot tell from {', '.join(others)}"
    if result.additive:
        return f"{text}; {result.metric} may be averaged over batches, by their size."
    other = "other samples" if result.additive is None else "another cut"
    return f"{text}, {note}: look at {other}, too."


def instead(result: AuditResult, metric: Any, reshape: str | None = None) -> str:
    """Describe what to write or to log instead.

    `reshape`: how to give labels the shape of the predictions, for a rule `broadcast...`.
    """
    if is_broadcast(result):
        fix = SHAPE.format(reshape)
        if not leaves_mean(result):
            return fix
        return f"{fix}, which leaves a mean over batches, or {_instead_of_mean(result, metric)}"
    return _instead_of_mean(result, metric)


def is_broadcast(result: AuditResult) -> bool:
    """Return True if the rule compares every prediction with every label."""
    return result.rule is not None and result.rule.startswith(RULE)


def leaves_mean(result: AuditResult) -> bool:
    """Return True if labels of the right shape leave a mean over batches, and a wrong one."""
    return result.additive is False and result.n_batches > 1


def _instead_of_mean(result: AuditResult, metric: Any) -> str:
    if result.additive:
        return WEIGH
    if isinstance(metric, ClassAveraged):
        return f"log the counts of each class, and compute {result.metric} once of their sums"
    if isinstance(metric, Ratio):
        return f"log TP, FP, FN and TN, and compute {result.metric} once of their sums"
    if isinstance(metric, SumMetric):
        return f"log what {result.metric} adds up, and compute it once of the sums"
    return f"keep labels and predictions, and call {result.metric} once on all of them"
