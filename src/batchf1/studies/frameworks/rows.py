"""Rows of the study of frameworks: what each logs for the example, and the rule behind it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_type_hints

from batchf1.errors import keep_machine_error, one_line, raise_input_error
from batchf1.programs.example import BATCHES
from batchf1.records.columns import Schema, number, optional, share, text

FRAMEWORKS = {"keras224": "Keras", "tf_keras": "tf-keras", "keras": "Keras"}
"""Import name (`keras224` for the article's Keras) -> name in the tables."""

CASE = ("framework", "weights", "labels", "returned", "call", "split")


TOLERANCE = 1e-6
"""Difference below which two logged numbers are the same."""


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
    """Logs of a Keras for a metric function: a row of `METRICS`."""

    framework: str
    version: str
    weights: str
    labels: str
    returned: str = ""
    call: str = ""
    split: str = ""
    batches: str = ""
    tp: float | None = None
    predicted_positives: float | None = None
    positives: float | None = None
    f1: float | None = None
    true_f1: float = 0.0
    weighted_f1: float = 0.0
    rule: str = ""
    exact: str = ""
    precision: str = ""
    raises: str = ""


RAISES, F1_ALONE = "the framework raises", "a metric that returns F1"
METRICS = Schema(
    "A row is what a Keras logged for a metric function on the example of ten samples.",
    {
        "framework": text("import name", FRAMEWORKS),
        "version": text("version of the framework"),
        "weights": text("sample weights, and the argument of `compile` that takes the metric"),
        "labels": text("shape of the labels: (n,) or (n, 1)", ("flat", "column")),
        "returned": text("what the metric function returns of a batch"),
        "call": text("how the data is fed: arrays to `fit`, or a generator"),
        "split": text("split that the log is of", ("train", "validation")),
        "batches": text("batch sizes", BATCHES),
        **optional(
            f"{F1_ALONE}; {RAISES}",
            {
                "tp": number("logged true positives", 0),
                "predicted_positives": number("logged predicted positives", 0),
                "positives": number("logged positives", 0),
            },
        ),
        "f1": number("F1 rebuilt from the logged counts, or logged itself", 0, missing=RAISES),
        "true_f1": share("F1 of all samples together"),
        "weighted_f1": share("the same, where each sample counts by its weight"),
        "rule": text("rule that averages both batchings of the example", (*RULES, "other"), RAISES),
        "exact": text("the true F1 that f1 equals", ("unweighted", "weighted", "no"), RAISES),
        "precision": text(
            "`float32` where all logs of the call and split are such numbers",
            ("float32", "float64"),
            RAISES,
        ),
        "raises": text("type of the exception", missing="a log"),
    },
    key=("version", *CASE, "batches"),
)
"""Table `docs/averaging.csv`."""


@dataclass(frozen=True)
class LogRow(Row):
    """F1 that a framework logged, and the result of its audit: a row of `LOGS`."""

    framework: str
    version: str
    written: str
    batches: str
    seen: str
    logged: float
    pooled: float
    fits: str = ""
    rule: str = ""
    right: str = ""
    instead: str = ""


LOGS = Schema(
    "A row is an F1 that a framework logged for the example in one batching, and its audit.",
    {
        "framework": text("name of the framework"),
        "version": text("version of the framework"),
        "written": text("code of the user, in Markdown"),
        "batches": text("batch sizes, such as `4/4/2`"),
        "seen": text("samples in the number: batches apart by `/`, devices by a vertical bar"),
        "logged": number("F1 that the framework logged", 0),
        "pooled": share("F1 of all samples together"),
        "fits": text("rules of `audit` that give the logged number", missing="none"),
        "rule": text("the first that gives the numbers of all batchings", missing="none"),
        "right": text("each batching has its pooled value", ("yes", "no")),
        "instead": text("remedy, in Markdown", missing="none is needed"),
    },
    key=("framework", "version", "written", "batches"),
)
"""Table `docs/frameworks.csv`."""


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
