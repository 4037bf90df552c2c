"""Rules for single settings, and the one loop that checks a table of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from batchf1.config.limits import MAX_CELLS, MAX_EPOCHS, MAX_UNITS
from batchf1.errors import check
from batchf1.metrics.counts import Counts


class Rule(NamedTuple):
    """Rule for the value of a setting.

    Parameters
    ----------
    text
        What the setting `must` or `cannot`, for the message.
    holds
        Whether a value follows the rule.
    """

    text: str
    holds: Callable[[Any], bool]


Rules = Mapping[str, Rule | tuple[Rule, ...]]
"""Setting -> its rules, which are checked in order."""


def check_settings(settings: object, rules: Rules, group: str = "") -> None:
    """Check attributes of settings against their rules.

    Parameters
    ----------
    settings
        Any object; an attribute that is None has no value to check.
    rules
        Attribute -> its rules.
    group
        What messages put before the name of an attribute, such as `training.`.

    Raises
    ------
    InputError
        For the first attribute that breaks a rule.
    """
    for name, of_name in rules.items():
        value = getattr(settings, name)
        for rule in [of_name] if isinstance(of_name, Rule) else of_name:
            good = value is None or rule.holds(value)
            check(good, f"{group}{name}", rule.text, value)


def at_least(least: float) -> Rule:
    """Return the rule of a least value."""
    return Rule(f"must be at least {least}", lambda value: value >= least)


def at_most(most: int) -> Rule:
    """Return the rule of a greatest value."""
    return Rule(f"must be at most {most:,}", lambda value: value <= most)


def one_of(values: Collection[Any]) -> Rule:
    """Return the rule that a value is one of these."""
    return Rule(f"must be one of {values}", lambda value: value in values)


def check_among(name: str, values: Collection[Any], allowed: Collection[Any]) -> None:
    """Raise `InputError` for the first value that is not among those allowed."""
    for value in values:
        check(value in allowed, name, f"must be among {allowed}", value)


def is_unique(values: Collection[Any]) -> bool:
    """Return True for at least one value, of which none is there twice."""
    return len({str(value) for value in values}) == len(values) > 0


POSITIVE = Rule("must be above 0 and finite", lambda value: 0 < value < float("inf"))
FRACTION = Rule("must lie in (0, 1)", lambda value: 0 < value < 1)
RANGE = Rule(
    "must be a least and a greatest value above 0",
    lambda ends: len(ends) == 2 and 0 < ends[0] <= ends[1] < float("inf"),
)
UNIQUE = Rule("must have at least one value, and none twice", is_unique)
NOT_EMPTY = Rule("must have at least one value", bool)
LAYERS = Rule(
    f"must have layers of at least 1 and at most {MAX_UNITS} units",
    lambda hidden: all(1 <= units <= MAX_UNITS for units in hidden),
)
EPOCHS = (at_least(1), at_most(MAX_EPOCHS))
REPETITIONS = (at_least(1), at_most(MAX_CELLS))
"""Each repetition is a cell of its own."""
COUNT, POSITIVE_COUNT = at_least(0), at_least(1)
OVERRIDES = Rule(
    "must be texts, each key=value",
    lambda overrides: all(isinstance(override, str) for override in overrides),
)


def check_overrides(overrides: list[str], varied: Collection[str], rule: str) -> None:
    """Raise `InputError` for overrides that are no texts, or that set a key which a study varies.

    Parameters
    ----------
    overrides
        Overrides of Hydra.
    varied
        Keys that they cannot set.
    rule
        The message about such a key.
    """
    check(OVERRIDES.holds(overrides), "overrides", OVERRIDES.text, overrides)
    keys = [override.lstrip("+~").partition("=")[0] for override in overrides]
    for key in varied:
        check(key not in keys, "overrides", rule, key)


def check_counts(name: str, batches: list[dict[str, int]], most: float = float("inf")) -> None:
    """Raise `InputError` for a list without batches, or a batch without the four counts.

    Parameters
    ----------
    name
        What messages call the list.
    batches
        For each batch its `tp`, `fp`, `fn` and `tn`, of which one is above 0.
    most
        Largest sum of the counts of a batch.
    """
    cells = Counts._fields
    check(bool(batches), name, "must have at least one batch", "none")
    end = "at least 1" if most == float("inf") else "1 to 2**53"
    rule = f"must have {cells}, whole numbers >= 0, together {end}"
    for i, batch in enumerate(batches):
        good = sorted(batch) == sorted(cells) and min(batch.values()) >= 0
        check(good and 1 <= sum(batch.values()) <= most, f"{name}[{i}]", rule, dict(batch))
