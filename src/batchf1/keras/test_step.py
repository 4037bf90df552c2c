"""The audit of what `test_step` itself computes: the step is run on rows of the validation data."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from batchf1.auditing.answer import audit
from batchf1.auditing.metric_warnings import CUTS, Cause, close
from batchf1.auditing.samples import REFUSALS
from batchf1.errors import check, one_line
from batchf1.keras import objects, state
from batchf1.keras.verdict import RIGHT, Circumstances, Verdict

MAX_BYTES = 2**26
"""Inputs of all samples go through the model as one batch if they are no larger."""
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
    """What a model's `test_step` logs for any rows of the validation data as a batch.

    `whole`: inputs and labels (x, y) of all samples; `sizes`: of the batches that Keras validated.
    """

    __test__ = False  # for pytest

    def __init__(self, model: Any, whole: Any, sizes: list[int]) -> None:
        self.model, self.sizes = model, sizes
        self.x, self.y = keras.tree.map_structure(_in_floatx, whole)
        self._logs: dict[bytes, dict[str, Any]] = {}

    def logs(self, rows: Rows) -> dict[str, Any]:
        """The logs of a batch of these rows; `ValueError` where the step raises anything."""
        known = rows.tobytes()
        if known not in self._logs:
            self._logs[known] = self._run(rows)
        return self._logs[known]

    def verdict(self, name: str, logged: Any) -> Verdict:
        """The verdict on a log of the step."""

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
        found = audit(function, batches, float(logged), cuts=CUTS)
        if found.rule is None:
            why = "a value that test_step computes, by no rule known"
            return Verdict(reason=f"{why}: all samples as one batch give {pooled:.6g}")
        cause = OF_LOSS if name == "loss" or name.endswith("_loss") else TRACKER
        return Verdict(found, Cause() if found.additive else cause)

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
    """Whether the value doubles with its data, so that its mean is meant to be that of a batch."""
    twice = np.tile(np.arange(sum(step.sizes)), 2)
    return pooled != 0 and close(float(step.logs(twice)[name]), 2 * pooled)


def verdicts(
    model: Any, names: dict[str, Any], whole: Any, sizes: list[int], given: Circumstances
) -> dict[str, Verdict]:
    """Name -> verdict, of logs that may come from `test_step`; the state is as before.

    `names`: name -> logged. `whole` and `sizes`: as of `TestStep`.
    """
    found = {}
    with state.restored(model.metrics, model.non_trainable_variables):
        try:
            step = _step(model, whole, sizes, given)
            known = step.logs(np.arange(sizes[0]))
        except REFUSALS as error:
            return dict.fromkeys(names, Verdict(reason=f"test_step: {one_line(error)}"))
        for name, logged in names.items():
            try:
                found[name] = step.verdict(name, logged) if name in known else OTHERS
            except REFUSALS as error:
                found[name] = Verdict(reason=f"a value of test_step: {one_line(error)}")
    return found


def _step(model: Any, whole: Any, sizes: list[int], given: Circumstances) -> TestStep:
    bytes_of = sum(part.nbytes for part in keras.tree.flatten(whole[0]))
    rule = f"cannot be audited where the inputs of all samples take more than {MAX_BYTES:,} bytes"
    check(bytes_of <= MAX_BYTES, "a value of it", rule, f"{bytes_of:,} bytes")
    check(given.replicas == 1, "a value of it", "must be audited on one device", given.replicas)
    return TestStep(model, whole, sizes)


def _tensor(part: Any) -> Any:
    return keras.ops.convert_to_tensor(part)


def _in_floatx(part: Any) -> Any:
    """Floats in the type in which Keras hands them to a model."""
    part = np.asarray(part)
    return part.astype(keras.config.floatx()) if part.dtype.kind == "f" else part
