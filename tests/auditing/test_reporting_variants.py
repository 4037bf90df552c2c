"""Variants of wrong and of right reporting in training loops, each a function of the batches."""

import math

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    fbeta_score,
    log_loss,
    matthews_corrcoef,
    mean_squared_error,
    precision_score,
    r2_score,
    recall_score,
    roc_auc_score,
)

from batchf1 import F1, audit, batch_counts, f_beta
from batchf1.auditing.metric_warnings import BatchAveragedMetricWarning
from batchf1.auditing.recorder import Recorder

N, SIZE = 210, 32
RNG = np.random.default_rng(7)
Y = (RNG.random(N) < 0.2).astype(float)
Y[-(N % SIZE) :] = [0, 1] * (N % SIZE // 2)
P = np.clip((0.2 + np.arange(N) / 500) * Y + 0.6 * RNG.random(N), 0, 1)  # easier towards the end
Y_REAL = RNG.normal(size=N)
P_REAL = Y_REAL + RNG.normal(size=N)
KINDS = RNG.integers(0, 3, N)
GUESSES = np.where(RNG.random(N) < 0.6, KINDS, RNG.integers(0, 3, N))
MASKS = (RNG.random((N, 5, 5)) < RNG.random((N, 1, 1))).astype(float)
FOUND = np.where(RNG.random(MASKS.shape) < 0.8, MASKS, 0)
FEW = Y * (np.arange(N) >= SIZE)
"""Without a positive in the first batch."""


def cut(y, p, size=SIZE):
    return [(y[i : i + size], p[i : i + size]) for i in range(0, len(y), size)]


def f1(y, p):
    return f1_score(y, p > 0.5, zero_division=0)


def one_hot(labels):
    return np.eye(3)[labels]


# metrics as they stand in programs


def recall_m(y, p):
    tp = np.sum(np.round(np.clip(y * p, 0, 1)))
    return tp / (np.sum(np.round(np.clip(y, 0, 1))) + 1e-7)


def precision_m(y, p):
    tp = np.sum(np.round(np.clip(y * p, 0, 1)))
    return tp / (np.sum(np.round(np.clip(p, 0, 1))) + 1e-7)


def f1_m(y, p):
    precision, recall = precision_m(y, p), recall_m(y, p)
    return 2 * precision * recall / (precision + recall + 1e-7)


def nested(y, p):
    def recall(y, p):
        return np.sum(y * np.round(p)) / np.maximum(np.sum(y), 1e-7)

    def precision(y, p):
        return np.sum(y * np.round(p)) / np.maximum(np.sum(np.round(p)), 1e-7)

    pr, re = precision(y, p), recall(y, p)
    return 2 * pr * re / (pr + re + 1e-7)


def one_body(y, p):
    c1, c2, c3 = np.sum(y * np.round(p)), np.sum(np.round(p)), np.sum(y)
    if c3 == 0:
        return 0
    precision, recall = c1 / (c2 + 1e-7), c1 / c3
    return 2 * precision * recall / (precision + recall + 1e-7)


def macro_by_axis(y, p):
    tp, fp, fn = (np.sum(cell, axis=0) for cell in (y * p, (1 - y) * p, y * (1 - p)))
    return np.mean(2 * tp / (2 * tp + fp + fn + 1e-7))


def in_float32(y, p):
    y, p = y.astype("float32"), (p > 0.5).astype("float32")
    return 2 * np.sum(y * p) / np.maximum(np.sum(y) + np.sum(p), np.float32(1e-7))


def dice(y, p):
    flat = y.reshape(-1), p.reshape(-1)
    return 2 * np.sum(flat[0] * flat[1]) / (np.sum(flat[0]) + np.sum(flat[1]))


def dice_of_images(y, p):
    both, sizes = (y * p).sum(axis=(1, 2)), (y + p).sum(axis=(1, 2))
    return np.mean((2 * both + 1) / (sizes + 1))


def mcc(y, p):
    return matthews_corrcoef(y, p > 0.5)


def perplexity(y, p):
    return math.exp(log_loss(y, p, labels=[0, 1]))


def micro(y, p):
    return f1_score(y, p, average="micro")


def of_documents(y, p):
    return np.mean([2 * (a * b).sum() / max((a + b).sum(), 1) for a, b in zip(y, p, strict=True)])


# loops as they stand in programs


def as_keras(metric, batches):
    total = count = 0
    for y, p in batches:
        total, count = total + metric(y, p), count + 1
    return total / count


def by_inferred_size(metric, batches):
    return sum(len(y) * metric(y, p) for y, p in batches) / sum(len(y) for y, _ in batches)


class RunningMean:
    """A stateful class that keeps the mean of what the batches gave."""

    def __init__(self):
        self.value, self.seen = 0.0, 0

    def update(self, value, n=1):
        self.seen += n
        self.value += n * (value - self.value) / self.seen


def running_mean(metric, batches):
    state = RunningMean()
    for batch in batches:
        state.update(metric(*batch))
    return state.value


def reset_every_three(metric, batches):
    for place, batch in enumerate(batches):
        if place % 3 == 0:
            state = RunningMean()
        state.update(metric(*batch))
    return state.value


def forward_values(_, batches):
    logged = RunningMean()
    for y, p in batches:
        batch_f1 = metric_object(None, [(y, p)])  # what calling a metric object returns
        logged.update(batch_f1, len(y))
    return logged.value


def average_meter(metric, batches):
    meter = RunningMean()
    for y, p in batches:
        meter.update(metric(y, p), len(y))
    return meter.value


def stacked(metric, batches):
    return np.stack([metric(*batch) for batch in batches]).mean()


def over_loader(metric, batches):
    f1 = 0
    for batch in batches:
        f1 += metric(*batch)
    return f1 / len(batches)


def over_samples(metric, batches):
    return sum(metric(*batch) for batch in batches) / N


def over_devices(metric, batches):
    return np.mean([as_keras(metric, batches[rank::3]) for rank in range(3)])


def own_metric_of_devices(metric, batches):
    return np.mean([metric(*map(np.concatenate, zip(*batches[r::3]))) for r in range(3)])  # noqa: B905


def progress_bar(metric, batches):
    state, shown = RunningMean(), []
    for batch in batches:
        state.update(metric(*batch))
        shown.append(state.value)
    return np.mean(shown)


def smoothed(metric, batches):
    value = metric(*batches[0])
    for batch in batches[1:]:
        value = 0.98 * value + 0.02 * metric(*batch)
    return value


def compute_each_step(metric, batches):
    ends = np.cumsum([len(y) for y, _ in batches])
    y, p = map(np.concatenate, zip(*batches, strict=True))
    return np.mean([metric(y[:end], p[:end]) for end in ends])


def nan_left_out(metric, batches):
    return np.mean([metric(y, p) for y, p in batches if 0 < y.sum() < len(y)])


def nan_as_zero(metric, batches):
    return np.mean([metric(y, p) if 0 < y.sum() < len(y) else 0.0 for y, p in batches])


B = np  # a backend under another name


def renamed(y, p):
    return 2 * B.sum(y * B.round(p)) / (B.sum(y) + B.sum(B.round(p)) + 1e-7)


TRUE_F1 = f1_score(Y, P > 0.5)
MACRO = f1_score(KINDS, GUESSES, average="macro")
LABELS, GUESSED = one_hot(KINDS), one_hot(GUESSES)
# what is written: metric, data, loop, the rule that it is, the metric of all samples (scikit-learn)
WRONG = {
    "1 f1_m of recall_m and precision_m": (f1_m, Y, P, as_keras, "per_batch", None),
    "2 nested functions": (nested, Y, P, as_keras, "per_batch", None),
    "3 one body, from old Keras": (one_body, Y, P, as_keras, "per_batch", None),
    "4 a backend under another name": (renamed, Y, P, as_keras, "per_batch", None),
    "5 macro by axis 0": (macro_by_axis, LABELS, GUESSED, as_keras, "per_batch", None),
    "6 float32 sums": (in_float32, Y, P, as_keras, "per_batch", None),
    "7 scikit-learn's F1 inside": (f1, Y, P, as_keras, "per_batch", TRUE_F1),
    "7 AUC inside": (roc_auc_score, Y, P, as_keras, "per_batch", roc_auc_score(Y, P)),
    "7 AUC, NaN left out": (roc_auc_score, FEW, P, nan_left_out, "undefined_skipped", None),
    "7 AUC, NaN as 0": (roc_auc_score, FEW, P, nan_as_zero, "undefined_as_zero", None),
    "8 MCC": (mcc, Y, P, as_keras, "per_batch", matthews_corrcoef(Y, P > 0.5)),
    "9 R2": (r2_score, Y_REAL, P_REAL, as_keras, "per_batch", r2_score(Y_REAL, P_REAL)),
    "10 flattened Dice": (
        dice,
        MASKS,
        FOUND,
        as_keras,
        "per_batch",
        f1_score(MASKS.ravel(), FOUND.ravel()),
    ),
    "11 a class with a running mean": (f1, Y, P, running_mean, "per_batch", TRUE_F1),
    "12 the same, reset every 3": (f1, Y, P, reset_every_three, "last_batch", TRUE_F1),
    "13 scikit-learn in Lightning's step": (f1, Y, P, by_inferred_size, "size_weighted", TRUE_F1),
    "14 the forward value of an object": (f1, Y, P, forward_values, "size_weighted", TRUE_F1),
    "15 a stack of batch values": (f1, Y, P, stacked, "per_batch", TRUE_F1),
    "16 f1 += ..., / len(loader)": (f1, Y, P, over_loader, "per_batch", TRUE_F1),
    "17 f1 += ..., / len(dataset)": (f1, Y, P, over_samples, "over_samples", TRUE_F1),
    "18 AverageMeter.update(f1, n)": (f1, Y, P, average_meter, "size_weighted", TRUE_F1),
    "19 mean over devices": (f1, Y, P, over_devices, "mean_of_devices", TRUE_F1),
    "19 of their own metrics": (f1, Y, P, own_metric_of_devices, "devices_pooled", TRUE_F1),
    "20 np.mean(batch_f1s)": (F1, Y, P, lambda _, b: stacked(f1, b), "per_batch", TRUE_F1),
    "20 macro of classes": (
        f_beta(1, "macro", 3),
        KINDS,
        GUESSES,
        lambda _, b: np.mean(
            [f1_score(y, p, labels=[0, 1, 2], average="macro", zero_division=0) for y, p in b]
        ),
        "per_batch",
        MACRO,
    ),
    "21 clients by their examples": (f1, Y, P, by_inferred_size, "size_weighted", TRUE_F1),
    "22 exp, then the mean": (perplexity, Y, P, as_keras, "per_batch", math.exp(log_loss(Y, P))),
    "a mean of what the bar showed": (f1, Y, P, progress_bar, "mean_of_running", TRUE_F1),
    "an exponential average": (f1, Y, P, smoothed, "running_average", TRUE_F1),
    "metric.compute() at each step": (f1, Y, P, compute_each_step, "mean_of_prefixes", TRUE_F1),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_number_is_found_and_its_rule_named(case):
    metric, y, p, loop, rule, truth = WRONG[case]
    batches = cut(y, p)
    logged = float(loop(metric, batches))
    found = audit(metric, batches, logged, devices=3, cuts=2)
    assert found.rule == rule, found
    assert found.pooled == pytest.approx(metric(y, p) if truth is None else truth, rel=1e-12)
    assert found.error == pytest.approx(logged - found.pooled, abs=1e-6)
    assert abs(found.error) > 5e-4
    assert not found.ok
    assert found.advice.startswith("Do not read")
    assert f"{found.error:+.4g}" in found.advice
    rules = audit(metric, batches, f"{logged:.4f}", devices=3, cuts=2).rules
    assert rule in rules
    assert "pooled" not in rules


SOME_WRONG = ("2 nested functions", "13 scikit-learn in Lightning's step", "20 macro of classes")


@pytest.mark.parametrize("case", SOME_WRONG)
def test_a_recorder_in_the_loop_warns_of_it(case):
    metric, y, p, loop, rule, _ = WRONG[case]
    batches = cut(y, p)
    with pytest.warns(
        BatchAveragedMetricWarning, match=f"^val: logged .* .{rule}., where .*: "
    ) as told:
        found = recorded(batches).check("val", loop(metric, batches), metric, devices=3)
    assert len(told) == 1
    assert found.rule == rule


def recorded(batches):
    recorder = Recorder()
    for batch in batches:
        recorder.record(*batch)
    return recorder


# right programs


def once(metric, batches):
    return metric(*map(np.concatenate, zip(*batches, strict=True)))


class Counting:
    """A metric object: counts are its state."""

    def __init__(self):
        self.tp = self.fp = self.fn = self.tn = 0

    def update(self, y, p):
        self.tp += np.sum((y == 1) & (p > 0.5))
        self.fp += np.sum((y == 0) & (p > 0.5))
        self.fn += np.sum((y == 1) & (p <= 0.5))
        self.tn += np.sum((y == 0) & (p <= 0.5))


def counted(batches):
    state = Counting()
    for batch in batches:
        state.update(*batch)
    return state


def metric_object(_, batches):
    state = counted(batches)
    return 2 * state.tp / (2 * state.tp + state.fp + state.fn)


def precision_object(_, batches):
    state = counted(batches)
    return state.tp / (state.tp + state.fp)


def recall_object(_, batches):
    state = counted(batches)
    return state.tp / (state.tp + state.fn)


def mcc_of_counts(_, batches):
    tp, fp, fn, tn = (float(cell) for cell in vars(counted(batches)).values())
    return (tp * tn - fp * fn) / math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))


