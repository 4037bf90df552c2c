"""Strategies and callbacks of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras

from batchf1.config import metric_names, registry
from batchf1.config.settings import Run
from batchf1.datasets.base import Data
from batchf1.errors import check
from batchf1.training.base import Expected, Log
from batchf1.training.shuffle import Order

if TYPE_CHECKING:
    from batchf1.keras.base import Strategy


def strategies_of(run: Run) -> list[Strategy]:
    """Return the strategies of a run, with its threshold, for each of its metrics.

    Raises `InputError` for a strategy that computes F1 whatever the metric.
    """
    options: dict[str, Any] = {
        "reconstructed": {"logged": run.input_pipeline.counts},
        "epoch_end": {"all_samples": True},  # the article's verification predicts the whole split
    }
    strategies = []
    for metric in run.metrics:
        chosen = {} if metric == metric_names.DEFAULT else {"metric": metric_names.binary(metric)}
        for name in run.strategies:
            of_name = registry.strategy(name)
            rule = f"must have any_metric = True in its class to compute {metric}"
            check(not chosen or of_name.any_metric, f"strategy {name}", rule, of_name.any_metric)
            both = options.get(name, {}) | chosen
            strategies.append(of_name(run.training.threshold, **both))
    return strategies


def expected_of(strategies: list[Strategy]) -> dict[Log, Expected]:
    """Return what each log must equal, see `training.base.Trainer`."""
    f1 = metric_names.DEFAULT
    return {
        s.name if s.metric.name == f1 else (s.metric.name, s.name): s.expected for s in strategies
    }


def metrics_of(strategies: list[Strategy]) -> list[Any]:
    """Return new metric objects of a run's strategies, without those that its metrics share.

    The counts of `reconstructed` are the same for each metric.
    """
    objects: dict[tuple[str, str], Any] = {}
    for strategy in strategies:
        for metric in strategy.metrics():
            objects.setdefault((strategy.name, metric.name), metric)
    return list(objects.values())


def callbacks_of(run: Run, strategies: list[Strategy], data: Data) -> list[Any]:
    """Return the callbacks of a run, in the order in which Keras calls them."""
    # as data sets of one batch: `predict` of arrays takes Keras ten times as long
    passes = {"train": [data.train], "validation": [data.validation]}
    last = run.training.freeze_after
    return [*[Freeze(last)] * (last > 0), *(c for s in strategies for c in s.callbacks(**passes))]


class Shuffle(keras.callbacks.Callback):  # type: ignore[misc]
    """Callback that sets the order of the training samples before an epoch's first batch."""

    def __init__(self, order: Order, set_order: Callable[[Any], Any]) -> None:
        super().__init__()
        self.order, self.set_order = order, set_order

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the order of the epoch."""
        self.set_order(self.order(epoch))


class Freeze(keras.callbacks.Callback):  # type: ignore[misc]
    """Callback that freezes the weights after epoch `last`."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.last = last

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the learning rate to 0 after the last epoch that learns."""
        if epoch == self.last:
            self.model.optimizer.learning_rate.assign(0.0)
