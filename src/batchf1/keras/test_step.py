"""Audit of logs that a model's `test_step` computes, by running it on the validation data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from batchf1.auditing import broadcast
from batchf1.auditing.answer import as_broadcast, audit
from batchf1.auditing.broadcast import Pair
from batchf1.auditing.metric_warnings import CUTS, Cause, close
from batchf1.auditing.report import ALL_PAIRS, leaves_mean
from batchf1.auditing.result import AuditResult
from batchf1.auditing.samples import UNDEFINED
from batchf1.errors import check, one_line
from batchf1.keras import objects, state
from batchf1.keras.verdict import RIGHT, WRITE, Circumstances, Verdict

MAX_BYTES = 2**26
"""Limit of the inputs of all samples, which go through the model as one batch."""
TURNS = 4
"""Limit of rotations of labels by which a log is tried."""
TRACKER = Cause(
    remedy="update a metric object that keeps counts or sums, as"
    " batchf1.keras.Streaming().metrics()[0], with labels and outputs in test_step"
)
OF_LOSS = Cause(
    remedy="compare it between runs of one batch size only, or add a metric of all samples"
)
OTHERS = Verdict(reason="a log that the model does not give: of another callback")
Rows = NDArray[np.intp]


class TestStep:
    """Logs of a model's `test_step` for any rows of the validation data as a batch.

    `data`: inputs and labels (x, y) of all samples; `sizes`: sizes of the validated batches.
    """

    __test__ = False  # for pytest

    def __init__(self, model: Any, data: Any, sizes: list[int]) -> None:
        self.model, self.sizes = model, sizes
        self.x, self.y = keras.tree.map_structure(_in_floatx, data)
        self._logs: dict[bytes, dict[str, Any]] = {}

    def logs(self, rows: Rows) -> dict[str, Any]:
        """Return the logs of these rows as a batch; `ValueError` where the step raises anything."""
        key = rows.tobytes()
        if key not in self._logs:
            self._logs[key] = self._run(rows)
        return self._logs[key]

    def verdict(self, name: str, logged: Any) -> Verdict:
        """Judge a log of the step."""
        everything = np.arange(sum(self.sizes))
        first = everything[: self.sizes[0]]
        if not close(float(self.logs(first)[name]), float(self._run(first)[name])):
            return Verdict(reason="a value of test_step that is not reset between batches")
        pooled = float(self.logs(everything)[name])
        if close(pooled, logged) or _is_count(self, name, pooled):
            return RIGHT
        result = self.audited(name, logged)
        if result.rule is None:
            why = "a value that test_step computes, by no rule known"
            return Verdict(reason=f"{why}: all samples as one batch give {pooled:.6g}")
        cause = OF_LOSS if name == "loss" or name.endswith("_loss") else TRACKER
        return Verdict(result, Cause() if result.additive else cause)

    def audited(self, name: str, logged: Any) -> AuditResult:
        """Audit a log of the step, as a function of the rows of a batch."""

        def of_log(_: Rows, rows: Rows) -> float:
            return float(self.logs(rows)[name])

        of_log.__name__ = name
        batches = [(rows, rows) for rows in self.rows()]
        function = objects.of_sizes({*self.sizes, sum(self.sizes)}, of_log)
        return audit(function, batches, float(logged), cuts=CUTS)

    def rows(self) -> list[Rows]:
        """Return the rows of each batch."""
        return np.split(np.arange(sum(self.sizes)), np.cumsum(self.sizes)[:-1])

    def _run(self, rows: Rows) -> dict[str, Any]:
        self.model.reset_metrics()
        batch = keras.tree.map_structure(lambda part: part[rows], (self.x, self.y))
        try:
            if keras.backend.backend() == "jax":  # whose steps take the model's state as well
                return dict(self.model.test_on_batch(*batch, return_dict=True))
            # a function compiled for each number of rows would take longer
            return dict(self.model.test_step(keras.tree.map_structure(_tensor, batch)))
        except Exception as error:  # of any backend
            raise ValueError(one_line(error)) from error

    def mean(self, name: str) -> float:
        """Return the mean of a log over the batches."""
        return float(np.mean([float(self.logs(rows)[name]) for rows in self.rows()]))

    def with_labels(self, labels: Any) -> TestStep:
        """Return the step on other labels of the same inputs."""
        return TestStep(self.model, (self.x, labels), self.sizes)


def _compares_all(step: TestStep, alike: TestStep, name: str) -> bool:
    """Return True if the log compares each output with every label of its batch.

    So it is if the order of labels of the original shape, unlike that of `alike`, changes nothing.
    """
    if broadcast.same(step.mean(name), alike.mean(name)):
        return False
    rows = step.rows()[0]
    values = {one: {float(one.logs(rows)[name])} for one in (step, alike)}
    for turn in range(1, min(len(rows), TURNS)):
        for one in (step, alike):
            labels = np.array(one.y)
            labels[rows] = np.roll(labels[rows], turn, axis=0)
            values[one].add(float(one.with_labels(labels).logs(rows)[name]))
    fixed, moved = (max(values[one]) for one in (step, alike))
    return broadcast.same(fixed, min(values[step])) and not broadcast.same(
        moved, min(values[alike])
    )


def _is_count(step: TestStep, name: str, pooled: float) -> bool:
    """Return True if the value doubles with its data: a count, whose log is a mean per batch."""
    twice = np.tile(np.arange(sum(step.sizes)), 2)
    return pooled != 0 and close(float(step.logs(twice)[name]), 2 * pooled)


def _of_shapes(step: TestStep, name: str, logged: float, pairs: Sequence[Pair] | None) -> Verdict:
    """Judge a log of the step by whether labels and outputs of its only output broadcast."""
    shapes = None if pairs is None else tuple(part.shape for part in pairs[0])
    reshape = None if shapes is None else broadcast.reshaping(*shapes)
    if pairs is None or shapes is None or reshape is None or not isinstance(step.y, np.ndarray):
        return step.verdict(name, logged)
    alike = step.with_labels(step.y.reshape(-1, *shapes[1][1:]))
    if not _compares_all(step, alike, name):
        return step.verdict(name, logged)
    formula = broadcast.recognized(pairs, logged)
    result = as_broadcast(alike.audited(name, logged), float(logged), formula, reshape)
    how = None if close(step.mean(name), logged) else f"{ALL_PAIRS} ({result.rule})"
    fix = WRITE.format(reshape)
    more = f"{fix}, and {TRACKER.remedy}" if leaves_mean(result) else fix
    return Verdict(result, Cause(how, more))


def verdicts(
    model: Any,
    logs: dict[str, Any],
    data: Any,
    sizes: list[int],
    given: Circumstances,
    pairs: Sequence[Pair] | None = None,
) -> dict[str, Verdict]:
    """Judge logs that may come from `test_step`; the model's state is restored.

    `data` and `sizes`: as of `TestStep`. `pairs`: labels and scores of the only output, if it is.
    """
    judged = {}
    with state.restored(model.metrics, model.non_trainable_variables):
        try:
            step = _step(model, data, sizes, given)
            own = step.logs(np.arange(sizes[0]))
        except UNDEFINED as error:
            return dict.fromkeys(logs, Verdict(reason=f"test_step: {one_line(error)}"))
        for name, logged in logs.items():
            try:
                judged[name] = _of_shapes(step, name, logged, pairs) if name in own else OTHERS
            except UNDEFINED as error:
                judged[name] = Verdict(reason=f"a value of test_step: {one_line(error)}")
    return judged


def _step(model: Any, data: Any, sizes: list[int], given: Circumstances) -> TestStep:
    bytes_of = sum(part.nbytes for part in keras.tree.flatten(data[0]))
    rule = f"must take at most {MAX_BYTES:,} bytes in all, as one batch"
    check(bytes_of <= MAX_BYTES, "its inputs", rule, f"{bytes_of:,}")
    check(given.replicas == 1, "its model", "must run on one device", given.replicas)
    return TestStep(model, data, sizes)


def _tensor(part: Any) -> Any:
    return keras.ops.convert_to_tensor(part)


def _in_floatx(part: Any) -> Any:
    """Convert floats to the dtype in which Keras passes them to a model."""
    part = np.asarray(part)
    return part.astype(keras.config.floatx()) if part.dtype.kind == "f" else part
