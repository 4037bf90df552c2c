"""What `batchf1 scan` finds in the public repositories of experiments/census.yaml.

`make census` clones each at its commit, scans it and writes benchmarks/census.csv; with
REPOS=FOLDER it scans the clones in that folder, OWNER/NAME or OWNER+NAME. Counts alone are written,
no repository's name. `--sample FILE` lists the places that were checked by hand, drawn by a fixed
seed; benchmarks/census_checks.csv has what they are.
"""

from __future__ import annotations

import argparse
import ast
import csv
import os
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from batchf1.errors import InputError
from batchf1.scan import sources
from batchf1.scan.findings import Finding
from batchf1.scan.known import is_additive, metric_of
from batchf1.scan.project import Project
from batchf1.scan.scanner import scan

HERE = Path(__file__).parent
HOST = "https://github.com"
FRAMEWORKS = {
    "Keras": ("BF1", {"keras", "tensorflow", "tf_keras"}),
    "Lightning": ("BF2", {"lightning", "pytorch_lightning"}),
    "own loop": ("BF3", {"torch"}),
    "ignite": ("BF401", {"ignite"}),
    "fastai": ("BF402", {"fastai"}),
}
"""Framework -> how its rules begin, and the packages that its files import."""
OTHERWISE = ("average precision", "R2", "F2")
"""Metrics whose names, `map`, `r2` and `f2`, mean much else; losses are left out, too."""
COUNTED = ("sure", "choice")
COLUMNS = (
    "framework",
    "rule",
    "level",
    "occurrences",
    "files",
    "repositories",
    "share_of_files",
    "share_of_repositories",
)
SEED, DRAWN = 20261130, 100


class File(NamedTuple):
    """A file that was read."""

    repository: str
    path: str
    frameworks: frozenset[str]
    named: bool
    """Whether a name in it is that of a metric that is not additive."""
    findings: tuple[Finding, ...]


def framework_of(rule: str) -> str:
    """Return the framework that a rule is about."""
    return next(name for name, (start, _) in FRAMEWORKS.items() if rule.startswith(start))


def read(name: str, folder: Path) -> tuple[list[File], int]:
    """Scan a repository; return its files, and the number of those that could not be read."""
    report = scan([str(folder)])
    found = defaultdict(list)
    for one in report.findings:
        found[one.path].append(one)
    assert report.project is not None
    paths = [path for path in sources.find([str(folder)]) if path not in report.unreadable]
    files = [_file(name, path, report.project, tuple(found[path])) for path in paths]
    return files, len(report.unreadable)


def _file(name: str, path: str, project: Project, findings: tuple[Finding, ...]) -> File:
    module = project.module(path)
    assert module is not None
    nodes = list(ast.walk(module.tree))
    roots = {root.partition(".")[0] for node in nodes for root in _imported(node)}
    frameworks = {key for key, (_, packages) in FRAMEWORKS.items() if packages & roots}
    named = bool(findings) or any(_is_metric(name) for node in nodes for name in _names(node))
    return File(
        name,
        path,
        frozenset(frameworks | {framework_of(one.rule) for one in findings}),
        named,
        findings,
    )


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(level=0, module=str() as module):
            return [module]
    return []


