"""What is said of a log that is no metric of all samples, and when: for callbacks and recorders."""

from __future__ import annotations

import logging
import warnings
from typing import Literal, get_args

from batchf1.auditing.answer import Audited
from batchf1.auditing.averages import number
from batchf1.auditing.words import MEANING
from batchf1.errors import InputError, require
from batchf1.metrics import checks

Action = Literal["warn", "raise", "ignore"]
TRIFLE = 1e-4
"""A log that is off by no more than this share of itself passes: float32 adds up no better."""
CUTS = 2
"""Random cuts that tell, with that of the batches, whether a metric is additive."""
UNKNOWN = "by no rule known"
AVERAGES = (
    "per_batch",
    "size_weighted",
    "undefined_skipped",
    "undefined_as_zero",
    "undefined_as_one",
    "undefined_as_nan",
    "mean_of_devices",
    "devices_pooled",
)
"""Rules that may be taken for the value of an additive metric."""


class BatchAveragedMetricWarning(UserWarning):
    """A log is a mean of a metric's values over batches, and not its value on all samples.

    >>> issubclass(BatchAveragedMetricWarning, UserWarning)
    True
    """


class Alarm:
    """Tells of wrong logs, each once or every k-th epoch, and which epochs are to be audited.

    `thing`: what its own messages call it. `every`: k, None for the first epoch that tells
    something. `remedy`: what to do instead. `unknown`: what is said of a number by no rule. `log`:
    the name of the logger that gets the table of an alarm.

    Raises `InputError` for another `action`, and unless `every` is None or a whole number >= 1.
    """

    def __init__(
        self,
        thing: str,
        action: Action,
        every: int | None,
        *,
        remedy: str,
        unknown: str = UNKNOWN,
        log: str,
    ) -> None:
        self.thing, self.action = thing, check_action(action)
        self.every = None if every is None else checks.whole("every", every)
        self.remedy, self.unknown, self.log = remedy, unknown, logging.getLogger(log)
        self.begin()

    def begin(self) -> None:
        """Begin anew, as if nothing had been told."""
        self._told: set[str] = set()
        self._first: int | None = None

    def has_turn(self, epoch: int) -> bool:
        """Whether the epoch is to be audited."""
        if self._first is None:
            return True
        return self.every is not None and (epoch - self._first) % self.every == 0

    def tell(self, epoch: int, found: dict[str, Audited], wrong: list[str]) -> None:
        """Tell of the wrong ones of what was found in an epoch."""
        if self._first is None and not any(map(tells_nothing, found.values())):
            self._first = epoch
        again = self.every is not None
        new = [key for key in wrong if again or key not in self._told]
        self._told |= set(wrong)
        if not new or self.action == "ignore":
            return
        self.log.warning("\n%s", table(found, wrong))
        lines = [line(key, found[key], self.remedy, self.unknown) for key in new]
        for text in ["; ".join(lines)] if self.action == "raise" else lines:
            say(text, self.action)

    def say(self, rule: str, received: str) -> None:
        """Tell that something else is missing."""
        say(f"{self.thing}: {rule}; got {received}", self.action, UserWarning)


def check_action(action: Action) -> Action:
    """The same; `InputError` for another."""
    require(action in get_args(Action), "action", f"is one of {get_args(Action)}", action)
    return action


def say(
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


def is_wrong(found: Audited) -> bool:
    """Whether a log is not the metric of all samples, and no mean that may be taken for it.

    To a ten-thousandth of itself. The means over batches or devices of an additive metric may.
    """
    return not (is_near(found) or (found.additive and found.rule in AVERAGES))


def is_near(found: Audited) -> bool:
    """Whether a log is the metric of all samples, to its digits or a ten-thousandth of itself."""
    return found.fine or close(number(found.logged), found.pooled)


def close(a: float, b: float) -> bool:
    """Whether two numbers differ by a ten-thousandth of the larger at most."""
    return abs(a - b) <= TRIFLE * max(abs(a), abs(b))


def tells_nothing(found: Audited) -> bool:
    """Whether the batches agree, so that any mean of theirs is the same."""
    same = ("pooled", "per_batch", "last_batch", "mean_of_running")
    return found.n_batches > 1 and len({found.values[rule] for rule in same}) == 1


def table(found: dict[str, Audited], wrong: list[str]) -> str:
    """A line for each log: the number, the metric of all samples, and the rule."""
    width = max(len(key) for key in found)
    lines = [f"{'log':<{width}} {'logged':>13} {'all samples':>13}  rule"]
    for key, one in found.items():
        rule = f"{one.rule or 'none known'}{'  <- wrong' if key in wrong else ''}"
        lines.append(f"{key:<{width}} {one.logged:>13.6f} {one.pooled:>13.6f}  {rule}")
    return "\n".join(lines)


def line(key: str, found: Audited, remedy: str, unknown: str = UNKNOWN) -> str:
    """What is wrong, and what to do."""
    how = unknown if found.rule is None else f"{MEANING[found.rule]} ({found.rule})"
    logged = found.logged if isinstance(found.logged, str) else f"{found.logged:.6g}"
    true = f"where the metric of all samples is {found.pooled:.6g}"
    return f"{key}: logged {logged}, {how}, {true}: {remedy}"
