"""Proofs of what a logged F1 is, from its own values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from batchf1.errors import InputError
from batchf1.forensics.log_numbers import (
    below_harmonic_mean,
    bounds,
    half_unit,
    harmonic_mean,
    number,
    same_value,
)
from batchf1.forensics.log_values import SplitReading
from batchf1.metrics.averaging import Averaging
from batchf1.theory.search import compatible_f1

Epochs = Sequence[Mapping[str, str]]
SLACK = 1e-3
"""Rounding by which equal values still prove something."""
NEAR = 0.25
"""Largest relative distance of an F1 from the positives of a batch that flat labels explain."""


class Known(NamedTuple):
    """Facts that the reader of a log states; None and () for what is not known."""

    batch_sizes: Sequence[int] = ()
    prevalence: float | None = None
    samples: int | None = None
    averaging: Averaging | None = None


Proof = tuple[str, list[str]]
"""Verdict and its evidence."""


def proof_of(split: str, part: SplitReading, known: Known) -> Proof:
    """Return the verdict of the split's own values, by the first test that decides."""
    if not part.epochs:
        return "unknown", ["It is the F1 of other data, and not compared with those of the epochs."]
    tests: Sequence[Callable[[], Proof | None]] = (
        lambda: _flat(part, known),
        lambda: _against_truth(split, part),
        lambda: _equal(part.epochs),
        lambda: _below(part),
        lambda: _object(part.epochs),
    )
    proof = next((result for test in tests if (result := test())), None)
    return proof or ("unknown", _why_unknown(part))


def _flat(part: SplitReading, known: Known) -> Proof | None:
    """Labels of shape (n,): values above 1, or the number of positives of a batch."""
    for epoch in part.epochs:
        for kind in ("f1", "precision", "recall"):
            if kind in epoch and bounds(epoch[kind])[0] > 1:
                above = f"The logged {part.names[kind]} {epoch[kind]} is above 1"
                law = "2PQ/(P+Q), of the P positives and the Q predicted ones of a batch"
                why = f"labels of shape (n,) log {law}, unless it is a percentage"
                return "flat_labels", [f"{above}: {why}."]
    if known.prevalence is None or len(known.batch_sizes) != 1:
        return None
    positives = known.prevalence * known.batch_sizes[0]
    precisions = [number(e["precision"]) for e in part.epochs if "precision" in e]
    if len(precisions) > 1 and all(abs(p - positives) <= 0.01 * positives for p in precisions):
        shown = f"{positives:.4g}, in {len(precisions)} epochs"
        why = f"The logged precision is the number of positives in a batch, {shown}."
        return "flat_labels", [why]
    f1 = number(part.epochs[-1]["f1"])
    if abs(f1 - positives) <= NEAR * positives and given_range(part, known) is None:
        why = (
            f"No classifier logs {f1:g} in batches of {known.batch_sizes[0]} at a prevalence of "
            f"{known.prevalence:g}; the number of positives in a batch is {positives:.4g}."
        )
        return "flat_labels", [why]
    return None


def _against_truth(split: str, part: SplitReading) -> Proof | None:
    """Compare the last epoch with the true F1 that the log prints."""
    if part.truth is None:
        return None
    logged, true = part.epochs[-1]["f1"], part.truth.f1
    shown = f"The log prints the true F1 {true} (line {part.truth.number}) and logs {logged}"
    difference = number(true) - number(logged)
    if same_value(true, logged):
        decided = _same(true, logged) and not _any_below(part.epochs)
        return ("object", [f"{shown}, the same."]) if decided else None
    if difference < 0:
        why = "other weights, another threshold, 0/0 as 1, or labels of shape (n,)"
        return "unknown", [f"{shown}, which is above it: {why}."]
    if split == "train" and not _any_below(part.epochs):
        return "unknown", [f"{shown}, while the weights moved."]
    below = _below(part)
    return "averaged", [f"{shown}.", *(below[1] if below else [])]


def _equal(epochs: Epochs) -> Proof | None:
    """Precision, recall, F1 and accuracy that are equal: micro averages."""
    kinds = [k for k in ("precision", "recall", "accuracy") if all(k in epoch for epoch in epochs)]
    usual = [epoch for epoch in epochs if 0 < number(epoch["f1"]) < 1]
    if not usual or not (
        {"precision", "recall"} <= {*kinds} or (kinds == ["accuracy"] and len(usual) > 1)
    ):
        return None
    if all(_same(epoch["f1"], epoch[kind]) for epoch in epochs for kind in kinds):
        return "accuracy", [f"{_listed([*kinds, 'F1'])} are equal in {_number_of(epochs)}."]
    return None


