"""Values of a log, as read."""

from __future__ import annotations

from typing import NamedTuple

from batchf1.forensics.log_truth import Truth
from batchf1.metrics.averaging import Averaging

MAX_SAMPLES = 10_000_000
"""Largest data set considered where the log sets no bound."""


class SplitLog(NamedTuple):
    """Printed values of one split as text, as the digits matter; None where there is none."""

    accuracy: str | None
    naive_f1: str | None
    exact_f1: str | None


class Log(NamedTuple):
    """Parsed log.

    Attributes
    ----------
    total : int
        Number up to which the progress bar counts: steps or, if `in_samples`, samples.
    in_samples : bool
        True if the progress bar counts samples.
    train, validation : SplitLog
        Printed values.
    validation_samples : int
        Size of the validation split, if printed.
    unit_told : bool
        True if the log shows whether steps or samples are counted; else steps are assumed.
    keras : str
        The Keras version by the form of the log.
    averaging : {"per_batch", "size_weighted"}
        Rule of that version; None where the form does not determine it.
    earlier_f1 : str
        Naive training F1 of the epoch before.
    """

    total: int | None
    in_samples: bool
    train: SplitLog
    validation: SplitLog
    validation_samples: int | None = None
    unit_told: bool = False
    keras: str = "Keras 2"
    averaging: Averaging | None = None
    earlier_f1: str | None = None


class SplitReading(NamedTuple):
    """Values of one split.

    Attributes
    ----------
    epochs : list of dict
        Digits by quantity (f1, precision, recall, accuracy, iou), of each epoch of the last `fit`.
    names : dict
        Name in the log by quantity.
    truth : Truth, optional
        True F1 after the last epoch.
    assumed : list of str
        How ambiguous names were read.
    """

    epochs: list[dict[str, str]]
    names: dict[str, str]
    truth: Truth | None
    assumed: list[str]


class ReadLine(NamedTuple):
    """Line, or lines that belong together, with what was taken from it or why nothing was."""

    number: int
    kind: str
    taken: str
    text: str


class Reading(NamedTuple):
    """Everything read from a log.

    Attributes
    ----------
    splits : dict
        Values of train, validation and test.
    lines : list of ReadLine
        All lines but empty ones.
    outputs : list of str
        Outputs of the model, or variants of the metric, that have an F1; the first was read.
    log : Log
        Sizes, Keras version, and the values of the last epoch.
    """

    splits: dict[str, SplitReading]
    lines: list[ReadLine]
    outputs: list[str]
    log: Log
