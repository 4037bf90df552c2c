"""The batches that a loop saw, kept until the end of an epoch, and its logs held against them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchf1.auditing import report
from batchf1.auditing.answer import audit
from batchf1.auditing.arrays import detached_copy, to_numpy
from batchf1.auditing.averages import number
from batchf1.auditing.metric_warnings import CUTS, Action, check_action, is_wrong, line, warn
from batchf1.auditing.result import AuditResult
from batchf1.auditing.samples import Function, joined
from batchf1.errors import check, raise_input_error
from batchf1.metrics.ratios import Metric

Pair = tuple[NDArray[Any], NDArray[Any]]
"""Labels and predictions of a batch."""
WAITING, BATCHES = 2**26, 1024
"""So many bytes, or batches, stay on their device at most."""


class Piece(NamedTuple):
    """Rows of batches, one after the other, and how many each has."""

    sizes: list[int]
    true: NDArray[Any]
    predicted: NDArray[Any]

    def batches(self) -> Iterator[Pair]:
        """The batches, as views."""
        ends = np.cumsum([0, *self.sizes]).tolist()
        return ((self.true[i:j], self.predicted[i:j]) for i, j in pairwise(ends))


class Recorder:
    """Keeps what each batch of an epoch gave, and says whether a number is the metric of all of it.

    For a loop of your own: `record` in each batch, `check` each logged number at the end of the
    epoch, `reset` before the next one. `action`: what a wrong number brings: `"warn"` a
    `BatchAveragedMetricWarning`, `"raise"` an `InputError` of the same line, `"ignore"` nothing.

    It keeps copies in the types given, so as many bytes as labels and predictions have; record
    decided labels, or small integers, where that is much. Those of PyTorch and JAX stay on their
    device, so that no batch has to wait for it, but at most 1,024 batches or 64 MiB at a time: then
    all go to the host in one go. `check` of a function takes up to twice those bytes more for as
    long as it runs, of a metric of counts some bytes a row.

    >>> recorder = Recorder(action="ignore")
    >>> recorder.record([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1])
    >>> recorder.record([1, 0, 0, 0], [0.7, 0.1, 0.2, 0.3])
    >>> from batchf1 import F1
    >>> found = recorder.check("val_f1", 0.75, F1)
    >>> found.rule, round(found.pooled, 3)
    ('per_batch', 0.667)
    """

    def __init__(self, action: Action = "warn") -> None:
        self.action = check_action(action)
        self.reset()

    def __len__(self) -> int:
        """How many batches are kept."""
        return self._number

    def reset(self) -> None:
        """Forget all batches: to be called before each epoch but the first."""
        self._pieces: list[Piece] = []
        self._waiting: list[tuple[Any, Any]] = []
        self._number = self._bytes = 0
        self._checked = False

    def record(self, y_true: Any, y_pred: Any) -> None:
        """Keep a copy of the labels and predictions of a batch.

        Each an array of NumPy, PyTorch (on any device, with or without gradient) or JAX, a list, or
        what has `__array__` or DLPack: (n, ...), n >= 1 the same for both, and in all batches
        samples of one shape. Values are looked at in `check`, for which bfloat16 becomes float32.

        Raises `InputError` for other numbers of samples, for no sample, for what is no array, and
        after a `check` without `reset`, since two epochs would mix.
        """
        if self._checked:
            raise_input_error("record", "cannot be called after check() until reset() is called")
        true, predicted = detached_copy("y_true", y_true), detached_copy("y_pred", y_pred)
        _check(self._number, true.shape, predicted.shape)
        self._waiting.append((true, predicted))
        self._number += 1
        self._bytes += true.nbytes + predicted.nbytes
        if self._bytes >= WAITING or len(self._waiting) >= BATCHES:
            self._fetch()

    def check(
        self,
        name: str,
        logged: Any,
        metric: Metric | Function,
        *,
        threshold: float = 0.5,
        from_logits: bool = False,
        multilabel: bool = False,
        devices: int | Sequence[Any] | None = None,
        cuts: int = CUTS,
        seed: int = 0,
    ) -> AuditResult:
        """What `audit` finds of a logged number on the batches kept, after an alarm if it is wrong.

        `name`: of the log, for the message. `logged`: a number, also as a tensor, or its digits as
        text. `metric`: a function of (y_true, y_pred), which gets NumPy arrays, or one of
        `batchf1.metrics`. The rest as in `audit`.

        No alarm is given where the number is the metric of all samples, to its digits or a
        ten-thousandth of itself. A mean over batches of several sizes is wrong also of accuracy and
        other additive metrics, unless it is weighted by the sizes.

        Nothing is known of logs that are never checked, nor whether a right number would be right
        in another epoch: `found.rules` has all rules that give it here, and `found.additive` is
        None where every batch has the same value.

        Raises `InputError` where nothing was recorded, for NaN among labels and predictions, as
        `audit` does, and with `action="raise"` for a wrong number.
        """
        check(self._number > 0, name, "cannot be checked before record(y_true, y_pred) was called")
        found = audit(
            metric,
            self.batches(),
            logged if isinstance(logged, str) else number(to_numpy("logged", logged)),
            threshold=threshold,
            from_logits=from_logits,
            multilabel=multilabel,
            devices=devices,
            cuts=cuts,
            seed=seed,
        )
        self._checked = True
        if is_wrong(found):
            warn(line(name, found, report.instead(found, metric)), self.action)
        return found

    def batches(self) -> Iterator[Pair]:
        """Labels and predictions of the batches kept, NumPy arrays (n, ...) each."""
        return (pair for piece in self.pieces() for pair in piece.batches())

    def pieces(self) -> list[Piece]:
        """The same, many batches in one."""
        self._fetch()
        return self._pieces

    def _fetch(self) -> None:
        """Join on the host what waits on its device."""
        if not self._waiting:
            return
        hosts = [(to_numpy("y_true", y), to_numpy("y_pred", p)) for y, p in self._waiting]
        self._pieces.append(Piece([len(y) for y, _ in hosts], *joined(hosts)))
        self._waiting, self._bytes = [], 0


def _check(place: int, true: tuple[int, ...], predicted: tuple[int, ...]) -> None:
    if not (true and predicted and true[0] == predicted[0]):  # texts would cost more than the copy
        shapes = f"{tuple(true)} and {tuple(predicted)}"
        raise_input_error(
            f"batch {place}", "must have as many samples in y_true as in y_pred", shapes
        )
    if not true[0]:
        raise_input_error(f"batch {place}", "is empty; each batch needs at least one sample")
