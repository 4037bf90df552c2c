"""Does Lightning log a metric, or a mean of its values over the batches? A callback that tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from batchf1.auditing.alarm import CUTS, Action, Alarm, is_wrong
from batchf1.auditing.answer import Audited, audit
from batchf1.auditing.arrays import on_host
from batchf1.auditing.recorder import Piece, Recorder
from batchf1.auditing.samples import Function
from batchf1.errors import missing, refuse, require
from batchf1.metrics.ratios import Metric

HOMES = ("lightning.pytorch", "pytorch_lightning")
"""Lightning goes by two names, and each knows callbacks by a class of its own."""
BASES = tuple(
    import_module(home).Callback for home in HOMES if find_spec(home.partition(".")[0]) is not None
)
if not BASES:
    raise ModuleNotFoundError(f"LightningAudit {missing('lightning')}", name="lightning")

from torch import distributed  # noqa: E402  # comes with Lightning

THING, LOG = "LightningAudit", "batchf1.torch"
"""What its messages call it, and the logger."""
KEYS = (("y_true", "y_pred"), ("target", "preds"))
"""What `validation_step` may call labels and predictions."""
REMEDY = (
    "update a torchmetrics object in the step and log the object itself, or compute it of all"
    " predictions at the end of the epoch"
)
UNKNOWN = (
    "by no rule known (does the step return what it computes the log of, and do the processes"
    " share it, as with sync_dist=True?)"
)


class LightningAudit(*BASES):  # type: ignore[misc]
    """Tells which metrics are logged wrong in validation, by how much, and what to log instead.

    For the `Trainer` of `lightning` and of `pytorch_lightning`. At the end of the first validation,
    and with `every=k` of each k-th from there, it holds what was logged against the metrics on what
    `validation_step` returned. The sanity check does not count. Where outputs are NaN, or a metric
    is the same in all batches, as F1 before anything is found, the next one is audited, too.

    `metrics`: log -> function of (y_true, y_pred), which gets NumPy arrays, or a metric of
    `batchf1.metrics`. `keys`: what the dict that `validation_step` returns calls labels and
    predictions; by default `y_true` and `y_pred`, or `target` and `preds`.

    A log that is neither the metric of all samples, to a ten-thousandth of itself, nor a mean of an
    additive metric, is told by a `BatchAveragedMetricWarning`, or with `action="raise"` by an
    `InputError` of one line; the logger `batchf1.torch` gets a table. With `action="ignore"` there
    is only `found`: log -> `batchf1.auditing.answer.Audited` of the last audit.

    What it keeps is what a `Recorder` keeps, until the validation's end. Of several processes (DDP)
    each gets the rows of all by `torch.distributed`, each batch counts for its process in
    `mean_of_devices`, and the log is that of the first; it alone warns.

    Raises `InputError` for metrics that are no mapping, another `action` or `every`, and in
    validation for a step that does not return such a dict, for several data loaders, a metric that
    was not logged, and what `audit` refuses. A fit without validation is told as a wrong metric is.

    >>> from batchf1 import F1
    >>> LightningAudit({"val_f1": F1}, action="raise").found
    {}
    """

    def __init__(
        self,
        metrics: Mapping[str, Metric | Function],
        keys: tuple[str, str] | None = None,
        every: int | None = None,
        action: Action = "warn",
    ) -> None:
        super().__init__()
        good = isinstance(metrics, Mapping) and len(metrics) > 0
        require(good, "metrics", "maps logs to metrics, as {'val_f1': f1_score}", metrics)
        self.metrics, self.keys = dict(metrics), KEYS if keys is None else (keys,)
        self.alarm = Alarm(THING, action, every, remedy=REMEDY, unknown=UNKNOWN, log=LOG)
        self.found: dict[str, Audited] = {}
        self._recorder, self._validated = Recorder(), 0

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Begin anew."""
        self.found, self._validated = {}, 0
        self.alarm.begin()
        if not trainer.is_global_zero and self.alarm.action == "warn":
            self.alarm.action = "ignore"

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Forget what the validation before has left."""
        self._recorder.reset()

    def on_validation_batch_end(
        self,
        trainer: Any,
        pl_module: Any,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep what the step returned."""
        if trainer.sanity_checking or not self.alarm.has_turn(self._validated):
            return
        require(dataloader_idx == 0, THING, "needs a single validation data loader", "several")
        self._recorder.record(*_pair(outputs, self.keys))

    # the module's own hook at the end of the epoch comes after a callback's, and may log
    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Audit the validation, if its turn has come."""
        if trainer.sanity_checking:
            return
        pieces, turn = self._recorder.pieces(), self._validated
        self._recorder.reset()
        self._validated += 1
        if self.alarm.has_turn(turn) and pieces:
            parts = _gathered(trainer, pieces, self._logged(trainer.callback_metrics))
            if not _any_nan(piece for pieces, _ in parts for piece in pieces):
                self.found = self._audited(parts)
                wrong = [key for key, found in self.found.items() if is_wrong(found)]
                self.alarm.tell(turn, self.found, wrong)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Say so where nothing was validated, and hence nothing audited."""
        if self._validated == 0:
            self.alarm.say("needs a validation in fit", "no validated epoch")

    def _logged(self, logs: Mapping[str, Any]) -> dict[str, float]:
        for key in self.metrics:
            require(key in logs, key, "is logged by the module", ", ".join(logs) or "no log")
        return {key: float(on_host(key, logs[key])) for key in self.metrics}

    def _audited(self, parts: list[Part]) -> dict[str, Audited]:
        """Log -> what is found, of the rows of all processes and the log of the first."""
        devices = [
            rank for rank, (pieces, _) in enumerate(parts) for one in pieces for _ in one.sizes
        ]
        logged = parts[0][1]
        return {
            key: audit(
                metric,
                (pair for pieces, _ in parts for piece in pieces for pair in piece.batches()),
                logged[key],
                devices=devices if len(parts) > 1 else None,
                cuts=CUTS,
            )
            for key, metric in self.metrics.items()
        }


Part = tuple[list[Piece], dict[str, float]]
"""Rows and logs of a process."""


def _gathered(trainer: Any, pieces: list[Piece], logged: dict[str, float]) -> list[Part]:
    """The part of each process, in each process."""
    if trainer.world_size == 1:
        return [(pieces, logged)]
    ready = distributed.is_available() and distributed.is_initialized()
    require(ready, THING, "needs torch.distributed for several processes", trainer.world_size)
    parts: list[Any] = [None] * trainer.world_size
    distributed.all_gather_object(parts, (pieces, logged))
    return parts


def _pair(outputs: Any, keys: Iterable[tuple[str, str]]) -> tuple[Any, Any]:
    """Labels and predictions of a step."""
    known = outputs if isinstance(outputs, Mapping) else {}
    chosen = next((pair for pair in keys if set(pair) <= set(known)), None)
    if chosen is None:
        names = ", or ".join(f"{true} and {predicted}" for true, predicted in keys)
        rule = f"needs validation_step to return a dict with {names} (keys= for others)"
        refuse(THING, rule, ", ".join(map(str, known)) or type(outputs).__name__)
    return known[chosen[0]], known[chosen[1]]


def _any_nan(pieces: Iterable[Piece]) -> bool:
    parts = [part for piece in pieces for part in (piece.true, piece.predicted)]
    return any(part.dtype.kind == "f" and bool(np.isnan(part).any()) for part in parts)