def _any_below(epochs: Epochs) -> bool:
    return any(map(below_harmonic_mean, epochs))


def _below(part: SplitReading) -> Proof | None:
    """F1 below the harmonic mean of precision and recall, or below 2J/(1+J)."""
    sentences = []
    below = [epoch for epoch in part.epochs if below_harmonic_mean(epoch)]
    if below:
        f1, p, r = (below[-1][kind] for kind in ("f1", "precision", "recall"))
        mean = harmonic_mean(number(p), number(r))
        names = part.names
        sentences.append(
            f"{names['f1']} {f1} is below the harmonic mean {mean:.4f} of {names['precision']} {p} "
            f"and {names['recall']} {r} beyond rounding, in "
            f"{_share(below, part.epochs)}. A mean over parts is; an F1 of all samples is not."
        )
    rows = [
        e for e in part.epochs if "iou" in e and bounds(e["f1"])[1] < f1_of_iou(bounds(e["iou"])[0])
    ]
    if rows:
        f1, iou = rows[-1]["f1"], rows[-1]["iou"]
        whole = f1_of_iou(number(iou))
        sentences.append(
            f"{part.names['f1']} {f1} is below 2J/(1+J) = {whole:.4f} of {part.names['iou']} "
            f"J = {iou}, in {_share(rows, part.epochs)}."
        )
    return ("averaged", sentences) if sentences else None


def _object(epochs: Epochs) -> Proof | None:
    """F1 that is the harmonic mean of precision and recall, or 2J/(1+J), in every epoch."""
    for kinds, of in ((("precision", "recall"), harmonic_mean), (("iou",), f1_of_iou)):
        if not all(kind in epoch for epoch in epochs for kind in kinds):
            continue
        if not any(0 < number(epoch["f1"]) < 1 for epoch in epochs):
            continue
        ends = [
            [of(*(max(bounds(epoch[kind])[i], 0.0) for kind in kinds)) for i in (0, 1)]
            for epoch in epochs
        ]
        f1s = [bounds(epoch["f1"]) for epoch in epochs]
        pairs = list(zip(ends, f1s, strict=True))
        fine = all(high - low + f1[1] - f1[0] <= SLACK for (low, high), f1 in pairs)
        if fine and all(low <= f1[1] and f1[0] <= high for (low, high), f1 in pairs):
            two = "the harmonic mean of precision and recall"
            what = two if len(kinds) == 2 else "2J/(1+J) of the IoU"
            why = "of all samples at once, or of batches so large that it makes no difference"
            return "object", [f"F1 is {what} in {_number_of(epochs)}: {why}."]
    return None


def _why_unknown(part: SplitReading) -> list[str]:
    last = part.epochs[-1]
    if {"precision", "recall"} <= last.keys():
        mean = harmonic_mean(number(last["precision"]), number(last["recall"]))
        if bounds(last["f1"])[0] > mean:
            above = f"F1 {last['f1']} is above the harmonic mean {mean:.4f} of precision and recall"
            return [f"{above}: they are no means over the same parts."]
        return ["F1 is the harmonic mean of precision and recall only to the few digits printed."]
    return ["Precision and recall of the same line, or the true F1, would show it."]


def f1_of_iou(iou: float) -> float:
    """Return 2J / (1 + J) of a Jaccard index J >= 0."""
    return 2 * max(iou, 0.0) / (1 + max(iou, 0.0))


def _same(one: str, two: str) -> bool:
    """Return True for values that are equal to rounding, and printed with enough digits."""
    return same_value(one, two) and half_unit(one) + half_unit(two) <= SLACK


def _share(some: Epochs, epochs: Epochs) -> str:
    return (
        _number_of(epochs) if len(some) == len(epochs) else f"{len(some)} of {len(epochs)} epochs"
    )


def _number_of(epochs: Epochs) -> str:
    return "one epoch" if len(epochs) == 1 else f"{len(epochs)} epochs"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}".capitalize().replace("f1", "F1")


def given_range(part: SplitReading, known: Known) -> tuple[float, float] | None:
    """Return the true F1 that an F1 alone allows, with the prevalence and the batch size given."""
    if known.prevalence is None or len(known.batch_sizes) != 1 or not part.epochs:
        return None
    text = part.epochs[-1]["f1"]
    size, within = known.batch_sizes[0], half_unit(text)
    try:
        return compatible_f1(number(text), size, known.prevalence, known.samples, within)
    except InputError:  # no classifier logs this
        return None
