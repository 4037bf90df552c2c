"""Output protocol of the programs: the numbers that a framework logged for the example, as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from batchf1.programs.example import BATCHES


@dataclass(frozen=True)
class Case:
    """Number that a framework logged."""

    written: str
    """Code of the user, in Markdown."""
    logged: float
    seen: str
    """The samples that went into it, as `format_batches` gives them."""
    instead: str = ""
    """Remedy, code to write instead, in Markdown; empty where nothing is wrong."""
    batches: str = ""
    """Batch sizes of the example."""


def format_batches(*devices: Sequence[Sequence[int]]) -> str:
    """Return the batches of each device as text: `0 1 2 3/8 9|4 5 6 7` has two devices.

    `devices`: for each its batches, each the numbers of its samples.
    """
    return "|".join("/".join(" ".join(map(str, batch)) for batch in each) for each in devices)


def emit(
    framework: str,
    version: str,
    measured: Callable[[int], Iterable[Case]],
    cuts: dict[str, int] = BATCHES,
) -> None:
    """Print the cases of each batching of the example, on one line.

    `measured`: yields what the framework logs for the first `n` samples of the example.
    """
    cases = [
        asdict(case) | {"batches": cut, "logged": float(case.logged)}
        for cut, n in cuts.items()
        for case in measured(n)
    ]
    send(framework, version, cases)


def send(framework: str, version: str, cases: Sequence[Mapping[str, Any]]) -> None:
    """Print the message of a program, on one line: the measured fields of each of its rows."""
    message = {"framework": framework, "version": version, "cases": cases}
    print(json.dumps(message), flush=True)  # noqa: T201
