"""Tests run on a changed source: each time in a forked process, in a copy of the repository.

What the tests import that is slow is loaded once, before; batchf1 itself never is, so that each
process imports it with its fault, as do the processes that a test starts.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from mutation.faults import Fault
from mutation.plugin import Measure, Watch

MEMORY = 8 << 30
"""Bytes of data that a process may hold: a fault can ask for an array of any size."""
PATIENCE = 20.0, 3.0
"""Processor seconds that a trial may take, and times its tests' own; then the tests hang."""
ASLEEP = 10
"""Times as long it may take where it waits, or the machine is busy."""
BROKEN = 70
"""The status of a process whose harness failed, not its tests."""


class Verdict(NamedTuple):
    """`outcome`: found, hangs or survived; `by`: the test that failed, if one did.

    `seconds`: of the processor, since other work on the machine does not change them.
    """

    outcome: str
    by: str
    seconds: float


class Baseline(NamedTuple):
    """Of the unchanged sources: each test's seconds, and for each file the tests of each line.

    A line that runs outside of any one test (at import, in a shared fixture) has the test "".
    """

    seconds: dict[str, float]
    tests: dict[str, dict[str, list[str]]]

    def reaching(self, file: Path, lines: range) -> list[str]:
        """Return the tests that reach these lines; all tests where none is recorded."""
        of_line = self.tests[str(file)]
        found = {test for line in lines for test in of_line.get(str(line), [])}
        return list(self.seconds) if "" in found or not found else sorted(found)


class Copy:
    """A copy of the tracked and the new files of the repository, with one source changed."""

    def __init__(self, root: Path, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.check_output(listed, cwd=root, text=True).split("\0"):
            if (root / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, folder / name)
        self.folder = folder

    def write(self, file: Path, source: str) -> None:
        (self.folder / file).write_text(source)
        for compiled in (self.folder / file).parent.glob(f"__pycache__/{file.stem}.*.pyc"):
            compiled.unlink()

    def start(self, watch: Watch, tests: Iterable[str], limit: int) -> int:
        """Fork a process, leader of its group, that runs the tests and leaves what `watch` saw."""
        sys.stdout.flush()
        process = os.fork()
        if process == 0:
            try:
                _become_a_trial(self.folder, limit)
                status = watch.run(self.folder, tests)
                (self.folder / "seen").write_text(json.dumps(watch.seen()))
                os._exit(status)
            finally:
                os._exit(BROKEN)
        return process

    def end(self, status: int) -> Any:
        """Return the exit code and what `watch` saw, nothing where the process was killed."""
        code = os.waitstatus_to_exitcode(status)
        if code == BROKEN:
            raise RuntimeError((self.folder / "log").read_text())
        return code, json.loads((self.folder / "seen").read_text()) if code >= 0 else {}


def _become_a_trial(folder: Path, limit: int) -> None:
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.alarm(ASLEEP * limit)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(folder)
    sys.path[0] = os.environ["PYTHONPATH"] = str(folder / "src")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # to look for them takes a second


def measure(copy: Copy, files: list[Path], tests: list[str]) -> Baseline:
    """Run the tests on the unchanged sources; they must pass."""
    process = copy.start(Measure(files), tests, 1800)
    code, seen = copy.end(os.waitpid(process, 0)[1])
    if code != 0:
        log = (copy.folder / "log").read_text()
        raise SystemExit(f"The tests fail without a fault (status {code}):\n{log[-3000:]}")
    return Baseline(**seen)


class Trials:
    """Trials of the faults of one file, as many at a time as there are copies."""

    def __init__(self, copies: list[Copy], file: Path, baseline: Baseline) -> None:
        self.copies, self.file, self.baseline = copies, file, baseline
        self.original = (copies[0].folder / file).read_text()
        self.finders: dict[str, Counter[str]] = defaultdict(Counter)
        self.running: dict[int, tuple[Copy, Fault]] = {}

    def run(self, faults: Iterable[Fault]) -> Iterator[tuple[Fault, Verdict]]:
        waiting, idle = iter(faults), list(self.copies)
        try:
            while True:
                while idle and (fault := next(waiting, None)):
                    self._start(idle.pop(), fault)
                if not self.running:
                    return
                copy, fault, verdict = self._end()
                idle.append(copy)
                yield fault, verdict
        finally:
            for process, (copy, _) in self.running.items():
                _kill(process)
                copy.write(self.file, self.original)

    def _start(self, copy: Copy, fault: Fault) -> None:
        tests = self.baseline.reaching(self.file, fault.lines)
        seconds, finders = self.baseline.seconds, self.finders[fault.function]
        # what found a fault of this function before, and what is quick
        tests.sort(key=lambda test: (-finders[test] / (0.01 + seconds[test]), seconds[test]))
        limit = PATIENCE[0] + PATIENCE[1] * sum(seconds[test] for test in tests)
        copy.write(self.file, fault.source)
        process = copy.start(Watch(tests), sorted({t.split("::")[0] for t in tests}), int(limit))
        self.running[process] = copy, fault

    def _end(self) -> tuple[Copy, Fault, Verdict]:
        process, status, used = os.wait4(-1, 0)
        copy, fault = self.running.pop(process)
        _kill(process)
        copy.write(self.file, self.original)
        code, seen = copy.end(status)
        hangs = code in (-signal.SIGXCPU, -signal.SIGALRM)
        outcome = "survived" if code == 0 else "hangs" if hangs else "found"
        by = seen.get("failed", "")
        self.finders[fault.function][by] += bool(by)
        return copy, fault, Verdict(outcome, by, round(used.ru_utime + used.ru_stime, 2))


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):  # what a test started may live on
        os.killpg(group, signal.SIGKILL)
