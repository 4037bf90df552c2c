"""Schema of the table of regrets."""

from __future__ import annotations

from batchf1.records.columns import Column, Schema, count, number, optional, share, text
from batchf1.sweep.schema import RUNS

NO_SIZE = "the loss, or candidates validated in their own batch size"


def _of_both(name: str, label: str, missing: str = "") -> dict[str, Column]:
    """Return the descriptions of a ratio on test of the true and of the actual choice."""
    return {
        f"{name}_true": share(f"test {label} of the choice by true F1", missing),
        f"{name}_chosen": share(f"test {label} of this choice", missing),
    }


SUMMARY = Schema(
    "A row is a decision at one data set, prevalence and validation batch size (`cell`), over "
    "cells by their expected positives per batch (`bin`), of pairs of candidates (`pairs`), or of "
    "the binormal control (`control`): means over the seeds.",
    {
        "row": text("kind of row", ("cell", "bin", "pairs", "control")),
        "decision": text("what is chosen, such as `threshold` or `checkpoint`"),
        "model": text("what it is chosen of: `network`, `logistic`, `candidate`, `binormal`"),
        "class_weight": text(
            "weight of the positives in training; of two models `a v b`",
            missing="class weights or candidates are chosen; pairs; control",
        ),
        **optional("a bin; all pairs", RUNS.of("dataset", "prevalence")),
        "validation_batch_size": count(
            "batch size of validation", 1, "samples", f"a bin; all pairs; {NO_SIZE}"
        ),
        "empty": text(
            "what a batch without positives, real or predicted, counts",
            ("0", "1", "skip"),
            "the loss",
        ),
        "chosen_by": text(
            "value that is chosen by: the logged F1, its exact expectation, or the loss",
            ("logged", "expected", "loss"),
            "pairs",
        ),
        "positives_per_batch": number(
            "expected positives in a validation batch; of a bin the geometric mean",
            0,
            unit="samples",
            missing=f"pairs; {NO_SIZE}",
        ),
        **optional(
            "no bin, or one of all cells",
            {
                "bin_low": number("smallest positives_per_batch of the bin", 0),
                "bin_high": number("limit below which its positives_per_batch lie", 0),
            },
        ),
        "n_seeds": count("repetitions", 1),
        **optional(
            "pairs",
            {
                "regret": number("test F1 of the choice by true F1 minus this one's", -1, 1),
                "regret_low": number("lower end of its 95 % bootstrap interval", -1, 1),
                "regret_high": number("upper end of its 95 % bootstrap interval", -1, 1),
            },
        ),
        **optional(
            "pairs; control",
            {
                "different": share("share of seeds in which the two choices differ"),
                **_of_both("f1", "F1"),
                **_of_both("precision", "precision", "undefined in each seed"),
                **_of_both("recall", "recall"),
                "regret_of_true": share("best test F1 minus that of the choice by true F1"),
                **optional(
                    "batch size is not chosen",
                    {
                        "largest_true": share("share of true choices of the largest batch size"),
                        "largest_chosen": share("share of choices of the largest batch size"),
                    },
                ),
            },
        ),
        **optional(
            "no pairs",
            {
                "n_pairs": count("pairs with expected values two deviations apart"),
                "agreement": share("share of these that are logged in the expected order"),
            },
        ),
        "regret_exact": share("regret of choosing by the expectation in much data", "no control"),
    },
    key=(
        *("row", "decision", "model", "class_weight", "dataset", "prevalence"),
        *("validation_batch_size", "empty", "chosen_by", "bin_low"),
    ),
)
