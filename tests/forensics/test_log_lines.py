"""Which lines of a log belong together, which of them are epochs, and what stands beside them."""

import json

import pytest

from batchf1.forensics.log import read
from batchf1.forensics.log_text import decode

BAR = "8/8 [====] - 1s 9ms/step - loss: 0.31 - f1: {} - val_loss: 0.31 - val_f1: {}"
LOG = f"Epoch 1/1\n{BAR.format('0.40', '0.30')}\n"
TRAIN, HELD_OUT = [{"f1": "0.40"}], [{"f1": "0.30"}]


def epochs(text, split="train"):
    return read(text).splits[split].epochs


def truth(text, split="validation"):
    return read(text).splits[split].truth


def f1s(text):
    return [epoch["f1"] for epoch in epochs(text)]


# --- text --------------------------------------------------------------------------------------


def test_a_stray_control_character_leaves_a_file_readable():
    assert epochs(decode(f"{LOG}\x01".encode())) == TRAIN


def test_lines_that_end_in_two_returns_are_read():
    """As `script` writes down what a terminal shows."""
    assert epochs(LOG.replace("\n", "\r\r\n"), "validation") == HELD_OUT


def test_lines_put_together_have_the_number_of_the_first():
    text = f"hello\n{LOG}val f1 0.37".replace(" - val_loss", "\n- val_loss")
    assert [line.number for line in read(text).lines] == [1, 2, 3, 5]
    assert epochs(text, "validation") == HELD_OUT


def test_epochs_on_lines_with_a_dash_in_front_are_not_put_together():
    assert f1s("- loss: 0.3 - f1: 0.40\n- loss: 0.2 - f1: 0.45") == ["0.40", "0.45"]


def test_a_notebook_is_read_from_its_outputs_alone():
    """A last expression is an output too; what the cells say or would print is none."""
    stream = {"output_type": "stream", "text": LOG.splitlines(keepends=True)}
    result = {"output_type": "execute_result", "data": {"text/plain": ["{'val_f1': 0.37}"]}}
    cells = [{"outputs": [stream]}, {"outputs": [result]}, {"source": ["val f1: 0.99"]}]
    for document in ({"cells": cells}, {"worksheets": [{"cells": cells}]}):  # 3 has worksheets
        text = json.dumps(document)
        assert epochs(text) == TRAIN
        assert truth(text).f1 == "0.37"


def test_a_part_of_a_notebooks_file_keeps_its_lines():
    shown = [json.dumps(line) for line in LOG.splitlines(keepends=True)]
    text = '"text": [\n' + ",\n".join([*shown, '"val f1 0.37"'])
    assert [line.number for line in read(text).lines] == [1, 2, 3, 4]


def test_json_that_is_no_notebook_is_read():
    assert epochs('{"eval_loss": 0.4, "eval_f1": 0.37}', "validation") == [{"f1": "0.37"}]


# --- epochs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["Epoch", "epoch", "EPOCH"])
def test_a_new_fit_begins_where_the_epochs_begin_anew(word):
    two = f"{BAR.format('0.45', '0.35')}\n{word} 2\n{BAR.format('0.46', '0.36')}"
    assert f1s(f"{word} 1\n{BAR.format('0.70', '0.60')}\n{word} 1\n{two}") == ["0.45", "0.46"]


def test_an_evaluation_of_as_many_batches_is_no_epoch():
    assert epochs(f"{LOG}8/8 [====] - 0s 1ms/step - loss: 0.3 - f1: 0.20\n") == TRAIN


def test_an_f1_of_zero_is_one():
    assert f1s(LOG.replace("f1: 0.40", "f1: 0.0000e+00")) == ["0.0000e+00"]


def test_metrics_on_lines_that_follow_each_other_are_one_epoch():
    """But not with a name that they have already, or with another line between them."""
    text = """hello
val f1: 0.30
val precision: 0.52
hello
val f1: 0.31
val f1: 0.32
hello
val recall: 0.5"""
    own = [{"f1": "0.30", "precision": "0.52"}, {"f1": "0.31"}, {"f1": "0.32"}]
    assert epochs(text, "validation") == own


def test_of_evaluations_in_lists_the_last_is_read():
    text = "loss: 0.3\nf1: 0.4\nloss: 0.2\nf1: 0.5"
    assert epochs(text, "validation") == [{"f1": "0.5"}]


