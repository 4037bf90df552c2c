"""Reading of a pasted log: its epochs, sizes and true values, of each split."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from batchf1.errors import check
from batchf1.forensics import log_truth
from batchf1.forensics.log_fit import SPLITS, default_split, epochs, f1s, last_fit
from batchf1.forensics.log_keras import printer_of
from batchf1.forensics.log_lines import HEADER, Entry, entries
from batchf1.forensics.log_numbers import (
    above_harmonic_mean,
    below_harmonic_mean,
    decimals_of,
    number,
    same_value,
)
from batchf1.forensics.log_text import split_lines
from batchf1.forensics.log_truth import Truth, split_in
from batchf1.forensics.log_values import MAX_SAMPLES, Log, Reading, ReadLine, SplitLog, SplitReading

PASSED_OVER = {
    "header": "numbers of samples or steps",
    "epoch": "number of the epoch",
    "unfinished": "passed over: a bar before its end",
    "callback": "passed over: a callback's report on another epoch",
    "other": "passed over: no metric",
}


NO_F1 = "passed over: no F1 of an epoch"


def read(log_text: str, output: str | None = None) -> Reading:
    r"""Read the epochs, sizes and true values of a log; its forms are in `docs/forensics.md`.

    Parameters
    ----------
    log_text : str
        A pasted log of Keras 2 or 3, of a loop of one's own, or a notebook's file.
    output : str, optional
        Output of the model whose F1 is read; by default the first.

    Returns
    -------
    Reading
        Of the last `fit` with an F1; one with a validation F1 goes before others, for `evaluate`
        prints one without. True values stand after its first epoch; of several of a split the
        surest kind counts, then the last.

    Raises
    ------
    InputError
        For a true F1 outside [0, 1], or an output that the log does not have.

    Examples
    --------
    >>> reading = read("9/9 [==] - 1s - loss: 1 - f1_m: 0.51\nf1 on validation: 0.62")
    >>> reading.splits["train"].epochs, reading.splits["validation"].truth.f1
    ([{'f1': '0.51'}], '0.62')
    """
    return _Reader(log_text, output).reading()


class _Reader:
    """State of one reading: the entries, and notes on them by index."""

    def __init__(self, log_text: str, output: str | None) -> None:
        self.entries = entries(split_lines(log_text))
        self.notes: dict[int, str] = {}
        self.fit = last_fit(self.entries)
        indices = [i for group in self.fit for i in group]
        named = [v.meaning.output for i in indices for v in f1s(self.entries[i].values)]
        self.outputs = list(dict.fromkeys(named))
        good = output is None or output in self.outputs
        check(good, "output", f"must be one of {self.outputs}", output)
        self.epochs = epochs(self.entries, self.fit, output)
        self.logged = {
            split: [{kind: v.text for kind, v in epoch.values.items()} for epoch in own]
            for split, own in self.epochs.items()
        }

    @property
    def _in_percent(self) -> bool:
        return any(e["f1"].endswith("%") for own in self.logged.values() for e in own)

    def reading(self) -> Reading:
        """Return the result."""
        self._note_epochs()
        truths = list(self._truths())
        splits = {}
        for split, own in self.epochs.items():
            values = {kind: value for epoch in own for kind, value in epoch.values.items()}
            splits[split] = SplitReading(
                self.logged[split],
                {kind: value.name for kind, value in values.items()},
                log_truth.best(truths, split),
                [f"{v.name}: {v.meaning.assumed}" for v in values.values() if v.meaning.assumed],
            )
        lines = [
            ReadLine(entry.number, entry.kind, self._note(i), entry.text)
            for i, entry in enumerate(self.entries)
        ]
        return Reading(splits, lines, self.outputs, self._log(splits))

    def _note(self, i: int) -> str:
        entry = self.entries[i]
        if i in self.notes or entry.kind in PASSED_OVER:
            return self.notes.get(i) or PASSED_OVER[entry.kind]
        if entry.kind == "progress" and f1s(entry.values):
            return "passed over: of another `fit`, or of `evaluate`"
        return NO_F1

    def _note_epochs(self) -> None:
        """Note what was taken of each epoch, and which other F1 was not."""
        for split, own in self.epochs.items():
            # Of a printed history, one entry for all epochs, the last.
            for indices, values in {epoch.indices: epoch.values for epoch in own}.items():
                shown = ", ".join(f"{kind} {value.text}" for kind, value in values.items())
                for i in indices:
                    before = f"{self.notes[i]}; " if i in self.notes else ""
                    self.notes[i] = f"{before}{split}: {shown}"
        taken = {v.name for own in self.epochs.values() for e in own for v in e.values.values()}
        for group in self.fit:
            for i in group:
                left = [v.name for v in self.entries[i].values if v.name not in taken]
                others = [name for name in left if "loss" not in name.lower()]
                if i in self.notes and others and self.entries[i].kind != "series":
                    self.notes[i] += f"; passed over: {', '.join(others)}"

    def _truths(self) -> Iterator[Truth]:
        """Yield the true values after the first epoch, and note why others are none."""
        used = {i for group in self.fit for i in group}
        first = min(used, default=0)
        for i, entry in enumerate(self.entries):
            if i in used or i < first:
                continue
            for truth in self._of_entry(i, entry):
                note = truth
                if isinstance(truth, Truth):
                    if number(truth.f1) > 1 and self._in_percent:
                        truth = truth._replace(f1=f"{truth.f1}%")
                    good = 0 <= number(truth.f1) <= 1
                    check(good, "exact_f1", "must lie in [0, 1]", truth.f1)
                    echo = self._echo(truth) if entry.kind in ("line", "block") else ""
                    note = echo or f"true F1 {truth.f1} of {truth.split} ({truth.source})"
                    if not echo:
                        yield truth
                self.notes[i] = "; ".join(filter(None, [self.notes.get(i), str(note)]))

    def _of_entry(self, i: int, entry: Entry) -> list[Truth | str]:
        if entry.kind in ("line", "block"):
            return log_truth.of_line(entry, default_split(entry))
        if entry.kind not in ("report", "matrix"):
            return []
        title = self.entries[i - 1] if i else entry
        near = title.kind in ("other", "line") and entry.number - title.number <= 3
        accuracy = (self.logged["validation"] or [{}])[-1].get("accuracy")
        table = log_truth.of_report if entry.kind == "report" else log_truth.of_matrix
        return [table(entry, split_in(title.text) if near else None, accuracy)]

    def _echo(self, truth: Truth) -> str:
        """Return in words which logged F1 the number repeats; "" if it is one of its own."""
        for split, own in self.logged.items():
            for epoch in own:
                if _repeats(truth.f1, epoch):
                    return f"passed over: {truth.source} {truth.f1} is the {split} F1 logged again"
        return ""

    def _log(self, splits: dict[str, SplitReading]) -> Log:
        """Return the sizes, the Keras version and the values of the last epoch."""
        last = max((group[-1] for group in self.fit), default=0)
        entry = self.entries[last] if self.entries else Entry(1, "other", "", [])
        headers = [e for e in self.entries[:last] if e.kind == "header"][-1:]
        header = HEADER.search(headers[0].text) if headers else None
        if header and entry.total not in (None, int(header[1])):
            header = None  # of another `fit`
        printer = printer_of(f"{header[0] if header else ''}\n{entry.text}")
        counts = header[2] if header else printer.counts
        train, validation = (_split_log(splits[split]) for split in SPLITS[:2])
        size = int(header[3]) if header and header[4] == "samples" else None
        truth = splits["validation"].truth
        if truth and truth.n_samples:
            size = truth.n_samples
        earlier = self.logged["train"][-2:-1]
        return Log(
            int(header[1]) if header else entry.total,
            counts == "samples",
            train,
            validation,
            size,
            counts is not None,
            printer.name,
            printer.averaging,
            earlier[0]["f1"] if earlier else None,
        )


def _split_log(split: SplitReading) -> SplitLog:
    last = split.epochs[-1] if split.epochs else {}
    return SplitLog(last.get("accuracy"), last.get("f1"), split.truth.f1 if split.truth else None)


def _repeats(text: str, epoch: dict[str, str]) -> bool:
    """Return True if a number is an epoch's F1 again, by a callback or by `evaluate`.

    With more digits than logged it is so where the logged F1 cannot be the true one, and not where
    the logged F1 can be no mean; else it is where it is a float32, Keras' own precision.
    """
    logged = epoch["f1"]
    if not same_value(text, logged):
        return False
    if decimals_of(text) <= decimals_of(logged):
        return True
    if below_harmonic_mean(epoch):
        return True
    if above_harmonic_mean(epoch):
        return False
    value = number(text)
    return decimals_of(text) < 9 or repr(float(np.float32(value))) == text


def parse(log_text: str) -> Log:
    """Parse a log for the search of its counts: sizes, accuracies, naive and true F1.

    As `read`, and raises `InputError` for a log that has for no split both a naive and a true F1,
    for values outside [0, 1], and for a training set whose number of steps is missing while there
    is no validation to go by.
    """
    return checked(read(log_text).log, log_text)


def has_both_f1(part: SplitLog) -> bool:
    """Return True if a naive F1 and a true F1 above 0 are printed."""
    return part.naive_f1 is not None and part.exact_f1 is not None and number(part.exact_f1) > 0


def is_searchable(log: Log) -> bool:
    """Return True if counts can be searched: both F1 of validation, or of training with steps."""
    return has_both_f1(log.validation) or bool(has_both_f1(log.train) and log.total)


def checked(log: Log, text: str = "") -> Log:
    """Return a log whose counts can be searched; raise `InputError` for another one of a text."""
    for part in (log.train, log.validation):
        for name, value in part._asdict().items():
            check(value is None or 0 <= number(value) <= 1, name, "must lie in [0, 1]", value)
    rule = (
        "must have the naive F1 on a progress line, "
        "and the true F1 of the same split on a line of its own"
    )
    shown = text.strip()[:60] or "nothing"
    check(is_searchable(log), "log", rule, shown)
    for name, total in (("steps", log.total), ("validation samples", log.validation_samples)):
        good = total is None or 1 <= total <= MAX_SAMPLES
        check(good, name, f"must be a whole number from 1 to {MAX_SAMPLES}", total)
    return log
