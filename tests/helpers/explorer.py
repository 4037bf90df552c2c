"""The explorer's page: when it is ready, and what it shows."""

from batchf1.metrics.factories import f_beta, jaccard, precision, recall

METRICS = {
    "f1": f_beta(1),
    "f0.5": f_beta(0.5),
    "f2": f_beta(2),
    "jaccard": jaccard(),
    "precision": precision(),
    "recall": recall(),
}
"""Metrics that the page offers, by their name in it."""
FIELDS = ("true_f1", "expected_f1", "sd", "error", "error_empty", "error_curvature")
"""Fields of an expectation, in the order of the page's."""
READY = "html[data-ready]"
LOG = {"logged": "0.4728", "positives": "1.4", "batch": "50"}
"""The article's log, as the page's example has it."""
RATES = {
    "entry": "rates",
    "positives": "1.4",
    "precision": "0.935",
    "recall": "0.935",
    "samples": "14300",
    "batch": "50",
}
"""A classifier that logs this on average."""


def state_of(page):
    page.wait_for_selector(READY)
    return dict(page.evaluate("[...new URLSearchParams(location.hash.slice(1))]"))


def shown(page):
    """What stands in the headline: logged and true value."""
    page.wait_for_selector(READY)
    return tuple(float(page.inner_text(f"#{name}-value")) for name in ("logged", "true"))
