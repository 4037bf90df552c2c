"""Encoding of labels and scores, in any format, as the true and predicted class of a sample."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from batchf1.auditing.broadcast import reshaping
from batchf1.errors import check, raise_input_error
from batchf1.metrics import checks
from batchf1.metrics.counts import predicted_positive
from batchf1.metrics.elements import score_threshold


class Decision(NamedTuple):
    """Rule that turns scores into predictions, with the options of `batchf1.keras` strategies.

    `threshold`: scores above it are positive. In (0, 1) it is a probability, and scores must be
    probabilities, or logits with `from_logits`; any other finite threshold is compared with the
    scores as they are. `multilabel`: a sample can have several classes, or none.
    """

    threshold: float = 0.5
    from_logits: bool = False
    multilabel: bool = False

    def check(self) -> None:
        """Raise `InputError` for an invalid threshold."""
        value = checks.real(self.threshold)
        checks.check_argument(math.isfinite(value), "threshold", "must be finite", self.threshold)
        rule = "must lie in (0, 1), as a probability, for logits too"
        check(not self.from_logits or 0 < value < 1, "threshold", rule, self.threshold)

    def positive(self, scores: NDArray[Any]) -> NDArray[np.bool_]:
        """Return True for each score above the threshold; `InputError` for one out of range."""
        decided = predicted_positive(scores, score_threshold(self.threshold, self.from_logits))
        if 0 < self.threshold < 1 and not self.from_logits:
            good = (scores >= 0) & (scores <= 1)
            if not good.all():
                raise_input_error("y_pred", OUT_OF_RANGE, scores[~good][0].item())
        return decided


OUT_OF_RANGE = (
    "must lie in [0, 1] (set from_logits for logits; a threshold outside (0, 1) takes any scores)"
)


class LabelEncoder(Protocol):
    """Protocol of an encoder that collects batches and numbers the classes of their samples."""

    @property
    def classes(self) -> int:
        """Number of classes."""

    @property
    def reshape(self) -> str | None:
        """How to give the labels of a binary metric the shape of the scores, if it is another."""

    def add(self, true: NDArray[Any], predicted: NDArray[Any]) -> None:
        """Add samples."""

    def codes(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the true and the predicted class of each sample, (n,) unsigned integers each."""


class BinaryEncoder:
    """Encoder of labels 0 or 1, and of scores, which a decision turns into 0 or 1.

    (n,) or (n, 1) each; with `multilabel` both (n, n_classes), a column for each class.
    """

    def __init__(self, decision: Decision, n_classes: int | None = None) -> None:
        decision.check()
        self.decision, self.classes = decision, n_classes or 0
        self.reshape: str | None = None
        self._parts: list[tuple[NDArray[Any], NDArray[Any]]] = []

    def add(self, true: NDArray[Any], predicted: NDArray[Any]) -> None:
        """Add samples; `InputError` for other labels, other shapes and invalid scores."""
        pair = (("y_true", true), ("y_pred", predicted))
        self.reshape = reshaping(true.shape, predicted.shape)
        shaped = self._columns if self.decision.multilabel else column
        given, scores = (shaped(name, part) for name, part in pair)
        labels = checks.array("y_true", "must be 0 or 1", given)
        good = (labels == 0) | (labels == 1)
        if not good.all():
            raise_input_error("y_true", "must be 0 or 1", labels[~good][0].item())
        decided = self.decision.positive(checks.array("y_pred", "must be numbers", scores))
        self._parts.append((labels.astype(np.uint8), decided.view(np.uint8)))

    def _columns(self, name: str, given: NDArray[Any]) -> NDArray[Any]:
        rule = f"must have a column for each of {self.classes or 'the'} classes"
        good = given.ndim == 2 and self.classes in (0, given.shape[1])
        check(good, name, rule, given.shape)
        self.classes = given.shape[1]
        return given

    def codes(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the true and the predicted class of each sample."""
        true, predicted = zip(*self._parts, strict=True)
        return np.concatenate(true), np.concatenate(predicted)


class ClassEncoder:
    """Encoder of class labels, (n,), (n, 1) or one-hot, and of such predictions or of scores.

    With scores, (n, n_classes), or with `n_classes`, the classes are 0 .. n_classes - 1; the
    predicted class is that of the largest score. Else the classes are the labels that occur, true
    or predicted.
    """

    def __init__(self, n_classes: int | None) -> None:
        self.classes, self.reshape = n_classes or 0, None
        self._parts: list[tuple[NDArray[Any], NDArray[Any]]] = []

    def add(self, true: NDArray[Any], predicted: NDArray[Any]) -> None:
        """Add samples; `InputError` for other shapes or numbers of classes."""
        self._parts.append((self._labels("y_true", true), self._labels("y_pred", predicted)))

    def _labels(self, name: str, given: NDArray[Any]) -> NDArray[Any]:
        if given.ndim != 2 or given.shape[1] == 1:
            return _check_labels(name, column(name, given))
        columns = given.shape[1]
        rule = f"must have a column for each of {self.classes or columns} classes"
        check(self.classes in (0, columns), name, rule, columns)
        self.classes = columns
        scores = checks.array(name, "must be numbers", given)
        decided = bool(((scores == 0) | (scores == 1)).all())
        if name == "y_true" or decided:
            good = decided and bool((scores.sum(axis=1) == 1).all())
            rule = "must have a single 1 in each row, and else 0 (multilabel=True allows several)"
            check(good, name, rule, "other rows")
        return np.asarray(given.argmax(axis=1), np.int32)

    def codes(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the true and the predicted class of each sample; `InputError` for other labels."""
        true, predicted = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        self._parts.clear()
        if not self.classes:
            labels = _union(true, predicted)
            self.classes = len(labels)
            true, predicted = (np.searchsorted(labels, part) for part in (true, predicted))
        kind = np.min_scalar_type(self.classes**2)
        return self._coded("y_true", true, kind), self._coded("y_pred", predicted, kind)

    def _coded(self, name: str, labels: NDArray[Any], kind: np.dtype[Any]) -> NDArray[Any]:
        good = np.isin(labels, np.arange(self.classes))
        if not good.all():
            rule = f"must be whole numbers from 0 to {self.classes - 1}"
            raise_input_error(name, rule, str(labels[~good][0]))
        return labels.astype(kind)


def _union(true: NDArray[Any], predicted: NDArray[Any]) -> NDArray[Any]:
    try:
        return np.union1d(true, predicted)
    except TypeError:
        raise_input_error("y_true and y_pred", "must have labels of one type", "several")


def _check_labels(name: str, labels: NDArray[Any]) -> NDArray[Any]:
    """Return the labels; `InputError` for scores of one class, which are no whole numbers."""
    if labels.dtype.kind == "f":
        odd = labels[labels != np.floor(labels)]
        rule = "must be classes, as whole numbers or text, or scores with a column for each class"
        check(odd.size == 0, name, rule, str(odd[:1]))
    return labels


def column(name: str, given: NDArray[Any]) -> NDArray[Any]:
    """Reshape (n,) or (n, 1) to (n,); `InputError` for another shape."""
    good = given.ndim == 1 or (given.ndim == 2 and given.shape[1] == 1)
    check(good, name, "must have shape (n,) or (n, 1)", given.shape)
    return given.reshape(-1)