def summed_counts(_, batches):
    sums = np.sum([[*batch_counts(y, p, len(y))] for y, p in batches], axis=0).ravel()
    return 2 * sums[0] / (2 * sums[0] + sums[1] + sums[2])


def exp_of_the_mean(_, batches):
    return math.exp(by_inferred_size(lambda y, p: log_loss(y, p, labels=[0, 1]), batches))


def r2_of_sums(_, batches):
    n, total, squares, residual = np.sum(
        [[len(y), y.sum(), (y**2).sum(), ((y - p) ** 2).sum()] for y, p in batches], axis=0
    )
    return 1 - residual / (squares - total**2 / n)


def best_threshold(y, p):
    return max(f1_score(y, p > t) for t in (0.3, 0.4, 0.5, 0.6))


def bootstrap(y, p):
    rng = np.random.default_rng(0)
    return np.mean([f1(y[rows], p[rows]) for rows in rng.integers(0, len(y), (5, len(y)))])


def decided(score):
    return lambda y, p: score(y, p > 0.5)


RIGHT = {
    "update, then log the object": (f1, Y, P, metric_object),
    "concatenate, then F1": (f1, Y, P, once),
    "counts of batches, added up": (F1, Y, P, summed_counts),
    "a Precision object": (decided(precision_score), Y, P, precision_object),
    "a Recall object": (decided(recall_score), Y, P, recall_object),
    "F-beta at the end": (lambda y, p: fbeta_score(y, p > 0.5, beta=2), Y, P, once),
    "MCC of summed counts": (mcc, Y, P, mcc_of_counts),
    "R2 of sums": (r2_score, Y_REAL, P_REAL, r2_of_sums),
    "AUC at the end": (roc_auc_score, FEW, P, once),
    "macro F1 at the end": (f_beta(1, "macro", 3), KINDS, GUESSES, lambda *_: MACRO),
    "F1 per document": (of_documents, MASKS[:, 0], FOUND[:, 0], by_inferred_size),
    "micro F1 of single labels": (micro, KINDS, GUESSES, by_inferred_size),
    "Dice per image": (dice_of_images, MASKS, FOUND, by_inferred_size),
    "the best of thresholds": (best_threshold, Y, P, once),
    "bootstrap": (bootstrap, Y, P, once),
    "accuracy": (decided(accuracy_score), Y, P, by_inferred_size),
    "a squared loss": (mean_squared_error, Y_REAL, P_REAL, average_meter),
    "exp of the epoch's mean loss": (perplexity, Y, P, exp_of_the_mean),
}
ADDITIVE = {"F1 per document", "micro F1 of single labels", "Dice per image", "accuracy"}
ADDITIVE |= {"a squared loss"}


