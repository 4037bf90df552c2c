"""Undecided additivity, and numbers that are not finite."""

import json
import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, r2_score

from batchf1 import F1, InputError, audit, f_beta

Y = np.array([1, 0, 1, 1, 0, 1, 0])
NONE = np.zeros(7, int)


def cut(y, p, size=3):
    return [(y[i : i + size], p[i : i + size]) for i in range(0, len(y), size)]


def called(y, p):
    return f1_score(y, p, zero_division=0)


UNDECIDED = {
    "nothing predicted": (F1, Y, NONE),
    "nothing predicted, called": (called, Y, NONE),
    "no positive": (F1, NONE, Y),
    "all right": (accuracy_score, Y, Y),
    "a single class": (f_beta(1, "macro"), Y - Y + 3, Y - Y + 3),
    "a constant": (lambda *_: 0.3, Y, NONE),
}


@pytest.mark.parametrize("case", UNDECIDED)
@pytest.mark.parametrize("size", [2, 3, 7])
def test_equal_values_in_all_batches_do_not_show_whether_a_metric_is_additive(case, size):
    metric, y, p = UNDECIDED[case]
    found = audit(metric, cut(y, p, size))
    assert found.additive is None
    assert found.error == 0
    assert str(found).endswith("\nadditive on these samples: cannot be decided")
    assert json.loads(json.dumps(found.to_dict()))["additive"] is None
    assert found.undecided == (found.n_batches > 1)
    if found.n_batches > 1:
        assert not found.ok
        assert found.advice.startswith(f"Undecided: {found.metric} is {found.pooled:.6g} in all b")


def test_a_logged_value_of_all_batches_is_right_but_shows_nothing():
    found = audit(F1, cut(Y, NONE), "0.0")
    assert (found.rule, found.ok, found.additive) == ("pooled", True, None)
    assert found.advice.endswith("mean_of_prefixes: look at other samples, too.")


def test_a_log_by_no_rule_is_undecided():
    assert audit(F1, cut(Y, NONE), 0.1).undecided
    assert audit(F1, cut(Y, Y[::-1]), "0.9").undecided
    assert not audit(F1, cut(Y, NONE), 0.0).undecided
    assert not audit(F1, cut(Y, Y[::-1])).undecided


def test_a_single_difference_decides():
    y = np.array([0] * 20)
    p = y.copy()
    p[3] = 1
    assert audit(accuracy_score, cut(y, p, 6)).additive is True
    y[4] = p[4] = 1
    assert audit(F1, cut(y, p, 6)).additive is False


def last_batch_of_one(y, p):
    return r2_score(y, p) if len(y) > 1 else -math.inf


REAL = np.array([1.0, 2, 3, 4, 5])
BATCHES = cut(REAL, REAL + 0.1, 4)
TRUE = r2_score(REAL, REAL + 0.1)


@pytest.mark.parametrize("logged", [math.inf, -math.inf, "inf", "-inf", np.float32("inf")])
@pytest.mark.parametrize("metric", [r2_score, last_batch_of_one])
def test_an_infinite_log_is_not_a_finite_metric(metric, logged):
    found = audit(metric, BATCHES, logged)
    assert found.pooled == pytest.approx(TRUE, rel=1e-12)
    assert not found.ok
    assert not found.additive
    assert found.error == float(logged)
    negative = float(logged) < 0 and metric is last_batch_of_one
    assert found.rule == ("per_batch" if negative else None)
    assert found.advice.startswith(("No rule known gives", "Do not read -inf")[negative])
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_finite_log_is_no_infinite_metric():
    batches = cut(REAL, REAL, 2)
    for logged, fine in ((0.5, False), (-math.inf, False), (math.inf, True), ("inf", True)):
        found = audit(lambda *_: math.inf, batches, logged, cuts=2)
        assert found.ok == fine
        assert found.additive is None


@pytest.mark.parametrize("logged", ["1e400", "-1e400", "1e400%", "9" * 400, "1e9999999999", "sNaN"])
def test_digits_that_are_no_number_of_float64_are_refused(logged):
    with pytest.raises(
        InputError, match="^logged must be a number, or its digits as text"
    ) as refused:
        audit(F1, cut(Y, Y), logged)
    assert "\n" not in str(refused.value)


def test_the_smallest_digits():
    assert audit(F1, cut(Y, NONE), "1e-400").ok
