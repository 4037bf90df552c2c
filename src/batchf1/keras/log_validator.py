"""What a strategy's callback reads from Keras' logs, and what it refuses to be silent about.

Keras logs a metric under its name: after the output's name in a model of several outputs, after
`val_` in validation. A second metric of one name it renames: `<name>_1`, or `weighted_<name>` for
one in `weighted_metrics`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import keras

from batchf1.errors import check, raise_input_error
from batchf1.keras import legacy

if TYPE_CHECKING:
    from batchf1.keras.base import Strategy

Logs = Mapping[str, Any]
_KEYS: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
"""Model -> the keys of the strategies whose callbacks it trains with."""


def is_ours(model: Any, name: str) -> bool:
    """Whether a strategy's callback writes or guards the log of this name, without `val_`."""
    return any(prefixes([name], key) for key in _KEYS.get(model, ()))


def prefixes(logs: Iterable[str], key: str) -> list[str]:
    """What stands before `key` where it is logged: "", "val_", or these with an output's name."""
    return [name.removesuffix(key) for name in logs if name == key or name.endswith(f"_{key}")]


def read(logs: Logs, key: str, prefix: str = "") -> float:
    """The number logged under `key`; `InputError` if there is none, or two metrics have that name.

    Keras renames the later of the two, so that the log may be the other's.
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
    """Put a number into the logs; `InputError` if somebody else has that key."""
    rule = "is in the logs already: give each strategy its own name="
    check(key not in logs, key, rule)
    logs[key] = value


class LogValidator(legacy.Callback):
    """Refuses, in one line, what would make a strategy's log wrong, and what made it NaN.

    A NaN in the loss too comes from a training that diverged, and is left as it is.
    """

    def __init__(self, strategy: Strategy) -> None:
        super().__init__()
        self.strategy = strategy

    def set_model(self, model: Any) -> None:
        """Take the model, in whose logs the strategy's key is exact from now on."""
        super().set_model(model)
        _KEYS.setdefault(model, set()).add(self.strategy.key)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Refuse losses that take scores for logits where the strategy does not, or otherwise."""
        if self.strategy.form.one_class:
            return  # the largest logit is the largest probability
        ours = self.strategy.from_logits
        losses = keras.tree.flatten(self.model.loss)  # a function or a name does not tell
        agreed = any(getattr(loss, "from_logits", ours) == ours for loss in losses)
        check(agreed, self.strategy.key, f"must have from_logits={not ours}, as the loss has", ours)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Refuse labels and scores without a value, and a log that is missing or another's."""
        logs, key = logs or {}, self.strategy.key
        for prefix in prefixes(logs, key) or [""]:
            loss = logs.get("val_loss" if prefix.startswith("val_") else "loss", 0.0)
            if math.isnan(read(logs, key, prefix)) and not math.isnan(loss):
                raise_input_error(prefix + key, self.strategy.form.requirement, "nan")
