"""Forms in which people paste logs: encodings, notebooks, quotations, names, true values."""

import json
import textwrap

import pytest

from batchf1.errors import InputError
from batchf1.forensics.log import read
from batchf1.forensics.log_names import name_of, pairs
from batchf1.forensics.log_text import decode

METRICS = "loss: 0.31 - acc: 0.91 - f1: 0.40 - precision: 0.52 - recall: 0.43"
BAR = f"8/8 [====] - 1s 9ms/step - {METRICS} - " + " - ".join(
    f"val_{metric}" for metric in METRICS.replace("0.4", "0.3").split(" - ")
)
TRAIN = {"f1": "0.40", "precision": "0.52", "recall": "0.43", "accuracy": "0.91"}
HELD_OUT = {"f1": "0.30", "precision": "0.52", "recall": "0.33", "accuracy": "0.91"}
LOG = f"Epoch 1/1\n{BAR}\n"


def held_out(text, **how):
    return read(text, **how).splits["validation"]


def is_read(text):
    splits = read(text).splits
    return splits["train"].epochs == [TRAIN] and splits["validation"].epochs == [HELD_OUT]


# --- files -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"]
)
def test_encodings(encoding):
    text = f"{LOG}\nprécision — done"
    assert decode(text.encode(encoding)).lstrip("\ufeff") == text
    assert is_read(decode(text.encode(encoding)))


def test_latin_1_is_read_and_other_bytes_are_refused():
    assert is_read(decode(f"{LOG}für".encode("latin-1")))
    for data in (b"\x00\x01\x02\xff" * 9, b"PK\x03\x04\xff\x00"):
        with pytest.raises(
            InputError, match="LOG must be a text file; its bytes are no UTF-8, UTF-16"
        ):
            decode(data)
    with pytest.raises(InputError, match="no UTF-32 text"):
        decode(b"\xff\xfe\x00\x00\x01")


def notebook(outputs):
    stream = {"output_type": "stream", "text": outputs}
    plot = {"output_type": "display_data", "data": {"text/plain": ["<Figure>"]}}
    cells = [{"cell_type": "markdown", "source": ["f1: 0.9"]}]
    return {"cells": [*cells, {"outputs": [plot, stream]}, {"outputs": []}], "nbformat": 4}


@pytest.mark.parametrize("indent", [None, 1])
def test_notebooks(indent):
    lines = [*LOG.splitlines(keepends=True), "val f1 0.37\n"]
    text = json.dumps(notebook(lines), indent=indent)
    assert is_read(text)
    assert held_out(text).truth.f1 == "0.37"
    part = "\n".join(text.splitlines()[12:-4]) if indent else text[60:-9]
    assert is_read(part)


# --- lines -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["#", "# ", "> ", "> > ", "// ", "  "])
def test_comments_and_quotations(mark):
    assert is_read("".join(mark + line for line in LOG.splitlines(keepends=True)))


@pytest.mark.parametrize("width", [40, 60, 72, 90, 120])
@pytest.mark.parametrize("mark", ["", "> "])
def test_lines_that_mail_has_wrapped(width, mark):
    lines = [mark + line for line in textwrap.wrap(BAR, width)]
    assert len(lines) > 1
    assert is_read("\n".join(["Epoch 1/1", *lines, "val f1 0.37"]))


def test_markup_and_colours():
    assert is_read(LOG.replace("val_f1: 0.30", "**val_f1: 0.30**"))
    assert is_read(LOG.replace("val_f1: 0.30", "<b>val_f1:</b> <code>0.30</code>"))
    assert is_read(LOG.replace("8/8", "\x1b[1m8/8\x1b[0m").replace("[====]", "\x1b[32m━━━━\x1b[0m"))
    assert is_read(LOG.replace("8/8 [====]", "[1m8/8[0m [32m━━[0m"))


