"""What is said of a log that is no metric of all samples, and when: for callbacks and recorders."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

from batchf1.auditing.averages import number
from batchf1.auditing.report import MEANING, WEIGH
from batchf1.auditing.result import AuditResult
from batchf1.errors import InputError, check, one_line
from batchf1.metrics import checks

Action = Literal["warn", "raise", "ignore"]
REL_TOL = 1e-4
"""A log that is off by no more than this share of itself passes: float32 adds up no better."""
CUTS = 2
"""Random cuts that tell, with that of the batches, whether a metric is additive."""
UNKNOWN = "by no rule known"


class BatchAveragedMetricWarning(UserWarning):
    """A log is a mean of a metric's values over batches, and not its value on all samples.

    >>> issubclass(BatchAveragedMetricWarning, UserWarning)
    True
    """


class UnauditedLogWarning(UserWarning):
    """Some logs were not audited; the text names each of them, with the reason.

    >>> issubclass(UnauditedLogWarning, UserWarning)
    True
    """


class Cause(NamedTuple):
    """Why a log is wrong, where no rule of averaging is the reason; None for what the rule says."""

    how: str | None = None
    """Description of the logged number."""
    remedy: str | None = None


class MetricWarner:
    """Warnings about wrong and unaudited logs, each once or every k-th epoch.

    `thing`: the name in its own messages. `every`: k, None for the first epoch in which batches
    differ. `remedy`: what to do about a wrong log, `weigh`: about one of an additive metric.
    `unknown`: the description of a number that follows no rule. `log`: the logger that gets the
    table. `ignore`: names of logs that may be wrong or stay unaudited.

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
        self.thing, self.action = name, check_action(action)
        self.every = None if every is None else checks.check_integer("every", every)
        self.remedy, self.weigh, self.unknown = remedy, weigh, unknown
        self.log, self.ignore = logging.getLogger(log), check_ignore(ignore)
        self.begin()

    def begin(self) -> None:
        """Forget earlier warnings."""
        self._told: set[str] = set()
        self._summary = ""
        self._first: int | None = None

    def should_audit(self, epoch: int) -> bool:
        """Whether the epoch is to be audited."""
        if self._first is None:
            return True
        return self.every is not None and (epoch - self._first) % self.every == 0

    def report(
        self,
        epoch: int,
        found: dict[str, AuditResult],
        wrong: list[str],
        causes: Mapping[str, Cause] = MappingProxyType({}),
    ) -> None:
        """Warn of the wrong logs among those audited in an epoch, or raise `InputError`.

        Logs that `ignore` names are passed over. `causes`: log -> cause, of those that no rule of
        averaging explains.
        """
        if self._first is None and not any(map(is_uninformative, found.values())):
            self._first = epoch
        again = self.every is not None
        wrong = [key for key in wrong if key not in self.ignore]
        new = [key for key in wrong if again or key not in self._told]
        self._told |= set(wrong)
        if not new or self.action == "ignore":
            return
        self.log.warning("\n%s", table(found, wrong))
        lines = [self._line(key, found[key], causes.get(key, Cause())) for key in new]
        for text in ["; ".join(lines)] if self.action == "raise" else lines:
            warn(text, self.action)

    def summarize(self, audited: Collection[str], unaudited: Mapping[str, str]) -> None:
        """Name in one line which logs were audited and which were not; call it after `tell`.

        `unaudited`: log -> reason. Where `ignore` does not name all of them, the line is an
        `UnauditedLogWarning`, or an `InputError` with `action="raise"`. The logger gets it at level
        INFO. Nothing happens with `action="ignore"`, nor, unless `every` is given, when the line is
        that of the audit before.
        """
        text = summary(self.thing, audited, unaudited, self.ignore)
        repeated = self.every is None and text == self._summary
        self._summary = text
        if repeated or self.action == "ignore":
            return
        self.log.info("%s", text)
        if not set(unaudited) <= self.ignore:
            warn(text, self.action, UnauditedLogWarning)

    def warn(self, rule: str, received: str) -> None:
        """Warn, or raise `InputError`, about what an audit lacks."""
        warn(f"{self.thing} {rule}; got {received}", self.action, UserWarning)

    def _line(self, key: str, found: AuditResult, cause: Cause) -> str:
        remedy = self.weigh if found.additive else self.remedy
        return line(key, found, cause.remedy or remedy, self.unknown, cause.how)


