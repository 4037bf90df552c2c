"""Schemas of the tables of a study of segmentation."""

from __future__ import annotations

from batchf1.records.columns import Schema, count, number, share, text
from batchf1.studies.segmentation.config import MODELS

EMPTY_0, EMPTY_1, LEFT_OUT, SOFT = KINDS = ("empty_0", "empty_1", "left_out", "soft")
"""Dice where a batch without a positive pixel, labelled or predicted, counts 0, 1 or not; Dice of
the probabilities, as in a loss."""

KEY = {
    "model": text("size of the objects on which the model is trained", MODELS),
    "dice": text(
        "which Dice: empty batches count 0, 1 or not at all; or that of the probabilities", KINDS
    ),
    "batch_size": count("batch size", 1, "images"),
}
NUMBERS = {
    "pooled": share("Dice of all images together"),
    "image_mean": share("mean of the Dice of each image"),
    "expected": share("expectation of the mean over batches for random batches"),
}
NO_IMAGE = "no such image"
SIZES = {
    "of_small": share(
        "mean Dice of the images with a small object, which one model knows", NO_IMAGE
    ),
    "of_large": share("mean Dice of the images with a larger object", NO_IMAGE),
}
NOT_LOGGED = "empty batches are left out, which a metric function cannot do"

LOGS = Schema(
    "A row is a kind of Dice of one network, averaged over validation batches of one size.",
    {
        "cell_id": text("digest of the network's settings"),
        "study": text("name of the study"),
        "seed": count("number of the repetition"),
        **KEY,
        "n_images": count("images of validation", 1),
        "n_empty": count("those without an object"),
        **SIZES,
        "n_batches": count("batches, the last may be short", 1),
        **NUMBERS,
        "sd": number("standard deviation of the mean over batches, from random cuts", 0),
        "exact": share("mean over the batches of the study, in float64"),
        "logged": share("what Keras logged for these batches; of a loss, 1 minus it", NOT_LOGGED),
    },
    key=("cell_id", "dice", "batch_size"),
)

SUMMARY = Schema(
    "A row is a kind of Dice of one of the two models at one batch size: means over the seeds.",
    {
        **KEY,
        "n_seeds": count("repetitions", 1),
        **SIZES,
        **NUMBERS,
        "low": share("lower end of the 95 % interval of the mean of the logs around `expected`"),
        "high": share("upper end, likewise"),
        "logged": share("what Keras logged; of a loss, 1 minus it", NOT_LOGGED),
        "deviation": number(
            "largest difference of a log from the mean over its batches in float64",
            0,
            missing=NOT_LOGGED,
        ),
        "inside": share("share of the logs in the 95 % intervals of their networks", NOT_LOGGED),
        "preferred": share("share of the seeds in which this model has the higher mean"),
        "gap": number("`exact` of this model minus that of the other", -1, 1),
        "gap_se": number("its standard error over the seeds", 0, missing="one seed"),
        "exact": share("mean over the batches of the study, in float64"),
    },
    key=("dice", "model", "batch_size"),
)
