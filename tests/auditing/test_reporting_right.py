"""Right numbers of training loops: an audit finds nothing to warn of."""

import math

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    fbeta_score,
    log_loss,
    mean_squared_error,
    precision_score,
    r2_score,
    recall_score,
    roc_auc_score,
)

from batchf1 import F1, audit, batch_counts, f_beta
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


def of_documents(y, p):
    return np.mean([2 * (a * b).sum() / max((a + b).sum(), 1) for a, b in zip(y, p, strict=True)])


def micro(y, p):
    return f1_score(y, p, average="micro")


def dice_of_images(y, p):
    both, sizes = (y * p).sum(axis=(1, 2)), (y + p).sum(axis=(1, 2))
    return np.mean((2 * both + 1) / (sizes + 1))


def once(metric, batches):
    return metric(*map(np.concatenate, zip(*batches, strict=True)))


def of_sums(ratio):
    """A metric object: counts are its state."""

    def loop(_, batches):
        decided = [(y == 1, p > 0.5) for y, p in batches]
        cells = [(y & p, ~y & p, y & ~p, ~y & ~p) for y, p in decided]
        return ratio(*(float(sum(map(np.sum, cell))) for cell in zip(*cells, strict=True)))

    return loop


def mcc_of(tp, fp, fn, tn):
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
    return max(f1_score(y, p > t) for t in (0.3, 0.5))


def bootstrap(y, p):
    rng = np.random.default_rng(0)
    return np.mean([f1(y[rows], p[rows]) for rows in rng.integers(0, len(y), (2, len(y)))])


def decided(score):
    return lambda y, p: score(y, p > 0.5)


RIGHT = {
    "update, then log the object": (
        f1,
        Y,
        P,
        of_sums(lambda tp, fp, fn, _: 2 * tp / (2 * tp + fp + fn)),
    ),
    "concatenate, then F1": (f1, Y, P, once),
    "counts of batches, added up": (F1, Y, P, summed_counts),
    "a Precision object": (
        decided(precision_score),
        Y,
        P,
        of_sums(lambda tp, fp, *_: tp / (tp + fp)),
    ),
    "a Recall object": (decided(recall_score), Y, P, of_sums(lambda tp, _, fn, __: tp / (tp + fn))),
    "F-beta at the end": (lambda y, p: fbeta_score(y, p > 0.5, beta=2), Y, P, once),
    "MCC of summed counts": (mcc, Y, P, of_sums(mcc_of)),
    "R2 of sums": (r2_score, Y_REAL, P_REAL, r2_of_sums),
    "AUC at the end": (roc_auc_score, FEW, P, once),
    "macro F1 at the end": (f_beta(1, "macro", 3), KINDS, GUESSES, lambda *_: MACRO),
    "F1 per document": (of_documents, MASKS[:, 0], FOUND[:, 0], by_inferred_size),
    "micro F1 of single labels": (micro, KINDS, GUESSES, by_inferred_size),
    "Dice per image": (dice_of_images, MASKS, FOUND, by_inferred_size),
    "the best of thresholds": (best_threshold, Y, P, once),
    "bootstrap": (bootstrap, Y, P, once),
    "accuracy": (decided(accuracy_score), Y, P, by_inferred_size),
    "a squared loss": (mean_squared_error, Y_REAL, P_REAL, by_inferred_size),
    "exp of the epoch's mean loss": (perplexity, Y, P, exp_of_the_mean),
}
ADDITIVE = {"F1 per document", "micro F1 of single labels", "Dice per image", "accuracy"}
ADDITIVE |= {"a squared loss"}


@pytest.mark.parametrize("case", one_in(2, RIGHT))
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
