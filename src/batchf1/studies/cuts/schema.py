"""Schema of the table of a study of cuts."""

from __future__ import annotations

import pandera.pandas as pa

FAMILIES = ("groups", "folds", "published")


def _number(**options: object) -> pa.Column:
    return pa.Column("float64", nullable=True, **options)


CUT_TABLE = pa.DataFrameSchema(
    {
        "family": pa.Column(str, pa.Check.isin(FAMILIES)),
        "cut": pa.Column(str, description="how the samples came into batches"),
        "classifier": pa.Column(str),
        "above": _number(description="carats of a positive"),
        "n_seeds": pa.Column("int64", pa.Check.ge(1)),
        "n_batches": pa.Column("int64", pa.Check.ge(1)),
        **{name: _number(description="mean over seeds") for name in ("tp", "fp", "fn", "tn")},
        **{name: _number() for name in ("prevalence", "empty", "undefined", "true_f1")},
        **{name: _number() for name in ("mean_f1", "mean_one", "mean_left_out", "mean_defined")},
        **{name: _number() for name in ("f1_of_means", "random", "composition")},
        **{name: _number() for name in ("error", "error_se")},
    },
    unique=["family", "cut", "classifier", "above", "prevalence"],
    strict=True,
    ordered=True,
)
"""A row per way to cut, classifier and prevalence, of means over the seeds."""
