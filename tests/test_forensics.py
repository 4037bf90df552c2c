"""From the digits of a log to what can have printed them: the truth is among the answers."""

import argparse
import io
import json
from functools import cache

import numpy as np
import pytest

from batchf1 import cli_forensics
from batchf1.averaging import batch_mean
from batchf1.counts import Counts
from batchf1.errors import InputError
from batchf1.forensics import (
    KINDS,
    LIMIT,
    half_unit,
    investigate,
    kinds,
    near,
    parse,
    printed,
    prints,
    rounding,
    value_of,
)

ARTICLE = """\
854/854 [====] - 2s 2ms/step - loss: 5.7325e-04 - acc: 1.0000 - f1: 0.5160 - val_loss: 0.0065 \
- val_acc: 0.9982 - val_f1: 0.4728
f1score_train 0.997502
f1score_test 0.93532336
"""
KERAS_3 = """\
Epoch 1/2
\x1b[1m 12/200\x1b[0m \x1b[32m━━\x1b[0m\x1b[37m━━━━\x1b[0m \x1b[1m2s\x1b[0m 9ms/step - f1_m: 0.1000\
\r\x1b[1m200/200\x1b[0m \x1b[32m━━━━━━\x1b[0m \x1b[1m3s\x1b[0m 32ms/step - binary_accuracy: 0.9000 \
- f1_m: 0.2000 - loss: 0.3000 - val_binary_accuracy: 0.9100 - val_f1_m: 0.2100 - val_loss: 0.2000
Epoch 2/2
 13/200 ━━━━━━━━━━━━━━━━━━━━ 3s 32ms/step - binary_accuracy: 0.9998 - f1_m: 0.9999 - loss: 0.1000
200/200 ━━━━━━━━━━━━━━━━━━━━ 3s 32ms/step - binary_accuracy: 0.9500 - f1_m: 0.3000 - loss: 0.1000 \
- val_binary_accuracy: 0.9600 - val_f1_m: 9.1000e-04 - val_loss: 0.1000
train F1 = 0.8
f1score_val: 0.75
"""


@cache
def article():
    return investigate(ARTICLE)


def test_parse_keras_2():
    log = parse(ARTICLE)
    assert (log.total, log.in_samples) == (854, False)
    assert log.train == ("1.0000", "0.5160", "0.997502")
    assert log.validation == ("0.9982", "0.4728", "0.93532336")


def test_parse_keras_3_takes_the_last_complete_line():
    log = parse(KERAS_3)
    assert log.total == 200
    assert log.train == ("0.9500", "0.3000", "0.8")
    assert log.validation == ("0.9600", "9.1000e-04", "0.75")


def test_parse_other_forms():
    log = parse("20/20 - 1s - loss: 1 - f1_streaming: 0.9 - f1_batch_mean: 0.4\nF1 (train): 0.9")
    assert log.train == (None, "0.4", "0.9")
    log = parse("640/640 [===] - 1s 47us/sample - f1_score: 0.4 - accuracy: 0.9\nf1_train 0.9")
    assert (log.total, log.in_samples, log.train.accuracy) == (640, True, "0.9")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "got nothing"),
        ("nonsense\nin two lines", "log: needs the naive F1"),
        (ARTICLE.splitlines()[0], "log: needs the naive F1"),
        (ARTICLE.replace("854/854", "0/0"), "steps: is a whole number in 1 .. 10000000; got 0"),
        (ARTICLE.replace("0.93532336", "93.5"), "exact_f1: lies in [0, 1]; got 93.5"),
    ],
)
def test_useless_logs_are_refused_in_one_line(text, words):
    with pytest.raises(InputError) as caught:
        investigate(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [{"max_tp": 0}, {"most": 0}, {"batch_sizes": [1.5]}, {"batch_sizes": [0]}, {"averaging": "x"}],
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(InputError, match="got"):
        investigate(ARTICLE, **settings)


def test_half_unit():
    assert half_unit("0.5160") == pytest.approx(5e-5)
    assert half_unit("5.7325e-04") == pytest.approx(5e-9)


def test_rounding_needs_few_and_equal_decimals():
    assert rounding(["0.997502", "0.93532336"]) is None
    assert rounding(["0.9975", "0.935"]) == 4
    assert rounding(["1.0"]) is None


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
    decimals = rounding(part.exact_f1 for part in log[2:] if part.exact_f1)
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
    assert best.train.prevalence == pytest.approx(best.validation.prevalence, rel=0.05)
    assert {c.validation.errors / c.validation.tp for c in answer.candidates} == {13 / 94}
    assert any(
        "batch size is not determined: 2 fit: 50; 64" in line for line in answer.undetermined
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


def test_the_truth_is_among_the_candidates_of_simulated_logs():
    first = 0
    for seed in range(6):
        text, size, pairs = simulate(seed)
        answer = investigate(text, max_tp=3000)
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
    only = investigate("\n".join(text.splitlines()[:2]), max_tp=5000)
    assert pairs[0] in {(c.train.tp, c.train.errors) for c in only.candidates}
    assert {c.validation.tp for c in only.candidates} == {None}
    assert any("batch size is not determined" in line for line in only.undetermined)
    line, _, exact = text.splitlines()
    only = investigate(f"{line}\n{exact}", max_tp=5000, most=1000)
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
    answer = json.loads(capsys.readouterr().out)
    best = answer["candidates"][0]
    assert best["batch_size"] == 50
    assert (best["train"]["tp"], best["train"]["errors"]) == (599, 3)
    assert best["train"]["n_samples"] == 42700
    assert best["validation"]["tp"] == 94
    assert answer["log"]["validation"]["accuracy"] == "0.9982"


def test_the_command_prints_text_from_standard_input(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(ARTICLE))
    command("-", "--max-tp", "2000", "--batch-size", "49", "--averaging", "size_weighted")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "read: 854 steps"
    for size in (49, 50):
        assert any(line.startswith(f"   {size} training") for line in lines)
    assert any(line.startswith("The training counts are determined") for line in lines)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(InputError, match="LOG: must be a readable text file; got .*nothere"):
        command(str(tmp_path / "nothere"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="no UTF-8 text"):
        command(str(tmp_path / "binary"))
