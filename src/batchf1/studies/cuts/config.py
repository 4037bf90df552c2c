"""Settings of a study of cuts that are not random: groups of a validation set, folds."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from batchf1.config.limits import check_repetitions
from batchf1.datasets.diamond_halves import COLUMNS, LABEL
from batchf1.errors import check
from batchf1.metrics.counts import Counts


@dataclass
class Groups:
    """Settings of cuts of one half of the diamonds, predicted by a model of the other."""

    above: list[float] = MISSING
    """A diamond of more carats is a positive; each is a task of its own."""
    by: list[str] = MISSING
    """Columns; the diamonds of each value are one batch."""
    sorted_by: list[str] = MISSING
    """Columns, or `label`; sorted, then cut into batches of one size."""
    batch_size: int = MISSING
    seeds: int = MISSING

    def __post_init__(self) -> None:
        for name, known in (("by", COLUMNS), ("sorted_by", (*COLUMNS, LABEL))):
            for column in getattr(self, name):
                check(column in known, f"groups.{name}", f"must be among {known}", column)
        good = bool(self.above) and all(0 < cut < float("inf") for cut in self.above)
        check(good, "groups.above", "must be carats above 0", self.above)
        check(self.batch_size >= 1, "groups.batch_size", "must be at least 1", self.batch_size)
        check_repetitions("groups.seeds", self.seeds)


@dataclass
class Folds:
    """Settings of cross-validations in plain and in stratified folds."""

    above: float = MISSING
    n_samples: int = MISSING
    prevalences: list[float] = MISSING
    n_folds: int = MISSING
    seeds: int = MISSING

    def __post_init__(self) -> None:
        check_repetitions("folds.seeds", self.seeds)
        check(self.n_folds >= 2, "folds.n_folds", "must be at least 2", self.n_folds)
        check(bool(self.prevalences), "folds.prevalences", "must have at least one value", "none")
        rule = f"must leave a positive and a negative in each of {self.n_folds} folds"
        for prevalence in self.prevalences:
            positives = round(self.n_samples * prevalence)
            good = self.n_folds <= positives <= self.n_samples - self.n_folds
            check(good, "folds.prevalences", rule, prevalence)


@dataclass
class CutStudy:
    """Study of cuts, from `experiments/<name>.yaml`: how the mean over batches of F1 errs."""

    question: str = MISSING
    groups: Groups = MISSING
    folds: Folds = MISSING
    published: list[dict[str, int]] = MISSING
    """tp, fp, fn and tn of the folds of Forman and Scholz."""
    figures: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(bool(self.published), "published", "must have at least one fold", "none")
        for i, fold in enumerate(self.published):
            good = sorted(fold) == sorted(Counts._fields) and min(fold.values()) >= 0
            rule = f"must have {Counts._fields}, whole numbers >= 0, together at least 1"
            good = good and sum(fold.values()) >= 1
            check(good, f"published[{i}]", rule, dict(fold))
