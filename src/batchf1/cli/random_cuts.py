"""Answers of `batchf1 expect` for metrics without a law, from random cuts."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from batchf1.cli import options
from batchf1.errors import check

if TYPE_CHECKING:
    from batchf1.metrics.counts import Counts
    from batchf1.metrics.ratios import Metric

MAX_SAMPLES, MAX_ROWS = 10_000_000, 50_000_000
"""Limits of samples, and of rows of all random cuts together, of which there are at least 20."""


def answer(parsed: argparse.Namespace, counts: Counts | None, metric: Metric) -> dict[str, Any]:
    """Return the answer for a metric of a binary output; `InputError` for what cuts do not give."""
    from batchf1.metrics.rates import rates_of
    from batchf1.theory.simulation import simulate

    name = metric.name
    check(metric.n_classes is None, "--metric", "must be of a binary output", name)
    check(parsed.labels == "column", "--labels", f"must be column for {name}", parsed.labels)
    check(parsed.tolerance is None, "--tolerance", "must be of a ratio of counts", name)
    check(counts is not None, "--n-samples", f"must be given for {name}, whose law is unknown")
    assert counts is not None
    n, undefined = sum(counts), options.zero_division(parsed)
    rule = f"must be of at most {MAX_SAMPLES:,} samples for {name}"
    check(n <= MAX_SAMPLES, "counts", rule, n)
    cuts = max(20, min(1000, MAX_ROWS // max(n, 1)))
    found = simulate(counts, parsed.batch_size, parsed.averaging, undefined, metric, cuts)
    given = {"n_samples": n, **counts._asdict()}
    given |= {"batch_size": parsed.batch_size} | found._asdict() | rates_of(counts)
    return given | {"error": found.error, "interval95": found.interval95}


def lines(answer: dict[str, Any]) -> list[str]:
    """Describe how the answer was estimated."""
    how = f"{answer['cuts']:,} random cuts, seed {answer['seed']}, standard error"
    return [f"estimated            from {how} {answer['standard_error']:.2g}"]
