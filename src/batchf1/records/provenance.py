"""Provenance of a result: code, versions, settings, machine."""

from __future__ import annotations

import ast
import platform
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import Any

from batchf1.errors import check
from batchf1.records.files import digest

PACKAGE = Path(str(files("batchf1")))
"""Asked for by name: this module may move, and a package found from its place would be empty."""
DECISIVE = ("tensorflow", "keras", "numpy", "scikit-learn", "plotnine")
"""Packages that decide what a run gives."""
DRAWING = ("matplotlib", "pandas", "scipy")
"""Packages that turn runs into tables and pictures."""
RECORDED = DECISIVE + DRAWING
MATTERS = (
    "src/**/*.py",
    "src/**/*.toml",
    "src/**/requirements.txt",
    "conf/**/*.yaml",
    "experiments/*.yaml",
    "workflow/rules/*.smk",
    "Snakefile",
)
"""Files of the repository that a result depends on. Those under figures/ are results themselves,
which the workflow has just written; a table or log that a figure reads is looked at by itself."""


def collect(**more: Any) -> dict[str, Any]:
    """Return commit, dirty flag, versions, platform, time (UTC), and the caller's own fields.

    `dirty`: whether a file that matters differs from the commit, or is not in it. Commit and flag
    are None where this package is not under version control.
    """
    return {
        "commit": commit(),
        "dirty": dirty(PACKAGE, *(f":(top,glob){pattern}" for pattern in MATTERS)),
        "versions": versions(*RECORDED),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        **more,
    }


def commit() -> str | None:
    """Return the commit that this package was checked out from; None if it was not."""
    # a copy that is installed inside some other repository must not claim that one's commit
    tracked = _git(PACKAGE, "ls-files", "--error-unmatch", "__init__.py")
    return None if tracked is None else _git(PACKAGE, "rev-parse", "HEAD")


def commit_of(path: Path) -> str | None:
    """Return the last commit that changed a file; None if there is none."""
    return _git(path.parent, "log", "-1", "--format=%H", "--", path.name) or None


def date_of(folder: Path, commit: str) -> str | None:
    """Return the date of a commit, as 2026-11-30; None if the folder's repository lacks it."""
    return _git(folder, "show", "-s", "--format=%cs", commit) or None


def root_of(path: Path) -> Path | None:
    """Return the root of the checkout that holds a file; None outside one."""
    root = _git(path.parent, "rev-parse", "--show-toplevel")
    return Path(root) if root else None


def dirty(folder: Path, *paths: str) -> bool | None:
    """Return True if any of the paths differs from its repository's commit, or is not in it.

    None where the folder is in no repository.
    """
    status = ("status", "--porcelain", "--untracked-files=all", "--ignored")
    changed = _git(folder, *status, "--", *paths)
    return None if changed is None else bool(changed)


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of packages, by default of those that decide a run's results."""
    version_of = {}
    for package in packages or DECISIVE:
        try:
            version_of[package] = version(package)
        except PackageNotFoundError:
            version_of[package] = "not installed"
    return version_of


def _git(folder: Path, *arguments: str) -> str | None:
    # no locks: `git status` would else take the index's, and a commit made meanwhile would fail
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def sources(*modules: str) -> list[Path]:
    """Return the files of some modules and of all that they import, directly or not.

    Of this package, and of the packages of the modules named; read from the import statements, so
    that a plug-in that is imported by its name has to be named. An `__init__.py` of this package is
    left out: it holds no code but re-exports. Raises `InputError` for a module without a file.
    """
    roots = {PACKAGE.name, *(name.partition(".")[0] for name in modules)}
    paths: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = _path(name) if name.partition(".")[0] in roots and name not in paths else None
        if path is not None:
            paths[name] = path
            waiting += _imports(path, name)
    for name in modules:
        check(name in paths, "module", "must be a file of code", name)
    return sorted(set(paths.values()))


def fingerprint(*modules: str, software: Mapping[str, str] | None = None) -> str:
    """Return a digest of the code behind some modules and of the decisive packages' versions.

    `software`: those versions, where they are not the ones that this process finds. Comments and
    docstrings are left aside.
    """
    decisive = versions() if software is None else software
    return digest([sorted(decisive.items()), [_meaning(path) for path in sources(*modules)]])


def _meaning(path: Path) -> str:
    """Return the code of a file without its comments, docstrings and layout."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(getattr(node, "body", None), list):
            node.body = [part for part in node.body if not _is_text(part)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    constant = node.value if isinstance(node, ast.Expr) else None
    return isinstance(constant, ast.Constant) and isinstance(constant.value, str)


def _path(name: str) -> Path | None:
    """Return the file of a module; None for a subpackage of this one, and for no module.

    Looked for, not imported: only the root of another package is asked of Python.
    """
    root, *parts = name.split(".")
    if root == PACKAGE.name:
        path = PACKAGE.joinpath(*parts).with_suffix(".py") if parts else PACKAGE
        return path if path.is_file() else None
    spec = find_spec(root)
    if spec is None:
        return None
    if not parts:
        origin = Path(spec.origin or "")
        return origin if origin.suffix == ".py" else None
    bases = [Path(folder, *parts) for folder in spec.submodule_search_locations or []]
    files = [file for base in bases for file in (base.with_suffix(".py"), base / "__init__.py")]
    return next((file for file in files if file.is_file()), None)


@cache
def _imports(path: Path, name: str) -> list[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    names = []
    for node in _statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            # `from package import name` may import a module or a value: both are tried
            names += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return names


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements in a node, at any depth, without their expressions."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for part in getattr(node, name, ()):
            yield part
            yield from _statements(part)
