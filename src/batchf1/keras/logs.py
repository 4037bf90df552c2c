"""The verdicts on all logs of a validation: where each comes from, and how it is audited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from batchf1.keras import log_validator, objects, test_step
from batchf1.keras.objects import Compiled, Pair
from batchf1.keras.validated import Validated
from batchf1.keras.verdict import RIGHT, Circumstances, Verdict, of_metric

OF_BATCHES = ("dice", "tversky")
"""Keras' own losses that are no mean over samples."""
MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
"""Reductions of a loss that give a mean over samples."""
STEPS = ("test_step", "compute_metrics", "compute_loss", "get_metrics_result", "evaluate")
"""Methods of a model that make its logs."""
ARRAY = Verdict(reason="an array, which is audited in objects of Keras alone")


def verdicts(
    model: Any,
    logs: Mapping[str, Any],
    validated: Validated,
    pairs: dict[str, list[Pair]],
    remedy: str,
) -> dict[str, Verdict]:
    """Name -> verdict, of logs without `val_`. `pairs`: output -> labels and scores of batches."""
    compiled = objects.compiled(model)
    given = Circumstances(validated.has_unknown_length, _replicas(model), remedy)
    found, left = {}, {}
    for name in [name for name in compiled if name in logs]:
        found[name] = _of_compiled(name, compiled[name], logs[name], pairs, given)
    for name in logs.keys() - found.keys():
        if _is_right_loss(model, name) or log_validator.is_ours(model, name):
            found[name] = RIGHT
        elif np.ndim(logs[name]):
            found[name] = ARRAY
        else:
            left[name] = logs[name]
    if left:
        found |= test_step.verdicts(model, left, *validated.whole(model), given)
    return {name: found[name] for name in [*compiled, *logs] if name in found}


def _of_compiled(
    name: str, compiled: Compiled, logged: Any, pairs: dict[str, list[Pair]], given: Circumstances
) -> Verdict:
    if objects.is_keras_own(compiled.metric):
        return RIGHT
    if np.ndim(logged):
        return ARRAY
    own = _own(pairs, name, compiled.metric)
    if own is None:
        return Verdict(reason="no labels of the output that it judges")
    return of_metric(compiled, own, float(logged), given)


def _own(pairs: dict[str, list[Pair]], name: str, metric: Any) -> list[Pair] | None:
    """The pairs of the output that a metric judges."""
    if len(pairs) == 1:
        return next(iter(pairs.values()))
    output = objects.output_of(name, metric, pairs)
    return None if output is None else pairs[output]


def _replicas(model: Any) -> int:
    return int(getattr(getattr(model, "distribute_strategy", None), "num_replicas_in_sync", 1))


def _is_right_loss(model: Any, name: str) -> bool:
    """Whether Keras itself logs the loss, of a value for each sample, by the size of batches."""
    if name != "loss" and not name.endswith("_loss"):
        return False
    own = all(_defined_by(type(model), step).startswith("keras.") for step in STEPS)
    return own and all(map(_is_mean_over_samples, keras.tree.flatten(model.loss)))


def _defined_by(kind: type, method: str) -> str:
    """The module of the class that has the method."""
    return next(base.__module__ for base in kind.__mro__ if method in vars(base))


def _is_mean_over_samples(loss: Any) -> bool:
    """Whether a loss is one of Keras' own that has a value for each sample."""
    if loss is None or isinstance(loss, str):
        return str(loss).lower() not in OF_BATCHES
    is_object = isinstance(loss, keras.losses.Loss)
    if is_object and loss.reduction not in MEANS:
        return False
    parts = [type(loss) if is_object else loss] + ([loss.fn] if hasattr(loss, "fn") else [])
    own = all(getattr(part, "__module__", "").startswith("keras.") for part in parts)
    return own and all(part.__name__.lower() not in OF_BATCHES for part in parts)
