"""Audit of logs that a model's `test_step` computes, by running it on the validation data."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from batchf1.auditing.answer import audit
from batchf1.auditing.metric_warnings import CUTS, Cause, close
from batchf1.auditing.samples import UNDEFINED
from batchf1.errors import check, one_line
from batchf1.keras import objects, state
from batchf1.keras.verdict import RIGHT, Circumstances, Verdict

MAX_BYTES = 2**26
"""Limit of the inputs of all samples, which go through the model as one batch."""
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

        def of_log(_: Rows, rows: Rows) -> float:
            return float(self.logs(rows)[name])

        of_log.__name__ = name
        ends = np.cumsum(self.sizes)
        everything = np.arange(ends[-1])
        first = everything[: self.sizes[0]]
        if not close(of_log(first, first), float(self._run(first)[name])):
            return Verdict(reason="a value of test_step that is not reset between batches")
        pooled = of_log(everything, everything)
        if close(pooled, logged) or _is_count(self, name, pooled):
            return RIGHT
        batches = [(rows, rows) for rows in np.split(everything, ends[:-1])]
        function = objects.of_sizes({*self.sizes, len(everything)}, of_log)
        result = audit(function, batches, float(logged), cuts=CUTS)
        if result.rule is None:
            why = "a value that test_step computes, by no rule known"
            return Verdict(reason=f"{why}: all samples as one batch give {pooled:.6g}")
        cause = OF_LOSS if name == "loss" or name.endswith("_loss") else TRACKER
        return Verdict(result, Cause() if result.additive else cause)

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


def _is_count(step: TestStep, name: str, pooled: float) -> bool:
    """Return True if the value doubles with its data: a count, whose log is a mean per batch."""
    twice = np.tile(np.arange(sum(step.sizes)), 2)
    return pooled != 0 and close(float(step.logs(twice)[name]), 2 * pooled)


def verdicts(
    model: Any, logs: dict[str, Any], data: Any, sizes: list[int], given: Circumstances
) -> dict[str, Verdict]:
    """Judge logs that may come from `test_step`; the model's state is restored.

    `data` and `sizes`: as of `TestStep`.
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
                judged[name] = step.verdict(name, logged) if name in own else OTHERS
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
