"""Rows of the study of frameworks: what each logs for the example, and the rule behind it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_type_hints

from batchf1.errors import keep_machine_error, one_line, raise_input_error

FRAMEWORKS = {"keras224": "Keras", "tf_keras": "tf-keras", "keras": "Keras"}
"""Import name (`keras224` for the article's Keras) -> name in the tables."""

CASE = ("framework", "weights", "labels", "returned", "call", "split")


TOLERANCE = 1e-6
"""Difference below which two logged numbers are the same."""


class Row:
    """Row of a table of this study: logs of a framework for the example, and conclusions."""

    framework: str
    version: str
    batches: str
    """Batch sizes of the example: a key of `example.BATCHES`, or others alike."""
    rule: str
    """Rule that gives the logs of all batchings; empty without one."""


@dataclass(frozen=True)
class MetricRow(Row):
    """Logs of a Keras for a metric function, a row of `docs/averaging.csv`."""

    framework: str
    version: str
    weights: str
    """A key of `WEIGHTS`."""
    labels: str
    """A key of `SHAPES`."""
    returned: str = ""
    call: str = ""
    split: str = ""
    batches: str = ""
    """A key of `BATCHES`."""
    tp: float | None = None
    """Logged, as the next two; None for `f1`, or where the framework raises."""
    predicted_positives: float | None = None
    positives: float | None = None
    f1: float | None = None
    """Rebuilt from the logged counts; for a metric that returns F1, logged."""
    true_f1: float = 0.0
    weighted_f1: float = 0.0
    """The true F1 where every sample counts by its weight."""
    rule: str = ""
    """A key of `RULES`, or `other`: the rule that averages both batchings of the example."""
    exact: str = ""
    """`unweighted` or `weighted`: the true F1 that `f1` equals in this row; `no`: neither."""
    precision: str = ""
    """`float32` where all numbers that this call logs for this split are float32 numbers."""
    raises: str = ""
    """The type of the exception, else empty."""


@dataclass(frozen=True)
class LogRow(Row):
    """F1 that a framework logged, and the result of its audit, a row of `docs/frameworks.csv`."""

    framework: str
    version: str
    written: str
    """Code of the user, in Markdown."""
    batches: str
    """Batch sizes of the example, as `4/4/2`."""
    seen: str
    """The samples that went into the number: batches apart by `/`, devices by `|`."""
    logged: float
    pooled: float
    """F1 of all samples of the example."""
    fits: str = ""
    """The rules of `audit` that give this number."""
    rule: str = ""
    """The first that gives the numbers of all cuts; empty without one."""
    right: str = ""
    """`yes` where each cut has its pooled value, else `no`."""
    instead: str = ""
    """Remedy, code to write instead, in Markdown."""


class Rule(NamedTuple):
    """Description of how the values of an epoch become one number."""

    of_scalars: str
    of_vectors: str


RULES = {
    "per_batch": Rule("each batch counts once", "each batch counts once"),
    "per_sample": Rule("each batch counts by its size", "each sample counts once"),
    "per_weight": Rule(
        "each batch counts by its sum of weights", "each sample counts by its weight"
    ),
    "per_nonzero_weight": Rule(
        "value x sum of weights / number of nonzero weights; then by batch size",
        "weighted sum / number of nonzero weights; then by batch size",
    ),
}


Kind = TypeVar("Kind", bound=Row)


def read(path: str | Path, kind: type[Kind]) -> list[Kind]:
    """Read the CSV of a table.

    Parameters
    ----------
    path
        File that `page.write_page` wrote, or one of `batchf1 workflow elsewhere`.
    kind
        `MetricRow` or `LogRow`.

    Raises
    ------
    InputError
        For other files.
    """
    kinds = get_type_hints(kind)
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            return [kind(**_values(line, kinds)) for line in csv.DictReader(file)]
    except (OSError, TypeError, ValueError, KeyError) as error:
        keep_machine_error(error, path)
        raise_input_error(
            str(path), "must be the CSV of batchf1.studies.frameworks", one_line(error)
        )


def _values(line: dict[str, str], kinds: dict[str, Any]) -> dict[str, Any]:
    return {k: v if kinds[k] is str else float(v) if v else None for k, v in line.items()}
