"""Schema of the table of a study of segmentation."""

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
        "mean Dice of the images whose object is of a size that the model small was trained on",
        NO_IMAGE,
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
