"""Cells of a study of decisions: the models that are chosen from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from batchf1.config.seeds import generator
from batchf1.config.settings import Run
from batchf1.errors import InputError, check
from batchf1.studies.decisions.config import DecisionStudy, Space
from batchf1.sweep.cells import Cell
from batchf1.sweep.composition import compose
from batchf1.sweep.grid import load_study
from batchf1.training.engines import checked

NETWORK, LOGISTIC, CANDIDATE = "network", "logistic", "candidate"
"""Roles: the reference network, one without a hidden layer, a candidate of the random search."""


def cells(path: Path, huge: bool = False, study: DecisionStudy | None = None) -> list[Cell]:
    """Return the cells of a study of decisions; those of candidates have one seed each.

    All runs of one task, prevalence and seed share data and order.

    Parameters
    ----------
    path
        Experiment file of kind `decisions`.
    huge
        Whether there may be more than `limits.MAX_RUNS` runs.
    study
        What the file holds, where it has been read.

    Raises
    ------
    InputError
        Names the file and what does not fit.
    """
    study = study or load_study(path, DecisionStudy)
    try:
        study.check_size(huge)
        seeds = tuple(range(study.seeds))
        drawn = {seed: _candidates(path.stem, study, seed) for seed in seeds}
        return [
            cell for base in _bases(path.stem, study) for cell in _cells(study, base, seeds, drawn)
        ]
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _bases(name: str, study: DecisionStudy) -> Iterator[Run]:
    """Yield a run of the reference network for each task and prevalence."""
    size = f"training.validation_batch_size={study.validation_batch_sizes[0]}"
    for task, chosen in study.tasks.items():
        run = compose([*chosen, *study.overrides, size, f"study='{name}'"])
        check(run.dataset.n_test >= 1, "dataset.test_fraction", "must give a test split", 0.0)
        for prevalence in study.prevalences:
            data = replace(run.dataset, prevalence=prevalence, variant=task)
            data.check_drawable()
            yield replace(run, dataset=data)


def _cells(
    study: DecisionStudy, base: Run, seeds: Sequence[int], drawn: dict[int, list[dict[str, Any]]]
) -> Iterator[Cell]:
    for weight in study.class_weights:
        yield _cell(base, NETWORK, 0, seeds, class_weight=weight)
    for weight in study.logistic_class_weights:
        yield _cell(base, LOGISTIC, 0, seeds, class_weight=weight, hidden=[])
    for number in range(study.candidates):
        for seed in seeds:
            yield _cell(base, CANDIDATE, number, [seed], **drawn[seed][number])


def _cell(base: Run, role: str, number: int, seeds: Sequence[int], **settings: Any) -> Cell:
    """Return a cell of runs that differ from the base in settings of the model and of training."""
    of_model = {key: settings.pop(key) for key in ("hidden", "learning_rate") if key in settings}
    model = replace(base.model, **of_model)
    training = replace(base.training, **settings)
    run = checked(replace(base, seed=seeds[0], model=model, training=training))
    point = {
        "role": role,
        "candidate": number,
        "model.hidden": model.hidden,
        "model.learning_rate": model.learning_rate,
        "training.class_weight": training.class_weight,
        "training.epochs": training.epochs,
    }
    return Cell(run, point, tuple(seeds))


def _candidates(name: str, study: DecisionStudy, seed: int) -> list[dict[str, Any]]:
    """Return the candidates of a seed's search, the same for every task and prevalence."""
    rng = generator(name, "candidates", seed)
    return [_candidate(rng, study.space) for _ in range(study.candidates)]


def _candidate(rng: np.random.Generator, space: Space) -> dict[str, Any]:
    ends = {name: getattr(space, name) for name in ("learning_rate", "class_weight")}
    drawn = {name: float(np.exp(rng.uniform(*np.log(of)))) for name, of in ends.items()}
    choices = {name: getattr(space, name) for name in ("hidden", "epochs", "batch_size")}
    return drawn | {name: of[rng.integers(len(of))] for name, of in choices.items()}
