"""Sentences on what the evidence leaves open and on the assumptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batchf1.forensics.digits import SPLITS, Print
from batchf1.forensics.fit import LIMIT, Answer, Candidate, Evidence, SplitFit
from batchf1.forensics.log_values import Log
from batchf1.forensics.sizes import SIZES


def undetermined(parts: list[Evidence], answer: Answer) -> list[str]:
    """Return why nothing fits, or what the candidates leave open; then the assumptions."""
    candidates = answer.candidates
    sentences = _open(parts, candidates, answer.left_out) if candidates else _why_not(parts)
    return [*sentences, *_premises(parts, answer)]


def _why_not(parts: list[Evidence]) -> list[str]:
    usable = [part for part in parts if part.has_evidence]
    for part in usable:
        if not part.any_prints():
            return [
                f"Nothing fits: no counts up to {part.last:,} true positives print the {part.name} "
                f"F1 {part.text} by a formula of the table."
            ]
    for part in usable:
        if not any(option.bits.size for option in part.possible.values()):
            return [
                f"Nothing fits: at no batch size tried is the naive {part.name} F1 "
                f"{part.part.naive_f1} within {LIMIT:g} standard deviations of what counts lead to "
                f"that print {part.text} and suit the steps and the validation accuracy."
            ]
    return ["Nothing fits: each split has its shapes, but none of one batch size and formula."]


def _open(parts: list[Evidence], candidates: list[Candidate], left_out: int) -> list[str]:
    among = "listed" if left_out else "tried"
    sentences = [_listed("batch size", [c.batch_size for c in candidates], among)]
    sentences += _lead(candidates)
    fits = [c.train for c in candidates], [c.validation for c in candidates]
    for part, splits in zip(parts, fits, strict=True):
        sentences.append(_pairs(part, splits, among))
        if part.has_evidence or (part.is_train and part.log.total):
            sentences.append(_samples(part, splits[0], candidates[0].batch_size))
    shared = {(p.formula, p.dtype) for c in candidates for p in _common(c)}
    names = [f"{name} in {dtype}" for name, dtype in sorted(shared)]
    sentences.append(_listed("formula of the true F1", names, among))
    if left_out:
        sentences.append(f"{left_out:,} more combinations fit and are not listed.")
    return sentences


def _lead(candidates: list[Candidate]) -> list[str]:
    """Compare the score of the second batch size with that of the first."""
    first = candidates[0]
    others = [candidate for candidate in candidates if candidate.batch_size != first.batch_size]
    if not others:
        return []
    return [
        f"Batches of {others[0].batch_size} score {others[0].score - first.score:.1f} worse than "
        f"{first.batch_size}; 4 is as much as two standard deviations, 9 as three."
    ]


def _common(candidate: Candidate) -> list[Print]:
    """Return the prints of the first split whose formula and dtype the other has too."""
    one, two = candidate.train.prints, candidate.validation.prints
    shared = {(p.formula, p.dtype) for p in two or one}
    return [p for p in one or two if (p.formula, p.dtype) in shared]


def _listed(name: str, values: Sequence[Any], among: str) -> str:
    different = list(dict.fromkeys(values))
    if len(different) == 1:
        return f"The {name} is determined, among those {among}: {different[0]}."
    shown = "; ".join(map(str, different[:8])) + ("; ..." if len(different) > 8 else "")
    return f"The {name} is not determined: {len(different)} fit: {shown}."


def _pairs(part: Evidence, splits: Sequence[SplitFit], among: str) -> str:
    if not part.has_evidence:
        need = "a naive F1, a true F1 above 0 and, for training, the steps"
        return f"The {part.name} counts are not told: they need {need}."
    pairs = sorted({(split.tp or 0, split.errors or 0) for split in splits})
    if len(pairs) == 1:
        return (
            f"The {part.name} counts are determined, among those {among} (up to {part.last:,} true "
            f"positives): TP {pairs[0][0]}, FP + FN {pairs[0][1]}."
        )
    (low, few), (high, many) = pairs[0], pairs[-1]
    return (
        f"The {part.name} counts are not determined: {len(pairs)} pairs are listed, from TP {low}, "
        f"FP + FN {few} to TP {high}, FP + FN {many}."
    )


def _samples(part: Evidence, split: SplitFit, size: int) -> str:
    if split.n_low == split.n_high:
        return f"The {part.name} set of the best candidate has {split.n_low} samples."
    why = " (the last batch may be short or dropped)" if part.is_train else ""
    return (
        f"The {part.name} set is not determined: with batches of {size} the best candidate allows "
        f"{split.n_low} to {split.n_high} samples{why}."
    )


def _premises(parts: list[Evidence], answer: Answer) -> list[str]:
    log = answer.log
    smaller = "" if log.validation_samples else ", validation not larger than training"
    sentences = [
        _tried(answer.batch_sizes),
        _averaging(answer),
        "How the errors divide into FP and FN shows only where a formula prints with some splits.",
        "Taken for granted: random batches, one batch size in both splits, 0/0 counts 0, both true "
        f"values computed and printed alike{smaller}{_unit(log)}.",
    ]
    if parts[0].has_evidence:
        sentences.append(_movement(log))
    if any(part.has_evidence and part.value < 1 for part in parts):
        sentences.append(
            f"With more than {SPLITS} errors not every split into FP and FN was tried, so pairs "
            "that only a formula with precision and recall prints may be missing."
        )
    return sentences


def _tried(sizes: list[int]) -> str:
    if sizes != sorted(SIZES):
        return f"Batch sizes tried: {', '.join(map(str, sizes))}, as asked."
    larger = [size for size in sizes if size > 256]
    return (
        f"Batch sizes tried: 1 to 256, and {', '.join(map(str, larger))}. Of two that fit alike "
        "the more usual one is taken for likelier: against 32, each doubling or halving scores 1 "
        "worse, another multiple of 10 scores 4, of 25 or 3 times a power of two 6, the rest 9."
    )


def _averaging(answer: Answer) -> str:
    log, rule = answer.log, answer.averaging
    means = {"per_batch": "each batch counts once", "size_weighted": "batches count by their size"}
    if log.averaging == rule:
        return f"The log is of {log.keras}: {means[rule]} in the mean ({rule})."
    if log.averaging:
        return f"The log is of {log.keras}, but {rule} was asked for: {means[rule]} in the mean."
    return (
        f"The log's form tells no more than {log.keras}. {means[rule].capitalize()} in the mean "
        f"({rule}), as {'up to Keras 2.2' if rule == 'size_weighted' else 'from Keras 2.3 on'}: "
        "taken for granted, and of weight only where the last batch is short."
    )


def _unit(log: Log) -> str:
    if log.unit_told or log.total is None:
        return ""
    return (
        ", and a progress bar that counts steps (Keras up to 2.3 counts samples in `fit` on arrays,"
        " below a line `Train on ... samples`, which is not here)"
    )


def _movement(log: Log) -> str:
    if log.train.accuracy is not None:
        how = "as far as the errors that follow from the epoch's accuracy differ"
    elif log.earlier_f1 is not None:
        how = "up to about as much as it differs from the epoch before (no accuracy is printed)"
    else:
        how = (
            "only roughly: no accuracy says how many errors the epoch itself made, and a few times "
            "those after it are allowed for"
        )
    return (
        "The naive training F1 is of weights that still move; the counts after the epoch explain "
        f"it {how}."
    )
