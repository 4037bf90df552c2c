"""Metric that is any function of all labels and outputs, as scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

import numpy as np

from batchf1.errors import check, one_line, raise_input_error
from batchf1.metrics import checks
from batchf1.metrics.elements import LabelFormat, score_threshold
from batchf1.metrics.sums import SumMetric

Part = tuple[Any, Any, dict[str, Any]]
"""Labels, outputs and weights of some samples."""
UNDEFINED = (ArithmeticError, TypeError, ValueError)


@dataclass(frozen=True)
class OfAll(SumMetric):
    """Function of (y_true, y_pred) that gives a number, of all samples at once."""

    function: Callable[..., Any]
    terms: ClassVar[tuple[str, ...]] = ("all",)  # type: ignore[misc]

    @property
    def name(self) -> str:  # type: ignore[override]
        """Name of the function."""
        inner = getattr(self.function, "func", self.function)  # of a functools.partial
        return str(getattr(inner, "__name__", type(inner).__name__))

    def value(self, sums: Any, xp: Any) -> NoReturn:
        """Raise `InputError`: it is no function of sums."""
        rule = "must be a function of sums, unless EpochEnd computes it"
        raise_input_error("metric", rule, self.name)

    def of_all(self, key: str, parts: Iterable[Part], form: LabelFormat) -> float:
        """Compute the function of labels and outputs; of predicted labels if it refuses outputs."""
        labels, outputs, weights = zip(*parts, strict=True)
        true, scores = (_column(np.concatenate(part)) for part in (labels, outputs))
        given = {name: [one.get(name) for one in weights] for name in ("sample_weight", "mask")}
        options = {}
        if given["sample_weight"][0] is not None:
            options["sample_weight"] = _column(np.concatenate(given["sample_weight"]))
        masks = [one for one in given["mask"] if one is not None]
        if masks:
            kept = np.concatenate(masks)
            true, scores = true[kept], scores[kept]
            options = {name: weight[kept] for name, weight in options.items()}
        try:
            result = self.function(true, scores, **options)
        except ValueError as error:
            result = self._of_labels(key, true, _decided(scores, form), options, error)
        value = getattr(result, "statistic", result)  # of SciPy
        check(checks.is_number(value), key, "must be of a function that gives a number", value)
        return float(value)

    def _of_labels(self, key: str, true: Any, decided: Any, options: Any, error: Exception) -> Any:
        try:
            return self.function(true, decided, **options)
        except UNDEFINED:
            raise_input_error(key, "must accept the labels and outputs", one_line(error))


def _column(part: Any) -> Any:
    return part[:, 0] if part.ndim == 2 and part.shape[1] == 1 else part


def _decided(scores: Any, form: LabelFormat) -> Any:
    if scores.ndim > 1 and not form.multilabel:
        return scores.argmax(axis=-1)
    return (scores > score_threshold(form.threshold, form.from_logits)).astype(int)
