"""Epochs of the last `fit` of a log, each with the values that belong together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from batchf1.forensics.log_lines import EPOCH, Entry, Value
from batchf1.forensics.log_numbers import number
from batchf1.forensics.log_truth import split_in

SPLITS = ("train", "validation", "test")
RATES = ("f1", "precision", "recall", "accuracy", "iou")


class Epoch(NamedTuple):
    """Values of one split in one epoch by quantity, and the indices of its entries."""

    indices: tuple[int, ...]
    values: dict[str, Value]


def f1s(values: Iterable[Value]) -> list[Value]:
    """Return the values that are an F1, not an average over classes."""
    return [value for value in values if value.meaning.kind == "f1" and is_rate(value)]


def is_rate(value: Value) -> bool:
    """Return True for a number that is the quantity of its name."""
    return not value.meaning.why_not and 0 <= number(value.text) < math.inf


def last_fit(found: Sequence[Entry]) -> list[tuple[int, ...]]:
    """Return the indices of the epochs of the last `fit` with a validation F1, else with any F1.

    Without a progress line with an F1: those of a printed history, else of what `evaluate`
    returned, else of lines that name an F1. Lines that follow each other are one epoch there.
    """
    fits = list(_fits(found))
    validated = [fit for fit in fits if any("validation" in splits(found[i]) for i in fit)]
    if validated or fits:
        return [(i,) for i in (validated or fits)[-1]]
    for kind in ("series", "block"):
        own = [i for i, entry in enumerate(found) if entry.kind == kind and f1s(entry.values)]
        if own:
            return [(own[-1],)]
    return _neighbours(found)


def _fits(found: Sequence[Entry]) -> Iterator[list[int]]:
    """Yield the progress lines with an F1 of each `fit`."""
    fit: list[int] = []
    last_epoch = 0
    for i, entry in enumerate(found):
        epoch = EPOCH.match(entry.text) if entry.kind == "epoch" else None
        again = epoch is not None and int(epoch[1]) <= last_epoch
        last_epoch = int(epoch[1]) if epoch else last_epoch
        logged = entry.kind == "progress" and bool(f1s(entry.values))
        other = logged and bool(fit) and found[fit[-1]].total != entry.total
        if fit and (again or entry.kind == "header" or other):
            yield fit
            fit = []
        if logged:
            fit.append(i)
    if fit:
        yield fit


def _neighbours(found: Sequence[Entry]) -> list[tuple[int, ...]]:
    """Return the lines with metrics of their own, in groups that follow each other."""
    groups: list[list[int]] = []
    for i, entry in enumerate(found):
        if entry.kind != "line":
            continue
        names = {v.name for g in groups[-1:] for j in g for v in found[j].values}
        new = not names & {value.name for value in entry.values}
        if groups and groups[-1][-1] == i - 1 and new:
            groups[-1].append(i)
        else:
            groups.append([i])
    return [tuple(g) for g in groups if any(f1s(found[i].values) for i in g)]


def default_split(entry: Entry) -> str | None:
    """Return the split of names without one: that of a bar, or that with which the line begins."""
    if entry.total is not None:
        return "train"
    first = entry.values[0].meaning.split if entry.values else None
    return first or split_in(entry.text.split(None, 1)[0])


def splits(entry: Entry) -> set[str]:
    """Return the splits of which an entry has an F1."""
    default = default_split(entry) or "train"
    return {value.meaning.split or default for value in f1s(entry.values)}


def epochs(
    found: Sequence[Entry], fit: Sequence[tuple[int, ...]], output: str | None
) -> dict[str, list[Epoch]]:
    """Return the epochs of each split that has an F1, with the other values of the same output."""
    if any(splits(found[i]) >= {"train", "validation"} for group in fit for i in group):
        fit = [group for group in fit if any("validation" in splits(found[i]) for i in group)]
    result: dict[str, list[Epoch]] = {split: [] for split in SPLITS}
    for group in fit:
        by_split: dict[str, list[Value]] = {split: [] for split in SPLITS}
        for i in group:
            unnamed = default_split(found[i]) or _of_unnamed(found, group)
            for value in filter(is_rate, found[i].values):
                by_split[value.meaning.split or unnamed].append(value)
        for split, values in by_split.items():
            for row in _rows(values) if found[group[0]].kind == "series" else [values]:
                chosen = _together(row, output)
                if "f1" in chosen:
                    result[split].append(Epoch(group, chosen))
    return result


def _of_unnamed(found: Sequence[Entry], group: tuple[int, ...]) -> str:
    """Return the split of values without a name of one: an evaluation has no other's beside it."""
    entries = [found[i] for i in group]
    named = {value.meaning.split for entry in entries for value in entry.values} - {None}
    return "validation" if entries[0].kind in ("block", "line") and not named else "train"


def _rows(values: Sequence[Value]) -> Iterator[list[Value]]:
    """Yield the values of each epoch of a history, in which each name has a series."""
    series: dict[str, list[Value]] = {}
    for value in values:
        series.setdefault(value.name, []).append(value)
    for i in range(max(map(len, series.values()), default=0)):
        yield [column[i] for column in series.values() if i < len(column)]


def _together(values: Sequence[Value], output: str | None) -> dict[str, Value]:
    """Return one value of each quantity: the F1 first, the others of the same output.

    A precision, recall or IoU of another name goes with the F1 where each is the only one.
    """
    own = [v for v in f1s(values) if output is None or v.meaning.output == output]
    if not own:
        return {}
    f1 = min(own, key=lambda v: (not v.name.endswith("f1_batch_mean"), bool(v.meaning.assumed)))
    chosen = {"f1": f1}
    for kind in RATES[1:]:
        of_kind = [value for value in values if value.meaning.kind == kind]
        same = [value for value in of_kind if value.meaning.output == f1.meaning.output]
        alone = len(of_kind) == len(f1s(values)) == 1 and kind != "accuracy"
        if same or (alone and of_kind):
            chosen[kind] = (same or of_kind)[0]
    return _as_shares(chosen)


def _as_shares(chosen: dict[str, Value]) -> dict[str, Value]:
    """Return percentages as such: without their sign, they show by an accuracy above 1."""
    if "accuracy" not in chosen or number(chosen["accuracy"].text) <= 1:
        return chosen
    assumed = "its values are percentages, as the accuracy is above 1"
    return {
        kind: value._replace(
            text=f"{value.text.rstrip('%')}%", meaning=value.meaning._replace(assumed=assumed)
        )
        for kind, value in chosen.items()
    }