@pytest.mark.parametrize("end", ["\r", "\b" * 60, " " * 3, "", "\n"])
def test_unfinished_bars_are_passed_over(end):
    bars = [f"{i}/8 [>...] - ETA: 3s - loss: 0.9 - f1: 0.1{i}00" for i in range(1, 8)]
    assert is_read("Epoch 1/1\n" + "".join(bar + end for bar in bars) + BAR)


def test_epochs_are_those_of_the_last_fit():
    first = LOG.replace("0.40", "0.70")
    two = f"Epoch 1/2\n{BAR.replace('0.40', '0.45')}\nEpoch 2/2\n{BAR}\n"
    evaluate = "4/4 [====] - 0s 1ms/step - loss: 0.3 - f1: 0.20\n"
    f1s = [epoch["f1"] for epoch in read(first + two + evaluate).splits["train"].epochs]
    assert f1s == ["0.45", "0.40"]


def test_outputs_are_kept_apart():
    one, two = ("a_f1: 0.4 - a_precision: 0.5 - a_recall: 0.6", "b_f1: 0.7 - b_recall: 0.8")
    text = f"8/8 [==] - 1s - loss: 1 - {one} - {two}"
    assert read(text).outputs == ["a", "b"]
    assert read(text).splits["train"].epochs == [{"f1": "0.4", "precision": "0.5", "recall": "0.6"}]
    assert read(text, "b").splits["train"].epochs == [{"f1": "0.7", "recall": "0.8"}]
    with pytest.raises(InputError, match=r"output must be one of \['a', 'b'\]; got c"):
        read(text, "c")


LOOPS = {
    "pytorch": "Epoch 3\nTrain loss: 0.31 | f1: 0.40 | precision: 0.52 | recall: 0.43 | acc: 0.91\n"
    "Val loss: 0.31 | f1: 0.30 | precision: 0.52 | recall: 0.33 | acc: 0.91",
    "verbose=2": f" - 1s - {METRICS} - val_" + " - val_".join(BAR.split(" - val_")[1:]),
    "history": "{'loss': [1, 0.31], 'f1': [0.1, 0.40], 'precision': [0.1, 0.52], "
    "'recall': [0.1, 0.43], 'acc': [0.1, 0.91], 'val_loss': [1, 0.31], 'val_f1': [0.1, 0.30], "
    "'val_precision': [0.1, 0.52], 'val_recall': [0.1, 0.33], 'val_acc': [0.1, 0.91]}",
    "tqdm": "Epoch 2: 100%|███| 8/8 [00:01<00:00, 9.1it/s, loss=0.31, train_f1=0.40, "
    "train_precision=0.52, train_recall=0.43, train_acc=0.91, val_f1=0.30, val_precision=0.52, "
    "val_recall=0.33, val_acc=0.91]",
}


@pytest.mark.parametrize("name", LOOPS)
def test_other_loops(name):
    splits = read(LOOPS[name]).splits
    assert splits["train"].epochs[-1] == TRAIN
    assert splits["validation"].epochs[-1] == HELD_OUT


def test_lines_of_the_trainer_of_hugging_face():
    epochs = [
        f"{{'loss': 0.5, 'epoch': {i}.0}}\n{{'eval_loss': 0.4, 'eval_f1': 0.{i}, 'epoch': {i}.0}}"
        for i in (6, 7)
    ]
    assert held_out("\n".join(epochs)).epochs == [{"f1": "0.6"}, {"f1": "0.7"}]


def test_an_evaluation_on_lines_of_its_own():
    text = "Test loss: 0.31\nTest f1_m: 0.40\nTest precision_m: 0.52\nTest recall_m: 0.43"
    shown = {kind: TRAIN[kind] for kind in ("f1", "precision", "recall")}
    assert read(text).splits["test"].epochs == [shown]
    assert held_out(text.replace("Test ", "")).epochs == [shown]
    assert read("│ test_f1 │ 0.40 │\n│ test_loss │ 1 │").splits["test"].epochs == [{"f1": "0.40"}]


