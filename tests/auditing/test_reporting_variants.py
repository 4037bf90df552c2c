"""Wrong numbers of training loops: each is found, and the rule named by which it came about."""

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss, matthews_corrcoef, r2_score, roc_auc_score

from batchf1 import F1, audit, f_beta
from batchf1.auditing.metric_warnings import BatchAveragedMetricWarning
from helpers.reporting import (
    FEW,
    FOUND,
    GUESSES,
    KINDS,
    MACRO,
    MASKS,
    P_REAL,
    Y_REAL,
    N,
    P,
    Y,
    by_inferred_size,
    cut,
    f1,
    mcc,
    perplexity,
    recorded,
)
from helpers.slow import one_in


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


def macro_by_axis(y, p):
    tp, fp, fn = (np.sum(cell, axis=0) for cell in (y * p, (1 - y) * p, y * (1 - p)))
    return np.mean(2 * tp / (2 * tp + fp + fn + 1e-7))


def in_float32(y, p):
    y, p = y.astype("float32"), (p > 0.5).astype("float32")
    return 2 * np.sum(y * p) / np.maximum(np.sum(y) + np.sum(p), np.float32(1e-7))


def dice(y, p):
    flat = y.reshape(-1), p.reshape(-1)
    return 2 * np.sum(flat[0] * flat[1]) / (np.sum(flat[0]) + np.sum(flat[1]))


# loops as they stand in programs


def as_keras(metric, batches):
    total = count = 0
    for y, p in batches:
        total, count = total + metric(y, p), count + 1
    return total / count


def reset_every_three(metric, batches):
    return as_keras(metric, batches[(len(batches) - 1) // 3 * 3 :])


def over_samples(metric, batches):
    return sum(metric(*batch) for batch in batches) / N


def over_devices(metric, batches):
    return np.mean([as_keras(metric, batches[rank::3]) for rank in range(3)])


def own_metric_of_devices(metric, batches):
    return np.mean([metric(*map(np.concatenate, zip(*batches[r::3]))) for r in range(3)])  # noqa: B905


def progress_bar(metric, batches):
    values = [metric(*batch) for batch in batches]
    return np.mean([np.mean(values[:seen]) for seen in range(1, 1 + len(values))])


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


TRUE_F1 = f1_score(Y, P > 0.5)
LABELS, GUESSED = one_hot(KINDS), one_hot(GUESSES)
# what is written: metric, data, loop, the rule that it is, the metric of all samples (scikit-learn)
WRONG = {
    "f1_m of recall_m and precision_m": (f1_m, Y, P, as_keras, "per_batch", None),
    "macro by axis 0": (macro_by_axis, LABELS, GUESSED, as_keras, "per_batch", None),
    "float32 sums": (in_float32, Y, P, as_keras, "per_batch", None),
    "scikit-learn's F1 inside": (f1, Y, P, as_keras, "per_batch", TRUE_F1),
    "AUC inside": (roc_auc_score, Y, P, as_keras, "per_batch", roc_auc_score(Y, P)),
    "AUC, NaN left out": (roc_auc_score, FEW, P, nan_left_out, "undefined_skipped", None),
    "AUC, NaN as 0": (roc_auc_score, FEW, P, nan_as_zero, "undefined_as_zero", None),
    "MCC": (mcc, Y, P, as_keras, "per_batch", matthews_corrcoef(Y, P > 0.5)),
    "R2": (r2_score, Y_REAL, P_REAL, as_keras, "per_batch", r2_score(Y_REAL, P_REAL)),
    "flattened Dice": (
        dice,
        MASKS,
        FOUND,
        as_keras,
        "per_batch",
        f1_score(MASKS.ravel(), FOUND.ravel()),
    ),
    "a running mean, reset every 3": (f1, Y, P, reset_every_three, "last_batch", TRUE_F1),
    "AverageMeter.update(f1, n)": (f1, Y, P, by_inferred_size, "size_weighted", TRUE_F1),
    "f1 += ..., / len(dataset)": (f1, Y, P, over_samples, "over_samples", TRUE_F1),
    "mean over devices": (f1, Y, P, over_devices, "mean_of_devices", TRUE_F1),
    "of their own metrics": (f1, Y, P, own_metric_of_devices, "devices_pooled", TRUE_F1),
    "np.mean(batch_f1s)": (F1, Y, P, lambda _, b: as_keras(f1, b), "per_batch", TRUE_F1),
    "macro of classes": (
        f_beta(1, "macro", 3),
        KINDS,
        GUESSES,
        lambda _, b: np.mean(
            [f1_score(y, p, labels=[0, 1, 2], average="macro", zero_division=0) for y, p in b]
        ),
        "per_batch",
        MACRO,
    ),
    "exp, then the mean": (perplexity, Y, P, as_keras, "per_batch", math.exp(log_loss(Y, P))),
    "a mean of what the bar showed": (f1, Y, P, progress_bar, "mean_of_running", TRUE_F1),
    "an exponential average": (f1, Y, P, smoothed, "running_average", TRUE_F1),
    "metric.compute() at each step": (f1, Y, P, compute_each_step, "mean_of_prefixes", TRUE_F1),
}


@pytest.mark.parametrize("case", one_in(2, WRONG))
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


SOME_WRONG = ("f1_m of recall_m and precision_m", "AverageMeter.update(f1, n)", "macro of classes")


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
