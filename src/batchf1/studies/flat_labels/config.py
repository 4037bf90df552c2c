"""Settings of a study of labels of shape (n,): networks, batch sizes, and a search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import ClassVar

from omegaconf import MISSING

from batchf1.config import rules
from batchf1.config.rules import Rule, Rules, at_least, check_settings
from batchf1.config.settings import BACKENDS, Run
from batchf1.errors import InputError, check
from batchf1.sweep.grid import compose

SEARCH_RULES: Rules = {
    "candidates": rules.REPETITIONS,
    **dict.fromkeys(("learning_rate", "class_weight"), rules.RANGE),
}
INCREASING = Rule(
    "must be increasing and at least 1", lambda sizes: sizes[0] >= 1 and sizes == sorted(sizes)
)
RULES: Rules = {
    "prevalences": rules.UNIQUE,
    "batch_sizes": (rules.UNIQUE, INCREASING),
    "seeds": rules.REPETITIONS,
    "n_thresholds": at_least(2),
}


@dataclass
class Search:
    """Settings of the random search for a network."""

    candidates: int = MISSING
    learning_rate: list[float] = MISSING
    """Least and greatest, uniform in their logarithm."""
    class_weight: list[float] = MISSING
    """Likewise."""
    batch_size: int = MISSING
    epochs: int = MISSING

    def __post_init__(self) -> None:
        check_settings(self, SEARCH_RULES, "search.")


@dataclass
class FlatLabelsStudy:
    """Study of labels of shape (n,), from `experiments/<name>.yaml`."""

    SECONDS_A_RUN: ClassVar = 0.11
    """Measured, of one core: `benchmarks/jobs.csv`."""

    question: str = MISSING
    overrides: list[str] = field(default_factory=list)
    """Hydra overrides that hold for every network."""
    prevalences: list[float] = MISSING
    seeds: int = MISSING
    batch_sizes: list[int] = MISSING
    """Batch sizes of validation; each divides the validation split."""
    n_thresholds: int = MISSING
    """Thresholds to choose from: 1/n, 2/n ... (n - 1)/n."""
    search: Search = MISSING
    figures: dict[str, str] = field(default_factory=dict)
    """Figure -> the module of `batchf1.figures` that makes it from the study's tables."""

    def __post_init__(self) -> None:
        check_settings(self, RULES)

    @property
    def n_runs(self) -> int:
        """Number of networks, those of the search with them."""
        return len(self.prevalences) * self.seeds * (1 + self.search.candidates)


def networks(name: str, study: FlatLabelsStudy) -> Iterator[Run]:
    """Yield a network for each prevalence and seed.

    Raises `InputError` for data without a test split, and for a validation split or a training
    split that the batches do not divide, and for another backend.
    """
    base = compose([*study.overrides, f"study='{name}'"])
    backend = base.training.backend
    check(backend == BACKENDS[0], "training.backend", f"must be {BACKENDS[0]}", backend)
    check(base.dataset.n_test >= 1, "dataset.test_fraction", "must give a test split", 0.0)
    n, n_train, size = base.dataset.n_validation, base.dataset.n_samples, base.training.batch_size
    check(n_train % size == 0, "dataset.n_samples", f"must be a multiple of {size}", n_train)
    sizes = sorted({*study.batch_sizes, size})
    rule = f"must be a multiple of the batch sizes {sizes}"
    check(all(n % each == 0 for each in sizes), "size of the validation split", rule, n)
    data = [replace(base.dataset, prevalence=prevalence) for prevalence in study.prevalences]
    for each in data:
        each.check_drawable()
    for each, seed in product(data, range(study.seeds)):
        yield replace(base, dataset=each, seed=seed)


def checked_networks(name: str, study: FlatLabelsStudy) -> list[Run]:
    """Return the networks of a study; raise `InputError` that names it where it does not fit."""
    try:
        return list(networks(name, study))
    except InputError as error:
        raise InputError(f"study {name}: {error}") from error
