"""Schema of the table of a study of cuts."""

from __future__ import annotations

from batchf1.records.columns import Schema, count, number, share, text

FAMILIES = ("groups", "folds", "published")
NONE_LEFT = "no batch is left"

CUT_TABLE = Schema(
    "A row is a way to cut samples into batches, for one classifier and prevalence; means over"
    " the seeds.",
    {
        "family": text("groups of a validation set, folds, or folds of a publication", FAMILIES),
        "cut": text("how the samples came into batches"),
        "classifier": text("class weights of the regression", ("plain", "balanced", "unknown")),
        "above": number(
            "carats that a positive is heavier than", 0, unit="carat", missing="published counts"
        ),
        "n_seeds": count("repetitions", 1),
        "n_batches": count("batches, groups or folds", 1),
        "tp": number("true positives", 0, unit="samples"),
        "fp": number("false positives", 0, unit="samples"),
        "fn": number("false negatives", 0, unit="samples"),
        "tn": number("true negatives", 0, unit="samples"),
        "prevalence": share("share of positives"),
        "empty": share("share of batches without positives, real or predicted"),
        "undefined": share("share of batches whose precision or recall is 0/0"),
        "true_f1": share("F1 of all samples together"),
        "mean_f1": share("mean of F1 over the batches, where an empty one counts 0"),
        "mean_one": share("the same, where an empty one counts 1"),
        "mean_left_out": share("the same without the empty ones", NONE_LEFT),
        "mean_defined": share("the same without the undefined ones", NONE_LEFT),
        "f1_of_means": share("F1 of the mean precision and the mean recall"),
        "random": share("expectation of mean_f1 for a random cut into these sizes"),
        "composition": share(
            "the same, where each batch keeps its numbers of positives and negatives"
        ),
        "error": number("mean_f1 minus true_f1", -1, 1),
        "error_se": number("its standard error over the seeds", 0, missing="one seed"),
    },
    key=("family", "cut", "classifier", "above", "prevalence"),
)
