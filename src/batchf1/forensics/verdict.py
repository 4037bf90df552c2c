"""What a log proves about each logged F1, the strongest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from batchf1.errors import InputError, check
from batchf1.forensics.estimate import Estimate, Interval, estimate
from batchf1.forensics.log import Reading, SplitReading
from batchf1.forensics.log_numbers import (
    below_harmonic_mean,
    bounds,
    half_unit,
    harmonic_mean,
    number,
)
from batchf1.metrics.averaging import Averaging
from batchf1.theory.search import compatible_f1

Epochs = Sequence[Mapping[str, str]]
SLACK = 1e-3
"""Rounding by which equal values still prove something."""
NEAR = 0.25
"""Largest relative distance of an F1 from the positives of a batch that flat labels explain."""


class Known(NamedTuple):
    """What the reader of a log knows besides; None and () for what is not known."""

    batch_sizes: Sequence[int] = ()
    prevalence: float | None = None
    samples: int | None = None
    averaging: Averaging | None = None


class Finding(NamedTuple):
    """What a log proves about the F1 of one split.

    Attributes
    ----------
    verdict : {"averaged", "object", "accuracy", "flat_labels", "unknown"}
        averaged: over parts of the data; object: of all samples at once; accuracy: a micro average
        over classes; flat_labels: no F1, as the labels have the shape (n,).
    lower_bound : float, optional
        2PR / (P + R) of the logged precision and recall, or 2J / (1 + J) of the logged IoU: a lower
        bound of the true F1 in expectation, where the parts are random.
    lower_bound_975 : float, optional
        Lower bound that holds for 97.5 % of logs.
    true_f1 : Interval, optional
        Where the true F1 lies; that of the log where it prints one.
    prevalence : float, optional
        Share of positives, most likely.
    batch_size : list of int
        Likeliest first.
    read : dict
        Digits of the last epoch by quantity, and of `true_f1`.
    assumed : list of str
        What was taken for granted.
    evidence : list of str
        Sentences that prove the verdict.
    name : str
        Name of the F1 in the log.
    others : list of Interval
        Second solutions of the true F1.
    """

    verdict: str
    lower_bound: float | None
    lower_bound_975: float | None
    true_f1: Interval | None
    prevalence: float | None
    prevalence_interval: Interval | None
    batch_size: list[int]
    read: dict[str, str]
    assumed: list[str]
    evidence: list[str]
    name: str
    others: list[Interval]


def conclude(reading: Reading, known: Known = Known()) -> dict[str, Finding]:  # noqa: B008
    """Return what a log proves, by split: train, validation and test as far as it has them.

    Raises `InputError` for a log without an F1, with what it has instead.
    """
    found = {split: part for split, part in reading.splits.items() if part.epochs or part.truth}
    if not any(part.epochs for part in found.values()):
        missing = "must have an F1 of an epoch, such as `val_f1: 0.47` on a progress line"
        check(False, "log", missing, _instead(reading))
    proofs = {split: _proof(split, part, known) for split, part in found.items()}
    for split in found:
        proofs[split] = _inherited(split, proofs, found)
    return {
        split: _finding(split, part, proofs[split], reading, known) for split, part in found.items()
    }


Proof = tuple[str, list[str]]
"""Verdict and its evidence."""


def _instead(reading: Reading) -> str:
    """Return what a log without an F1 has."""
    named = [line.text.split("\n")[0][:60] for line in reading.lines if line.kind != "other"]
    shown = f", such as {named[-1]!r}" if named else ""
    return f"{len(reading.lines)} lines without one{shown}" if reading.lines else "nothing"


def _proof(split: str, part: SplitReading, known: Known) -> Proof:
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


def _inherited(split: str, proofs: Mapping[str, Proof], found: Mapping[str, SplitReading]) -> Proof:
    """Return the proof of a split, that of another by the same function if it has none."""
    verdict, evidence = proofs[split]
    if verdict != "unknown" or not found[split].epochs:
        return proofs[split]
    for other in ("validation", "train"):
        if other != split and other in proofs and proofs[other][0] != "unknown":
            name = found[other].names["f1"]
            return proofs[other][0], [*evidence, f"It is the function of {name}."]
    return proofs[split]


def _flat(part: SplitReading, known: Known) -> Proof | None:
    """Labels of shape (n,): values above 1, or the number of positives of a batch."""
    for epoch in part.epochs:
        for kind in ("f1", "precision", "recall"):
            if kind in epoch and bounds(epoch[kind])[0] > 1:
                above = f"The logged {part.names[kind]} {epoch[kind]} is above 1"
                law = "2PQ/(P+Q), of the P positives and the Q predicted ones of a batch"
                return "flat_labels", [f"{above}: labels of shape (n,) log {law}."]
    if known.prevalence is None or len(known.batch_sizes) != 1:
        return None
    positives = known.prevalence * known.batch_sizes[0]
    precisions = [number(e["precision"]) for e in part.epochs if "precision" in e]
    if len(precisions) > 1 and all(abs(p - positives) <= 0.01 * positives for p in precisions):
        shown = f"{positives:.4g}, in {len(precisions)} epochs"
        why = f"The logged precision is the number of positives in a batch, {shown}."
        return "flat_labels", [why]
    f1 = number(part.epochs[-1]["f1"])
    if abs(f1 - positives) <= NEAR * positives and _given_range(part, known) is None:
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
    if abs(difference) <= half_unit(true) + half_unit(logged) + 1e-12:
        return None if _any_below(part.epochs) else ("object", [f"{shown}, the same."])
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
    return abs(number(one) - number(two)) <= half_unit(one) + half_unit(two) + 1e-12


def _share(some: Epochs, epochs: Epochs) -> str:
    return (
        _number_of(epochs) if len(some) == len(epochs) else f"{len(some)} of {len(epochs)} epochs"
    )


def _number_of(epochs: Epochs) -> str:
    return "one epoch" if len(epochs) == 1 else f"{len(epochs)} epochs"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}".capitalize().replace("f1", "F1")


def _finding(
    split: str, part: SplitReading, proof: Proof, reading: Reading, known: Known
) -> Finding:
    """Add what the values say about the true F1."""
    verdict, evidence = proof
    last = dict(part.epochs[-1]) if part.epochs else {}
    if part.truth:
        last["true_f1"] = part.truth.f1
    assumed = [*part.assumed, *([part.truth.assumed] if part.truth and part.truth.assumed else [])]
    result = Estimate(None, None, None, None, None, (), (), ())
    if verdict in ("averaged", "unknown") and part.epochs:
        result = _estimated(split, part, reading, known) or result
    true_f1 = result.true_f1
    if verdict == "object":
        true_f1 = _interval(last["f1"])
    if part.truth:
        true_f1 = _interval(part.truth.f1)
    elif true_f1 is None and (given := _given_range(part, known)) and verdict != "flat_labels":
        true_f1 = Interval(given[0], sum(given) / 2, given[1])
        assumed.append("the prevalence and the batch size are as given, and the batches random")
    bound = _lower_bound(last) if verdict in ("averaged", "unknown") else None
    if bound is not None and part.epochs and verdict == "unknown" and number(last["f1"]) > bound:
        bound = None
    return Finding(
        verdict,
        bound if verdict != "object" else true_f1 and true_f1.low,
        result.lower_bound if bound is not None else None,
        true_f1,
        result.prevalence.best if result.prevalence else None,
        result.prevalence,
        list(result.batch_sizes),
        last,
        [*assumed, *(result.assumed if true_f1 is result.true_f1 and true_f1 else ())],
        evidence,
        part.names.get("f1", part.truth.source if part.truth else "F1"),
        list(result.others),
    )


def _estimated(split: str, part: SplitReading, reading: Reading, known: Known) -> Estimate | None:
    """Return the estimate from the epochs' precision, recall, F1 and accuracy."""
    log, training = reading.log, split == "train"
    samples = log.total if training and log.in_samples else None
    if split == "validation":
        samples = known.samples or log.validation_samples
    return estimate(
        part.epochs,
        averaging=known.averaging or log.averaging or "size_weighted",
        objects=_are_objects(part.names),
        batch_sizes=known.batch_sizes or None,
        samples=samples,
        steps=log.total if training and not log.in_samples else None,
        prevalence=known.prevalence,
        training=training,
    )


