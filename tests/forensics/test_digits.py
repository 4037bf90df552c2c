"""From the digits of a true F1 to all pairs of counts that print it."""

import numpy as np
import pytest

from batchf1.errors import InputError
from batchf1.forensics.digits import KINDS, kinds, near, printed, prints, rounding, value_of
from helpers.slow import one_in


@pytest.mark.parametrize(
    ("formula", "counts", "value"),
    [  # worked out to 30 digits with K.epsilon() = 1e-7, which is Keras' own
        ("2tp/(2tp+e)", (3, 1, 2), 2 / 3),
        ("2pr/(p+r)", (3, 1, 2), 2 / 3),
        ("2pr/(p+r), epsilon in p and r", (1, 0, 0), 0.999999900000009999999),
        ("2pr/(p+r), epsilon in p and r", (3, 1, 2), 0.666666651851852181070),
        ("2pr/(p+r+epsilon)", (1, 0, 0), 0.999999950000002499999),
        ("2pr/(p+r+epsilon)", (3, 1, 2), 0.666666617283954275263),
        ("2pr/(p+r+epsilon), epsilon in p and r", (1, 0, 0), 0.999999850000012499999),
        ("2pr/(p+r+epsilon), epsilon in p and r", (3, 1, 2), 0.666666602469139762231),
    ],
)
def test_formulas(formula, counts, value):
    assert value_of(formula, "float64", *counts) == pytest.approx(value, abs=3e-16)
    single = value_of(formula, "float32", *counts)
    assert single.dtype == np.float32
    assert single == pytest.approx(value, abs=2e-7)


def test_what_prints_the_articles_training_f1():
    """By NumPy, each operation in float32: for 599 true positives and 3 errors.

    2tp/(2tp+e) prints 0.9975021, 2pr/(p+r+1e-7) 0.9975021 or 0.99750197, and 2pr/(p+r) 0.997502
    where the errors are 1 and 2, else 0.99750215.
    """
    found = {(shown.formula, shown.dtype): shown.fp for shown in prints("0.997502", 599, 3)}
    assert found == {
        ("2pr/(p+r)", "float32"): (1, 2),
        ("2pr/(p+r), epsilon in p and r", "float32"): (1, 2),
    }
    assert prints("0.99750197", 599, 3)[0] == ("2pr/(p+r+epsilon)", "float32", (1, 2))
    assert prints("0.9975", 599, 3, 4) == (("2tp/(2tp+e)", "rounded", (0, 1, 2, 3)),)
    assert prints("0.9976", 599, 3, 4) == ()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_digits_of_a_percentage(dtype):
    number = np.dtype(dtype).type
    text = f"{number(100) * (number(200) / number(214))!s}%"
    assert any(found[:2] == ("2tp/(2tp+e)", dtype) for found in prints(text, 100, 14))
    assert prints(text, 100, 15) == ()
    right, wrong = kinds(text, np.array([100, 100]), np.array([14, 15]), None)
    assert right >> KINDS.index(("2tp/(2tp+e)", dtype)) & 1
    assert wrong == 0


