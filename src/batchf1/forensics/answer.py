"""Search for the counts and batch sizes that can have printed a Keras log.

A true F1 printed with all its digits leaves few pairs (true positives, errors). The naive F1 of the
same epoch depends on the number of relevant samples in a batch, the number of steps on the number
of batches, and the validation accuracy on the share of the errors among all samples. Each is weak
evidence; together they can determine the shape of the data.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, get_args

import numpy as np

from batchf1.errors import check
from batchf1.forensics.digits import rounding
from batchf1.forensics.fit import (
    LIMIT,
    SOFT,
    Answer,
    Candidate,
    Evidence,
    Fitting,
    Options,
    SplitFit,
)
from batchf1.forensics.log import checked, is_searchable, parse
from batchf1.forensics.log_numbers import decimals_of
from batchf1.forensics.log_values import MAX_SAMPLES, Log, Reading
from batchf1.forensics.report import undetermined
from batchf1.forensics.sizes import SHARES, SIZES, rarity, train_range, train_size
from batchf1.metrics.averaging import Averaging
from batchf1.metrics.counts import Floats, as_counts
from batchf1.theory.expectation import expect

MIN_DECIMALS = 3
"""Fewest decimals that the F1 of a `classification_report` needs for a search of its counts."""
RESIDUAL_TOL = 0.1
"""Numbers of samples whose naive values are within this many standard deviations fit equally."""


def investigate(
    log_text: str,
    averaging: Averaging | None = None,
    batch_sizes: Sequence[int] = (),
    max_tp: int = 2_000_000,
    most: int = 200,
) -> Answer:
    """Find the counts, sample sizes and batch sizes that can have printed a log.

    Parameters
    ----------
    log_text : str
        A pasted Keras log with, of one split at least, a naive F1 on a progress line and the true
        F1 on a line of its own, see `batchf1.forensics.log.parse`.
    averaging : {"per_batch", "size_weighted"}, optional
        The framework's rule; None takes that of the Keras version that the log shows, and
        `size_weighted` where it shows none.
    batch_sizes : sequence of int, optional
        Batch sizes to try; `batchf1.forensics.sizes.SIZES` where none is given.
    max_tp : int
        Largest number of true positives to try, at least 1.
    most : int
        Number of candidates listed at most, at least 1.

    Returns
    -------
    Answer
        The candidates, best first, and what the log leaves open.

    Raises
    ------
    InputError
        As `batchf1.forensics.log.parse`; for a batch size, `max_tp` or `most` below 1, or another
        averaging.

    Notes
    -----
    A candidate prints both true F1 values by one common formula, and lies within `LIMIT` standard
    deviations of both naive values. Its score is -2 log of the probability that normal values are
    printed so, plus the prior: `rarity` of the batch size, 2 log(tp + errors) of each split (of two
    that fit equally the smaller is likelier), and at most `SOFT` each for prevalences that differ
    and for an epoch whose accuracy implies other errors than those of the weights after it.

    Assumptions: batches are random, of one size in both splits; 0/0 counts 0; validation, unless
    the log prints its size, is not larger than training. See `docs/forensics.md`.

    Examples
    --------
    >>> log = '''854/854 [====] - f1: 0.5160 - val_f1: 0.4728
    ... f1score_train 0.997502
    ... f1score_test 0.93532336'''
    >>> investigate(log, batch_sizes=[50]).candidates[0].validation.tp
    94
    """
    check_settings(averaging, batch_sizes, max_tp, most)
    return search(parse(log_text), averaging, batch_sizes, max_tp, most)


def search(
    log: Log,
    averaging: Averaging | None = None,
    batch_sizes: Sequence[int] = (),
    max_tp: int = 2_000_000,
    most: int = 200,
) -> Answer:
    """Do what `investigate` does, on a log that is read and checked."""
    rule: Averaging = averaging or log.averaging or "size_weighted"
    k = rounding(p.exact_f1 for p in (log.train, log.validation) if p.exact_f1 is not None)
    named = ("training", log.train), ("validation", log.validation)
    parts = [Evidence(name, part, log, max_tp, k) for name, part in named]
    tried = sorted({*(batch_sizes or SIZES)})
    for part in parts:
        if part.has_evidence:
            part.screen(tried)
    ranked, number_fitting = _combine(parts, tried, most)
    candidates, judged = _judge(parts, ranked, rule, most)
    answer = Answer(candidates, number_fitting - judged, [], log, tried, rule)
    return answer._replace(undetermined=undetermined(parts, answer))


def search_reading(reading: Reading, averaged: Collection[str], *settings: Any) -> Answer:
    """Search the counts of a reading with the settings of `search`, or answer why there are none.

    `averaged`: the splits whose F1 may be a mean over batches. Counts of a confusion matrix are the
    only ones.
    """
    why = why_not_searched(reading, averaged)
    if why:
        rule = settings[0] or reading.log.averaging or "size_weighted"
        return Answer([], 0, [why], reading.log, [], rule)
    answer = search(checked(reading.log), *settings)
    truth = reading.splits["validation"].truth
    if truth is None or truth.counts is None:
        return answer
    tp, fp, fn, _ = truth.counts
    own = [c for c in answer.candidates if (c.validation.tp, c.validation.errors) == (tp, fp + fn)]
    return answer._replace(candidates=own)


def why_not_searched(reading: Reading, averaged: Collection[str]) -> str:
    """Return why no counts can be searched; "" if they can."""
    fitted = {*averaged} & {"train", "validation"}
    if not any(reading.splits[split].truth for split in fitted):
        return "No counts are searched: that needs a true F1 beside one that is averaged."
    if not is_searchable(reading.log):
        return "No counts are searched: that needs a logged and a true F1 of the same split."
    truth = reading.splits["validation"].truth
    if truth and truth.source == "the report" and decimals_of(truth.f1) < MIN_DECIMALS:
        return f"No counts are searched: {truth.f1}, of the report, has too few digits."
    return ""


def check_settings(
    averaging: str | None, batch_sizes: Sequence[int], max_tp: int, most: int
) -> None:
    """Raise `InputError` for settings of `investigate` that are out of range."""
    named = (("batch size", size) for size in batch_sizes)
    for name, value in (("max_tp", max_tp), ("most", most), *named):
        good = isinstance(value, int) and 1 <= value <= MAX_SAMPLES
        check(good, name, f"must be a whole number from 1 to {MAX_SAMPLES}", value)
    rules = get_args(Averaging)
    check(averaging in (None, *rules), "averaging", f"must be one of {rules}", averaging)


class _Choice(NamedTuple):
    """Row of the ranking: a batch size, and a pair of counts, or None, per split."""

    score: float
    size: int
    rows: tuple[Options | None, Options | None]


def _combine(parts: list[Evidence], sizes: list[int], most: int) -> tuple[list[_Choice], int]:
    """Return the combinations in the order of evaluation, and how many fit in total."""
    choices, number = [], 0
    for size in sizes:
        options = [part.possible[size] if part.has_evidence else None for part in parts]
        best_choices, count = _choices(size, options, most)
        choices += best_choices
        number += count
    choices.sort(key=lambda choice: choice.score)
    # The best of each batch size comes into the first half of the list, however well others fit.
    best = {choice.size: choice for choice in reversed(choices)}
    first = sorted(best.values(), key=lambda choice: choice.score)[: max(most // 2, 1)]
    early = {id(choice) for choice in first}
    return [*first, *(choice for choice in choices if id(choice) not in early)], number


def _choices(size: int, options: list[Fitting | None], most: int) -> tuple[list[_Choice], int]:
    """Return the best combinations at one batch size, and the number of all."""
    one, two = options
    if one is None or two is None:
        alone = one or two
        assert alone is not None  # parse refuses a log without either
        costs = rarity(size) + alone.best.cost()[:most]
        rows = [alone.best.take(i) for i in range(len(costs))]
        pairs = [(row, None) if two is None else (None, row) for row in rows]
        choices = [_Choice(float(c), size, r) for c, r in zip(costs, pairs, strict=True)]
        return choices, int(alone.numbers.sum())
    shared = (one.bits[:, None] & two.bits) > 0
    count = int((shared * np.outer(one.numbers, two.numbers)).sum())
    score = rarity(size) + one.best.cost()[:, None] + two.best.cost() + _unlike(one.best, two.best)
    score = np.where(one.best.bits[:, None] & two.best.bits, score, np.inf)
    order = np.argsort(score, axis=None, kind="stable")[:most]
    indices = [divmod(int(i), score.shape[1]) for i in order if score.flat[i] < np.inf]
    return [
        _Choice(float(score[i, j]), size, (one.best.take(i), two.best.take(j))) for i, j in indices
    ], count


def _unlike(one: Options, two: Options) -> Floats:
    """Return the squared log ratio of prevalences over its variance in random splits, <= `SOFT`."""
    positives = [part.tp + part.errors / 2 for part in (one, two)]
    logs = [np.log(p / part.n) for p, part in zip(positives, (one, two), strict=True)]
    variance = 1 / positives[0][:, None] + 1 / positives[1] + 0.01
    return np.asarray(np.minimum((logs[0][:, None] - logs[1]) ** 2 / variance, SOFT))


def _judge(
    parts: list[Evidence], ranked: list[_Choice], averaging: Averaging, most: int
) -> tuple[list[Candidate], int]:
    """Return up to `most` candidates by exact expectations, and how many were evaluated."""
    fits: dict[Any, tuple[SplitFit, float]] = {}
    candidates: list[Candidate] = []
    judged = 0
    for choice in ranked[: 2 * most + 100]:
        if len(candidates) == most:
            break
        judged += 1
        score, splits = choice.score, []
        for part, row in zip(parts, choice.rows, strict=True):
            key = part.name, choice.size, *((int(row.tp), int(row.errors)) if row else ())
            if key not in fits:
                fits[key] = _fit_split(part, row, choice.size, averaging)
            split, misfit = fits[key]
            splits.append(split)
            score += misfit - float(row.misfit if row else 0)
        if all(abs(split.residual or 0) <= LIMIT for split in splits):
            candidates.append(Candidate(choice.size, splits[0], splits[1], score))
    return sorted(candidates, key=lambda candidate: candidate.score), judged


def _fit_split(
    part: Evidence, row: Options | None, size: int, averaging: Averaging
) -> tuple[SplitFit, float]:
    """Fit one split of a candidate by exact expectations; returns it and its misfit."""
    if row is None:
        if not part.is_train or part.log.total is None:
            return SplitFit(), 0.0
        return SplitFit(train_size(part.log, size), *train_range(part.log, size)), 0.0
    tp, errors, n = int(row.tp), int(row.errors), int(row.n)
    low, high = int(row.low), int(row.high)
    if not part.is_train:
        n = _rounded(part, row, size)
        low, high = _reach(part, row, n, size)
    fp = errors // 2  # only their sum matters
    law = expect(as_counts(tp, fp, errors - fp, n - tp - errors), min(size, n), averaging)
    moved = float(part.moved(tp, errors, n, size))
    sd = float(np.sqrt(law.sd**2 + part.half**2 + moved**2))
    residual = (part.naive - law.expected_f1) / sd
    prevalence, shown = (tp + errors / 2) / n, part.prints(tp, errors)
    counts = n, low, high, tp, errors, prevalence
    split = SplitFit(*counts, law.expected_f1, law.sd, residual, shown, moved)
    return split, float(part.misfit(residual, sd))


def _rounded(part: Evidence, row: Options, size: int) -> int:
    """Return the simple share of the training set nearest to `row.n` that fits, else `row.n`."""
    shares = np.rint(train_size(part.log, size) * np.array(SHARES)).astype(np.int64)
    shares = shares[(row.low <= shares) & (shares <= row.high)]
    good = shares[np.abs(part.residuals(row.tp, row.errors, shares, size)) <= RESIDUAL_TOL]
    return int(good[np.argmin(np.abs(good - row.n))]) if good.size else int(row.n)


def _reach(part: Evidence, row: Options, n: int, size: int) -> tuple[int, int]:
    """Return the part of `row.low` .. `row.high`, including n, in which the naive value fits."""
    tried = np.unique(np.rint(np.geomspace(row.low, row.high, 400)).astype(np.int64))
    good = tried[np.abs(part.residuals(row.tp, row.errors, tried, size)) <= LIMIT]
    return min([*good.tolist(), n]), max([*good.tolist(), n])
