"""The framework that trains a run, by the name of its engine."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from batchf1.config.registry import FRAMEWORKS, LABELS, load_class
from batchf1.errors import check

if TYPE_CHECKING:
    from batchf1.training.base import Framework


def framework(engine: str) -> Framework:
    """The framework that an engine means, the same object for all engines of one.

    Raises `InputError` for one that keeps not to the contract.
    """
    from batchf1.training.base import Framework

    found: type[Framework] = load_class(FRAMEWORKS, engine, Framework)
    wanted = ("averaging", "engines", "pretraining", "module")
    lacking = [part for part in wanted if not getattr(found, part, None)]
    check(not lacking, LABELS[FRAMEWORKS], f"{engine} must have {wanted}", f"no {lacking}")
    return _made(found)


@cache
def _made(found: type[Framework]) -> Framework:
    return found()
