"""Ensemble of runs of one shape, trained in one compiled program, each as if it were alone.

At the end of an epoch each run's own callbacks are called, with its logs and a model that holds its
weights; what they do to weights, learning rate or `stop_training` holds for that run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from batchf1.config import registry
from batchf1.config.seeds import generator
from batchf1.config.settings import Run
from batchf1.datasets.base import Data
from batchf1.errors import check, one_line, raise_input_error
from batchf1.training.base import SplitResult
from batchf1.training.initial_weights import n_weights, starting_weights
from batchf1.training.keras3 import model as network
from batchf1.training.keras3.callbacks import callbacks_of, expected_of, metrics_of, strategies_of
from batchf1.training.keras3.ensemble_member import CachedPredictions, Member, SharedSequential
from batchf1.training.keras3.epoch import Epochs
from batchf1.training.keras3.epoch_results import EpochResults
from batchf1.training.keras3.limits import group_size
from batchf1.training.keras3.stacked_variables import StackedVariables
from batchf1.training.keras3.steps import CompiledSteps
from batchf1.training.shuffle import shuffled

if TYPE_CHECKING:
    from batchf1.keras.base import Strategy

MAX_KEPT = 4
"""Ensembles that a process keeps."""


class Kind(NamedTuple):
    """Key of a compiled ensemble: settings that the trainers sharing it have in common."""

    hidden: tuple[int, ...]
    n_features: int
    n_runs: int
    threshold: float
    counts: str
    metrics: tuple[str, ...]
    strategies: tuple[type[Any], ...]


class Ensemble:
    """Compiled model with its strategies, stacked variables and compiled steps."""

    def __init__(self, kind: Kind, strategies: list[Strategy]) -> None:
        self.strategies = strategies
        self.model = network.build(kind.hidden, kind.n_features, SharedSequential)
        metrics = metrics_of(strategies)
        self.model.compile(keras.optimizers.Adam(), "binary_crossentropy", metrics=metrics)
        for metric in self.model.metrics[1:]:  # the first is the loss
            metric.update_state(np.ones((1, 1), np.float32), np.ones((1, 1), np.float32))
            metric.reset_state()
            _check_stateless(metric)
        self.stacks = StackedVariables(self.model, kind.n_runs)
        self.steps = CompiledSteps(self.stacks, kind.threshold)


def _check_stateless(metric: Any) -> None:
    """Refuse a metric whose state Keras' stateless calls do not see, before they are compiled."""
    state, one = [tf.convert_to_tensor(v.value) for v in metric.variables], tf.ones((1, 1))
    try:
        metric.stateless_update_state(state, one, one)
    except (AttributeError, TypeError, ValueError) as error:
        rule = "needs metrics that keep their state by Keras' own assign: use training.engine=plain"
        raise_input_error("training.engine=ensemble", rule, one_line(error))


_ensembles: dict[Kind, Ensemble] = {}


def ensemble_of(run: Run) -> Ensemble:
    """Return the compiled ensemble for a run, built once in a process for all data sizes."""
    n_features = _data(run).train.x.shape[1]
    hidden, classes = tuple(run.model.hidden), tuple(map(registry.strategy, run.strategies))
    n_runs = group_size(n_weights(hidden, n_features), run.dataset.n_samples * n_features)
    of_run = (run.training.threshold, run.input_pipeline.counts, tuple(run.metrics))
    kind = Kind(hidden, n_features, n_runs, *of_run, classes)
    if kind not in _ensembles:
        for oldest in list(_ensembles)[: len(_ensembles) + 1 - MAX_KEPT]:
            del _ensembles[oldest]
        _ensembles[kind] = Ensemble(kind, strategies_of(run))
    return _ensembles[kind]


