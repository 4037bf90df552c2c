"""Recorder of the batches of an epoch in a training loop of your own, to audit its logs with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchf1.auditing.answer import audit
from batchf1.auditing.arrays import detached_copy, to_numpy
from batchf1.auditing.averages import number
from batchf1.auditing.metric_warnings import CUTS, Action, check_action, is_wrong, line, warn
from batchf1.auditing.result import AuditResult
from batchf1.auditing.samples import Function, check_shapes, joined
from batchf1.errors import check, raise_input_error, warn_renamed
from batchf1.metrics.ratios import Metric

MAX_BYTES, MAX_BATCHES = 2**26, 1024
"""Limits of what stays on its device before all goes to the host."""


class Chunk(NamedTuple):
    """Rows of consecutive batches in one array each, and the batch sizes."""

    sizes: list[int]
    true: NDArray[Any]
    predicted: NDArray[Any]
    weights: NDArray[Any] | None = None

    def batches(self) -> Iterator[tuple[NDArray[Any], ...]]:
        """Return the batches, as views, with weights if there are any."""
        ends = np.cumsum([0, *self.sizes]).tolist()
        parts = [part for part in self[1:] if part is not None]
        return (tuple(part[i:j] for part in parts) for i, j in pairwise(ends))


class Recorder:
    """Recorder of labels and predictions, for auditing the logs of a training loop of your own.

    Call `record` in each batch, `check` for each logged number at the end of the epoch, and `reset`
    before the next epoch.

    Parameters
    ----------
    action
        Effect of a wrong number: `"warn"` for a `BatchAveragedMetricWarning`, `"raise"` for an
        `InputError` with the same text, `"ignore"` for none.

    Raises
    ------
    InputError
        For another `action`.

    Notes
    -----
    Copies are kept in the dtypes given, so they take as much memory as the labels and predictions
    of the epoch; to save memory, record predicted labels, or small integers. Arrays of PyTorch and
    JAX stay on their device, so that no batch waits for it, up to 1,024 batches or 64 MiB; then
    they are copied to the host together. While it runs, `check` of a function takes up to twice
    that memory in addition; `check` of a metric of counts takes some bytes a row.

    Examples
    --------
    >>> recorder = Recorder(action="ignore")
    >>> recorder.record([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1])
    >>> recorder.record([1, 0, 0, 0], [0.7, 0.1, 0.2, 0.3])
    >>> from batchf1 import F1
    >>> result = recorder.check("val_f1", 0.75, F1)
    >>> result.rule, round(result.pooled, 3)
    ('per_batch', 0.667)
    """

    def __init__(self, action: Action = "warn") -> None:
        self.action = check_action(action)
        self.reset()

    def __len__(self) -> int:
        """Return the number of recorded batches."""
        return self._n_batches

    def reset(self) -> None:
        """Discard all batches; call it before each epoch but the first."""
        self._chunks: list[Chunk] = []
        self._pending: list[tuple[Any, ...]] = []
        self._n_batches = self._bytes = 0
        self._checked = self._weighted = False

    def record(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Copy the labels and predictions of a batch.

        Parameters
        ----------
        y_true, y_pred
            Arrays of NumPy, PyTorch (on any device, with or without gradient) or JAX, lists, or
            objects with `__array__` or DLPack: (n, ...), n >= 1 the same for both, and samples of
            one shape in all batches. Values are validated in `check`, which converts bfloat16 to
            float32.
        sample_weight
            Weights of the samples, (n,), or of their elements, (n, ...), in all batches or in none;
            a mask is a weight of 0 or 1. For metrics of `batchf1.metrics`.

        Raises
        ------
        InputError
            For different numbers of samples, for no sample, for what is no array, and after a
            `check` without `reset`, since two epochs would mix.
        """
        if self._checked:
            raise_input_error("record", "cannot be called after check() until reset() is called")
        true, predicted = detached_copy("y_true", y_true), detached_copy("y_pred", y_pred)
        check_shapes(self._n_batches, true.shape, predicted.shape)
        weighted = sample_weight is not None
        rule = "must be given in all batches or in none"
        check(self._n_batches == 0 or weighted == self._weighted, "sample_weight", rule, weighted)
        self._weighted = weighted
        weights = (detached_copy("sample_weight", sample_weight),) if weighted else ()
        self._pending.append((true, predicted, *weights))
        self._n_batches += 1
        self._bytes += true.nbytes + predicted.nbytes
        if self._bytes >= MAX_BYTES or len(self._pending) >= MAX_BATCHES:
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
        **shapes: Any,
    ) -> AuditResult:
        """Audit a logged number on the recorded batches, and warn if it is wrong.

        Parameters
        ----------
        name
            Name of the log, for the message.
        logged
            A number, also as a tensor, or its digits as text.
        metric
            A function of (y_true, y_pred), which gets NumPy arrays, or a metric of
            `batchf1.metrics`.
        threshold, from_logits, multilabel, devices, cuts, seed, **shapes
            As in `batchf1.audit`.

        Returns
        -------
        AuditResult
            The result of `batchf1.audit`.

        Raises
        ------
        InputError
            Where nothing was recorded, for NaN among labels and predictions, as `batchf1.audit`
            does, and with `action="raise"` for a wrong number.

        Notes
        -----
        A number is right if it is the metric of all samples, to its digits or a relative 1e-4. A
        mean over batches of several sizes is wrong for accuracy and other additive metrics too,
        unless it is weighted by the sizes.

        Logs without a `check` are not audited. Whether a right number would be right in another
        epoch is not checked either: `result.rules` lists all rules that give it here, and
        `result.additive` is None where all batches have the same value.
        """
        rule = "cannot be checked before record(y_true, y_pred) was called"
        check(self._n_batches > 0, name, rule)
        result = audit(
            metric,
            self.batches(),
            logged if isinstance(logged, str) else number(to_numpy("logged", logged)),
            threshold=threshold,
            from_logits=from_logits,
            multilabel=multilabel,
            devices=devices,
            cuts=cuts,
            seed=seed,
            **shapes,
        )
        self._checked = True
        if is_wrong(result):
            warn(line(name, result, result.remedy), self.action)
        return result

    def batches(self) -> Iterator[tuple[NDArray[Any], ...]]:
        """Iterate over the recorded (y_true, y_pred), and weights, NumPy arrays (n, ...) each."""
        return (pair for chunk in self.chunks() for pair in chunk.batches())

    def chunks(self) -> list[Chunk]:
        """Return the recorded batches, many of them joined in each chunk."""
        self._fetch()
        return self._chunks

    def pieces(self) -> list[Chunk]:
        """Call `chunks`, by its old name."""
        warn_renamed("pieces", "chunks")
        return self.chunks()

    def _fetch(self) -> None:
        """Copy the pending batches from their devices to the host, joined."""
        if not self._pending:
            return
        names = ("y_true", "y_pred", "sample_weight")
        hosts = [[*map(to_numpy, names, parts)] for parts in self._pending]
        pair = joined([(y, p) for y, p, *_ in hosts])
        weights = np.concatenate([parts[2] for parts in hosts]) if self._weighted else None
        self._chunks.append(Chunk([len(parts[0]) for parts in hosts], *pair, weights))
        self._pending, self._bytes = [], 0
