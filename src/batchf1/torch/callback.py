"""Lightning callback that compares logs with the metrics of all samples."""

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
"""Lightning has two package names, each with its own class of callbacks."""
BASES = tuple(
    import_module(home).Callback for home in HOMES if find_spec(home.partition(".")[0]) is not None
)
if not BASES:
    raise ModuleNotFoundError(f"LightningAudit {missing('lightning')}", name="lightning")

from batchf1.torch.parts import NAN, ProcessData, gathered, pair_of  # noqa: E402  # torch comes with it

NAME, LOG = "LightningAudit", "batchf1.torch"
"""Prefix of the messages, and name of the logger."""
KEYS = (("y_true", "y_pred"), ("target", "preds"))
"""Default keys of labels and predictions in the output of a step."""
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
"""Stage -> prefix of the logs of the other stage."""
NO_FUNCTION = "no function for it in metrics"


class LightningAudit(*BASES):  # type: ignore[misc]
    """Callback that audits the logs of validation and test: which are wrong, and by how much.

    For the `Trainer` of `lightning` and of `pytorch_lightning`.

    Parameters
    ----------
    metrics
        Log -> function of (y_true, y_pred), which gets NumPy arrays, or a metric of
        `batchf1.metrics`. A log that begins with `val` may be missing in tests, and one that begins
        with `test` in validation.
    keys
        Keys of labels and predictions in the dict that the step returns; by default `y_true` and
        `y_pred`, or `target` and `preds`.
    every
        Audit every so many validations, from the first one; None for the first one only. If outputs
        are NaN, or a metric is the same in all batches, as F1 before the model finds anything, the
        next validation is audited, too.
    action
        `"warn"` for warnings, `"raise"` for an `InputError` with the same text, `"ignore"` for
        neither.
    threshold, from_logits, multilabel
        As in `batchf1.audit`, for each metric of `batchf1.metrics` that uses them; a function gets
        the predictions unchanged.
    ignore
        Names of logs that may be wrong or stay unaudited.

    Attributes
    ----------
    found : dict
        Log -> `batchf1.auditing.result.AuditResult` of the last audit.
    unaudited : dict
        Log -> reason why the last audit left it out: no function in `metrics`, no such log, a step
        that returns no such dict, several data loaders, NaN, a function that raises, or input for
        which `batchf1.audit` raises `InputError`.

    Raises
    ------
    InputError
        For metrics that are no mapping, another `action` or `every`, a threshold that
        `batchf1.audit` does not accept, and an `ignore` that is no list.

    Warns
    -----
    BatchAveragedMetricWarning
        For a log that is not the metric of all samples, to a relative 1e-4.
    UnauditedLogWarning
        For logs that were not audited and that `ignore` does not name: one line with the audited
        logs, and the others with the reasons.
    UserWarning
        At the end of a `fit` without validation.

    Notes
    -----
    An audit comes at the end of a validation, and of each `trainer.validate` and `trainer.test`. It
    compares the logs with the metrics of what `validation_step` or `test_step` returned. The sanity
    check does not count, and logs of `training_step` are not audited.

    The logger `batchf1.torch` gets a table of the wrong logs; the line of the unaudited ones goes
    there at level INFO, also where it is no warning.

    Labels and predictions are kept until the end of the validation, as by a `Recorder`. With
    several processes (DDP) each gets the rows of all by `torch.distributed`, each batch counts for
    its process in `mean_of_devices`, and the log is that of the first process, which alone warns.

    Examples
    --------
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
        self.warner = MetricWarner(
            NAME,
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
        """Reset the results."""
        self.found, self.unaudited = {}, {}
        self._validated, self._postponed, self._fits = 0, False, stage == "fit"
        self.warner.begin()
        if not trainer.is_global_zero and self.warner.action == "warn":
            self.warner.action = "ignore"

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Discard the batches of the previous validation."""
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
        """Record the labels and predictions that the step returned."""
        if self._problem or not self.warner.should_audit(self._validated):
            return
        step = f"{_stage(trainer)}_step"
        try:
            check(dataloader_idx == 0, step, "must have a single data loader", "several")
            self._recorder.record(*pair_of(outputs, self.keys, step))
        except InputError as error:
            self._problem = str(error)

    # the module's own hook at the end of the epoch comes after a callback's, and may log
    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Audit the validation, if it is due."""
        if trainer.sanity_checking:
            if self._problem:  # reported before the first epoch, not after it
                self.warner.summarize((), self._reasons({}, "validation", self._problem))
            return
        turn = self._validated
        self._validated += 1
        if self.warner.should_audit(turn):
            self._audit(turn, gathered(self._part(trainer), trainer.world_size), _stage(trainer))
        self._recorder.reset()

    on_test_start = on_validation_start
    on_test_batch_end = on_validation_batch_end
    on_test_end = on_validation_end

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Report the logs that no validation could audit."""
        if self._validated == 0:
            self.warner.warn("needs a validation in fit", "no validated epoch")
        elif self._postponed:
            self.warner.summarize(self.found, self.unaudited)

    def _part(self, trainer: Any) -> ProcessData:
        """Return the batches of this process, and the logs that are new since the stage began."""
        logs = {
            key: float(to_numpy(key, value).item())
            for key, value in trainer.callback_metrics.items()
            if value is not self._before.get(key)
        }
        try:
            return ProcessData(self._recorder.chunks(), logs, self._problem)
        except InputError as error:  # batches of several shapes
            return ProcessData([], logs, self._problem or str(error))

    def _audit(self, turn: int, parts: list[ProcessData], stage: str) -> None:
        """Audit the logs of the first process on the rows of all, and report."""
        problem = next((part.problem for part in parts if part.problem), "")
        problem = problem or (NAN if any(part.has_nan() for part in parts) else "")
        self.unaudited = self._reasons(parts[0].logs, stage, problem)
        self.found = {} if problem else self._audited(parts)
        self._postponed = self._fits and problem == NAN
        if self.found:
            wrong = [key for key, result in self.found.items() if is_wrong(result)]
            self.warner.report(turn, self.found, wrong)
        if not self._postponed:
            self.warner.summarize(self.found, self.unaudited)

    def _reasons(self, logs: Mapping[str, float], stage: str, problem: str) -> dict[str, str]:
        """Map each log that cannot be audited to the reason."""
        due = {key for key in self.metrics if key in logs or not key.startswith(OTHER[stage])}
        # with on_step and on_epoch Lightning gives the log of an epoch a second name
        second = {f"{key}_epoch" for key in logs}
        reasons = dict.fromkeys((key for key in logs if key not in due | second), NO_FUNCTION)
        missed = [key for key in self.metrics if key in due and (problem or key not in logs)]
        return dict.fromkeys(missed, problem or f"not logged in {stage}") | reasons

    def _audited(self, parts: list[ProcessData]) -> dict[str, AuditResult]:
        """Map each log to its result; logs whose audit fails go to `unaudited`."""
        results = {}
        for key in [key for key in self.metrics if key in parts[0].logs]:
            try:
                results[key] = self._result(key, parts)
            except InputError as error:
                self.unaudited[key] = str(error)
            except Exception as error:  # a fault of the function must not end a training
                self.unaudited[key] = f"{type(error).__name__}: {error}"
        return results

    def _result(self, key: str, parts: list[ProcessData]) -> AuditResult:
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
