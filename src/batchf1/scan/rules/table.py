"""Table of the rules by their IDs, and their checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from batchf1.scan.analysis import Analysis, Draft
from batchf1.scan.rules import (
    flat_labels,
    keras_classes,
    keras_functions,
    keras_steps,
    lightning,
    loops,
    others,
)


class Rule(NamedTuple):
    """A rule: its title, the averaging rule that the number follows, the remedy."""

    title: str
    follows: str
    """Rule of `batchf1 audit` (docs/audit.md); empty where it has none."""
    instead: str


RULES = {
    "BF100": Rule("suppression without a reason", "", "say why: # batchf1: ok[BF101] reason"),
    keras_functions.ID: Rule(
        "function in metrics= of Keras",
        "per_batch",
        "Streaming() or Reconstructed() of batchf1.keras, or a metric object of Keras",
    ),
    keras_classes.MEAN: Rule(
        "metric class that keeps a mean of batches",
        "per_batch",
        "add up counts in update_state, divide in result",
    ),
    keras_classes.KEPT: Rule(
        "metric class that is never reset", "", "keep the state in add_weight, reset it to 0"
    ),
    keras_steps.ID: Rule(
        "batch value given to add_metric or a mean",
        "per_batch",
        "update a metric object with labels and predictions",
    ),
    flat_labels.ID: Rule(
        "labels of shape (n,)", "broadcast", "give fit labels of shape (n, 1): y[:, None]"
    ),
    lightning.VALUE: Rule(
        "value logged in a step of Lightning",
        "size_weighted",
        "log the metric object: self.log(key, self.metric)",
    ),
    lightning.COMPUTED: Rule(
        "compute() logged in a step of Lightning",
        "mean_of_prefixes",
        "log the metric object, or compute() once at the epoch's end",
    ),
    lightning.DEVICES: Rule(
        "sync_dist of a value of an epoch",
        "devices_pooled",
        "gather labels and predictions first, or log a metric object",
    ),
    loops.SUM: Rule(
        "sum of batch values, divided",
        "per_batch",
        "collect labels and predictions, or their counts; compute the metric once",
    ),
    loops.LIST: Rule(
        "mean of a list of batch values",
        "per_batch",
        "collect labels and predictions, or their counts; compute the metric once",
    ),
    loops.METER: Rule(
        "meter of batch values",
        "size_weighted",
        "a metric object that is updated with labels and predictions",
    ),
    others.IGNITE: Rule(
        "average of ignite", "running_average", "attach the metric itself to the evaluator"
    ),
    others.FASTAI: Rule(
        "function in metrics= of fastai", "size_weighted", "a metric class of fastai.metrics"
    ),
}
"""ID -> rule."""
CHECKS: tuple[Callable[[Analysis], Iterable[Draft]], ...] = (
    keras_functions.check,
    keras_classes.check,
    keras_steps.check,
    lightning.check,
    loops.check,
    others.check_ignite,
    others.check_fastai,
)
"""Checks of a module; `flat_labels.check` follows where one of them found a function of Keras."""
