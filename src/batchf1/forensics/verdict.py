"""Verdict on each logged F1, with its proof, and the size of the true one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from batchf1.errors import check
from batchf1.forensics.estimate import Estimate, Interval, estimate
from batchf1.forensics.log_numbers import half_unit, harmonic_mean, number
from batchf1.forensics.log_values import Reading, SplitReading
from batchf1.forensics.proof import Known, Proof, given_range, proof_of


class Finding(NamedTuple):
    """Verdict on the F1 of one split, and its evidence.

    Attributes
    ----------
    verdict : {"averaged", "object", "accuracy", "flat_labels", "unknown"}
        averaged: over parts of the data; object: of all samples at once; accuracy: a micro average
        over classes; flat_labels: no F1, as the labels have the shape (n,).
    lower_bound : float, optional
        2PR / (P + R) of the logged precision and recall: a lower bound of the true F1 on average,
        where the parts are random.
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


def conclude(reading: Reading, known: Known | None = None) -> dict[str, Finding]:
    """Return what a log proves, by split: train, validation and test as far as it has them.

    Raises `InputError` for a log without an F1, with what it has instead.
    """
    known = known or Known()
    found = {split: part for split, part in reading.splits.items() if part.epochs or part.truth}
    if not any(part.epochs for part in found.values()):
        missing = "must have an F1 of an epoch, such as `val_f1: 0.47` on a progress line"
        check(False, "log", missing, _instead(reading))
    proofs = {split: proof_of(split, part, known) for split, part in found.items()}
    for split in found:
        proofs[split] = _inherited(split, proofs, found)
    return {
        split: _finding(split, part, proofs[split], reading, known) for split, part in found.items()
    }


def _instead(reading: Reading) -> str:
    """Return what a log without an F1 has."""
    named = [line.text.split("\n")[0][:60] for line in reading.lines if line.kind != "other"]
    shown = f", such as {named[-1]!r}" if named else ""
    return f"{len(reading.lines)} lines without one{shown}" if reading.lines else "nothing"


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
    elif true_f1 is None and (given := given_range(part, known)) and verdict != "flat_labels":
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


def _lower_bound(last: Mapping[str, str]) -> float | None:
    """Return 2PR / (P + R) of the logged values."""
    if not {"precision", "recall"} <= last.keys():
        return None
    return harmonic_mean(number(last["precision"]), number(last["recall"]))


def _interval(text: str) -> Interval:
    value, half = number(text), half_unit(text)
    return Interval(max(value - half, 0.0), value, min(value + half, 1.0))
