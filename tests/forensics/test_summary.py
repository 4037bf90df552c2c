"""Summary of a log beside the answer: its lines, what was passed over, and its outputs."""

import pytest

from batchf1.forensics import summary
from batchf1.forensics.log import read
from batchf1.forensics.proof import Known
from batchf1.forensics.verdict import conclude

BAR = "9/9 [==] - 1s 9ms/step - loss: 1 - "
EQUAL = "val_f1: 0.7911 - val_precision: 0.7911 - val_recall: 0.7911"


def evidence(text):
    reading = read(text)
    return summary.evidence(conclude(reading), reading)


def test_each_line_is_shown_with_what_was_taken_from_it():
    bar = f"{BAR}val_f1: 0.5441 - val_mae: 0.25 - val_mse: 0.5 - val_auc"
    report = (
        "              precision    recall  f1-score   support\n\n"
        "           0       0.98      0.99      0.98       900\n"
        "           1       0.80      0.70      0.75       100\n\n"
        "    accuracy                           0.97      1000\n"
    )
    whole = summary.read_lines(read(f"{BAR}val_f1: 0.5 - ".ljust(80, "x")))[0]
    assert whole.endswith("x" * 20)  # 80 characters
    assert summary.read_lines(read(f"{bar}: 0.9\n\nhello\n{report}")) == [
        f"    1 progress   {bar[:77]}...",
        "                 -> validation: f1 0.5441",
        "    3 other      hello",
        "                 -> passed over: no metric",
        "    4 report     precision    recall  f1-score   support",
        "                 -> true F1 0.75 of validation (the report)",
    ]


@pytest.mark.parametrize("number", [3, 4])
def test_the_last_three_lines_that_were_passed_over_are_named(number):
    text = "\n".join([BAR + EQUAL, *(f"macro f1 val 0.{i}" for i in range(number))])
    named = summary.passed_over(read(text))
    assert named[:-3] == ["..."] * (number > 3)
    assert [line.split(":")[0] for line in named[-3:]] == [
        f"line {i}" for i in range(number - 1, number + 2)
    ]
    assert f"macro f1 val 0.{number - 1} is an average over classes" in named[-1]


def test_both_splits_and_all_outputs_are_listed():
    text = f"{BAR}f1: 0.7 - precision: 0.7 - recall: 0.7 - {EQUAL}"
    one = evidence(text)
    two = evidence(f"{text} - val_b_f1: 0.6")
    shown = [line.partition(",")[0] for line in one if not line.startswith(" ")]
    assert shown == ["train: f1 0.7", "validation: f1 0.7911"]
    assert two == [*one, "outputs with an F1: the one without a name, b; --output chooses"]


def test_a_test_split_is_named_after_its_line():
    findings = conclude(read(f"{BAR}val_f1: 0.47 - f1: 0.5\ntest f1 0.72"))
    assert findings["test"].name == "test f1"
    unknown = findings["train"].evidence + findings["validation"].evidence
    assert not any("It is the function of" in sentence for sentence in unknown)


def test_an_interval_without_a_bound_is_named():
    reading = read(f"{BAR}val_f1: 0.4700")
    findings = conclude(reading, Known((50,), 0.014, 7000))
    low, best, high = findings["validation"].true_f1
    wanted = f"The true F1 is most likely {best:.2f} ({low:.2f} to {high:.2f})."
    assert summary.headline(findings, reading)[1] == wanted