def test_a_precision_of_another_name_belongs_to_the_f1_where_it_is_the_only_one():
    text = "8/8 [==] - 1s - loss: 1 - f1: 0.4 - special_precision: 0.5"
    assert epochs(text) == [{"f1": "0.4", "precision": "0.5"}]
    assert epochs(f"{text} - odd_precision: 0.6") == [{"f1": "0.4"}]
    assert epochs(f"{text} - odd_f1: 0.6") == [{"f1": "0.4"}]


def test_one_line_with_a_loss_is_no_list():
    kinds = [line.kind for line in read("hello\nloss: 0.31\nhello\nloss: 0.31\nf1: 0.4").lines]
    assert kinds == ["other", "line", "other", "block"]


# --- true values -------------------------------------------------------------------------------


def test_a_line_of_a_truth_has_other_rates_of_the_same_split():
    line = "F1 (validation): 0.3712, precision: 0.52, train recall: 0.43"
    assert truth(f"{LOG}{line}").others == {"precision": "0.52"}


@pytest.mark.parametrize(
    ("line", "f1"),
    [
        ("F1score_Test = 0.3712", "0.3712"),
        ("validation true positives: 4, False Positives: 2, false_negatives: 1", str(8 / 11)),
        ("validation loss: 0.31\nvalidation f1: 0.3712", None),  # as `evaluate` returns them
        ("Epoch 5: Early Stopping, val_f1: 0.3712", None),
    ],
)
def test_further_lines_that_have_a_true_f1_or_none(line, f1):
    found = truth(f"{LOG}{line}")
    assert (found and found.f1) == f1
    assert found is None or found.number == 3


ROWS = """\
              precision    recall  f1-score   support

           0       0.96      0.92      0.94       940
           1       0.31      0.48      0.36        60

    accuracy                           0.89      1000
   macro avg       0.63      0.70      0.65      1000
weighted avg       0.92      0.89      0.91      1000
"""
MATRIX = "[[870 70]\n [20 40]]"


def test_of_true_values_the_surest_counts_wherever_it_stands():
    """Prefer a line that names its split, then a table of counts, a variable, and a report."""
    shown = [ROWS, "f1score_test 0.37", MATRIX, "val F1: 0.38"]
    for many, f1 in enumerate(["0.36", "0.37", str(80 / 170), "0.38"], 1):
        for parts in (shown[:many], shown[:many][::-1]):
            assert truth("\nhello\n".join([LOG, *parts])).f1 == f1


def test_a_truth_says_what_it_is_taken_from_and_why():
    matrix = truth(f"{LOG}{MATRIX}")
    assert (matrix.source, matrix.number) == ("the confusion matrix", 3)
    assert matrix.assumed == (
        "the confusion matrix of line 3 is of the validation data: it names no split; "
        "its rows are the labels, the second positive"
    )
    counts = truth(f"{LOG}val TP: 40, FP: 70, FN: 20, TN: 870")
    assert (counts.source, counts.assumed, counts.f1) == ("the counts", "", matrix.f1)
    assert counts.n_samples == matrix.n_samples == 1000


def test_a_table_may_be_the_first_of_a_log():
    assert truth(ROWS).f1 == "0.36"
    assert truth(MATRIX).f1 == str(80 / 170)


@pytest.mark.parametrize(("gap", "split"), [(0, "test"), (2, "test"), (3, "validation")])
def test_a_title_stands_at_most_two_empty_lines_above(gap, split):
    empty = "\n" * gap
    assert truth(f"{LOG}Test set:\n{empty}{MATRIX}", split).counts == (40, 70, 20, 870)


def test_a_report_ends_with_its_last_row():
    for after in ("val f1: 0.37", "counted per class 940 60", "class sizes 940 60"):
        lines = read(f"{LOG}{ROWS}{after}").lines
        assert [line.number for line in lines[:3]] == [1, 2, 3]
        assert lines[2].kind == "report"
    assert truth(f"{LOG}{ROWS}val f1: 0.37").f1 == "0.37"
    assert truth(f"{LOG}{ROWS}class sizes 940 60").f1 == "0.36"
    assert truth(f"{LOG}{ROWS.splitlines()[0]}\nval f1: 0.37").f1 == "0.37"
