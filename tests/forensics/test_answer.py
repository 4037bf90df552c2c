"""From a log to what can have printed it: the truth is among the answers."""

from inspect import signature

import numpy as np
import pytest

from batchf1.errors import InputError
from batchf1.forensics.answer import investigate, search, search_reading
from batchf1.forensics.digits import printed, rounding, value_of
from batchf1.forensics.fit import LIMIT
from batchf1.forensics.log import read
from batchf1.metrics.averaging import batch_mean
from batchf1.metrics.counts import Counts
from helpers.logs import ARTICLE, article, fit_on_arrays


@pytest.mark.parametrize(
    "settings",
    [{"max_tp": 0}, {"most": 0}, {"batch_sizes": [1.5]}, {"batch_sizes": [0]}, {"averaging": "x"}],
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(InputError, match="got"):
        investigate(ARTICLE, **settings)


def test_a_log_that_is_read_is_searched_with_the_same_defaults():
    one, two = (
        [*signature(function).parameters.values()][1:] for function in (investigate, search)
    )
    assert one == two


def test_what_is_not_listed_is_counted():
    """At one batch size the multiples of (53, 11) fit that 500 samples have room for."""
    text = fit_on_arrays("0.9000")
    every, few = (investigate(text, batch_sizes=[32], most=most) for most in (100, 2))
    pairs = [found.validation[3:5] for found in every.candidates]
    assert every.left_out == 0
    assert sorted(pairs) == [(53 * k, 11 * k) for k in range(1, len(pairs) + 1)]
    assert few.left_out == len(pairs) - 2 > 0
    assert few.candidates == every.candidates[:2]


def test_splits_that_no_common_formula_prints_are_no_combination():
    """Training with the digits of a float32, validation with those of a float64."""
    text = fit_on_arrays("0.8700", "0.8500").replace("train 0.905982905982906", "train 0.9059829")
    answer = investigate(text, batch_sizes=[32])
    assert (answer.candidates, answer.left_out) == ([], 0)
    assert "none of one batch size and formula" in answer.undetermined[0]


@pytest.mark.parametrize(
    ("asked", "unit", "rule"),
    [
        ("size_weighted", "sample", "size_weighted"),
        (None, "sample", "per_batch"),
        (None, "step", "size_weighted"),
    ],
)
def test_of_a_reading_only_means_are_searched(asked, unit, rule):
    """`investigate` on the log that was read, or the reason and the rule that would have held."""
    text, settings = fit_on_arrays("0.8700", unit=unit), (asked, [32], 1000, 5)
    found = search_reading(read(text), {"validation"}, *settings)
    assert found == investigate(text, *settings)
    assert found.candidates
    none = search_reading(read(text), (), *settings)
    assert none[:2] == ([], 0)
    assert none.undetermined[0].startswith("No counts are searched: that needs a true F1 beside")
    assert none.averaging == found.averaging == rule


def test_a_tiny_f1_and_one_batch_for_few_samples_raise_nothing():
    tiny = (
        "7/7 [==] - 0s 2us/step - loss: 0.1 - f1: 0.5 - val_loss: 0.1 - val_f1: {}\nf1score_test {}"
    )
    assert investigate(tiny.format("0.1", "1e-7"), batch_sizes=[16, 50]).candidates == []
    for found in investigate(tiny.format("90.75%", "100%"), batch_sizes=[100, 4096]).candidates:
        part = found.validation
        assert part.tp + part.errors <= part.n_samples
        assert part.n_low <= part.n_samples <= part.n_high


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


@pytest.mark.slow
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
    assert {part for c in only.candidates for part in c.validation} == {None, ()}
    assert any("batch size is not determined" in line for line in only.undetermined)
    line, _, exact = text.splitlines()
    only = investigate(f"{line}\n{exact}", max_tp=5000, most=1000, batch_sizes=USUAL)
    found = {(c.batch_size, c.validation.tp, c.validation.errors) for c in only.candidates}
    assert (size, *pairs[1]) in found
    assert only.candidates[0].train.tp is None
    assert only.candidates[0].train.n_samples is not None
