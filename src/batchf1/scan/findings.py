"""Findings of a scan and their levels."""

from __future__ import annotations

from typing import Any, NamedTuple

LEVELS = {
    "sure": "a mean over batches of a metric that is not additive",
    "choice": "Dice or IoU of all pixels of a batch: a choice or a mistake, say which",
    "note": "worth a look; no mean over batches by itself",
    "by-name": "by its name such a metric; its definition is not in what was scanned",
}
"""Level of a finding -> its meaning."""


class Finding(NamedTuple):
    """A line of source code, the rule that it breaks, and the remedy."""

    path: str
    """Path of the file, as given or found below a given folder."""
    line: int
    """Line in the file, or in the cell of a notebook; from 1."""
    rule: str
    """ID of the rule, such as `BF101`."""
    level: str
    """One of `LEVELS`."""
    symbol: str
    """Code of the metric, or of the variable that sums it up."""
    message: str
    """What is averaged, and by whom."""
    instead: str
    """What to write instead."""
    cell: int | None = None
    """Cell of the notebook, counted from 1 over all its cells; None in a Python file."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON; `cell` only of a notebook."""
        return {name: value for name, value in self._asdict().items() if value is not None}

    @property
    def place(self) -> str:
        """The place for people: `path:line`, or `path:cell 3:line`."""
        return f"{self.path}:{'' if self.cell is None else f'cell {self.cell}:'}{self.line}"
