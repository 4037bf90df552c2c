"""Description of tables: what a row is, what each column means, and which values it may have.

One description serves the checks of `records.tables`, `docs/tables.md` and
`figures/datapackage.json`; the types and constraints are those of Frictionless Table Schema
(https://specs.frictionlessdata.io/table-schema/).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, NamedTuple


class Column(NamedTuple):
    """Description of a column.

    Attributes
    ----------
    type : str
        `string`, `integer`, `number` or `boolean`; `any` for a setting of whatever type.
    meaning : str
        One line, without a full stop at its end.
    unit : str
        Unit of the values; empty for shares, counts without a unit, and texts.
    minimum, maximum : float or None
        Smallest and largest value, both allowed; None for no limit.
    enum : tuple of str
        The only texts allowed; empty for any.
    missing : str
        What a missing value or an empty text means; empty where none is allowed.
    """

    type: str
    meaning: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    enum: tuple[str, ...] = ()
    missing: str = ""

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest value, infinite for no limit."""
        low, high = self.minimum, self.maximum
        return -inf if low is None else low, inf if high is None else high

    @property
    def range(self) -> str:
        """Allowed values as text; empty for any."""
        if self.enum:
            return ", ".join(f"`{value}`" for value in self.enum)
        low, high = self.limits
        if high < inf:
            return f"{low:g} to {high:g}" if low > -inf else f"at most {high:g}"
        return f"at least {low:g}" if low > -inf else ""

    def field(self, name: str) -> dict[str, Any]:
        """Return the description as a field of Frictionless Table Schema."""
        empty = f"; empty: {self.missing}" if self.missing else ""
        limits = {"minimum": self.minimum, "maximum": self.maximum, "enum": list(self.enum)}
        constraints = {"required": not self.missing} | limits
        described = {"name": name, "type": self.type, "description": f"{self.meaning}{empty}"}
        return {
            **described,
            **({"unit": self.unit} if self.unit else {}),
            "constraints": {k: v for k, v in constraints.items() if v not in (None, [])},
        }


def text(meaning: str, enum: Iterable[str] = (), missing: str = "") -> Column:
    """Return the description of a column of texts."""
    return Column("string", meaning, enum=tuple(enum), missing=missing)


def count(meaning: str, minimum: int = 0, unit: str = "", missing: str = "") -> Column:
    """Return the description of a column of whole numbers."""
    return Column("integer", meaning, unit, minimum, missing=missing)


def number(
    meaning: str,
    minimum: float | None = None,
    maximum: float | None = None,
    unit: str = "",
    missing: str = "",
) -> Column:
    """Return the description of a column of numbers."""
    return Column("number", meaning, unit, minimum, maximum, missing=missing)


def share(meaning: str, missing: str = "") -> Column:
    """Return the description of a column of numbers from 0 to 1."""
    return number(meaning, 0, 1, missing=missing)


def flag(meaning: str, missing: str = "") -> Column:
    """Return the description of a column of truth values."""
    return Column("boolean", meaning, missing=missing)


def optional(missing: str, columns: Mapping[str, Column]) -> dict[str, Column]:
    """Return the descriptions of columns that are empty in some rows: `missing` says in which."""
    return {
        name: column._replace(missing="; ".join(filter(None, (missing, column.missing))))
        for name, column in columns.items()
    }


@dataclass(frozen=True)
class Schema:
    """Description of a table.

    Parameters
    ----------
    rows : str
        What a row is, in a sentence.
    columns : mapping of str to Column
        Columns that every such table has, in their order.
    key : tuple of str
        Columns in which, with further settings, no two rows are alike; empty where rows may be.
    others : mapping of str to Column
        Regular expression -> description of further columns that a table may have.
    rules : mapping of str to callable
        What must hold of the columns of each row, beginning with `must` -> whether it does.
    """

    rows: str
    columns: Mapping[str, Column]
    key: tuple[str, ...] = ()
    others: Mapping[str, Column] = field(default_factory=dict)
    rules: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    def column(self, name: str) -> Column | None:
        """Return the description of a column; None for one that no such table has."""
        further = (c for pattern, c in self.others.items() if re.fullmatch(pattern, name))
        return self.columns.get(name) or next(further, None)

    def of(self, *names: str) -> dict[str, Column]:
        """Return the descriptions of some columns that every such table has."""
        return {name: self.columns[name] for name in names}

    def primary_key(self, names: Iterable[str]) -> list[str]:
        """Return the columns of a table, of these names, in which no two rows are alike."""
        others = [name for name in names if name not in self.columns]
        settings = [name for name in others if (c := self.column(name)) and c.type == "any"]
        return [*settings, *self.key] if self.key else []

    def only(self, names: Collection[str]) -> Schema:
        """Return the description of a table that has only some of the columns, without rules."""
        columns = {name: column for name, column in self.columns.items() if name in names}
        key = self.key if set(self.key) <= columns.keys() else ()
        return replace(self, columns=columns, key=key, rules={})
