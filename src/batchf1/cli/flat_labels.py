"""Options and text of `batchf1 expect` for labels of shape (n,)."""

from __future__ import annotations

import argparse
from typing import Any

from batchf1.errors import check

SHAPE = "shape (n,): Keras 3 compares each prediction with every label of the batch"
F1 = {"margins": "2 P Q / (P + Q)", "cells": "2 P Q / (B (P + Q))"}
BATCH = "of a batch with P positives, Q predicted positives"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the shape of the labels, and how the function is written."""
    parser.add_argument(
        "--labels",
        choices=["column", "flat"],
        default="column",
        help="shape of the labels in Keras 3: column for (n, 1), flat for (n,)",
    )
    parser.add_argument(
        "--written",
        choices=["margins", "cells"],
        default="margins",
        help="how the function computes the metric, which matters for flat labels: margins from "
        "sum(y * p), sum(y) and sum(p); cells from sum(y * p), sum((1 - y) * p), sum(y * (1 - p))",
    )


def chosen(parsed: argparse.Namespace) -> dict[str, str]:
    """Return the options for flat labels, and nothing for others."""
    if parsed.labels == "column":
        return {}
    rule = "cannot be combined with --labels flat, whose log no batch size makes right"
    check(parsed.tolerance is None, "--tolerance", rule, parsed.tolerance)
    return {"labels": parsed.labels, "written": parsed.written}


def check_one_class(parsed: argparse.Namespace, name: str) -> None:
    """Raise `InputError` for a metric over classes and flat labels."""
    good = parsed.labels == "column"
    check(good, "--labels", f"must be column for {name}, a metric over classes", parsed.labels)


def question(answer: dict[str, Any]) -> list[str]:
    """Describe the labels and the function."""
    lines = [f"labels               {SHAPE}"]
    value = ""
    if answer["metric"] == "f1":
        size = ", B samples" if answer["written"] == "cells" else ""
        value = f": {F1[answer['written']]} {BATCH}{size}"
    return [*lines, f"function             by {answer['written']}{value}"]


def findings(answer: dict[str, Any]) -> list[str]:
    """Return the part of the error due to the pairs, and the advice."""
    pairs = "each prediction is compared with every label"
    return [
        f"  of other batches   {answer['error_curvature']:+.6f}   ({pairs})",
        "Do not read the log at any batch size: it does not measure which samples were found. With "
        "labels y[:, None] it is a mean over batches; log counts or stream to make it right.",
    ]
