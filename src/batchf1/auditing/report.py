"""The answer of an audit in words: a table, and a sentence on what to log instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchf1.auditing.result import format_logged, relevant_rules
from batchf1.metrics.ratios import ClassAveraged, Ratio

if TYPE_CHECKING:
    from batchf1.auditing.result import AuditResult

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
}
"""Rule -> what it logs."""
WEIGH = "weigh the batches by their size"
"""The remedy where a metric may be averaged, but not over batches of several sizes alike."""
CAUSES = {
    "bias": "bias, which random batches share and more epochs do not average out",
    "noise": "chance of this cut, where another cut gives another value",
    "order": "the order of the data, which a shuffle would take away",
}


def advice(found: AuditResult, metric: Any) -> str:
    """One sentence: whether the number is fine, else how wrong it is, why, and what to log."""
    if found.logged is None:
        return _of_metric(found, metric)
    if found.rule == "pooled":
        return _of_truth(found)
    if found.rule is None:
        return (
            f"No rule known gives {format_logged(found.logged)} on these batches, "
            f"{found.error:+.4g} off: "
            f"make sure that they are those of the log, and {instead(found, metric)}."
        )
    why = f", {CAUSES[found.cause]}" if found.rule == "per_batch" and found.cause else ""
    return (
        f"Do not read {format_logged(found.logged)}: it is {MEANING[found.rule]} "
        f"({' or '.join(relevant_rules(found))}), {found.error:+.4g} off {MEANING['pooled']}{why}; "
        f"{instead(found, metric)}."
    )


def _of_metric(found: AuditResult, metric: Any) -> str:
    if found.n_batches == 1:
        return "Fine: there is one batch, so nothing is averaged."
    if found.additive:
        alike = f"; each counted once, their mean is {found.error:+.4g} off" if found.cause else ""
        return f"Fine: {found.metric} may be averaged over batches, by their size{alike}."
    if found.additive is None:
        return (
            f"Undecided: {found.metric} is {found.pooled:.6g} in all batches of each cut, which "
            "does not show whether it may be averaged: look at other samples."
        )
    why = f", {CAUSES[found.cause]}" if found.cause else ""
    return (
        f"Do not average {found.metric} over batches: {MEANING['per_batch']} is {found.error:+.4g} "
        f"off {MEANING['pooled']}{why}; {instead(found, metric)}."
    )


def _of_truth(found: AuditResult) -> str:
    others = [rule for rule in relevant_rules(found) if rule != "pooled"]
    said = f"Fine: {format_logged(found.logged)} is {MEANING['pooled']}"
    if not others:
        return f"{said}."
    alike = f"which these batches cannot tell from {', '.join(others)}"
    if found.additive:
        return f"{said}; {found.metric} may be averaged over batches, by their size."
    other = "other samples" if found.additive is None else "another cut"
    return f"{said}, {alike}: look at {other}, too."


def instead(found: AuditResult, metric: Any) -> str:
    """What to log instead of a mean over batches."""
    if found.additive:
        return WEIGH
    if isinstance(metric, ClassAveraged):
        return f"log the counts of each class, and compute {found.metric} once of their sums"
    if isinstance(metric, Ratio):
        return f"log TP, FP, FN and TN, and compute {found.metric} once of their sums"
    return f"keep labels and predictions, and call {found.metric} once on all of them"
