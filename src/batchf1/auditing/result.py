"""The result of an audit."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from batchf1.errors import warn_renamed


class AuditResult(NamedTuple):
    """Result of `batchf1.audit`; printed, it is a table of the rules and the advice.

    Examples
    --------
    >>> from batchf1 import F1, audit
    >>> result = audit(F1, [([1, 0], [0.9, 0.8]), ([1, 0], [0.7, 0.1])])
    >>> result.ok, round(result.pooled, 3), round(result.values["per_batch"], 3)
    (False, 0.8, 0.833)
    """

    pooled: float
    """The metric of all samples together."""
    values: dict[str, float]
    """Rule -> the value that it logs, `pooled` among them; `docs/audit.md` lists which framework
    follows which rule.
    """
    logged: float | str | None
    """The logged number, as given."""
    rule: str | None
    """The first rule that gives `logged`, `pooled` before others; None if there is none. Without
    `logged`: `broadcast` if the function compares each prediction with every label of its batch.
    """
    error: float
    """The value of `rule`, else `logged`, else `per_batch`, minus `pooled`."""
    additive: bool | None
    """Whether the mean weighted by batch size is `pooled`, on these batches and on random ones;
    None if these samples cannot show it: all batches of each partition have one value, or `pooled`
    is not finite.
    """
    expected: float
    """Mean of `per_batch` over random partitions of the same samples; NaN values are left out."""
    sd: float
    """Standard deviation of `per_batch` over the same partitions."""
    advice: str
    """One sentence: whether the number is right, else what to log instead."""
    rules: tuple[str, ...]
    """All rules that give `logged`, which these batches cannot distinguish."""
    cause: str | None
    """Cause of the error of `per_batch`: `bias`, `noise` of the partition, `order` of the data; or
    None.
    """
    metric: str
    """Name of the metric."""
    n_samples: int
    """Number of samples."""
    n_batches: int
    """Number of batches."""
    cuts: int
    """Number of random partitions tried for `expected` or `sd`; 0 where both are exact."""
    seed: int
    """Seed of the random partitions."""
    remedy: str = ""
    """Remedy: code or log to write; empty where `logged` is right, or `per_batch` may be."""
    formula: str = ""
    """The value of a batch by the rule `broadcast`, where it has one, as 2PQ/(P+Q) of F1: with B
    samples, P positives and Q predicted positives.
    """

    @property
    def ok(self) -> bool:
        """Whether `logged` is the metric of all samples.

        Without `logged`: whether the mean weighted by batch size is, as far as these samples show,
        and the function does not let labels broadcast.
        """
        if self.logged is None:
            return self.rule is None and (self.additive is True or self.n_batches == 1)
        return self.rule == "pooled"

    @property
    def undecided(self) -> bool:
        """Whether neither a rule nor the samples show if the number, or the metric, is right."""
        if self.logged is not None:
            return self.rule is None
        return self.rule is None and self.additive is None and self.n_batches > 1

    @property
    def fine(self) -> bool:
        """Return `ok`, by its old name."""
        warn_renamed("fine", "ok")
        return self.ok

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, for JSON: NaN and infinite numbers become None."""
        return {name: _plain(value) for name, value in self._asdict().items()}

    def __str__(self) -> str:
        return table(self)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return list(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


ADDITIVE = {
    True: "yes",
    False: "no",
    None: "cannot be decided",
}
"""`AuditResult.additive` -> its text in the table."""


def table(result: AuditResult) -> str:
    """Format the advice, and the value of each rule; rules with the same value share a line."""
    width = max(18, *map(len, result.values))
    lines = [
        result.advice,
        f"{result.metric} of {result.n_samples:,} samples in {result.n_batches:,} batches",
        f"{'rule':<{width}} {'logs':>13} {'error':>13}",
        *(_line(result, rules, width) for rules in _alike(result)),
    ]
    if result.logged is not None:
        lines.append(f"{'logged':<{width}} {format_logged(result.logged):>13} {_matches(result)}")
    how = f"{result.cuts} cuts tried, seed {result.seed}" if result.cuts else "exact"
    return "\n".join(
        [
            *lines,
            f"per_batch on random cuts: {result.expected:.6f}, sd {result.sd:.6f} ({how})",
            f"additive on these samples: {ADDITIVE[result.additive]}",
        ]
    )


def _alike(result: AuditResult) -> list[list[str]]:
    """Return the rules, those with the same value (to 12 digits) together."""
    groups: dict[str, list[str]] = {}
    for rule, value in result.values.items():
        groups.setdefault(f"{value:.12g}", []).append(rule)
    return list(groups.values())


def _line(result: AuditResult, rules: list[str], width: int) -> str:
    first, *others = rules
    value = result.values[first]
    error = f"{value - result.pooled:>+13.6f}" if first != "pooled" else " " * 13
    also = f"  also by {', '.join(others)}" if others else ""
    mark = "  <- logged" if set(rules) & set(result.rules) else ""
    return f"{first:<{width}} {value:>13.6f} {error}{mark}{also}".rstrip()


def format_logged(logged: object) -> str:
    """Format the logged number: text as given, a float to six digits."""
    return f"{logged:.6g}" if isinstance(logged, float) else str(logged)


def _matches(result: AuditResult) -> str:
    return f"by {' or '.join(relevant_rules(result))}" if result.rules else "by none of these"


def relevant_rules(result: AuditResult) -> list[str]:
    """List the matching rules, without those for undefined batches where no batch is undefined."""
    same = {rule for rule, value in result.values.items() if value == result.values["per_batch"]}
    idle = {rule for rule in same if rule.startswith("undefined_") and "per_batch" in result.rules}
    return [rule for rule in result.rules if rule not in idle]
