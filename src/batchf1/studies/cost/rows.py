"""Schema of the table of measurements."""

from __future__ import annotations

from batchf1.records.columns import Column, Schema, count, number, optional, share, text
from batchf1.studies.cost.config import DEVICES, ENGINES

SECONDS = ["train_seconds", "validation_seconds", "none_train_seconds", "none_validation_seconds"]

COST = Schema(
    "A row is a measurement of a strategy, or of none, in a fresh process.",
    {
        "cell_id": text("digest of the cell's settings"),
        "study": text("name of the study"),
        "device": text("device of the measurement", DEVICES),
        "model": text("network: a key of `models` in the study's file"),
        "engine": text("how the network is trained", ENGINES),
        "batch_size": count("batch size", 1, "samples"),
        "n_samples": count("rows asked for, of training and of validation each", 1, "samples"),
        "n_rows": count("rows that passed: n_samples in whole batches", 1, "samples"),
        "strategy": text("strategy measured; `none` for a fit without one"),
        "repetition": count("number of the repetition"),
        "n_epochs": count("measured epochs; seconds are their median", 1),
        "train_seconds": number("first batch begun to last batch ended", 0, unit="s"),
        "validation_seconds": number("validation begun to the epoch's callbacks done", 0, unit="s"),
        "none_train_seconds": number(
            "the same without a strategy; the epochs of the two take turns", 0, unit="s"
        ),
        "none_validation_seconds": number("the same for validation", 0, unit="s"),
        "start_bytes": count("peak memory of the process before its first epoch", 1, "bytes"),
        "peak_bytes": count("peak memory of the process after it", 1, "bytes"),
        "device_peak_bytes": number("peak memory of the GPU", 0, unit="bytes", missing="a CPU"),
        "f1": share("validation F1 that was logged", missing="no strategy"),
    },
    key=("cell_id",),
    rules={
        "must have seconds above 0": lambda t: (t[SECONDS] > 0).all(axis=1),
        "must have peak_bytes of at least start_bytes": lambda t: (
            t["start_bytes"] <= t["peak_bytes"]
        ),
        "must have a missing f1 without a strategy, and there alone": lambda t: (
            t["f1"].isna() == (t["strategy"] == "none")
        ),
    },
)


def _mean_sd(name: str, mean: Column) -> dict[str, Column]:
    """Return the descriptions of a mean over repetitions and of its standard deviation."""
    sd = number(f"standard deviation of `{name}`", 0, unit=mean.unit, missing="one repetition")
    return {name: mean, f"{name}_sd": sd}


def _ratio(part: str) -> dict[str, Column]:
    """Return the descriptions of the seconds of a part over those without a strategy."""
    name = f"{part}_ratio"
    ends = {
        f"{name}_min": number(f"smallest `{name}`", 0),
        f"{name}_max": number(f"largest `{name}`", 0),
    }
    return _mean_sd(name, number(f"{part}_seconds over those without a strategy", 0)) | ends


def _slope(name: str, meaning: str, unit: str) -> dict[str, Column]:
    """Return the descriptions of a slope over the rows and of its standard error."""
    se = number(f"standard error of `{name}`", 0, unit=unit, missing="two measurements")
    return {name: number(f"{meaning} over the rows, slope", unit=unit), f"{name}_se": se}


SUMMARY = Schema(
    "A row is a cell, of means over its repetitions, or the slope of a line through cells that "
    "differ in their rows alone.",
    {
        "row": text("kind of row", ("cell", "slope")),
        **COST.of("device", "model", "engine", "batch_size", "strategy"),
        **optional(
            "a slope",
            {
                "n_samples": number("rows asked for, of training and validation each", 1),
                "n_rows": number("rows that passed: n_samples in whole batches", 1),
            },
        ),
        "n_runs": count("repetitions of a cell, or measurements of a line", 1),
        "extra_passes": count("predictions of the validation set on top of Keras' own"),
        **optional(
            "a slope",
            {
                **_mean_sd("train_seconds", COST.columns["train_seconds"]),
                **_mean_sd("validation_seconds", COST.columns["validation_seconds"]),
                **_mean_sd("epoch_seconds", number("both together", 0, unit="s")),
                **_mean_sd("peak_bytes", number("peak memory of the process", 0, unit="bytes")),
                **_mean_sd(
                    "extra_bytes",
                    number("peak_bytes beyond the process without a strategy", unit="bytes"),
                ),
                **_mean_sd(
                    "grown_bytes", number("peak_bytes beyond a first tiny epoch", unit="bytes")
                ),
                **_ratio("train"),
                **_ratio("validation"),
                **_ratio("epoch"),
                **COST.of("device_peak_bytes"),
            },
        ),
        **optional(
            "a cell",
            {
                **_slope("bytes_per_row", "peak_bytes", "bytes"),
                **_slope("extra_bytes_per_row", "extra_bytes", "bytes"),
                **_slope("grown_bytes_per_row", "grown_bytes", "bytes"),
                **_slope("seconds_per_million_rows", "epoch_seconds", "s"),
                **_slope("extra_seconds_per_million_rows", "epoch_seconds beyond no strategy", "s"),
            },
        ),
    },
    key=("row", "device", "model", "engine", "batch_size", "strategy", "n_samples"),
)
