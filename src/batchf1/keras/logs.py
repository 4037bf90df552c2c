"""Audit of all logs of a validation, each by where it comes from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import keras
import numpy as np

from batchf1.auditing.broadcast import Pair
from batchf1.errors import InputError, one_line
from batchf1.keras import log_validator, objects, test_step
from batchf1.keras.objects import Compiled
from batchf1.keras.validated import Validated
from batchf1.keras.verdict import RIGHT, Circumstances, Verdict, of_metric
from batchf1.keras.weighted import Weighted, of_weighted

OF_BATCHES = ("dice", "tversky")
"""Losses of Keras that are no mean over samples."""
MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
"""Reductions of a loss that give a mean over samples."""
WEIGHTED_MEAN = "mean_with_sample_weight"
"""The one of these that divides each batch by its sum of weights."""
STEPS = ("test_step", "compute_metrics", "compute_loss", "get_metrics_result", "evaluate")
"""Methods of a model that compute its logs."""
ARRAY = Verdict(reason="an array, which is audited in objects of Keras alone")
OUTPUTS = Verdict(reason="each output has sample weights of its own, which an audit does not take")
OF_STEP = Verdict(
    reason="a value of test_step, or a loss that is no weighted sum by the number of samples: with"
    " sample weights neither is audited; validate, and audit, (x, y) without weights"
)


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
    weights = validated.weights(model)
    for name in [name for name in compiled if name in logs]:
        judged[name] = _of_compiled(
            name, compiled[name], logs[name], pairs, given, weights, validated.masks
        )
    for name in logs.keys() - judged.keys():
        # a loss of Keras is a mean over the unmasked elements of a batch, then one over batches
        is_right = not validated.masks and _is_right_loss(model, name, weights)
        if is_right or log_validator.is_ours(model, name):
            judged[name] = RIGHT
        elif np.ndim(logs[name]):
            judged[name] = ARRAY
        elif weights is not None:
            judged[name] = OF_STEP
        else:
            rest[name] = logs[name]
    if rest:
        only = next(iter(pairs.values())) if len(pairs) == 1 else None
        judged |= _of_step(model, rest, validated, given, only)
    return {name: judged[name] for name in [*compiled, *logs] if name in judged}


def _of_step(
    model: Any, logs: dict[str, Any], validated: Validated, given: Circumstances, only: Any
) -> dict[str, Verdict]:
    try:
        return test_step.verdicts(model, logs, *validated.all_samples(model), given, only)
    except InputError as error:
        return dict.fromkeys(logs, Verdict(reason=f"a value of test_step: {one_line(error)}"))


def _of_compiled(
    name: str,
    compiled: Compiled,
    logged: Any,
    pairs: dict[str, list[Pair]],
    given: Circumstances,
    weights: Any,
    masks: dict[str, list[Any]],
) -> Verdict:
    own, mask = (_own(parts, name, compiled.metric, pairs) for parts in (pairs, masks))
    if mask is None and objects.is_keras_own(compiled.metric):
        return RIGHT
    if np.ndim(logged):
        return ARRAY
    if own is None:
        return Verdict(reason="no labels of the output that it judges")
    weights = weights if compiled.is_weighted else None  # Keras hands metrics in `metrics` none
    if keras.tree.is_nested(weights):
        return OUTPUTS
    if mask is None and weights is None:
        return of_metric(compiled, own, float(logged), given)
    return of_weighted(compiled, Weighted(own, mask, weights), float(logged), given)


def _own(parts: dict[str, Any], name: str, metric: Any, outputs: Collection[str]) -> Any:
    """Return what belongs to the output of a metric; None if there is nothing."""
    if len(outputs) == 1:
        return next(iter(parts.values()), None)
    return parts.get(str(objects.output_of(name, metric, outputs)))


def _replicas(model: Any) -> int:
    return int(getattr(getattr(model, "distribute_strategy", None), "num_replicas_in_sync", 1))


def _is_right_loss(model: Any, name: str, weights: Any) -> bool:
    """Return True if Keras logs the loss as a mean of values for each sample."""
    if name != "loss" and not name.endswith("_loss"):
        return False
    own = all(_defined_by(type(model), step).startswith("keras.") for step in STEPS)
    losses = keras.tree.flatten(model.loss)
    by_weight = any(getattr(loss, "reduction", None) == WEIGHTED_MEAN for loss in losses)
    if weights is not None and by_weight:
        return False
    return own and all(map(_is_mean_over_samples, losses))


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
