"""Schemas of the tables of a study of labels of shape (n,)."""

from __future__ import annotations

import pandera.pandas as pa

from batchf1.studies.flat_labels.choices import CHOSEN_BY, DECISIONS
from batchf1.studies.flat_labels.predictions import PREDICTIONS


def _count(minimum: int, **options: object) -> pa.Column:
    return pa.Column("int64", pa.Check.ge(minimum), **options)


def _share(**options: object) -> pa.Column:
    return pa.Column("float64", pa.Check.in_range(0, 1), **options)


LOGS = pa.DataFrameSchema(
    {
        "prevalence": _share(),
        "seed": _count(0),
        "source": pa.Column(str, pa.Check.isin(("fit", "evaluate"))),
        "split": pa.Column(str, pa.Check.isin(("train", "validation"))),
        "epoch": _count(1),
        "batch_size": _count(1),
        "predictions": pa.Column(str, pa.Check.isin(PREDICTIONS)),
        "labels": pa.Column(str, pa.Check.isin(("flat", "column")), description="(n,) or (n, 1)"),
        "written": pa.Column(str, pa.Check.isin(("margins", "cells"))),
        "n_batches": _count(1),
        **{cell: _count(0, description="of all batches") for cell in ("tp", "fp", "fn", "tn")},
        "true_f1": _share(description="of all batches together"),
        "logged": pa.Column("float64", pa.Check.ge(0), description="by Keras"),
        "exact": pa.Column("float64", pa.Check.ge(0), description="mean over the batches' counts"),
    },
    unique=[
        *("prevalence", "seed", "source", "split", "epoch", "batch_size"),
        *("predictions", "labels", "written"),
    ],
    strict=True,
    ordered=True,
)
"""A row per log of Keras: of a training's epoch and split, or of an evaluation."""

CHOICES = pa.DataFrameSchema(
    {
        "prevalence": _share(),
        "seed": _count(0),
        "decision": pa.Column(str, pa.Check.isin(DECISIONS)),
        "batch_size": _count(1, description="of validation"),
        "chosen_by": pa.Column(str, pa.Check.isin(CHOSEN_BY)),
        "n_options": _count(1),
        "regret": pa.Column("float64", pa.Check.in_range(-1, 1), description="in test F1"),
        "most_positives": pa.Column(bool, description="no option predicts more positives"),
        **{
            f"{name}_{whose}": _share(description="of the test split")
            for name in ("f1", "precision", "recall")
            for whose in ("true", "chosen")
        },
    },
    unique=["prevalence", "seed", "decision", "batch_size", "chosen_by"],
    strict=True,
    ordered=True,
)
"""A row per decision, network, batch size of validation and value that is chosen by."""