def _names(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            return [name]
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
    return []


def _is_metric(name: str) -> bool:
    """Whether a name is of a metric that is not additive, and seldom means anything else."""
    return metric_of(name) not in (None, *OTHERWISE) and not is_additive(name)


def table(files: list[File], unreadable: int, repositories: int) -> list[dict[str, object]]:
    """Count occurrences, files and repositories, for each framework, rule and level."""
    rows: list[dict[str, object]] = [
        {"framework": "all", "rule": "any", "level": "scanned", "repositories": repositories},
        {"framework": "all", "rule": "any", "level": "not parsed", "files": unreadable},
    ]
    for framework in ("all", *FRAMEWORKS):
        own = [one for one in files if framework in ("all", *one.frameworks)]
        named = [one for one in own if one.named]
        found = [
            (one, f)
            for one in own
            for f in one.findings
            if framework in ("all", framework_of(f.rule))
        ]
        head = {"framework": framework, "rule": "any"}
        rows.append({**head, "level": "read", **_counts(own)})
        rows.append({**head, "level": "named", **_counts(named)})
        for level in (*COUNTED, "sure or choice"):
            hits = [one for one, f in found if f.level in level.split(" or ")]
            rows.append({**head, "level": level, **_shares(hits, named)})
        for rule, level in sorted({(f.rule, f.level) for _, f in found if framework != "all"}):
            hits = [one for one, f in found if (f.rule, f.level) == (rule, level)]
            rows.append({**head, "rule": rule, "level": level, **_shares(hits, named)})
    return rows


def _counts(files: list[File]) -> dict[str, int]:
    return {
        "files": len({one.path for one in files}),
        "repositories": len({one.repository for one in files}),
    }


def _shares(hits: list[File], named: list[File]) -> dict[str, object]:
    """Count files with a finding, given once for each, and their shares of those that name one."""
    counts, all_counts = _counts(hits), _counts(named)
    shares = {f"share_of_{key}": round(n / max(1, all_counts[key]), 4) for key, n in counts.items()}
    return {"occurrences": len(hits), **counts, **shares}


def sample(files: list[File]) -> tuple[list[Finding], list[str]]:
    """Draw findings, and files without a finding that name a metric that is not additive."""
    found = [f for one in files for f in one.findings if f.level in COUNTED]
    clean = [one.path for one in files if one.named and one.frameworks and not one.findings]
    draw = random.Random(SEED)
    return tuple(draw.sample(some, min(DRAWN, len(some))) for some in (found, clean))


def clone(name: str, commit: str, folder: Path) -> None:
    """Fetch one commit of a repository, without its history; a private one asks for no password."""
    folder.mkdir(parents=True)
    for command in (
        ["init", "--quiet"],
        ["fetch", "--quiet", "--depth", "1", f"{HOST}/{name}", commit],
        ["checkout", "--quiet", "FETCH_HEAD"],
    ):
        quiet = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
        subprocess.run(["git", "-C", str(folder), *command], check=True, env=quiet)


def repositories(census: Path) -> dict[str, str]:
    """Return repository -> commit of a census."""
    searches = yaml.safe_load(census.read_text(encoding="utf-8"))["searches"]
    return {name: at for one in searches for name, at in one["repositories"].items()}


def scanned(wanted: dict[str, str], clones: Path | None) -> Iterator[tuple[list[File], int]]:
    """Scan each repository, in `clones` or cloned for it; name on stderr those that are absent."""
    for name, commit in wanted.items():
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary, name) if clones is None else clones / name
            try:
                if clones is None:
                    clone(name, commit, folder)
                folder = folder if folder.is_dir() else folder.parents[1] / name.replace("/", "+")
                yield read(name, folder)
            except (subprocess.CalledProcessError, InputError) as error:
                print("absent:", name, error, file=sys.stderr)  # noqa: T201


def main(arguments: list[str] | None = None) -> int:
    """Scan the repositories and write the counts; status 1 where there is none of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repositories", type=Path, nargs="?", help="clones at hand")
    parser.add_argument("--census", type=Path, default=HERE.parent / "experiments/census.yaml")
    parser.add_argument("--output", type=Path, default=HERE / "census.csv")
    parser.add_argument("--sample", type=Path, help="file for the places to check by hand")
    parsed = parser.parse_args(arguments)
    results = list(scanned(repositories(parsed.census), parsed.repositories))
    if not results:
        return 1
    files = [one for some, _ in results for one in some]
    rows = table(files, sum(n for _, n in results), len(results))
    with parsed.output.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    if parsed.sample:
        found, clean = sample(files)
        places = [f"{one.place} {one.rule} {one.level} {one.message}" for one in found]
        parsed.sample.write_text("\n".join([*places, *clean, ""]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
