"""Audit of all logs of a validation, each by where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from batchf1.auditing.broadcast import Pair
from batchf1.keras import log_validator, objects, test_step
from batchf1.keras.objects import Compiled
from batchf1.keras.validated import Validated
from batchf1.keras.verdict import RIGHT, Circumstances, Verdict, of_metric

OF_BATCHES = ("dice", "tversky")
"""Losses of Keras that are no mean over samples."""
MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
"""Reductions of a loss that give a mean over samples."""
STEPS = ("test_step", "compute_metrics", "compute_loss", "get_metrics_result", "evaluate")
"""Methods of a model that compute its logs."""
ARRAY = Verdict(reason="an array, which is audited in objects of Keras alone")


def verdicts(
    model: Any,
    logs: Mapping[str, Any],
    validated: Validated,
    pairs: dict[str, list[Pair]],
    remedy: str,
) -> dict[str, Verdict]:
    """Judge each log, named without `val_`.

    `pairs`: output -> labels and scores of the batches.
    """
    compiled = objects.compiled(model)
    given = Circumstances(validated.has_unknown_length, _replicas(model), remedy)
    judged, rest = {}, {}
    for name in [name for name in compiled if name in logs]:
        judged[name] = _of_compiled(name, compiled[name], logs[name], pairs, given)
    for name in logs.keys() - judged.keys():
        if _is_right_loss(model, name) or log_validator.is_ours(model, name):
            judged[name] = RIGHT
        elif np.ndim(logs[name]):
            judged[name] = ARRAY
        else:
            rest[name] = logs[name]
    if rest:
        only = next(iter(pairs.values())) if len(pairs) == 1 else None
        judged |= test_step.verdicts(model, rest, *validated.all_samples(model), given, only)
    return {name: judged[name] for name in [*compiled, *logs] if name in judged}


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
    """Return the pairs of the output of a metric; None if there are none."""
    if len(pairs) == 1:
        return next(iter(pairs.values()))
    output = objects.output_of(name, metric, pairs)
    return None if output is None else pairs[output]


def _replicas(model: Any) -> int:
    return int(getattr(getattr(model, "distribute_strategy", None), "num_replicas_in_sync", 1))


def _is_right_loss(model: Any, name: str) -> bool:
    """Return True if Keras logs the loss as a mean of values for each sample."""
    if name != "loss" and not name.endswith("_loss"):
        return False
    own = all(_defined_by(type(model), step).startswith("keras.") for step in STEPS)
    return own and all(map(_is_mean_over_samples, keras.tree.flatten(model.loss)))


def _defined_by(kind: type, method: str) -> str:
    """Return the module of the class that defines the method."""
    return next(base.__module__ for base in kind.__mro__ if method in vars(base))


def _is_mean_over_samples(loss: Any) -> bool:
    """Return True for a loss of Keras with a value for each sample."""
    if loss is None or isinstance(loss, str):
        return str(loss).lower() not in OF_BATCHES
    is_object = isinstance(loss, keras.losses.Loss)
    if is_object and loss.reduction not in MEANS:
        return False
    parts = [type(loss) if is_object else loss] + ([loss.fn] if hasattr(loss, "fn") else [])
    own = all(getattr(part, "__module__", "").startswith("keras.") for part in parts)
    return own and all(part.__name__.lower() not in OF_BATCHES for part in parts)