class EnsembleTrainer:
    """Trainer of an ensemble, for the runs of one shape (`Framework.shape`)."""

    def __init__(self, run: Run) -> None:
        self.ensemble = ensemble_of(run)
        self.model, self.stacks = self.ensemble.model, self.ensemble.stacks
        self.strategies, self.n_runs = self.ensemble.strategies, self.stacks.n_runs
        self.expected = expected_of(self.strategies)
        self.trained: list[list[NDArray[np.float32]]] = []

    def train(self, runs: Sequence[Run], verbose: int = 0) -> list[list[SplitResult]]:
        """See `training.base.Trainer`."""
        self.trained, results = [], []
        for start in range(0, len(runs), self.n_runs):
            members = self._members(runs[start : start + self.n_runs])
            self._train(members, verbose)
            results += [member.passes for member in members]
            self.trained.append([stack.numpy() for stack in self.stacks.weights])
        return results

    def last_weights(self, index: int) -> list[NDArray[np.float32]]:
        """See `training.base.Trainer`."""
        group, row = divmod(index, self.n_runs)
        variables = self.model.trainable_variables
        pairs = zip(self.trained[group], variables, strict=True)
        return [stack[row].reshape(variable.shape) for stack, variable in pairs]

    def _members(self, runs: Sequence[Run]) -> list[Member]:
        members = []
        for run in runs:
            data = _data(run)
            members.append(Member(run, data, callbacks_of(run, self.strategies, data)))
            members[-1].attach(self.model)
        return members

    def _train(self, members: list[Member], verbose: int) -> None:
        # always as many: the last group is filled up with its first run
        filled = members + [members[0]] * (self.n_runs - len(members))
        runs = [member.run for member in members]
        weights = starting_weights(runs, self.model.input_shape[1], EnsembleTrainer)
        weights += [weights[0]] * (self.n_runs - len(members))
        self.stacks.start(weights, [member.run.model.learning_rate for member in filled])
        samples = _stacked([member.data for member in filled])
        weight = tf.constant([m.run.training.class_weight for m in filled], tf.float32)
        epochs = Epochs(self.ensemble.steps, runs[0], samples, weight)
        orders = [shuffled(run) for run in runs]
        self._visit(members, "on_train_begin")
        for number in range(max(run.training.epochs for run in runs)):
            self._visit(members, "on_epoch_begin", number)
            order = [each(number) for each in orders]
            order += [order[0]] * (self.n_runs - len(members))
            epoch = epochs.train(np.stack(order))
            self._end(EpochResults(number, epoch, self.stacks.weights), members, verbose)
            if all(member.stopped for member in members):
                break

    @contextmanager
    def _turn(self, row: int, member: Member) -> Iterator[None]:
        """Load a run's state into the shared model in the `with` block, and save it afterwards.

        A run whose callbacks use nothing of it does without.
        """
        if not member.needs_model:
            yield
            return
        self.model.stop_training = member.stops
        with self.stacks.swapped_in(row):
            yield
        member.stops = self.model.stop_training

    def _visit(self, members: list[Member], hook: str, *arguments: Any) -> None:
        """Call a hook of the runs that still train, if one of their callbacks overrides it."""
        for row, member in enumerate(members):
            if not member.stopped and member.has(hook):
                self.model.cached = CachedPredictions(loaded=member.needs_model)
                with self._turn(row, member):
                    member.call(hook, *arguments)

    def _end(self, epoch_results: EpochResults, members: list[Member], verbose: int) -> None:
        """End an epoch: call each run's callbacks, then record its results."""
        number = epoch_results.number
        self._begin_tests(epoch_results, members)
        self.stacks.set_states(epoch_results.seen["validation"].states)
        for row, member in enumerate(members):
            if not member.stopped:
                self.model.cached = epoch_results.cached_predictions(row, member)
                logs = epoch_results.logs(row)
                with self._turn(row, member):
                    member.call("on_test_end", epoch_results.logs_of(row, "validation"))
                    member.call("on_epoch_end", number, logs)
                    stops = member.needs_model and self.model.stop_training
                    if stops or number + 1 == member.run.training.epochs:
                        member.call("on_train_end", logs)
                        member.stopped = True
                if member.stopped:
                    self.stacks.stop(row)
                member.passes += epoch_results.passes(row, member, logs)
                _print_epoch(member, number, logs, verbose)
        self.model.cached = CachedPredictions()
        self.stacks.set_states(self.stacks.reset)

    def _begin_tests(self, epoch_results: EpochResults, members: list[Member]) -> None:
        """Call `on_test_begin` after validation has ended; it must not change weights."""
        self.stacks.set_states(epoch_results.seen["train"].states)
        for row, member in enumerate(members):
            if not member.stopped and member.has("on_test_begin"):
                self.model.cached = epoch_results.cached_predictions(row, member)
                with self._turn(row, member):
                    member.call("on_test_begin")
                    rule = (
                        "cannot call on_test_begin before it validates: use training.engine=plain"
                    )
                    changed = "a callback that changes the weights there"
                    check(self.model.unchanged(), "training.engine=ensemble", rule, changed)


def _print_epoch(member: Member, number: int, logs: dict[str, float], verbose: int) -> None:
    if verbose:
        values = " - ".join(f"{name}: {value:.4f}" for name, value in logs.items())
        print(f"Epoch {number + 1}/{member.run.training.epochs}\n{values}")  # noqa: T201


def _data(run: Run) -> Data:
    return run.dataset.load(generator(*run.names, "data"))


def _stacked(data: Sequence[Data]) -> NDArray[np.float32]:
    """Return the stacked splits of all runs, training before validation, for `Epochs`."""
    n, d = sum(len(split.y) for split in data[0]), data[0].train.x.shape[1]
    samples = np.empty((len(data), n, d + 1), np.float32)
    for rows, of_run in zip(samples, data, strict=True):
        np.concatenate([split.x for split in of_run], out=rows[:, :d])
        np.concatenate([split.y for split in of_run], out=rows[:, d:])
    return samples
