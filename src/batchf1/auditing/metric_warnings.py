"""Warnings about logs that are not the metric of all samples, for callbacks and recorders."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

from batchf1.auditing.averages import number
from batchf1.auditing.report import WEIGH, is_broadcast, meaning
from batchf1.auditing.result import AuditResult
from batchf1.errors import InputError, check, one_line
from batchf1.metrics import checks

Action = Literal["warn", "raise", "ignore"]
REL_TOL = 1e-4
"""Relative error up to which a log is right: float32 sums are no more exact."""
CUTS = 2
"""Number of random partitions on which a callback tests whether a metric is additive."""
UNKNOWN = "by no rule known"
"""Description of a number that no rule gives."""


class BatchAveragedMetricWarning(UserWarning):
    """Warning that a log is a mean of a metric over batches, and not the metric of all samples.

    Examples
    --------
    >>> issubclass(BatchAveragedMetricWarning, UserWarning)
    True
    """


class UnauditedLogWarning(UserWarning):
    """Warning that logs were not audited; the text names each of them, with the reason.

    Examples
    --------
    >>> issubclass(UnauditedLogWarning, UserWarning)
    True
    """


class Cause(NamedTuple):
    """Cause of a wrong log other than an averaging rule; None for the description of the rule."""

    how: str | None = None
    """Description of the logged number."""
    remedy: str | None = None
    """Remedy for the wrong log."""


class MetricWarner:
    """Emitter of warnings about wrong and unaudited logs, once or every k-th epoch.

    `name`: prefix of the messages. `every`: k, None for the first epoch in which batches differ.
    `remedy`: what to do about a wrong log, `weigh`: about one of an additive metric. `unknown`:
    description of a number that no rule gives. `log`: name of the logger that gets the table.
    `ignore`: names of logs that may be wrong or stay unaudited.

    Raises `InputError` for another `action`, unless `every` is None or a whole number >= 1, and for
    an `ignore` that is no list of names.
    """

    def __init__(
        self,
        name: str,
        action: Action,
        every: int | None,
        *,
        remedy: str,
        weigh: str = WEIGH,
        unknown: str = UNKNOWN,
        log: str,
        ignore: Collection[str] = (),
    ) -> None:
        self.name, self.action = name, check_action(action)
        self.every = None if every is None else checks.check_integer("every", every)
        self.remedy, self.weigh, self.unknown = remedy, weigh, unknown
        self.log, self.ignore = logging.getLogger(log), check_ignore(ignore)
        self.begin()

    def begin(self) -> None:
        """Discard the memory of earlier warnings."""
        self._reported: set[str] = set()
        self._summary = ""
        self._first: int | None = None

    def should_audit(self, epoch: int) -> bool:
        """Return True if the epoch is to be audited."""
        if self._first is None:
            return True
        return self.every is not None and (epoch - self._first) % self.every == 0

    def report(
        self,
        epoch: int,
        results: dict[str, AuditResult],
        wrong: list[str],
        causes: Mapping[str, Cause] = MappingProxyType({}),
    ) -> None:
        """Warn of the wrong logs among those audited in an epoch, or raise `InputError`.

        Logs in `ignore` are left out. `causes`: log -> cause, of those that no averaging rule
        explains.
        """
        if self._first is None and not any(map(is_uninformative, results.values())):
            self._first = epoch
        again = self.every is not None
        wrong = [key for key in wrong if key not in self.ignore]
        new = [key for key in wrong if again or key not in self._reported]
        self._reported |= set(wrong)
        if not new or self.action == "ignore":
            return
        self.log.warning("\n%s", table(results, wrong))
        lines = [self._line(key, results[key], causes.get(key, Cause())) for key in new]
        for text in ["; ".join(lines)] if self.action == "raise" else lines:
            warn(text, self.action)

    def summarize(self, audited: Collection[str], unaudited: Mapping[str, str]) -> None:
        """Name in one line which logs were audited and which were not; call it after `report`.

        `unaudited`: log -> reason. Unless `ignore` names all of them, the line is an
        `UnauditedLogWarning`, or an `InputError` with `action="raise"`. The logger gets it at level
        INFO. Nothing happens with `action="ignore"`, nor, unless `every` is given, when the line is
        that of the previous audit.
        """
        text = summary(self.name, audited, unaudited, self.ignore)
        repeated = self.every is None and text == self._summary
        self._summary = text
        if repeated or self.action == "ignore":
            return
        self.log.info("%s", text)
        if not set(unaudited) <= self.ignore:
            warn(text, self.action, UnauditedLogWarning)

    def warn(self, rule: str, received: str) -> None:
        """Warn, or raise `InputError`, about a missing requirement of the audit."""
        warn(f"{self.name} {rule}; got {received}", self.action, UserWarning)

    def _line(self, key: str, result: AuditResult, cause: Cause) -> str:
        remedy = self.weigh if result.additive else self.remedy
        remedy = result.remedy if is_broadcast(result) else remedy
        return line(key, result, cause.remedy or remedy, self.unknown, cause.how)


def summary(
    name: str, audited: Collection[str], unaudited: Mapping[str, str], ignore: Collection[str]
) -> str:
    """Format one line with the audited logs, and the others with the reasons."""
    parts = [f"{name}: audited {', '.join(audited) or 'no log'}"]
    named = [f"{key} ({why})" for key, why in unaudited.items() if key not in ignore]
    passed = [key for key in unaudited if key in ignore]
    parts += ["not audited: " + ", ".join(named)] if named else []
    parts += ["ignored: " + ", ".join(passed)] if passed else []
    return one_line("; ".join(parts))


def check_ignore(ignore: Collection[str]) -> frozenset[str]:
    """Return the names as a set; `InputError` for a single str and for anything but names."""
    listed = not isinstance(ignore, str) and isinstance(ignore, Collection)
    good = listed and all(isinstance(name, str) for name in ignore)
    check(good, "ignore", "must be a list of logs, such as ['val_dice']", ignore)
    return frozenset(ignore)


def check_action(action: Action) -> Action:
    """Return the action; `InputError` for another."""
    check(action in get_args(Action), "action", f"must be one of {get_args(Action)}", action)
    return action


def warn(
    text: str,
    action: Action,
    category: type[Warning] = BatchAveragedMetricWarning,
    stacklevel: int = 3,
) -> None:
    """Emit a text as a warning, raise it as an `InputError`, or ignore it, by the action."""
    if action == "raise":
        raise InputError(text)
    if action == "warn":
        warnings.warn(text, category, stacklevel=stacklevel)


def is_wrong(result: AuditResult) -> bool:
    """Return True if a log is not the metric of all samples, to its digits or a relative 1e-4.

    A mean over batches of several sizes is wrong for an additive metric too; the remedy differs.
    """
    return not (result.ok or close(number(result.logged), result.pooled))


def close(a: float, b: float) -> bool:
    """Return True if two numbers are equal to a relative 1e-4, or are the same infinity."""
    return math.isclose(a, b, rel_tol=REL_TOL)


def is_uninformative(result: AuditResult) -> bool:
    """Return True if all averaging rules give the same value, so the audit cannot tell them apart.

    So it is where all batches have the same value.
    """
    same = ("pooled", "per_batch", "last_batch", "mean_of_running")
    return result.n_batches > 1 and len({result.values[rule] for rule in same}) == 1


def table(results: dict[str, AuditResult], wrong: list[str]) -> str:
    """Format a line for each log: the number, the metric of all samples, and the rule."""
    width = max(len(key) for key in results)
    lines = [f"{'log':<{width}} {'logged':>13} {'all samples':>13}  rule"]
    for key, one in results.items():
        rule = f"{one.rule or 'none known'}{'  <- wrong' if key in wrong else ''}"
        lines.append(f"{key:<{width}} {one.logged:>13.6f} {one.pooled:>13.6f}  {rule}")
    return "\n".join(lines)


def line(
    key: str, result: AuditResult, remedy: str, unknown: str = UNKNOWN, how: str | None = None
) -> str:
    """Format the error of a log and the remedy; `how` describes the number, by default its rule."""
    rule = unknown if result.rule is None else f"{meaning(result)} ({result.rule})"
    logged = result.logged if isinstance(result.logged, str) else f"{result.logged:.6g}"
    true = f"where the metric of all samples is {result.pooled:.6g}"
    return f"{key}: logged {logged}, {how or rule}, {true}: {remedy}"
