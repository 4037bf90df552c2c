"""Reading, writing and validating a strategy's values in the logs of Keras.

Keras logs a metric under its name, prefixed with the output's name in a model of several outputs,
and with `val_` in validation. It renames a second metric of one name: `<name>_1`, or
`weighted_<name>` for one in `weighted_metrics`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import keras

from batchf1.errors import check, raise_input_error
from batchf1.keras import legacy
from batchf1.keras.passes import masks

if TYPE_CHECKING:
    from batchf1.keras.base import Strategy

Logs = Mapping[str, Any]
_KEYS: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
"""Model -> log keys of the strategies whose callbacks it trains with."""


def is_ours(model: Any, name: str) -> bool:
    """Return True if a strategy's callback writes or validates this log, named without `val_`."""
    return any(prefixes([name], key) for key in _KEYS.get(model, ()))


def prefixes(logs: Iterable[str], key: str) -> list[str]:
    """List the prefixes under which `key` is logged: "", "val_", or these with an output's name."""
    return [name.removesuffix(key) for name in logs if name == key or name.endswith(f"_{key}")]


def read(logs: Logs, key: str, prefix: str = "") -> float:
    """Return the number logged under `key`; `InputError` if it is missing or ambiguous.

    Of two metrics of one name Keras renames the later, so the log could be of either.
    """
    for twin in (f"{prefix}{key}_1", f"{prefix}weighted_{key}"):
        rule = "cannot be the name of two metrics: give each strategy its own name="
        check(twin not in logs, key, rule, f"{twin} beside it")
    if prefix + key not in logs:
        raise_input_error(
            prefix + key, "must be logged: compile with the strategy's metrics()", [*logs]
        )
    return float(logs[prefix + key])


def write(logs: MutableMapping[str, Any], key: str, value: float) -> None:
    """Write a number to the logs; `InputError` if the key exists."""
    rule = "is in the logs already: give each strategy its own name="
    check(key not in logs, key, rule)
    logs[key] = value


class LogValidator(legacy.Callback):
    """Callback that raises `InputError` for what makes a strategy's log wrong or NaN.

    If the loss is NaN too, the training diverged, and the log stays NaN.
    """

    takes_masks = True
    """Whether the value depends on masks that Keras hands to metrics."""

    def __init__(self, strategy: Strategy) -> None:
        super().__init__()
        self.strategy = strategy

    def set_model(self, model: Any) -> None:
        """Register the strategy's key for the model, so that `Audit` counts its log as right."""
        super().set_model(model)
        _KEYS.setdefault(model, set()).add(self.strategy.key)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Raise `InputError` if loss and strategy disagree about logits, or masks get lost."""
        lost = self.takes_masks and keras.backend.backend() == "jax" and masks(self.model)
        rule = "needs a model without masks: on JAX Keras hands metrics none in training; set"
        rule = f"{rule} ignore_class, or weights in weighted_metrics, or take EpochEnd"
        check(not lost, self.strategy.key, rule, self.model.name)
        if not self.strategy.form.has_threshold:
            return  # the largest logit is the largest probability
        ours = self.strategy.from_logits
        losses = keras.tree.flatten(self.model.loss)  # functions and names have no attribute
        agreed = any(getattr(loss, "from_logits", ours) == ours for loss in losses)
        check(agreed, self.strategy.key, f"must have from_logits={not ours}, as the loss has", ours)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Raise `InputError` for a log that is NaN, missing or ambiguous.

        A metric that may be undefined warns: it can be NaN of valid labels and outputs.
        """
        logs, key = logs or {}, self.strategy.key
        for prefix in prefixes(logs, key) or [""]:
            loss = logs.get("val_loss" if prefix.startswith("val_") else "loss", 0.0)
            if not math.isnan(read(logs, key, prefix)) or math.isnan(loss):
                continue
            requirement = self.strategy.form.requirement
            if not math.isnan(self.strategy.metric.undefined):
                raise_input_error(prefix + key, requirement, "nan")
            why = "it is undefined, as of constant labels or outputs, unless these are invalid: it"
            warnings.warn(f"{prefix}{key} is NaN: {why} {requirement}", stacklevel=2)