def summary(
    name: str, audited: Collection[str], unaudited: Mapping[str, str], ignore: Collection[str]
) -> str:
    """One line with the audited logs, and the others with the reasons."""
    parts = [f"{name}: audited {', '.join(audited) or 'no log'}"]
    named = [f"{key} ({why})" for key, why in unaudited.items() if key not in ignore]
    passed = [key for key in unaudited if key in ignore]
    parts += ["not audited: " + ", ".join(named)] if named else []
    parts += ["ignored: " + ", ".join(passed)] if passed else []
    return one_line("; ".join(parts))


def check_ignore(ignore: Collection[str]) -> frozenset[str]:
    """The names as a set; `InputError` for a str given alone and for anything but names."""
    listed = not isinstance(ignore, str) and isinstance(ignore, Collection)
    good = listed and all(isinstance(name, str) for name in ignore)
    check(good, "ignore", "must be a list of logs, such as ['val_dice']", ignore)
    return frozenset(ignore)


def check_action(action: Action) -> Action:
    """The same; `InputError` for another."""
    check(action in get_args(Action), "action", f"must be one of {get_args(Action)}", action)
    return action


def warn(
    text: str,
    action: Action,
    category: type[Warning] = BatchAveragedMetricWarning,
    stacklevel: int = 3,
) -> None:
    """Warn of a text, raise it as an `InputError`, or be silent."""
    if action == "raise":
        raise InputError(text)
    if action == "warn":
        warnings.warn(text, category, stacklevel=stacklevel)


def is_wrong(found: AuditResult) -> bool:
    """Whether a log is not the metric of all samples, to its digits or a ten-thousandth of itself.

    A mean over batches of several sizes is wrong of an additive metric, too; the remedy differs.
    """
    return not (found.ok or close(number(found.logged), found.pooled))


def close(a: float, b: float) -> bool:
    """Whether two numbers differ by a ten-thousandth of the larger at most, or are one infinity."""
    return math.isclose(a, b, rel_tol=REL_TOL)


def is_uninformative(found: AuditResult) -> bool:
    """Whether the batches agree, so that any mean of theirs is the same."""
    same = ("pooled", "per_batch", "last_batch", "mean_of_running")
    return found.n_batches > 1 and len({found.values[rule] for rule in same}) == 1


def table(found: dict[str, AuditResult], wrong: list[str]) -> str:
    """A line for each log: the number, the metric of all samples, and the rule."""
    width = max(len(key) for key in found)
    lines = [f"{'log':<{width}} {'logged':>13} {'all samples':>13}  rule"]
    for key, one in found.items():
        rule = f"{one.rule or 'none known'}{'  <- wrong' if key in wrong else ''}"
        lines.append(f"{key:<{width}} {one.logged:>13.6f} {one.pooled:>13.6f}  {rule}")
    return "\n".join(lines)


def line(
    key: str, found: AuditResult, remedy: str, unknown: str = UNKNOWN, how: str | None = None
) -> str:
    """What is wrong, and what to do; `how` describes the number, by default its rule does."""
    rule = unknown if found.rule is None else f"{MEANING[found.rule]} ({found.rule})"
    logged = found.logged if isinstance(found.logged, str) else f"{found.logged:.6g}"
    true = f"where the metric of all samples is {found.pooled:.6g}"
    return f"{key}: logged {logged}, {how or rule}, {true}: {remedy}"
