"""A Lightning callback that compares logs with the metrics of all samples."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from batchf1.auditing.answer import audit
from batchf1.auditing.arrays import to_numpy
from batchf1.auditing.classes import Decision
from batchf1.auditing.metric_warnings import CUTS, Action, MetricWarner, is_wrong
from batchf1.auditing.recorder import Recorder
from batchf1.auditing.result import AuditResult
from batchf1.auditing.samples import Function, used
from batchf1.errors import InputError, check, missing
from batchf1.metrics.ratios import Metric

HOMES = ("lightning.pytorch", "pytorch_lightning")
"""Lightning goes by two names, and each knows callbacks by a class of its own."""
BASES = tuple(
    import_module(home).Callback for home in HOMES if find_spec(home.partition(".")[0]) is not None
)
if not BASES:
    raise ModuleNotFoundError(f"LightningAudit {missing('lightning')}", name="lightning")

from batchf1.torch.parts import NAN, Part, gathered, pair_of  # noqa: E402  # torch comes with it

THING, LOG = "LightningAudit", "batchf1.torch"
"""What its messages call it, and the logger."""
KEYS = (("y_true", "y_pred"), ("target", "preds"))
"""What a step may call labels and predictions."""
REMEDY = (
    "update a torchmetrics object in the step and log the object itself, or compute it of all"
    " predictions at the end of the epoch"
)
WEIGH = "log it with the batch_size of each batch, by which Lightning weighs"
UNKNOWN = (
    "by no rule known (does the step return what it computes the log of, and do the processes"
    " share it, as with sync_dist=True?)"
)
OTHER = {"validation": "test", "test": "val"}
"""What logs of the other stage begin with."""
NO_FUNCTION = "no function for it in metrics"


class LightningAudit(*BASES):  # type: ignore[misc]
    """Finds metrics that are logged wrong in validation and test, by how much, and the remedy.

    For the `Trainer` of `lightning` and of `pytorch_lightning`. At the end of the first validation,
    with `every=k` of each k-th from there, and of each `trainer.validate` and `trainer.test`, it
    holds what was logged against the metrics on what `validation_step` or `test_step` returned. The
    sanity check does not count. Where outputs are NaN, or a metric is the same in all batches, as
    F1 before anything is found, the next validation is audited, too. Logs of `training_step` are
    not looked at.

    `metrics`: log -> function of (y_true, y_pred), which gets NumPy arrays, or a metric of
    `batchf1.metrics`. A log that begins with `val` may be missing in tests, and one that begins
    with `test` in validation. `keys`: what the dict that the step returns calls labels and
    predictions; by default `y_true` and `y_pred`, or `target` and `preds`. `threshold`,
    `from_logits`, `multilabel`: as in `batchf1.audit`, for each metric of `batchf1.metrics` that
    uses them; a function gets the predictions unchanged.

    A log that is not the metric of all samples, to a ten-thousandth of itself, brings a
    `BatchAveragedMetricWarning`, or with `action="raise"` an `InputError` of one line; the logger
    `batchf1.torch` gets a table. After an audit one line names the logs that were audited and those
    that were not, each with the reason: no function in `metrics`, no such log, a step that returns
    no such dict, several data loaders, NaN, a function that raises, and what `audit` refuses. Where
    `ignore` does not name all of the latter, the line is an `UnauditedLogWarning`, or an
    `InputError` with `action="raise"`. With `action="ignore"` there are only `found`: log ->
    `batchf1.auditing.result.AuditResult`, and `unaudited`: log -> reason, both of the last audit.

    What it keeps is what a `Recorder` keeps, until the validation's end. Of several processes (DDP)
    each gets the rows of all by `torch.distributed`, each batch counts for its process in
    `mean_of_devices`, and the log is that of the first; it alone warns.

    Raises `InputError` for metrics that are no mapping, another `action` or `every`, a threshold
    that `audit` refuses, and an `ignore` that is no list. A fit without validation is treated like
    a wrong log.

    >>> from batchf1 import F1
    >>> LightningAudit({"val_f1": F1}, action="raise", ignore=["val_loss"]).found
    {}
    """

    def __init__(
        self,
        metrics: Mapping[str, Metric | Function],
        keys: tuple[str, str] | None = None,
        every: int | None = None,
        action: Action = "warn",
        *,
        threshold: float = 0.5,
        from_logits: bool = False,
        multilabel: bool = False,
        ignore: Collection[str] = (),
    ) -> None:
        super().__init__()
        good = isinstance(metrics, Mapping) and len(metrics) > 0
        check(good, "metrics", "must map logs to metrics, such as {'val_f1': f1_score}", metrics)
        self.metrics, self.keys = dict(metrics), KEYS if keys is None else (keys,)
        self.decision = Decision(threshold, from_logits, multilabel)
        self.decision.check()
        self.alarm = MetricWarner(
            THING,
            action,
            every,
            remedy=REMEDY,
            weigh=WEIGH,
            unknown=UNKNOWN,
            log=LOG,
            ignore=ignore,
        )
        self.found: dict[str, AuditResult] = {}
        self.unaudited: dict[str, str] = {}
        self._recorder = Recorder()

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Begin anew."""
        self.found, self.unaudited = {}, {}
        self._validated, self._postponed, self._fits = 0, False, stage == "fit"
        self.alarm.begin()
        if not trainer.is_global_zero and self.alarm.action == "warn":
            self.alarm.action = "ignore"

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Forget what the validation before has left."""
        self._recorder.reset()
        self._problem = ""
        self._before = dict(trainer.callback_metrics)

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
        if self._problem or not self.alarm.should_audit(self._validated):
            return
        step = f"{_stage(trainer)}_step"
        try:
            check(dataloader_idx == 0, step, "must have a single data loader", "several")
            self._recorder.record(*pair_of(outputs, self.keys, step))
        except InputError as error:
            self._problem = str(error)

    # the module's own hook at the end of the epoch comes after a callback's, and may log
    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Audit the validation, if its turn has come."""
        if trainer.sanity_checking:
            if self._problem:  # better known before the first epoch than after it
                self.alarm.summarize((), self._reasons({}, "validation", self._problem))
            return
        turn = self._validated
        self._validated += 1
        if self.alarm.should_audit(turn):
            self._audit(turn, gathered(self._part(trainer), trainer.world_size), _stage(trainer))
        self._recorder.reset()

    on_test_start = on_validation_start
    on_test_batch_end = on_validation_batch_end
    on_test_end = on_validation_end

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Name the logs that no validation could audit."""
        if self._validated == 0:
            self.alarm.warn("needs a validation in fit", "no validated epoch")
        elif self._postponed:
            self.alarm.summarize(self.found, self.unaudited)

    def _part(self, trainer: Any) -> Part:
        """The batches of this process, and the logs that are new since the stage began."""
        logs = {
            key: float(to_numpy(key, value).item())
            for key, value in trainer.callback_metrics.items()
            if value is not self._before.get(key)
        }
        try:
            return Part(self._recorder.pieces(), logs, self._problem)
        except InputError as error:  # batches of several shapes
            return Part([], logs, self._problem or str(error))

    def _audit(self, turn: int, parts: list[Part], stage: str) -> None:
        """Audit the logs of the first process on the rows of all, and report."""
        problem = next((part.problem for part in parts if part.problem), "")
        problem = problem or (NAN if any(part.has_nan() for part in parts) else "")
        self.unaudited = self._reasons(parts[0].logs, stage, problem)
        self.found = {} if problem else self._audited(parts)
        self._postponed = self._fits and problem == NAN
        if self.found:
            wrong = [key for key, found in self.found.items() if is_wrong(found)]
            self.alarm.report(turn, self.found, wrong)
        if not self._postponed:
            self.alarm.summarize(self.found, self.unaudited)

    def _reasons(self, logs: Mapping[str, float], stage: str, problem: str) -> dict[str, str]:
        """Log -> why it cannot be audited: it has no function, is not logged, or the problem."""
        due = {key for key in self.metrics if key in logs or not key.startswith(OTHER[stage])}
        # with on_step and on_epoch Lightning gives the log of an epoch a second name
        second = {f"{key}_epoch" for key in logs}
        reasons = dict.fromkeys((key for key in logs if key not in due | second), NO_FUNCTION)
        missed = [key for key in self.metrics if key in due and (problem or key not in logs)]
        return dict.fromkeys(missed, problem or f"not logged in {stage}") | reasons

    def _audited(self, parts: list[Part]) -> dict[str, AuditResult]:
        """Log -> what is found; one that cannot be audited goes to `unaudited`."""
        found = {}
        for key in [key for key in self.metrics if key in parts[0].logs]:
            try:
                found[key] = self._found(key, parts)
            except InputError as error:
                self.unaudited[key] = str(error)
            except Exception as error:  # a fault of the function must not end a training
                self.unaudited[key] = f"{type(error).__name__}: {error}"
        return found

    def _found(self, key: str, parts: list[Part]) -> AuditResult:
        ranks = [rank for rank, part in enumerate(parts) for _ in part.batches()]
        return audit(
            self.metrics[key],
            (pair for part in parts for pair in part.batches()),
            parts[0].logs[key],
            **used(self.metrics[key], self.decision)._asdict(),
            devices=ranks if len(parts) > 1 else None,
            cuts=CUTS,
        )


def _stage(trainer: Any) -> str:
    return "test" if trainer.testing else "validation"