@pytest.mark.parametrize("case", RIGHT)
def test_a_right_number_gives_no_warning(case):
    metric, y, p, loop = RIGHT[case]
    batches = cut(y, p)
    logged = float(loop(metric, batches))
    found = audit(metric, batches, logged, devices=3, cuts=2)
    assert found.rule == "pooled", found
    assert found.error == 0
    assert found.ok
    assert found.advice.startswith("Fine")
    assert found.additive == (case in ADDITIVE)
    assert audit(metric, batches, f"{logged:.6f}", cuts=2).ok


@pytest.mark.parametrize("case", sorted(ADDITIVE))
def test_a_recorder_in_the_loop_is_silent(case):  # or the warning would be an error
    metric, y, p, loop = RIGHT[case]
    batches = cut(y, p)
    assert recorded(batches).check("val", loop(metric, batches), metric, devices=3).ok


@pytest.mark.parametrize("case", sorted(ADDITIVE))
def test_an_additive_metric_may_be_averaged(case):
    metric, y, p, _ = RIGHT[case]
    found = audit(metric, cut(y, p), cuts=2)
    assert (found.ok, found.rule) == (True, None)
    said = f"Fine: {found.metric} may be averaged over batches, by their size; each counted once, "
    assert found.advice == f"{said}their mean is {found.error:+.4g} off."
    even = audit(metric, cut(y, p, N // 3), cuts=2)
    assert even.advice == f"Fine: {found.metric} may be averaged over batches, by their size."


def test_a_mean_over_folds_that_is_stated_as_such_is_of_right_numbers():
    for y, p in cut(Y, P, N // 3):
        found = audit(f1, cut(y, p), f1_score(y, p > 0.5), cuts=2)
        assert found.ok