def _are_objects(names: Mapping[str, str]) -> bool | None:
    """Return True for Keras' names of second objects, False for usual ones of functions."""
    shown = names.get("precision", ""), names.get("recall", "")
    if all(re.search(r"_m(?:_\d+)?$", name) for name in shown):
        return False
    return True if all(re.search(r"_\d+$", name) for name in shown) else None


def _given_range(part: SplitReading, known: Known) -> tuple[float, float] | None:
    """Return the true F1 that an F1 alone allows, with the prevalence and the batch size given."""
    if known.prevalence is None or len(known.batch_sizes) != 1 or not part.epochs:
        return None
    text = part.epochs[-1]["f1"]
    size, within = known.batch_sizes[0], half_unit(text)
    try:
        return compatible_f1(number(text), size, known.prevalence, known.samples, within)
    except InputError:  # no classifier logs this
        return None


def _lower_bound(last: Mapping[str, str]) -> float | None:
    """Return 2PR / (P + R), or 2J / (1 + J), at the lower ends of the rounding."""
    if {"precision", "recall"} <= last.keys():
        p, r = (max(bounds(last[kind])[0], 0.0) for kind in ("precision", "recall"))
        return harmonic_mean(p, r)
    return f1_of_iou(bounds(last["iou"])[0]) if "iou" in last else None


def _interval(text: str) -> Interval:
    value, half = number(text), half_unit(text)
    return Interval(max(value - half, 0.0), value, min(value + half, 1.0))