def test_percentages_without_a_sign_show_by_their_accuracy():
    text = "Val loss: 0.3 | acc: 96.70 | f1: 54.41 | precision: 60.68\nval f1 70.80"
    split = held_out(text)
    assert split.epochs == [{"f1": "54.41%", "precision": "60.68%", "accuracy": "96.70%"}]
    assert split.truth.f1 == "70.80%"
    assert "percentages" in split.assumed[0]
    without = text.replace("acc: 96.70 | ", "").partition("\n")[0]
    assert held_out(without).epochs[0]["f1"] == "54.41"


@pytest.mark.parametrize("text", ["nan", "inf", "-0.4", "1e999"])
def test_what_is_no_rate_is_no_value(text):
    log = LOG.replace(" f1: 0.40", f" f1: {text}").replace("recall: 0.43", f"recall: {text}")
    assert read(log).splits["train"].epochs == []
    assert set(held_out(log).epochs[0]) == {"f1", "precision", "recall", "accuracy"}
    assert held_out(f"{LOG}val f1 nan").truth is None


# --- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "f1",
        "F1",
        "f1_m",
        "f1_score",
        "f1-score",
        "F1Score",
        "get_f1",
        "f1_metric",
        "my_f1_score",
        "fmeasure",
        "f_measure",
        "fbeta_score",
        "fscore",
        "f_score",
        "dice_coef",
        "diceCoef",
        "f1_2",
        "f1_batch_mean",
    ],
)
def test_names_of_f1(name):
    for text, split in ((name, None), (f"val_{name}", "validation"), (f"train_{name}", "train")):
        assert name_of(text)[:4] == ("f1", split, "", "")
        assert pairs(f"{text}: 0.5 - x: 1") == [(text, "0.5"), ("x", "1")]


def test_names_of_other_quantities():
    kinds = {"precision": "precision_m precision_1 prec ppv", "recall": "recall_m sensitivity tpr"}
    kinds |= {"accuracy": "acc accuracy binary_accuracy sparse_categorical_accuracy"}
    kinds |= {"iou": "iou_score jaccard_coef binary_io_u", "loss": "loss dice_loss val_f1_loss"}
    for kind, names in kinds.items():
        for name in names.split():
            assert (name_of(name).kind, name_of(name).output) == (kind, ""), name
    for name in ("2", "12", "hello", "hello_2"):
        assert name_of(name).kind == ""
    for name in ("top_k_categorical_accuracy", "balanced_accuracy", "masked_acc"):
        assert name_of(name).output or name_of(name).why_not
    for name in ("f1_macro", "weighted f1", "micro_f1_score", "average_precision", "mean_io_u"):
        assert name_of(name).why_not


def test_only_the_accuracy_is_the_accuracy():
    others = ("top_5_accuracy", "balanced_accuracy", "my_special_acc")
    for name in others:
        text = BAR.replace("acc:", f"{name}:")
        assert "accuracy" not in held_out(text).epochs[0]


# --- true values -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "f1"),
    [
        ("val f1: 0.3712", "0.3712"),
        ("Validation F1 score = 0.3712", "0.3712"),
        ("F1 (validation): 0,3712", "0.3712"),
        ("F1 (threshold 0.5) on validation data is 37.12 %", None),
        ("Validation F1 (threshold 0.5): 37.12 %", "37.12%"),
        ("— val_f1: 0.371200 — val_precision: 0.52 — val_recall 0.33", "0.371200"),
        ("f1score_test 0.3712", "0.3712"),
        ("Test F1 Score: 0.3712", None),
        ("test_f1: 0.3712", None),
        ("F1 Score: 0.3712", None),
        ("macro f1 val: 0.3712", None),
        ("Validation F1 (weighted): 0.3712", None),
        ("Best val F1: 0.3712 in epoch 3", None),
        ("Mean val F1 of 5 folds: 0.3712", None),
        ("val f1: 0.30", None),
        ("val f1: 0.3", None),
        ("val f1: 0.30000001192092896", None),
        ("Epoch 00001: val_f1 improved from 0.2 to 0.3712, saving model to w.h5", None),
        ("Epoch 1: early stopping at val_f1: 0.3712", None),
        ("validation TP: 40, FP: 13, FN: 20", str(80 / 113)),
    ],
)
def test_a_true_f1_on_a_line_of_its_own(line, f1):
    truth = held_out(f"{LOG}{line}").truth
    assert (truth and truth.f1) == f1
    assert read(f"{LOG}{line}").log.validation_samples is None
    assert is_read(f"{LOG}{line}")


