"""Verdicts kept between runs, so that a run goes on where it was stopped."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from mutation.config import TESTS, Group
from mutation.faults import Fault
from mutation.trials import Baseline, Verdict


class Kept:
    """The verdicts and baselines in a folder, of one state of the sources and tests.

    With `found_stays` a fault that was found by other tests need not be found again.
    """

    def __init__(self, folder: Path, found_stays: bool) -> None:
        self.folder, self.found_stays = folder, found_stays
        self.path = folder / "verdicts.jsonl"
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        self.rows = [json.loads(line) for line in lines if line.endswith("]}")]  # whole ones

    def verdicts(self, state: str) -> dict[str, Verdict]:
        """By the fault's number, see `number`."""
        return {
            row["fault"]: Verdict(*row["verdict"])
            for row in self.rows
            if row["state"] == state or (self.found_stays and row["verdict"][0] != "survived")
        }

    def add(self, state: str, fault: Fault, verdict: Verdict) -> None:
        row = {"fault": number(fault), "state": state, "verdict": verdict}
        self.rows.append(row)
        with self.path.open("a") as file:
            file.write("\n" + json.dumps(row))

    def baseline(self, state: str) -> Baseline | None:
        path = self.folder / f"baseline-{state}.json"
        return Baseline(**json.loads(path.read_text())) if path.exists() else None

    def add_baseline(self, state: str, baseline: Baseline) -> None:
        (self.folder / f"baseline-{state}.json").write_text(json.dumps(baseline._asdict()))


def number(fault: Fault) -> str:
    return hashlib.sha256(fault.source.encode()).hexdigest()[:16]


def state_of(root: Path, group: Group) -> str:
    """Of all sources, and of the tests of a group."""
    sources = sorted((root / "src").rglob("*.py"))
    tests = [root / TESTS / "conftest.py", *(root / test for test in group.tests)]
    state = hashlib.sha256()
    for path in (*sources, *tests):
        if path.exists():
            state.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return state.hexdigest()[:16]
