"""Settings of a study of public logs: what each printed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from batchf1.config.rules import NOT_EMPTY, Rules, check_among, check_settings
from batchf1.errors import check

QUANTITIES = ("f1", "precision", "recall", "accuracy", "iou")
SOURCES = ("code", "issue", "notebook", "notes", "page", "readme")
TASKS = ("binary", "multiclass", "multilabel", "segmentation")
STATED = ("batch_size", "train", "validation", "train_steps", "positives", "tp", "fp", "fn", "tn")
DIGITS = re.compile(r"\d+(\.\d*)?(e-?\d+)?")
RULES: Rules = {"logs": NOT_EMPTY}


@dataclass
class WildLog:
    """Numbers of one public log.

    Attributes
    ----------
    source : str
        Kind of source, of `SOURCES`.
    address : str
        Address of a public issue thread; empty for other sources.
    framework, form : str
        Framework, and form of a line.
    task : str
        Kind of classification, of `TASKS`.
    names : dict
        Quantity of `QUANTITIES` -> its name in the log; f1 is one of them.
    stated : dict
        What the source says besides, of `STATED`.
    train, validation : list
        Digits of each epoch, in the order of `names`.
    """

    source: str = MISSING
    framework: str = MISSING
    form: str = MISSING
    task: str = MISSING
    names: dict[str, str] = MISSING
    address: str = ""
    stated: dict[str, int] = field(default_factory=dict)
    train: list[list[str]] = field(default_factory=list)
    validation: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_among("logs.source", [self.source], SOURCES)
        check_among("logs.task", [self.task], TASKS)
        check_among("logs.names", self.names, QUANTITIES)
        check_among("logs.stated", self.stated, STATED)
        check("f1" in self.names, "logs.names", "must have f1", sorted(self.names))
        of_issue = bool(self.address) == (self.source == "issue")
        check(of_issue, "logs.address", "must be given for an issue alone", self.address)
        check(bool(self.train or self.validation), "logs", "must have a row of digits")
        for row in (*self.train, *self.validation):
            good = len(row) == len(self.names) and all(map(DIGITS.fullmatch, row))
            check(good, "logs", f"must have {len(self.names)} numbers in a row", list(row))

    def split(self, name: str) -> list[dict[str, str]]:
        """Return the digits of each epoch of a split, by quantity."""
        return [dict(zip(self.names, row, strict=True)) for row in getattr(self, name)]

    def text(self) -> str:
        """Return the numbers as Keras prints them: a line an epoch, below the sizes."""
        header = ""
        if "train" in self.stated:
            header = f"Train on {self.stated['train']} samples"
            if "validation" in self.stated:
                header += f", validate on {self.stated['validation']} samples"
        n_epochs = max(len(self.train), len(self.validation))
        total = self.stated.get("train", self.stated.get("train_steps"))
        bar = f"{total}/{total} [====] - 9s - " if total else ""
        lines = [header] if header else []
        for i in range(n_epochs):
            parts = ["loss: 0.5"]
            for split, prefix in (("train", ""), ("validation", "val_")):
                rows: Any = getattr(self, split)
                if i < len(rows):
                    named = zip(self.names.values(), rows[i], strict=True)
                    parts += [f"{prefix}{name}: {digits}" for name, digits in named]
            lines += [f"Epoch {i + 1}/{n_epochs}", bar + " - ".join(parts)]
        return "\n".join(lines) + "\n"


@dataclass
class WildLogs:
    """Study of public logs, from `experiments/<name>.yaml`."""

    question: str = MISSING
    logs: list[WildLog] = MISSING
    figures: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_settings(self, RULES)
