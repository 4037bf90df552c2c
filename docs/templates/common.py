"""Tables, claims and formats that the pages share."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from batchf1.errors import check


def figure(root: Path, name: str) -> pd.DataFrame:
    """Read the table of a figure; an empty cell is missing, and any other text a text."""
    return pd.read_csv(root / f"figures/{name}.csv", keep_default_na=False, na_values=[""])


def benchmark(root: Path, name: str) -> pd.DataFrame:
    """Read a table of `benchmarks/`."""
    return pd.read_csv(root / f"benchmarks/{name}.csv")


def experiment(root: Path, name: str) -> dict[str, Any]:
    """Read the settings of an experiment file."""
    settings: dict[str, Any] = yaml.safe_load(
        (root / f"experiments/{name}.yaml").read_text(encoding="utf-8")
    )
    return settings


def claim(holds: Any, sentence: str, value: Any = "tables that contradict it") -> None:
    """Raise `InputError` unless a sentence of the page holds."""
    plain = value.item() if isinstance(value, np.generic) else value
    check(bool(holds), f"the sentence {sentence!r}", "must be true of the tables", plain)


def only(table: pd.DataFrame, **where: Any) -> pd.Series:
    """Return the one row with these values."""
    found = table.loc[np.logical_and.reduce([table[key] == is_ for key, is_ in where.items()])]
    check(len(found) == 1, str(where), "must be one row of the table", len(found))
    return found.iloc[0]


def table_row(cells: Sequence[str]) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def table_rows(rows: Iterable[Sequence[str]]) -> str:
    """Return the rows of a Markdown table, a line each; `InputError` where there is none."""
    lines = list(map(table_row, rows))
    check(bool(lines), "table of a page", "must have rows", "none")
    return "\n".join(lines)


def minus(text: str) -> str:
    """Return the text with minus signs in place of hyphens."""
    return text.replace("-", "\N{MINUS SIGN}")
