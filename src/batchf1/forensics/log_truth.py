"""True F1 values that a log prints beside its epochs: lines, reports and confusion matrices."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from batchf1.forensics.log_lines import MATRIX, Entry, Value
from batchf1.forensics.log_names import SPLITS, TOKEN
from batchf1.forensics.log_numbers import number, same_value
from batchf1.metrics.counts import Counts

OF_VARIABLE = re.compile(r"f1\w*_test$", re.IGNORECASE)
"""Name of a variable as the article's `f1score_test`, which is of its validation data."""


class Truth(NamedTuple):
    """True F1 of a split, computed over all its samples at once.

    Attributes
    ----------
    f1 : str
        Digits as printed; those of the quotient for a confusion matrix.
    number : int
        Line of the log.
    split : {"train", "validation", "test"}
        What it is of.
    source : str
        Name in the log, or the kind of table.
    assumed : str
        Why it is taken to be of this split; "" where it says so.
    rank : int
        Of several the highest counts, of equal ones the last.
    others : dict
        Precision, recall and accuracy printed with it.
    counts : Counts, optional
        Of a confusion matrix.
    n_samples : int, optional
        Number of samples, of a table.
    """

    f1: str
    number: int
    split: str
    source: str
    assumed: str = ""
    rank: int = 3
    others: Mapping[str, str] = MappingProxyType({})
    counts: Counts | None = None
    n_samples: int | None = None


def of_line(entry: Entry, default: str | None) -> list[Truth | str]:
    """Return the true F1s of a line, one for each split, or why one is none.

    `default`: the split with which the line begins.
    """
    f1s = [value for value in entry.values if value.meaning.kind == "f1"]
    return [_of_value(value, entry, default) for value in f1s] or _of_counts(entry, default)


def _of_value(value: Value, entry: Entry, default: str | None) -> Truth | str:
    name, text, meaning = value.name, value.text, value.meaning
    if meaning.why_not:
        return f"passed over: {name} {text} is {meaning.why_not}, no truth of this F1"
    if not math.isfinite(number(text)):
        return f"passed over: {name} {text} is no number"
    if entry.kind == "block":
        return f"passed over: {name} {text} is in a list with a loss, as `evaluate` returns it"
    split = meaning.split or default
    if split is None:
        return f"passed over: {name} {text} names no split; write `val {name} {text}` if it is that"
    others = {
        v.meaning.kind: v.text
        for v in entry.values
        if v.meaning.kind in OTHER_RATES and (v.meaning.split or default) == split
    }
    if split == "test" and OF_VARIABLE.search(name):
        why = f"{name} is of the validation data, as the article's is"
        return Truth(text, entry.number, "validation", name, why, 3, others)
    return Truth(text, entry.number, split, name, meaning.assumed, 5, others)


OTHER_RATES = ("precision", "recall", "accuracy")


def _of_counts(entry: Entry, default: str | None) -> list[Truth | str]:
    """Return the truth of a line such as `TP: 40, FP: 13, FN: 20`."""
    cells = {v.meaning.kind: v for v in entry.values if v.meaning.kind in Counts._fields}
    if not {"tp", "fp", "fn"} <= {*cells} or not all(v.text.isdigit() for v in cells.values()):
        return []
    tp, fp, fn, tn = (int(cells[k].text) if k in cells else 0 for k in Counts._fields)
    split = cells["tp"].meaning.split or default
    return [_counted(Counts(tp, fp, fn, tn), entry.number, "the counts", split, None)]


def of_matrix(entry: Entry, split: str | None, accuracy: str | None) -> Truth | str:
    """Return the true F1 of a confusion matrix of two classes, rows the labels, or why not."""
    rows = MATRIX.search(entry.text)
    cells = re.findall(r"[^\s,\[\]]+", rows[1]) if rows else []
    if len(cells) != 4:
        return f"passed over: a matrix of {len(cells)} cells is not of two classes"
    if not all(cell.isdigit() for cell in cells):
        return "passed over: a matrix of shares, not of counts"
    tn, fp, fn, tp = map(int, cells)
    return _counted(Counts(tp, fp, fn, tn), entry.number, "the confusion matrix", split, accuracy)


def _counted(
    counts: Counts, number: int, source: str, split: str | None, accuracy: str | None
) -> Truth | str:
    tp, fp, fn, tn = counts
    if tp + fp + fn == 0:
        return "passed over: no positives"
    n = tp + fp + fn + tn
    split, assumed = _split(split, str((tp + tn) / n), accuracy, f"{source} of line {number}")
    if source == "the confusion matrix":
        assumed = "; ".join(filter(None, [assumed, "its rows are the labels, the second positive"]))
    f1 = str(2 * tp / (2 * tp + fp + fn))
    n_samples = n if tn else None  # else the line may lack them
    return Truth(f1, number, split, source, assumed, 4, {}, counts, n_samples)


def of_report(entry: Entry, split: str | None, accuracy: str | None) -> Truth | str:
    """Return the F1 of the positive class in a `classification_report`, or why there is none."""
    rows = [line.split() for line in entry.text.split("\n")[1:]]
    averages = ("avg", "accuracy", "total")
    classes = [row for row in rows if len(row) > 4 and not {*averages} & {*row}]
    if len(classes) != 2:
        return f"passed over: a report on {len(classes)} classes has an F1 for each"
    precision, recall, f1, support = classes[1][-4:]
    own = next((row[-2] for row in rows if row[0] == "accuracy"), None)
    split, why = _split(split, own, accuracy, f"the report of line {entry.number}")
    why = "; ".join(filter(None, [why, f"class {classes[1][0]}, its last, is the positive one"]))
    others = {"precision": precision, "recall": recall, "support": support}
    n = int(support) + int(classes[0][-1])
    return Truth(f1, entry.number, split, "the report", why, 2, others, None, n)


def _split(
    split: str | None, own: str | None, accuracy: str | None, source: str
) -> tuple[str, str]:
    """Return the split that a table is of, and the assumption; by its accuracy if unnamed."""
    if split:
        return split, ""
    if own is None or accuracy is None:
        return "validation", f"{source} is of the validation data: it names no split"
    if same_value(own, accuracy):
        shown = f"{number(own):.4g}"
        why = f"its accuracy {shown} agrees with the logged {accuracy}"
        return "validation", f"{source} is of the validation data: {why}"
    return "test", f"{source} is of other data: its accuracy {own} is not the logged {accuracy}"


def split_in(text: str) -> str | None:
    """Return the split that a title names, such as `Test set:` or `Report (validation)`."""
    return next((SPLITS[word] for word in TOKEN.findall(text.lower()) if word in SPLITS), None)


def best(truths: Sequence[Truth], split: str) -> Truth | None:
    """Return the truth of a split that counts."""
    own = [truth for truth in truths if truth.split == split]
    return max(reversed(own), key=lambda truth: truth.rank, default=None)
