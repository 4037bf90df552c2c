"""The scan of files and folders: rules, suppressions, levels."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from batchf1.errors import check
from batchf1.scan import sources
from batchf1.scan.analysis import Analysis, Draft
from batchf1.scan.findings import Finding
from batchf1.scan.modules import Module
from batchf1.scan.project import Project
from batchf1.scan.rules import flat_labels, keras_functions
from batchf1.scan.rules.table import CHECKS, RULES
from batchf1.scan.suppressions import lines_of, suppressions
from batchf1.scan.traces import TooComplexError


@dataclass
class Report:
    """Findings of a scan, and the files that could not be read."""

    findings: list[Finding] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    """Path -> reason."""
    files: int = 0
    """Number of files that were looked for findings."""
    project: Project | None = None
    """The modules of the scan."""

    def fails(self, strict: bool = False) -> bool:
        """Whether there is a finding that fails a check; a choice does only with `strict`."""
        levels = {"sure", "choice"} if strict else {"sure"}
        return any(one.level in levels for one in self.findings)


def scan(
    paths: Sequence[str],
    *,
    only: Collection[str] | None = None,
    by_name: bool = False,
    within: Sequence[str] = (),
) -> Report:
    """Find metrics averaged over batches in files and folders, without running them.

    Parameters
    ----------
    paths
        Files and folders; of a folder all `.py` and `.ipynb`, but for hidden folders and
        environments.
    only
        IDs of the rules to apply; all by default.
    by_name
        Whether to report functions whose definition is not found, by their names.
    within
        Folders in which imports are looked up beside `paths`.

    Returns
    -------
    Report
        The findings in order of path and line, and the files that could not be read.

    Raises
    ------
    InputError
        For a path that does not exist, and for an unknown rule.

    Examples
    --------
    >>> scan(["missing.py"])
    Traceback (most recent call last):
    batchf1.errors.InputError: PATH must be a file or a folder; got missing.py
    """
    wanted = set(RULES if only is None else only)
    unknown = sorted(wanted - set(RULES))
    check(not unknown, "rules", f"must be among {', '.join(RULES)}", ", ".join(unknown))
    files = list(dict.fromkeys(sources.find(paths)))
    project = Project(dict.fromkeys([*files, *sources.find(within)]))
    report = Report(files=len(files), project=project)
    with _collector_paused():
        found = [one for path in files for one in _scanned(project, path)]
    report.findings = [
        one for one in found if one.rule in wanted and (by_name or one.level != "by-name")
    ]
    asked = set(files)
    report.unreadable = {path: why for path, why in project.unreadable.items() if path in asked}
    return report


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Leave out the collection of cycles, which goes through all syntax trees again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _scanned(project: Project, path: str) -> list[Finding]:
    module = project.module(path)
    if module is None:
        return []
    try:
        return sorted(set(_Module(module).findings()), key=lambda one: (one.cell or 0, *one[1:7]))
    except TooComplexError:
        project.unreadable[path] = "too much code to follow"
    except (RecursionError, MemoryError):
        project.unreadable[path] = "nested too deeply"
    return []


class _Module:
    """Findings of one module."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.analysis = Analysis(module)
        self.suppressed = suppressions(module.source)

    def findings(self) -> Iterator[Finding]:
        seen: set[tuple[int, str]] = set()
        drafts = [draft for one in CHECKS for draft in one(self.analysis)]
        if any(draft.rule == keras_functions.ID for draft in drafts):
            drafts += flat_labels.check(self.analysis)
        for draft in drafts:
            line: int = getattr(draft.node, "lineno", 1)
            if (line, draft.symbol) not in seen:
                seen.add((line, draft.symbol))
                yield from self._kept(draft, line)
        yield from self._without_reason()

    def _kept(self, draft: Draft, line: int) -> Iterator[Finding]:
        around = lines_of(draft.node, self.module) if self.suppressed else ()
        if any(self.suppressed[one].holds(draft.rule) for one in around if one in self.suppressed):
            return
        message = draft.message + self._monitors(draft)
        yield self._finding(line, draft.rule, draft.level, draft.symbol, message)

    def _finding(self, line: int, rule: str, level: str, symbol: str, message: str) -> Finding:
        cell, line = self.module.source.place(line)
        instead = RULES[rule].instead
        return Finding(self.module.source.path, line, rule, level, symbol, message, instead, cell)

    def _monitors(self, draft: Draft) -> str:
        """Name the callbacks that choose by the value."""
        chosen = [one for one in self.analysis.monitors if one[1] in draft.keys]
        texts = []
        for name, key, line in chosen:
            cell, line = self.module.source.place(line)
            where = f"line {line}" if cell is None else f"cell {cell}, line {line}"
            texts.append(f"{name} in {where} goes by {key}")
        return "".join(f"; {text}" for text in texts)

    def _without_reason(self) -> Iterator[Finding]:
        for line, one in self.suppressed.items():
            if not one.rules or not one.reason:
                message = "a suppression needs a rule and a reason, and is not followed"
                yield self._finding(line, "BF100", "sure", "batchf1: ok", message)
