"""Lookup of the framework that trains a run, by the name of its engine."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from batchf1.config.metric_names import DEFAULT
from batchf1.config.registry import FRAMEWORKS, LABELS, load_class
from batchf1.config.settings import BACKENDS, InputPipeline, Run
from batchf1.errors import check
from batchf1.training.base import Framework


def framework(engine: str) -> Framework:
    """Return the framework of an engine, the same object for all engines of one framework.

    Raises `InputError` for one that keeps not to the contract.
    """
    framework_class: type[Framework] = load_class(FRAMEWORKS, engine, Framework)
    required = ("averaging", "engines", "pretraining", "module")
    missing = [part for part in required if not getattr(framework_class, part, None)]
    check(not missing, f"{LABELS[FRAMEWORKS]} {engine}", f"must have {required}", f"no {missing}")
    return _made(framework_class)


@cache
def _made(framework_class: type[Framework]) -> Framework:
    return framework_class()


def framework_of(run: Run) -> Framework:
    """Return the framework that trains a run."""
    return framework(run.training.engine)


def checked(run: Run) -> Run:
    """Return the run; raise `InputError` if its framework cannot train it."""
    framework_of(run).check(run)
    return run


ARRAYS = InputPipeline("arrays", "arrays", "arrays", "keep", "ceil", False, "per_sample")
"""`conf/input_pipeline/arrays.yaml`, the program of a pretraining."""
PRETRAIN_BATCH = 32


def pretraining_of(run: Run) -> Run | None:
    """Return the run whose last weights are this one's first, or None where those are drawn."""
    if not run.training.pretrain:
        return None
    on_default = run.training.backend == BACKENDS[0]
    training = replace(
        run.training,
        batch_size=min(PRETRAIN_BATCH, run.dataset.n_samples),
        epochs=run.training.pretrain,
        engine=framework_of(run).pretraining if on_default else run.training.engine,
        pretrain=0,
        freeze_after=0,
    )
    return checked(
        replace(
            run,
            strategies=["batch_mean"],
            metrics=[DEFAULT],
            training=training,
            input_pipeline=ARRAYS,
        )
    )
