"""What stands inside pytest in a trial."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import coverage
import hypothesis
import pytest
from hypothesis.errors import InvalidArgument

OPTIONS = ["-x", "-p", "no:cacheprovider"]
PHASES = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
"""No time for the smallest counterexample."""


class Watch:
    """Runs the chosen tests in the given order, and notes the first that fails."""

    def __init__(self, tests: Iterable[str] = ()) -> None:
        self.place = {test: place for place, test in enumerate(tests)}
        self.failed = ""

    def run(self, folder: Path, files: Iterable[str]) -> int:
        return int(pytest.main([*OPTIONS, "--rootdir", str(folder), *files], plugins=[self]))

    def seen(self) -> dict[str, Any]:
        return {"failed": self.failed}

    def pytest_sessionstart(self) -> None:
        checks = list(hypothesis.HealthCheck)  # of speed, on a machine that is busy
        hypothesis.settings.register_profile(
            "trial", _thorough(), phases=PHASES, suppress_health_check=checks
        )
        hypothesis.settings.load_profile("trial")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self.place]
        items.sort(key=lambda item: self.place[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


def _thorough() -> hypothesis.settings:
    """Return the settings of `make test-all`, or those there are where the tests have none."""
    try:
        return hypothesis.settings.get_profile("thorough")
    except InvalidArgument:
        return hypothesis.settings()


class Measure(Watch):
    """Runs all tests, and notes their seconds and which lines of the sources each reaches."""

    def __init__(self, sources: list[Path]) -> None:
        super().__init__()
        self.sources = sources
        self.seconds: dict[str, float] = defaultdict(float)

    def run(self, folder: Path, files: Iterable[str]) -> int:
        self.paths = {str(source): str((folder / source).resolve()) for source in self.sources}
        self.coverage = coverage.Coverage(
            data_file=None, config_file=False, include=list(self.paths.values())
        )
        self.coverage.start()
        code = super().run(folder, files)
        self.coverage.stop()
        return code

    def seen(self) -> dict[str, Any]:
        tests = self.coverage.get_data().contexts_by_lineno
        return {
            "seconds": self.seconds,
            "tests": {source: tests(path) for source, path in self.paths.items()},
        }

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leaves all."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        result = yield
        self.coverage.switch_context("")
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        shared = fixturedef.scope != "function"
        if shared:
            self.coverage.switch_context("")
        result = yield
        if shared:
            self.coverage.switch_context(request._pyfuncitem.nodeid)
        return result