def test_a_validation_truth_goes_before_an_assumed_one():
    split = held_out(f"{LOG}val F1: 0.37\nf1score_test 0.38\ntest f1: 0.39")
    assert (split.truth.f1, split.truth.assumed) == ("0.37", "")
    assert "validation data" in held_out(f"{LOG}f1score_test 0.38").truth.assumed
    assert read(f"{LOG}test f1: 0.39").splits["test"].truth.f1 == "0.39"
    assert held_out(f"val F1: 0.37\n{LOG}").truth is None


REPORT = """\
              precision    recall  f1-score   support

         0.0       0.96      0.92      0.94       940
         1.0       0.31      0.48      0.37        60

    accuracy                           {}      1000
   macro avg       0.63      0.70      0.66      1000
"""


def test_a_report_is_of_the_validation_if_its_accuracy_is():
    split = held_out(LOG + REPORT.format("0.91"))
    assert (split.truth.f1, split.truth.n_samples) == ("0.37", 1000)
    assert "0.91 agrees with the logged 0.91" in split.truth.assumed
    assert "class 1.0" in split.truth.assumed
    other = read(LOG + REPORT.format("0.85")).splits
    assert other["validation"].truth is None
    assert other["test"].truth.f1 == "0.37"
    titled = read(f"{LOG}Test set\n{REPORT.format('0.91')}").splits
    assert (titled["validation"].truth, titled["test"].truth.f1) == (None, "0.37")
    three = REPORT.replace(
        "\n\n    acc", "\n           2       0.31      0.48      0.37        6\n\n    acc"
    )
    assert held_out(LOG + three.format("0.91")).truth is None


@pytest.mark.parametrize(
    "matrix",
    ["[[870  70]\n [ 20  40]]", "[[870, 70], [20, 40]]", "array([[870,  70],\n       [ 20,  40]])"],
)
def test_a_confusion_matrix_has_all_counts(matrix):
    split = held_out(f"{LOG}Confusion matrix:\n{matrix}")
    assert split.truth.counts == (40, 70, 20, 870)
    assert split.truth.f1 == str(80 / 170)
    assert read(f"{LOG}{matrix}").log.validation_samples == 1000
    assert held_out(f"{LOG}test\n{matrix}").truth is None


@pytest.mark.parametrize(
    "matrix", ["[[1 2 3]\n [4 5 6]\n [7 8 9]]", "[[0.9 0.1]\n [0.3 0.7]]", "[[1 2"]
)
def test_other_matrices_are_passed_over(matrix):
    assert held_out(f"{LOG}{matrix}").truth is None


def test_each_line_says_what_was_taken():
    text = f"{LOG}macro f1 val: 0.66\nval f1: 0.37\nhello\n3/8 [=..] - ETA: 1s - f1: 0.1"
    lines = {line.number: line for line in read(text).lines}
    assert [line.kind for line in lines.values()] == [
        "epoch",
        "progress",
        *["line"] * 2,
        "other",
        "unfinished",
    ]
    assert lines[2].taken.startswith("train: f1 0.40, precision 0.52, recall 0.43, accuracy 0.91")
    assert lines[3].taken == (
        "passed over: macro f1 val 0.66 is an average over classes, no truth of this F1"
    )
    assert lines[4].taken == "true F1 0.37 of validation (val f1)"
    assert lines[6].taken == "passed over: a bar before its end"
