"""What is read from a pasted log: numbers in any form, what its bar counts, which Keras it was."""

import subprocess
import sys

import pytest

from batchf1.errors import InputError
from batchf1.forensics.answer import investigate
from batchf1.forensics.log import parse, read
from batchf1.forensics.log_numbers import (
    above_harmonic_mean,
    below_harmonic_mean,
    half_unit,
    harmonic_mean,
    number,
    same_value,
)

TRUE = "\nf1score_train 0.8\nf1score_test 0.75\n"
METRICS = "loss: 0.1 - acc: 0.95 - f1: 0.5 - val_loss: 0.1 - val_acc: 0.96 - val_f1: 0.4"
RENAMED = METRICS.replace("acc", "accuracy")
BINARY = METRICS.replace("acc", "binary_accuracy")
BAR = f"[==] - 0s 9ms/step - {METRICS}"
TRAIN_ON = "Train on 3000 samples, validate on 500 samples\nEpoch 1/1\n"
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


@pytest.fixture(scope="module")
def keras224_log(repository):
    """What Keras 2.2.4 printed: `tests/helpers/keras224_fit.py .keras224 acc`."""
    return (repository / "tests/helpers/keras224_fit.txt").read_text()


# --- lines -------------------------------------------------------------------------------------


def test_keras_224_counts_samples_below_its_header(keras224_log):
    log = parse(keras224_log)
    assert (log.total, log.in_samples, log.unit_told) == (3000, True, True)
    assert log.validation_samples == 500
    assert log.train == ("0.9743", "0.8080", "0.8836477987421384")
    assert log.validation == ("0.9700", "0.8501", "0.8571428571428571")
    assert log.earlier_f1 == "0.8172"


def test_keras_3_takes_the_last_complete_line():
    log = parse(KERAS_3)
    assert (log.total, log.in_samples) == (200, False)
    assert log.train == ("0.9500", "0.3000", "0.8")
    assert log.validation == ("0.9600", "9.1000e-04", "0.75")
    assert log.earlier_f1 == "0.2000"


@pytest.mark.parametrize("mark", ["\ufeff", "\u200b", "\u2060", "\ufeff\x1b[1m"])
@pytest.mark.parametrize(
    "text", [f"20/20 {BAR}{TRUE}", f"{TRAIN_ON}3000/3000 {BAR}{TRUE}", KERAS_3]
)
def test_marks_that_nobody_sees_change_nothing(text, mark):
    """At the start of a file, and of each line: of files put together."""
    marked = "".join(mark + line for line in text.splitlines(keepends=True))
    assert parse(mark + text) == parse(marked) == parse(text)
    assert parse(text).total is not None


def test_evaluate_after_fit_is_not_taken_for_training():
    log = parse(f"20/20 {BAR}\n5/5 [==] - 0s 1ms/step - loss: 1 - f1: 0.9{TRUE}")
    assert (log.total, log.train.naive_f1, log.earlier_f1) == (20, "0.5", None)


def test_of_several_f1_the_batch_mean_is_taken():
    log = parse("20/20 - 1s - loss: 1 - f1_streaming: 0.9 - f1_batch_mean: 0.4\nF1 (train): 0.9")
    assert log.train == (None, "0.4", "0.9")


@pytest.mark.parametrize(
    ("text", "total", "in_samples", "told", "validation"),
    [
        (f"{TRAIN_ON}3000/3000 {BAR}", 3000, True, True, 500),
        (f"{TRAIN_ON} - 0s - {METRICS}", 3000, True, True, 500),
        (f"{TRAIN_ON}94/94 {BAR}", 94, False, False, None),
        (f"94/94 {BAR}", 94, False, False, None),
        (f"1/1 {BAR}", 1, False, False, None),
        (f"3000/3000 [==] - 0s 9us/sample - {METRICS}", 3000, True, True, None),
        (f"300/300 [==] - 9s 9ms/sample - {METRICS}", 300, True, True, None),
        (f"Train for 94 steps, validate on 500 samples\n94/94 {BAR}", 94, False, True, 500),
        (f"Train for 94 steps, validate for 16 steps\n94/94 {BAR}", 94, False, True, None),
        (KERAS_3, 200, False, True, None),
        (f"94/94 - 1s - {RENAMED} - 972ms/epoch - 9ms/step", 94, False, True, None),
    ],
)
def test_what_the_bar_counts(text, total, in_samples, told, validation):
    log = parse(text + TRUE)
    assert (log.total, log.in_samples, log.unit_told) == (total, in_samples, told)
    assert log.validation_samples == validation


@pytest.mark.parametrize(
    ("text", "keras", "averaging"),
    [
        (KERAS_3, "Keras 3", "per_batch"),
        (f"7/7 - 2s - 293ms/step - {RENAMED}", "Keras 3", "per_batch"),
        (f"7/7 - 1s - {METRICS} - 972ms/epoch - 139ms/step", "tf.keras", "per_batch"),
        (f"7/7 - 1s - {METRICS}", "tf.keras", "per_batch"),
        (f"7/7 [=====] - 1s 9ms/step - {RENAMED}", "Keras 2.3 or later", "per_batch"),
        (f"300/300 [=====] - 1s 47us/sample - {METRICS}", "tf.keras", "per_batch"),
        (f"Train on 300 samples\n300/300 - 0s - {METRICS}", "tf.keras", "per_batch"),
        (f"Train for 7 steps\n7/7 [==] - 1s 9ms/step - {METRICS}", "tf.keras", "per_batch"),
        (f"{TRAIN_ON}3000/3000 [=====] - 1s 9us/step - {RENAMED}", "Keras 2.3", "per_batch"),
        # Keras 2.2.4 and 2.3.1 with metrics=["acc"] print the same
        (f"{TRAIN_ON}3000/3000 [=====] - 1s 9us/step - {METRICS}", "Keras 2.0 to 2.3", None),
        (f"{TRAIN_ON} - 1s - {METRICS}", "Keras 2.0 to 2.3", None),
        (f"7/7 [=====] - 2s 2ms/step - {METRICS}", "Keras 2", None),
        (f"7/7 [=====] - 2s 2ms/step - {BINARY}", "Keras 2", None),
    ],
)
def test_which_keras_printed_it_as_far_as_its_form_tells(text, keras, averaging):
    log = parse(text + TRUE)
    assert log.keras.startswith(keras)
    assert log.averaging == averaging


