"""Schemas of the tables of a study of labels of shape (n,)."""

from __future__ import annotations

from batchf1.records.columns import Schema, count, flag, number, optional, share, text
from batchf1.studies.flat_labels.choices import CHOSEN_BY, DECISIONS
from batchf1.studies.flat_labels.predictions import PREDICTIONS

LOGS = Schema(
    "A row is a value that Keras logged: of a training's epoch and split, or of an evaluation.",
    {
        "prevalence": share("share of positives"),
        "seed": count("number of the repetition"),
        "source": text("call of Keras that logged", ("fit", "evaluate")),
        "split": text("split of the data", ("train", "validation")),
        "epoch": count("epoch, the first is 1", 1),
        "batch_size": count("batch size", 1, "samples"),
        "predictions": text("whose predictions these are", PREDICTIONS),
        "labels": text("shape of the labels: (n,) or (n, 1)", ("flat", "column")),
        "written": text(
            "sums that the metric function takes: of labels and predictions, or of the four cells",
            ("margins", "cells"),
        ),
        "n_batches": count("batches", 1),
        "tp": count("true positives of all batches", unit="samples"),
        "fp": count("false positives, likewise", unit="samples"),
        "fn": count("false negatives, likewise", unit="samples"),
        "tn": count("true negatives, likewise", unit="samples"),
        "true_f1": share("F1 of all batches together"),
        "logged": number("value that Keras logged; above 1 for some labels (n,)", 0),
        "exact": number("mean over the batches of the value that their counts give", 0),
    },
    key=(
        *("prevalence", "seed", "source", "split", "epoch", "batch_size"),
        *("predictions", "labels", "written"),
    ),
)

CHOICES = Schema(
    "A row is a decision on one network, made by one value at one validation batch size.",
    {
        "prevalence": share("share of positives"),
        "seed": count("number of the repetition"),
        "decision": text("what is chosen", DECISIONS),
        "batch_size": count("batch size of validation", 1, "samples"),
        "chosen_by": text("value that is maximised", CHOSEN_BY),
        "n_options": count("options", 1),
        "regret": number("test F1 of the choice by true F1 minus that of this choice", -1, 1),
        "most_positives": flag("no option predicts more positives"),
        **{
            f"{name}_{whose}": share(f"test {label} of the choice by {by}")
            for name, label in (("f1", "F1"), ("precision", "precision"), ("recall", "recall"))
            for whose, by in (("true", "true F1"), ("chosen", "this value"))
        },
    },
    key=("prevalence", "seed", "decision", "batch_size", "chosen_by"),
)

OF_LOGS = optional(
    "a choice",
    {
        **LOGS.of("source", "split"),
        "epoch": number("epoch, the first is 1", 1),
        **LOGS.of("prevalence", "batch_size", "predictions"),
        "n_seeds": count("repetitions", 1),
        "true_f1": share("F1 of all batches together"),
        "deviation": number(
            "largest difference of a log from the arithmetic of its batches, relative above 1", 0
        ),
        "batch_mean": number("log for labels (n, 1)", 0, missing="not measured"),
        "flat_cells": number("log for labels (n,), function written with the four cells", 0),
        "flat_margins": number("the same, function written with labels and predictions", 0),
        "change": number("largest relative difference of a log from the trained network's", 0),
        "expected": number("expectation of flat_margins", 0, missing="no random cut"),
        "inside": share("share of logs in its 95 % interval", "no random cut"),
    },
)
OF_CHOICES = optional(
    "a log",
    {
        **CHOICES.of("decision", "chosen_by", "regret"),
        "most_positives": share("share of choices of an option with most predicted positives"),
        **CHOICES.of(*(name for name in CHOICES.columns if name.endswith(("_true", "_chosen")))),
        "regret_se": number("standard error of `regret` over the seeds", 0),
    },
)
SUMMARY = Schema(
    "A row is a log of Keras or a choice: means over the seeds.",
    {
        "row": text("kind of row", ("log", "choice")),
        **OF_LOGS,
        **CHOICES.of("prevalence", "batch_size"),
        "n_seeds": count("repetitions", 1),
        **OF_CHOICES,
    },
    key=(
        *("row", "source", "split", "epoch", "prevalence", "batch_size", "predictions"),
        *("decision", "chosen_by"),
    ),
)