@pytest.mark.parametrize(
    ("text", "decimals", "form"),
    [
        ("0.9091", 4, "{:.4f}"),
        ("0.909", 3, "{:.3f}"),
        ("90.91%", 4, "{:.2%}"),
        ("91%", 2, "{:.0%}"),
    ],
)
def test_rounded_prints_lead_to_all_their_pairs(text, decimals, form):
    tp, errors, last = near(text, 400, decimals)
    assert last == 400
    good = kinds(text, tp, errors, decimals) == 1 << len(KINDS)
    right = {
        (t, e)
        for t in range(1, 401)
        for e in range(t // 6, t // 4 + 1)
        if float(form.format(2 * t / (2 * t + e)).rstrip("%")) == float(text.rstrip("%"))
    }
    assert set(zip(tp[good].tolist(), errors[good].tolist(), strict=True)) == right
    assert len(right) > 10


def test_a_perfect_f1_has_no_errors():
    tp, errors, last = near("1.0", 7, None)
    assert (tp.tolist(), errors.tolist(), last) == ([1, 2, 3, 4, 5, 6, 7], [0] * 7, 7)
    assert kinds("1.0", tp, errors, None).all()


def test_a_tie_is_rounded_as_python_prints_it():
    """13/16 = 0.8125 and 11/16 = 0.6875 are exact in binary, and Python rounds them to even."""
    for text, other, tp, errors in (("0.812", "0.813", 13, 6), ("0.688", "0.687", 11, 10)):
        pair = np.array([tp]), np.array([errors])
        assert kinds(text, *pair, 3) == 1 << len(KINDS)
        assert kinds(other, *pair, 3) == 0
        percent = f"{float(text):.1%}"
        assert kinds(percent, *pair, 3) == 1 << len(KINDS)


def test_a_number_is_printed_with_the_digits_of_its_type():
    assert printed(2 / 3, "float32") == "0.6666667"
    assert printed(2 / 3, "float64") == "0.6666666666666666"
    assert printed(2 / 3, "rounded", 4) == "0.6667"
    assert printed(2 / 3, "rounded", 4, percent=True) == "66.67%"


@pytest.mark.parametrize("text", ["0", "1.5", "101%"])
def test_a_true_f1_of_0_or_above_1_leads_to_no_pairs(text):
    with pytest.raises(InputError, match=r"true F1 must lie in \(0, 1\]; got"):
        near(text, 9, None)


def test_pairs_are_those_of_a_plain_search():
    text = "0.93532336"
    grid = np.array([(t, e) for t in range(1, 1000) for e in range(t // 8, t // 7 + 1)]).T
    right = kinds(text, grid[0], grid[1], None) > 0
    found = set(zip(*grid[:, right].tolist(), strict=True))
    tp, errors, last = near(text, 999, None)
    assert last == 999
    good = kinds(text, tp, errors, None) > 0
    assert set(zip(tp[good].tolist(), errors[good].tolist(), strict=True)) == found
    assert (94, 13) in found


@pytest.mark.parametrize("kind", one_in(3, KINDS), ids=str)
def test_a_value_leads_back_to_its_counts(kind):
    formula, dtype = kind
    random = np.random.default_rng(7)
    for _ in range(20):
        tp, fp, fn = random.integers(1, 400), *random.integers(0, 30, 2)
        text = printed(value_of(formula, dtype, tp, fp, fn), dtype)
        pairs = near(text, 500, None)
        place = np.flatnonzero((pairs[0] == tp) & (pairs[1] == fp + fn))
        assert place.size == 1
        assert kinds(text, *pairs[:2], None)[place[0]] >> KINDS.index((formula, dtype)) & 1
        shown = [p for p in prints(text, int(tp), int(fp + fn)) if p[:2] == (formula, dtype)]
        assert shown
        assert fp in shown[0].fp


def test_millions_of_true_positives_take_no_time():
    tp, _, last = near("0.93532336", 5_000_000, None)
    assert tp.size < 1_000_000
    assert last > 400_000
    tp, errors, last = near("1.0", 5_000_000, None)
    assert (tp.size, errors.any(), last) == (500_000, False, 500_000)


@pytest.mark.parametrize(
    ("texts", "decimals"),
    [
        (["0.997502", "0.93532336"], None),
        (["0.9975", "0.935"], 4),
        (["0.935"], 3),
        (["0.93"], None),
        (["0.997502"], 6),
        (["0.9975021"], None),
        (["9.354e-01"], None),
        (["1.0"], None),
        (["93%"], 2),
        (["99.75%", "93.5%"], 4),
        (["93.5323%"], 6),
        (["93.53233830845771%"], None),
    ],
)
def test_rounding_needs_few_decimals(texts, decimals):
    assert rounding(texts) == decimals
