"""From the digits of a log to what can have printed them: the truth is among the answers."""

import argparse
import io
import json
from functools import cache

import numpy as np
import pandas as pd
import pytest

from batchf1.cli import forensics as cli_forensics
from batchf1.errors import InputError
from batchf1.forensics.answer import (
    KINDS,
    LIMIT,
    SIZES,
    _by_accuracy,
    _curves,
    investigate,
    kinds,
    near,
    printed,
    prints,
    rarity,
    rounding,
    train_range,
    value_of,
)
from batchf1.metrics.averaging import batch_mean
from batchf1.metrics.counts import Counts
from batchf1.theory.expectation import expect
from batchf1.theory.limits import large_data

ARTICLE = """\
854/854 [====] - 2s 2ms/step - loss: 5.7325e-04 - acc: 1.0000 - f1: 0.5160 - val_loss: 0.0065 \
- val_acc: 0.9982 - val_f1: 0.4728
f1score_train 0.997502
f1score_test 0.93532336
"""


@cache
def article():
    return investigate(ARTICLE)


@pytest.mark.parametrize(
    "settings",
    [{"max_tp": 0}, {"most": 0}, {"batch_sizes": [1.5]}, {"batch_sizes": [0]}, {"averaging": "x"}],
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(InputError, match="got"):
        investigate(ARTICLE, **settings)


# --- digits and counts -------------------------------------------------------------------------


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


@pytest.mark.parametrize(("formula", "dtype"), KINDS)
def test_a_value_leads_back_to_its_counts(formula, dtype):
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


# --- the article's log -------------------------------------------------------------------------


def reprint(answer):
    log = answer.log
    decimals = rounding(p.exact_f1 for p in (log.train, log.validation) if p.exact_f1)
    for candidate in answer.candidates:
        for part, split in ((log.train, candidate.train), (log.validation, candidate.validation)):
            assert (split.tp is None) == (not split.prints)
            for formula, dtype, tried in split.prints:
                for fp in tried:
                    value = value_of(formula, dtype, split.tp, fp, split.errors - fp)
                    said = printed(value, dtype, decimals)
                    assert said == part.exact_f1 or float(said) == float(part.exact_f1)
                    assert dtype == "rounded" or said == part.exact_f1


def test_every_candidate_prints_the_articles_digits_again():
    answer = article()
    assert answer.candidates
    assert answer.left_out == 0
    reprint(answer)


def test_every_candidate_suits_the_rest_of_the_articles_log():
    for candidate in article().candidates:
        one, two = candidate.train, candidate.validation
        assert max(abs(one.residual), abs(two.residual)) <= LIMIT
        assert one.n_samples == 854 * candidate.batch_size
        assert one.n_low <= one.n_samples <= one.n_high
        assert two.n_low <= two.n_samples <= two.n_high
        for n in (two.n_low, two.n_samples, two.n_high):
            assert abs((1 - two.errors / n) - 0.9982) <= 5.0001e-5
        shared = {p[:2] for p in one.prints} & {p[:2] for p in two.prints}
        assert shared
    scores = [candidate.score for candidate in article().candidates]
    assert scores == sorted(scores)


def test_what_the_articles_log_tells():
    answer = article()
    assert {(c.train.tp, c.train.errors) for c in answer.candidates} == {(599, 3)}
    best = answer.candidates[0]
    assert best.batch_size == 50
    assert (best.validation.tp, best.validation.errors) == (94, 13)
    assert best.train.prevalence == pytest.approx(600.5 / 42700, rel=1e-12)
    # 13 errors: 13 / 0.00185 = 7027.03, 13 / 0.00175 = 7428.57
    assert (best.validation.n_low, best.validation.n_high) == (7028, 7428)
    assert (best.train.n_low, best.train.n_high) == (853 * 50 + 1, 855 * 50 - 1)
    assert {c.validation.errors / c.validation.tp for c in answer.candidates} == {13 / 94}
    sizes = {c.batch_size for c in answer.candidates}
    assert {48, 49, 50, 51, 60, 64} <= sizes
    assert not sizes & {25, 32, 96, 100, 128}
    assert any(
        f"batch size is not determined: {len(sizes)} fit: 50; 48; 60" in line
        for line in answer.undetermined
    )


def test_the_articles_expectations_are_those_of_the_figure(repository):
    """The committed table is computed from the best candidate."""
    table = pd.read_csv(repository / "figures/original_log.csv").query("keras == 'article'")
    rows = table.set_index("quantity")
    best = article().candidates[0]
    for quantity, split in (("f1", best.train), ("val_f1", best.validation)):
        assert round(split.expected_f1, 8) == rows.loc[quantity, "expected_f1"]
        assert round(split.sd, 8) == rows.loc[quantity, "sd"]


# --- one shape, worked out by hand -------------------------------------------------------------
#
# 500 validation samples with 53 true positives and 11 errors, 3,000 training samples with six times
# as many; both have the true F1 106/117.


def fit(naive, train="", metrics="", held_out=500, unit="step"):
    """A log of Keras 2.2.4, `train` the naive training values of its epochs."""
    bars = [
        f"3000/3000 [==] - 0s 9us/{unit} - loss: 0.1 - {f'f1: {value} - ' if value else ''}"
        f"{metrics}val_loss: 0.1 - val_f1: {naive}"
        for value in train.split(",")
    ]
    true = "f1score_train 0.905982905982906\n" * bool(train)
    header = f"Train on 3000 samples, validate on {held_out} samples"
    return "\n".join([header, *bars, f"{true}f1score_test 0.905982905982906"])


def candidate(text, size=32, train=(318, 66), validation=(53, 11), **settings):
    """The candidate of these counts, or None."""
    wanted = [(size, *pair) for pair in (train, validation)]
    for found in investigate(text, batch_sizes=[size], **settings).candidates:
        rows = [(found.batch_size, part.tp, part.errors) for part in found[1:3]]
        if all(row in (want, (size, None, None)) for row, want in zip(rows, wanted, strict=True)):
            return found
    return None


def law(tp, errors, n, size=32, averaging="size_weighted"):
    counts = Counts(tp, errors // 2, errors - errors // 2, n - tp - errors)
    return expect(counts, size, averaging)


def test_a_validation_split():
    found = candidate(fit("0.8000")).validation
    exact = law(53, 11, 500)
    assert (found.n_samples, found.n_low, found.n_high) == (500, 500, 500)
    assert found.prevalence == pytest.approx(0.117, rel=1e-12)  # 53 + 11 / 2 of 500
    assert found.expected_f1 == pytest.approx(exact.expected_f1, rel=1e-12)
    assert (found.sd, found.moved) == (pytest.approx(exact.sd, rel=1e-12), 0)
    assert found.residual == pytest.approx((0.8 - exact.expected_f1) / exact.sd, abs=1e-4)


def test_a_value_is_known_to_half_a_printed_unit():
    exact = law(53, 11, 500)
    for text, half in (("0.8", 0.05), ("0.80", 0.005), ("80%", 0.005)):
        found = candidate(fit(text)).validation
        sd = np.sqrt(exact.sd**2 + half**2)
        assert found.residual == pytest.approx((0.8 - exact.expected_f1) / sd, rel=1e-9)


@pytest.mark.parametrize("side", [-1, 1])
def test_four_standard_deviations_are_the_limit(side):
    exact = law(53, 11, 500, 10)
    for off, fits in ((3.97, True), (4.03, False)):
        text = fit(f"{exact.expected_f1 + side * off * exact.sd:.4f}")
        assert (candidate(text, 10) is not None) == fits


@pytest.mark.parametrize(
    ("unit", "averaging", "rule"),
    [
        ("step", None, "size_weighted"),
        ("sample", None, "per_batch"),
        ("step", "per_batch", "per_batch"),
        ("sample", "size_weighted", "size_weighted"),
    ],
)
def test_the_keras_of_the_log_says_how_batches_are_averaged(unit, averaging, rule):
    """The last of the 16 batches is short, so that the rules differ."""
    text = fit("0.8700", unit=unit)
    found = candidate(text, averaging=averaging).validation
    exact, other = (law(53, 11, 500, 32, name) for name in ("size_weighted", "per_batch"))
    assert abs(exact.expected_f1 - other.expected_f1) > 1e-4
    wanted = exact if rule == "size_weighted" else other
    assert found.expected_f1 == pytest.approx(wanted.expected_f1, rel=1e-12)
    assert investigate(text, averaging, [32]).averaging == rule


def test_the_score_of_one_split():
    """-2 log of a normal density over half a unit, and of the priors of the counts and the size."""
    for size, rare in ((32, 0), (50, 4)):
        found = candidate(fit("0.8800"), size)
        exact = law(53, 11, 500, size)
        sd = np.hypot(exact.sd, 5e-5)
        misfit = ((0.88 - exact.expected_f1) / sd) ** 2 + 2 * np.log(sd / 5e-5)
        assert found.score == pytest.approx(misfit + 2 * np.log(64) + rare, rel=1e-9)


def score(found, *, of_errors=0.0, unlike=0.0):
    parts = [
        part.residual**2
        + np.log((part.sd**2 + part.moved**2 + 5e-5**2) / 5e-5**2)
        + 2 * np.log(part.tp + part.errors)
        for part in (found.train, found.validation)
    ]
    return sum(parts) + of_errors + unlike


def test_prevalences_that_differ_cost_no_more_than_four():
    alike = candidate(fit("0.8700", "0.84,0.8500"))
    assert alike.score == pytest.approx(score(alike), rel=1e-9)
    # positives 351 of 3,000 and 58.5 of 450: the logarithm of 10/9, squared, over its variance
    near_by = candidate(fit("0.8700", "0.84,0.8500", held_out=450))
    unlike = np.log(10 / 9) ** 2 / (1 / 351 + 1 / 58.5 + 0.01)
    assert near_by.score == pytest.approx(score(near_by, unlike=unlike), rel=1e-9)
    far = candidate(fit("0.9000", "0.84,0.8500", held_out=250))
    assert far.score == pytest.approx(score(far, unlike=4), rel=1e-9)


def test_training_may_be_off_as_far_as_its_value_moved_since_the_epoch_before():
    found = candidate(fit("0.8700", "0.7,0.8200,0.8500")).train
    exact = law(318, 66, 3000)
    assert found.moved == pytest.approx(0.03, rel=1e-9)
    sd = np.sqrt(exact.sd**2 + 0.03**2 + 5e-5**2)
    assert found.residual == pytest.approx((0.85 - exact.expected_f1) / sd, rel=1e-9)


def limit_moved(own):
    """How far `own` errors for 66 move the expectation, by the limit law of the F1 106/117."""

    def expected(relevant):
        true = 106 / 117
        return large_data(relevant / 3000 / (2 - true), true, true, 32).expected_f1

    own_tp = 318 + 33 - own / 2
    scaled = 2 * own_tp / (2 * own_tp + own) / (106 / 117)
    return expected(384) - scaled * expected(own_tp + own)


def test_training_may_be_off_as_far_as_the_epochs_own_errors_are():
    """By the exact law at the errors that the accuracy tells, the positives being the same."""
    exact = law(318, 66, 3000).expected_f1
    for accuracy, own in (("0.9780", 66), ("0.9680", 96), ("0.9380", 186)):
        found = candidate(fit("0.8700", "0.1,0.8500", f"acc: {accuracy} - "))
        moved = exact - law(318 - (own - 66) // 2, own, 3000).expected_f1
        assert found.train.moved == pytest.approx(moved, rel=0.25, abs=1e-12)
        assert found.train.moved == pytest.approx(limit_moved(max(own - 0.15, 66)), abs=1e-4)
        # 0.15 errors less still print the accuracy
        ratio = np.log2((max(own - 0.15, 66) + 1) / 67) ** 2
        assert found.score == pytest.approx(score(found, of_errors=ratio), rel=1e-9)
    found = candidate(fit("0.8700", "0.8500", "acc: 0.6000 - "))
    assert found.score == pytest.approx(score(found, of_errors=4), rel=1e-9)


def test_without_accuracy_or_an_epoch_before_twice_the_errors_are_allowed_for():
    found = candidate(fit("0.8700", "0.8500"))
    moved = law(318, 66, 3000).expected_f1 - law(285, 132, 3000).expected_f1
    assert found.train.moved == pytest.approx(moved, rel=0.25)
    assert found.score == pytest.approx(score(found), rel=1e-9)


def test_the_header_and_the_accuracy_must_agree_on_the_errors():
    """11 of 500 wrong print 0.9780, 22 print 0.9560."""
    metrics = "val_acc: {} - "
    assert candidate(fit("0.8700", metrics=metrics.format("0.9780"))) is not None
    for accuracy in ("0.9782", "0.9778", "0.9560"):
        assert candidate(fit("0.8700", metrics=metrics.format(accuracy))) is None


def test_bounds_from_a_printed_accuracy():
    low, high = _by_accuracy("0.9982", np.array([13, 130]))
    assert low.tolist() == [7028, 70271]  # errors / 0.00185
    assert high.tolist() == [7428, 74285]  # errors / 0.00175
    low, high = _by_accuracy("1.0000", np.array([0, 3]))
    assert low.tolist() == [0, 60000]  # errors / 0.00005
    assert (high >= 10**7).all()
    assert [part.tolist() for part in _by_accuracy("98%", np.array([30]))] == [[1200], [2000]]


def test_bounds_from_the_progress_bar():
    log = investigate(fit("0.8700"), batch_sizes=[32]).log
    assert train_range(log, 32) == (3000, 3000)
    steps = log._replace(total=10, in_samples=False)
    assert train_range(steps, 32) == (289, 351)  # the last batch short, or one more dropped
    assert train_range(steps, 1) == (10, 10)
    assert train_range(log._replace(total=None), 32) == (1, 10_000_000)


@pytest.mark.parametrize("true_f1", [0.05, 0.7, 0.9975, 1.0])
def test_curves_are_the_limit_for_large_data(true_f1):
    sizes = [1, 2, 7, 32, 100, 300, 5000]
    curves = _curves(true_f1, sizes)
    for size in sizes:
        most = size * true_f1 / (2 - true_f1)  # every sample relevant
        for density in most * np.array([1e-3, 0.03, 0.2, 0.6, 0.95]):
            prevalence = density / true_f1 / size
            limit = large_data(prevalence, true_f1, true_f1, size)
            expected, sd = curves[size].at(density)
            assert expected == pytest.approx(limit.expected_f1, abs=1e-4, rel=1e-4)
            assert sd == pytest.approx(limit.sd_batch, abs=2e-4)
            if density < 2:  # further on the curve is flat
                assert curves[size].where(limit.expected_f1) == pytest.approx(density, rel=0.01)


def test_how_rare_a_batch_size_is():
    assert [rarity(2**k) for k in range(6)] == [5, 4, 3, 2, 1, 0]
    assert [rarity(2**k) for k in range(6, 16)] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    assert [rarity(size) for size in (10, 50, 60, 100, 1000)] == [4] * 5
    assert [rarity(size) for size in (25, 75, 48, 96, 3)] == [6] * 5
    assert [rarity(size) for size in (47, 5, 49, 45, 255)] == [9] * 5


def test_batch_sizes_that_are_tried():
    assert {*range(1, 257), 300, 500, 512, 1000, 1024, 4096} <= {*SIZES}
    assert len(SIZES) == len({*SIZES})
    text = fit("0.8700")
    assert investigate(text).batch_sizes == sorted(SIZES)
    answer = investigate(text, batch_sizes=[40, 33, 40])
    assert answer.batch_sizes == [33, 40]
    assert {found.batch_size for found in answer.candidates} == {33, 40}


def test_what_is_not_listed_is_counted():
    """At one batch size the multiples of (53, 11) fit that 500 samples have room for."""
    text = fit("0.9000")
    every, few = (investigate(text, batch_sizes=[32], most=most) for most in (100, 2))
    pairs = [found.validation[3:5] for found in every.candidates]
    assert every.left_out == 0
    assert sorted(pairs) == [(53 * k, 11 * k) for k in range(1, len(pairs) + 1)]
    assert few.left_out == len(pairs) - 2 > 0
    assert few.candidates == every.candidates[:2]


def test_a_tiny_f1_and_one_batch_for_few_samples_raise_nothing():
    tiny = (
        "7/7 [==] - 0s 2us/step - loss: 0.1 - f1: 0.5 - val_loss: 0.1 - val_f1: {}\nf1score_test {}"
    )
    assert investigate(tiny.format("0.1", "1e-7"), batch_sizes=[16, 50]).candidates == []
    for found in investigate(tiny.format("99.75%", "100%"), batch_sizes=[100, 4096]).candidates:
        part = found.validation
        assert part.tp + part.errors <= part.n_samples
        assert part.n_low <= part.n_samples <= part.n_high


def test_a_batch_that_holds_all_prints_the_true_f1():
    for naive, fits in (("0.9060", True), ("0.9062", False), ("0.8700", False)):
        assert (candidate(fit(naive), 512) is not None) == fits


def test_premises_say_what_was_read_and_what_assumed():
    def said(text, **settings):
        return " ".join(investigate(text, batch_sizes=[32], **settings).undetermined)

    unknown = said(fit("0.8700"))
    assert "no more than Keras 2.0 to 2.3, or tf.keras up to TensorFlow 1.12" in unknown
    assert "(size_weighted), as up to Keras 2.2: taken for granted" in unknown
    assert "a progress bar that counts" not in unknown
    assert "not larger than training" not in unknown
    known = fit("0.8700", unit="sample")
    assert "The log is of tf.keras of TensorFlow 1.13 to 2.1: each batch counts once" in said(known)
    assert "but size_weighted was asked for" in said(known, averaging="size_weighted")
    steps = said(ARTICLE)
    assert "a progress bar that counts steps (Keras up to 2.3 counts samples" in steps
    assert "validation not larger than training" in steps
    assert "errors that follow from the epoch's accuracy" in steps
    assert "it differs from the epoch before" in said(fit("0.8700", "0.84,0.85"))
    assert "only roughly" in said(fit("0.8700", "0.85"))


# --- logs of known truth -----------------------------------------------------------------------


def naive(random, tp, errors, n, size):
    """The mean over one random cut, as Keras 2.2.4 averages."""
    kind = random.permutation(np.repeat([0, 1, 2], [tp, errors, n - tp - errors]))
    starts = np.arange(0, n, size)
    right, wrong = (np.add.reduceat((kind == k).astype(np.int64), starts) for k in (0, 1))
    total = np.diff([*starts, n])
    counts = Counts(right, wrong, 0 * wrong, total - right - wrong)
    return float(batch_mean(counts, "size_weighted"))


def keras(value):
    return f"{value:.4f}" if value > 1e-3 else f"{value:.4e}"


USUAL = (8, 10, 16, 20, 25, 30, 32, 40, 48, 50, 60, 64, 96, 100, 128, 200, 256, 512, 1000, 4096)
FORMS = [
    ("2tp/(2tp+e)", "float32"),
    ("2pr/(p+r+epsilon), epsilon in p and r", "float32"),
    ("2pr/(p+r)", "float64"),
    ("2tp/(2tp+e)", "rounded"),
]


def simulate(seed):
    """A log, and the batch size and counts behind it."""
    random = np.random.default_rng(seed)
    size = int(random.choice([20, 32, 50, 100, 128]))
    steps = int(random.integers(400, 1000))
    share = random.uniform(0.5, 1.5) / size
    values, lines, pairs = [], [], []
    for n in (steps * size - int(random.integers(size)), steps * size // 3):
        tp, fp, fn = (int(n * share * part) for part in (0.95, *random.uniform(0.01, 0.1, 2)))
        pairs.append((tp, fp + fn))
        formula, dtype = FORMS[seed % 4]
        lines.append(printed(value_of(formula, dtype, tp, fp, fn), dtype, 5))
        values += [keras(1 - (fp + fn) / n), keras(naive(random, tp, fp + fn, n, size))]
    text = (
        f"{steps}/{steps} [=====] - 9s 2ms/step - loss: 0.1 - acc: {values[0]} - f1: {values[1]}"
        f" - val_loss: 0.1 - val_acc: {values[2]} - val_f1: {values[3]}\n"
        f"f1_train {lines[0]}\nf1_val {lines[1]}\n"
    )
    return text, size, pairs


def test_the_truth_leads_where_keras_224_fits_arrays(repository):
    """What `tests/helpers/keras224_fit.py .keras224 acc` printed, and said of the counts."""
    answer = investigate((repository / "tests/helpers/keras224_fit.txt").read_text())
    rows = [(c.batch_size, *c.train[3:5], *c.validation[3:5]) for c in answer.candidates]
    assert (32, 281, 37 + 37, 45, 7 + 8) in rows[:3]
    assert answer.candidates[0].validation.n_samples == 500
    reprint(answer)


def test_the_truth_is_among_the_candidates_of_simulated_logs():
    first = 0
    for seed in range(6):
        text, size, pairs = simulate(seed)
        answer = investigate(text, max_tp=3000, batch_sizes=USUAL)
        rows = [
            (c.batch_size, (c.train.tp, c.train.errors), (c.validation.tp, c.validation.errors))
            for c in answer.candidates
        ]
        assert (size, *pairs) in rows, seed
        first += rows[0][0] == size
        if seed < 3:
            reprint(answer)
    assert first >= 4


def test_a_split_alone():
    text, size, pairs = simulate(1)
    only = investigate("\n".join(text.splitlines()[:2]), max_tp=5000, batch_sizes=USUAL)
    assert pairs[0] in {(c.train.tp, c.train.errors) for c in only.candidates}
    assert {c.validation.tp for c in only.candidates} == {None}
    assert any("batch size is not determined" in line for line in only.undetermined)
    line, _, exact = text.splitlines()
    only = investigate(f"{line}\n{exact}", max_tp=5000, most=1000, batch_sizes=USUAL)
    found = {(c.batch_size, c.validation.tp, c.validation.errors) for c in only.candidates}
    assert (size, *pairs[1]) in found
    assert only.candidates[0].train.tp is None
    assert only.candidates[0].train.n_samples is not None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("val_acc: 0.9982", "val_acc: 0.1000", "naive validation F1"),
        ("f1: 0.5160", "f1: 0.0300", "at no batch size tried is the naive training F1"),
        ("0.93532336", "0.9353233612345678", "print the validation F1"),
    ],
)
def test_where_nothing_fits_a_sentence_says_why(old, new, words):
    answer = investigate(ARTICLE.replace(old, new), max_tp=20_000)
    assert answer.candidates == []
    assert answer.left_out == 0
    assert answer.undetermined[0].startswith("Nothing fits")
    assert words in answer.undetermined[0]


# --- the command -------------------------------------------------------------------------------


def command(*arguments):
    parser = argparse.ArgumentParser()
    cli_forensics.add(parser.add_subparsers(dest="name"))
    parsed = parser.parse_args(["forensics", *arguments])
    parsed.command(parsed)


def test_the_command_prints_json(capsys, tmp_path):
    path = tmp_path / "log"
    path.write_text(ARTICLE, encoding="utf-8")
    command(str(path), "--json", "--max-tp", "2000")
    answer = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    best = answer["candidates"][0]
    assert best["batch_size"] == 50
    assert (best["train"]["tp"], best["train"]["errors"]) == (599, 3)
    assert best["train"]["n_samples"] == 42700
    assert best["validation"]["tp"] == 94
    assert answer["log"]["validation"]["accuracy"] == "0.9982"
    assert answer["averaging"] == "size_weighted"
    assert answer["batch_sizes"] == sorted(SIZES)


def test_json_has_no_number_that_is_none(capsys, monkeypatch):
    answer = article()
    worst = answer.candidates[0]._replace(score=float("inf"))
    monkeypatch.setattr(
        "batchf1.forensics.answer.investigate", lambda *_: answer._replace(candidates=[worst])
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(ARTICLE))
    command("-", "--json")
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["candidates"][0]["score"] is None


def test_the_command_prints_text_from_standard_input(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(ARTICLE))
    command("-", "--max-tp", "2000", "--batch-size", "49", "--batch-size", "64")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "read: 854 steps; Keras 2"
    assert {line.split()[0] for line in lines if line[5:14] == " training"} == {"49", "64"}
    assert "Batch sizes tried: 49, 64, as asked." in lines
    assert any(line.startswith("The training counts are determined") for line in lines)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(InputError, match="LOG: must be a readable text file; got .*nothere"):
        command(str(tmp_path / "nothere"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="no UTF-8 text"):
        command(str(tmp_path / "binary"))
