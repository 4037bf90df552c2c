"""One shape of the data, worked out by hand: how its naive values are judged and scored.

`helpers.logs.fit_on_arrays` says which counts and samples it has.
"""

import numpy as np
import pytest

from batchf1.forensics.answer import investigate
from batchf1.forensics.digits import printed, value_of
from batchf1.forensics.fit import Evidence
from batchf1.forensics.log import parse
from batchf1.metrics.counts import as_counts
from batchf1.theory.expectation import expect
from batchf1.theory.limits import large_data
from helpers.logs import fit_on_arrays
from helpers.slow import slow


def candidate(text, size=32, train=(318, 66), validation=(53, 11), **settings):
    """The candidate of these counts, or None."""
    wanted = [(size, *pair) for pair in (train, validation)]
    for found in investigate(text, batch_sizes=[size], **settings).candidates:
        rows = [(found.batch_size, part.tp, part.errors) for part in found[1:3]]
        if all(row in (want, (size, None, None)) for row, want in zip(rows, wanted, strict=True)):
            return found
    return None


def law(tp, errors, n, size=32, averaging="size_weighted"):
    counts = as_counts(tp, errors // 2, errors - errors // 2, n - tp - errors)
    return expect(counts, size, averaging)


def test_a_validation_split():
    found = candidate(fit_on_arrays("0.8000")).validation
    exact = law(53, 11, 500)
    assert (found.n_samples, found.n_low, found.n_high) == (500, 500, 500)
    assert found.prevalence == pytest.approx(0.117, rel=1e-12)  # 53 + 11 / 2 of 500
    assert found.expected_f1 == pytest.approx(exact.expected_f1, rel=1e-12)
    assert (found.sd, found.moved) == (pytest.approx(exact.sd, rel=1e-12), 0)
    assert found.residual == pytest.approx((0.8 - exact.expected_f1) / exact.sd, abs=1e-4)


def test_a_value_is_known_to_half_a_printed_unit():
    exact = law(53, 11, 500)
    for text, half in (("0.8", 0.05), ("0.80", 0.005), ("80%", 0.005)):
        found = candidate(fit_on_arrays(text)).validation
        sd = np.sqrt(exact.sd**2 + half**2)
        assert found.residual == pytest.approx((0.8 - exact.expected_f1) / sd, rel=1e-9)


@pytest.mark.parametrize("side", [-1, 1])
def test_four_standard_deviations_are_the_limit(side):
    exact = law(53, 11, 500, 10)
    for off, fits in ((3.97, True), (4.03, False)):
        text = fit_on_arrays(f"{exact.expected_f1 + side * off * exact.sd:.4f}")
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
    text = fit_on_arrays("0.8700", unit=unit)
    found = candidate(text, averaging=averaging).validation
    exact, other = (law(53, 11, 500, 32, name) for name in ("size_weighted", "per_batch"))
    assert abs(exact.expected_f1 - other.expected_f1) > 1e-4
    wanted = exact if rule == "size_weighted" else other
    assert found.expected_f1 == pytest.approx(wanted.expected_f1, rel=1e-12)
    assert investigate(text, averaging, [32]).averaging == rule


def test_the_score_of_one_split():
    """-2 log of a normal density over half a unit, and of the priors of the counts and the size."""
    for size, rare in ((32, 0), (50, 4)):
        found = candidate(fit_on_arrays("0.8800"), size)
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
    alike = candidate(fit_on_arrays("0.8700", "0.84,0.8500"))
    assert alike.score == pytest.approx(score(alike), rel=1e-9)
    # positives 351 of 3,000 and 58.5 of 450: the logarithm of 10/9, squared, over its variance
    near_by = candidate(fit_on_arrays("0.8700", "0.84,0.8500", held_out=450))
    unlike = np.log(10 / 9) ** 2 / (1 / 351 + 1 / 58.5 + 0.01)
    assert near_by.score == pytest.approx(score(near_by, unlike=unlike), rel=1e-9)
    far = candidate(fit_on_arrays("0.9000", "0.84,0.8500", held_out=250))
    assert far.score == pytest.approx(score(far, unlike=4), rel=1e-9)


def test_training_may_be_off_as_far_as_its_value_moved_since_the_epoch_before():
    found = candidate(fit_on_arrays("0.8700", "0.7,0.8200,0.8500")).train
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


@pytest.mark.parametrize(
    ("accuracy", "own"), [slow("0.9780", 66), slow("0.9680", 96), ("0.9380", 186)]
)
def test_training_may_be_off_as_far_as_the_epochs_own_errors_are(accuracy, own):
    """By the exact law at the errors that the accuracy tells, the positives being the same."""
    exact = law(318, 66, 3000).expected_f1
    found = candidate(fit_on_arrays("0.8700", "0.1,0.8500", f"acc: {accuracy} - "))
    moved = exact - law(318 - (own - 66) // 2, own, 3000).expected_f1
    assert found.train.moved == pytest.approx(moved, rel=0.25, abs=1e-12)
    assert found.train.moved == pytest.approx(limit_moved(max(own - 0.15, 66)), abs=1e-4)
    # 0.15 errors less still print the accuracy
    ratio = np.log2((max(own - 0.15, 66) + 1) / 67) ** 2
    assert found.score == pytest.approx(score(found, of_errors=ratio), rel=1e-9)


def test_many_more_errors_of_the_epoch_cost_no_more_than_four():
    found = candidate(fit_on_arrays("0.8700", "0.8500", "acc: 0.6000 - "))
    assert found.score == pytest.approx(score(found, of_errors=4), rel=1e-9)


def test_without_accuracy_or_an_epoch_before_twice_the_errors_are_allowed_for():
    found = candidate(fit_on_arrays("0.8700", "0.8500"))
    moved = law(318, 66, 3000).expected_f1 - law(285, 132, 3000).expected_f1
    assert found.train.moved == pytest.approx(moved, rel=0.25)
    assert found.score == pytest.approx(score(found), rel=1e-9)


def test_the_header_and_the_accuracy_must_agree_on_the_errors():
    """11 of 500 wrong print 0.9780, 22 print 0.9560."""
    metrics = "val_acc: {} - "
    assert candidate(fit_on_arrays("0.8700", metrics=metrics.format("0.9780"))) is not None
    for accuracy in ("0.9782", "0.9778", "0.9560"):
        assert candidate(fit_on_arrays("0.8700", metrics=metrics.format(accuracy))) is None


def test_a_batch_that_holds_all_prints_the_true_f1():
    for naive, fits in (("0.9060", True), ("0.9062", False), ("0.8700", False)):
        assert (candidate(fit_on_arrays(naive), 512) is not None) == fits


DIGITS, UNKNOWN = "0.905982905982906", ", validate on 500 samples"


def deviations(naive, n, size):
    """How far a printed value is from the limit for large data, of 53 and 11 in n samples."""
    limit = large_data(58.5 / n, 106 / 117, 106 / 117, size)
    return abs(float(naive) - limit.expected_f1) / np.hypot(
        limit.sd_batch * (size / n) ** 0.5, 5e-5
    )


@pytest.mark.parametrize(("naive", "size"), [("0.8700", 32), ("0.8900", 32), ("0.8700", 128)])
def test_numbers_of_samples_reach_as_far_as_the_naive_value_fits(naive, size):
    found = candidate(fit_on_arrays(naive).replace(UNKNOWN, ""), size).validation
    for end, further in ((found.n_low, 0.985), (found.n_high, 1.015)):
        assert deviations(naive, end, size) <= 4
        # no more than the training set
        assert end == 3000 or deviations(naive, end * further, size) > 4


def test_of_usual_shares_that_fit_alike_the_nearest_is_named():
    found = candidate(fit_on_arrays("0.9000").replace(UNKNOWN, ""), 128).validation
    assert deviations("0.9", 750, 128) < deviations("0.9", 1000, 128) < 0.1  # of 3,000
    assert found.n_samples == 750
    assert found.n_low == 129  # one batch would print the true F1


def test_counts_of_a_low_f1_are_found():
    """301 of the 1,000 positives and of the 1,003 predicted ones, in 9,000 samples."""
    counts = 301, 1401, 9000
    text = (
        "Train on 20000 samples, validate on 9000 samples\n20000/20000 [==] - 0s 9us/step"
        f" - loss: 0.1 - val_acc: 0.8443 - val_f1: {law(*counts).expected_f1:.4f}\n"
        f"f1score_test {602 / 2003}"
    )
    assert candidate(text, validation=counts[:2]) is not None


def test_the_multiples_of_few_counts_are_kept_where_all_digits_are_printed():
    log = parse(fit_on_arrays("0.8700"))
    evidence = Evidence("validation", log.validation, log, 53_000, None)
    assert evidence.tp.tolist() == [53 * k for k in range(1, 1001)]
    assert evidence.errors.tolist() == [11 * k for k in range(1, 1001)]


def test_all_digits_may_be_those_of_a_formula_with_epsilons():
    value = value_of("2pr/(p+r+epsilon)", "float64", 53, 5, 6)
    text = fit_on_arrays("0.8700").replace(DIGITS, printed(value, "float64"))
    assert ("2pr/(p+r+epsilon)", "float64") in [p[:2] for p in candidate(text).validation.prints]


def test_rounded_digits_are_not_said_to_be_printed_by_no_counts():
    text = fit_on_arrays("0.0300").replace(DIGITS, "0.90598")
    answer = investigate(text, batch_sizes=[32], max_tp=1000)
    assert answer.candidates == []
    assert "at no batch size tried is the naive validation F1 0.0300" in answer.undetermined[0]
