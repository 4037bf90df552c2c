"""The result of an audit."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from batchf1.errors import warn_renamed


class AuditResult(NamedTuple):
    """What `audit` finds; printed, a table and the advice."""

    pooled: float
    """The metric of all samples together."""
    values: dict[str, float]
    """Rule -> what it logs, `pooled` among them; `docs/audit.md` says who follows which."""
    logged: float | str | None
    rule: str | None
    """The first rule that gives `logged`, `pooled` before others; None without one."""
    error: float
    """What the rule gives, else `logged`, else `per_batch`, minus `pooled`."""
    additive: bool | None
    """Whether the mean by batch size is `pooled`, on these batches and on random cuts; None where
    these samples cannot show it: each cut has one value in all batches, or `pooled` is not finite.
    """
    expected: float
    """The mean of `per_batch` over random cuts of the same samples, NaN values left out of it."""
    sd: float
    """And its standard deviation."""
    advice: str
    rules: tuple[str, ...]
    """All rules that give `logged`: these batches cannot tell them apart."""
    cause: str | None
    """Why `per_batch` is off: `bias`, `noise` of the cut, or `order` of the data; or None."""
    metric: str
    n_samples: int
    n_batches: int
    cuts: int
    """Random cuts that were tried for `expected` or `sd`, with `seed`; 0 where both are exact."""
    seed: int

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong: `logged` is the metric of all samples.

        Without `logged`: whether the mean by batch size will be, as far as these samples show it.
        """
        if self.logged is None:
            return self.additive is True or self.n_batches == 1
        return self.rule == "pooled"

    @property
    def fine(self) -> bool:
        """Return `ok`, by its old name."""
        warn_renamed("fine", "ok")
        return self.ok

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON: None also for what is no finite number."""
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
    None: "cannot be decided, as the mean of any such values is the same",
}


def table(found: AuditResult) -> str:
    """What each rule logs, a line each, and the advice."""
    lines = [
        f"{found.metric} of {found.n_samples:,} samples in {found.n_batches:,} batches",
        f"{'rule':<18} {'logs':>13} {'error':>13}",
        *(_line(found, rule) for rule in found.values),
    ]
    if found.logged is not None:
        lines.append(f"{'logged':<18} {format_logged(found.logged):>13} {_among(found)}")
    how = f"{found.cuts} cuts tried, seed {found.seed}" if found.cuts else "exact"
    return "\n".join(
        [
            *lines,
            f"per_batch on random cuts: {found.expected:.6f}, sd {found.sd:.6f} ({how})",
            f"additive on these samples: {ADDITIVE[found.additive]}",
            found.advice,
        ]
    )


def _line(found: AuditResult, rule: str) -> str:
    value = found.values[rule]
    error = f" {value - found.pooled:>+13.6f}" if rule != "pooled" else ""
    mark = "  <- logged" if rule in found.rules else ""
    return f"{rule:<18} {value:>13.6f}{error}{mark}"


def format_logged(logged: object) -> str:
    """Return what was logged, as the table shows it."""
    return f"{logged:.6g}" if isinstance(logged, float) else str(logged)


def _among(found: AuditResult) -> str:
    return f"by {' or '.join(relevant_rules(found))}" if found.rules else "by none of these"


def relevant_rules(found: AuditResult) -> list[str]:
    """The rules that fit, without those that treat an undefined batch where there is none."""
    same = {rule for rule, value in found.values.items() if value == found.values["per_batch"]}
    idle = {rule for rule in same if rule.startswith("undefined_") and "per_batch" in found.rules}
    return [rule for rule in found.rules if rule not in idle]
