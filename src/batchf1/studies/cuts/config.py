"""Settings of a study of cuts that are not random: groups of a validation set, folds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from omegaconf import MISSING

from batchf1.config import rules
from batchf1.config.rules import Rule, Rules, at_least, check_among, check_counts, check_settings
from batchf1.datasets.diamond_halves import COLUMNS, LABEL
from batchf1.errors import check

GROUPS_RULES: Rules = {
    "above": Rule(
        "must be carats above 0", lambda of: bool(of) and all(map(rules.POSITIVE.holds, of))
    ),
    "batch_size": rules.POSITIVE_COUNT,
    "seeds": rules.REPETITIONS,
}
FOLDS_RULES: Rules = {
    "seeds": rules.REPETITIONS,
    "n_folds": at_least(2),
    "prevalences": rules.NOT_EMPTY,
}


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
        check_among("groups.by", self.by, COLUMNS)
        check_among("groups.sorted_by", self.sorted_by, (*COLUMNS, LABEL))
        check_settings(self, GROUPS_RULES, "groups.")


@dataclass
class Folds:
    """Settings of cross-validations in plain and in stratified folds."""

    above: float = MISSING
    n_samples: int = MISSING
    prevalences: list[float] = MISSING
    n_folds: int = MISSING
    seeds: int = MISSING

    def __post_init__(self) -> None:
        check_settings(self, FOLDS_RULES, "folds.")
        rule = f"must leave a positive and a negative in each of {self.n_folds} folds"
        for prevalence in self.prevalences:
            positives = round(self.n_samples * prevalence)
            good = self.n_folds <= positives <= self.n_samples - self.n_folds
            check(good, "folds.prevalences", rule, prevalence)


@dataclass
class CutStudy:
    """Study of cuts, from `experiments/<name>.yaml`: how the mean over batches of F1 errs."""

    SECONDS_A_RUN: ClassVar = 0.0166
    """Measured, of one core: `benchmarks/jobs.csv`."""

    question: str = MISSING
    groups: Groups = MISSING
    folds: Folds = MISSING
    published: list[dict[str, int]] = MISSING
    """tp, fp, fn and tn of the folds of Forman and Scholz."""
    figures: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_counts("published", self.published)

    @property
    def n_runs(self) -> int:
        """Number of logistic regressions: two a group, and four a fold."""
        folds = self.folds
        of_folds = len(folds.prevalences) * folds.seeds * folds.n_folds
        return 2 * len(self.groups.above) * self.groups.seeds + 4 * of_folds
