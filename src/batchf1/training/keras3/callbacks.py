"""Strategies and callbacks of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from batchf1.config import registry
from batchf1.config.settings import Run
from batchf1.datasets.base import Data
from batchf1.training.shuffle import Order

if TYPE_CHECKING:
    from batchf1.keras.base import Strategy


def strategies_of(run: Run) -> list[Strategy]:
    """Return the strategies of a run, with its threshold."""
    options: dict[str, Any] = {
        "reconstructed": {"logged": run.input_pipeline.counts},
        # generators may validate fewer samples, and the article's callback predicts all of them
        "epoch_end": {"whole_split": True},
    }
    return [
        registry.strategy(name)(run.training.threshold, **options.get(name, {}))
        for name in run.strategies
    ]


def callbacks_of(run: Run, strategies: list[Strategy], data: Data) -> list[Any]:
    """Return the callbacks of a run, in the order in which Keras calls them."""
    # as data sets of one batch: `predict` of arrays takes Keras ten times as long
    passes = {"train": [data.train], "validation": [data.validation]}
    last = run.training.freeze_after
    return [*[Freeze(last)] * (last > 0), *(c for s in strategies for c in s.callbacks(**passes))]


class Shuffle(keras.callbacks.Callback):  # type: ignore[misc]
    """Callback that sets the order of the training samples before an epoch's first batch."""

    def __init__(self, order: Order, variable: tf.Variable) -> None:
        super().__init__()
        self.order, self.variable = order, variable

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the order of the epoch."""
        self.variable.assign(self.order(epoch))


class Freeze(keras.callbacks.Callback):  # type: ignore[misc]
    """Callback that freezes the weights after epoch `last`."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.last = last

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the learning rate to 0 after the last epoch that learns."""
        if epoch == self.last:
            self.model.optimizer.learning_rate.assign(0.0)
