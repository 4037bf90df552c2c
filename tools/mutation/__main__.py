"""`python -m mutation [MODULE ...]`, in `tools`: tries the faults and reports."""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from mutation import report
from mutation.config import Group, groups
from mutation.faults import Fault, faults
from mutation.kept import Kept, number, state_of
from mutation.trials import Baseline, Copy, Trials, Verdict, measure

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
FOLDER = Path(".mutants")
STEP = 10.0
"""Seconds between two lines of progress."""


def main() -> None:
    """Group by group, so that what is slow to load comes after the trials without it."""
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument(
        "modules", nargs="*", help="such as metrics/counts or 'keras/*'; all if none"
    )
    parser.add_argument("--survivors", action="store_true", help="found before: found for good")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[2], help="of the files")
    parser.add_argument("--at-once", type=int, default=os.cpu_count(), help="trials at a time")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the trials end too
    root = asked.root.resolve()
    chosen = groups(root, asked.modules)
    copies = [Copy(root, root / FOLDER / f"copy{i}") for i in range(asked.at_once)]
    kept = Kept(root / FOLDER, asked.survivors)
    for group in chosen:
        for module in group.load:
            importlib.import_module(module)
        gc.freeze()  # no trial looks through what is loaded
        _try_group(root, group, copies, kept)
    if not asked.modules:
        report.forget(root, but=[file for group in chosen for file in group.files])
    report.write(root)


def _try_group(root: Path, group: Group, copies: list[Copy], kept: Kept) -> None:
    state = state_of(root, group)
    for file in group.files:
        chosen, total = faults(root / file, group.entries, group.sample, group.seed)
        if not chosen:
            continue
        verdicts = kept.verdicts(state)
        left = [fault for fault in chosen if number(fault) not in verdicts]
        if left:
            trials = Trials(copies, file, _baseline(group, state, copies[0], kept))
            for fault, verdict in _with_progress(file, trials.run(left), len(left)):
                kept.add(state, fault, verdict)
        verdicts = kept.verdicts(state)
        report.update(root, file, total, [(fault, verdicts[number(fault)]) for fault in chosen])


def _baseline(group: Group, state: str, copy: Copy, kept: Kept) -> Baseline:
    baseline = kept.baseline(state)
    if baseline is None or not {str(file) for file in group.files} <= set(baseline.tests):
        baseline = measure(copy, group.files, [str(test) for test in group.tests])
        kept.add_baseline(state, baseline)
    return baseline


def _with_progress(
    file: Path, trials: Iterator[tuple[Fault, Verdict]], total: int
) -> Iterator[tuple[Fault, Verdict]]:
    start = said = time.monotonic()
    found = 0
    for done, (fault, verdict) in enumerate(trials, 1):
        yield fault, verdict
        found += verdict.outcome != "survived"
        now = time.monotonic()
        if done == total or now > said + STEP:
            said = now
            print(f"{file}: {done} of {total}, {found} found, {now - start:.0f} s", flush=True)  # noqa: T201


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Stopped. The same command goes on from here.")