# --- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "read", "value", "half"),
    [
        ("0.9354", "0.9354", 0.9354, 5e-5),
        ("0,9354", "0.9354", 0.9354, 5e-5),
        (",9354", ".9354", 0.9354, 5e-5),
        ("99.75%", "99.75%", 0.9975, 5e-5),
        ("99,75 %", "99.75%", 0.9975, 5e-5),
        ("7%", "7%", 0.07, 5e-3),
        ("np.float64(0.93)", "0.93", 0.93, 5e-3),
        ("numpy.float32(0.9354)", "0.9354", 0.9354, 5e-5),
        ("5.73e-04", "5.73e-04", 5.73e-4, 5e-7),
        ("1", "1", 1.0, 0.5),
        ("1.", "1.", 1.0, 0.5),
    ],
)
def test_numbers_keep_the_digits_that_were_printed(printed, read, value, half):
    bar = "7/7 [==] - 2s 2ms/step - loss: 0.1 - f1: {}\nf1score_train {}"
    assert parse(bar.format(printed, "0.123")).train == (None, read, "0.123")
    assert parse(bar.format("0.123", printed)).train == (None, "0.123", read)
    assert number(read) == pytest.approx(value, rel=1e-14)
    assert half_unit(read) == pytest.approx(half, rel=1e-12)


def test_half_a_unit_of_an_absurd_number_is_no_traceback():
    assert half_unit("0e5000") == float("inf")
    assert half_unit("0.5e-5000") == 0


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("0.40", "0.40", True),
        ("0.40", "0.41", False),
        ("0.40", "0.404", True),
        ("0.40", "0.406", False),
        ("0.40", "40%", True),
        ("1e-02", "5e-03", False),  # as many decimals, but of other powers
    ],
)
def test_values_are_the_same_that_one_number_prints(one, two, same):
    assert same_value(one, two) == same_value(two, one) == same


def test_the_harmonic_mean_of_two_rates():
    for precision, recall, mean in ((0.3, 0.6, 0.4), (0.6, 0.3, 0.4), (0.5, 0.5, 0.5), (0, 0, 0)):
        assert harmonic_mean(precision, recall) == pytest.approx(mean, abs=1e-15)


@pytest.mark.parametrize(
    ("f1", "below", "above"),
    [("0.5", False, False), ("0.50", False, False), ("0.48", True, False), ("0.52", False, True)],
)
def test_an_f1_lies_off_the_harmonic_mean_by_more_than_the_rounding(f1, below, above):
    """A precision and a recall of 0.50 are from 0.495 to 0.505, and so is their harmonic mean."""
    epoch = {"f1": f1, "precision": "0.50", "recall": "0.50"}
    assert (below_harmonic_mean(epoch), above_harmonic_mean(epoch)) == (below, above)


# --- refused -----------------------------------------------------------------------------------

NOTHING = f"Train on 9 samples, validate on 0 samples\n9/9 {BAR}"
STEPS = f"20/20 [==] - 1s 2ms/step - {METRICS}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "got nothing"),
        (STEPS, "log must have the naive F1"),
        (
            STEPS.replace("20/20", "0/0") + TRUE,
            "steps must be a whole number from 1 to 10000000; got 0",
        ),
        (STEPS + "\nf1score_test 93.5", "exact_f1 must lie in [0, 1]; got 93.5"),
        (STEPS.replace("f1: 0.5", "f1: 1.5") + TRUE, "naive_f1 must lie in [0, 1]; got 1.5"),
        (NOTHING + TRUE, "validation samples must be a whole number from 1 to 10000000; got 0"),
    ],
)
def test_useless_logs_are_refused_in_one_line(text, words):
    with pytest.raises(InputError) as caught:
        investigate(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_refusal_shows_how_the_log_begins():
    with pytest.raises(InputError, match="log must have the naive F1") as caught:
        parse("digits" * 11)
    assert str(caught.value).endswith(f"; got {'digits' * 10}")


@pytest.mark.slow
def test_long_words_take_linear_time():
    """In quadratic time several would be a minute each."""
    program = """
from batchf1.forensics.log import parse
words = "a|1| |f1 |f1|:|1/|e1|0,|\\x1b[0|np.float64(|- |([|[[|(a)|&#1;|**|<b |\\b|1/2 [|#|\\"|f_|^H"
for before in ("", "f1: ", "1/1 [ - loss: 1 - f1: 0.5 - ", "[[", "{\\"text\\": [\\""):
    for word in [*words.split("|"), "f1: 0.5 ", "f1: 0.5\\n", "loss: 1\\n", "f1: [1, "]:
        try:
            parse(before + word * (50_000 // len(word)))
        except ValueError:
            pass
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=100)


def test_a_line_longer_than_any_of_a_log_is_passed_over():
    text = f"20/20 {BAR}\n{'f1: 0.5 - ' * 2_000_000}{TRUE}"
    log = read(text)
    assert [line.text[:40] for line in log.lines][1] == "a line of more than 500,000 characters"
    assert log.log == parse(f"20/20 {BAR}{TRUE}")
