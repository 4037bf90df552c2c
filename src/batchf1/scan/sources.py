"""Source files: Python and notebooks, as text with a map from its lines to cells."""

from __future__ import annotations

import ast
import json
import os
import re
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from batchf1.errors import check, one_line
from batchf1.scan.known import names

MAX_BYTES = 5_000_000
"""Largest Python source that is read; the code of a notebook has the same limit."""
MAX_NOTEBOOK_BYTES = 60_000_000
"""Largest notebook, which may carry pictures."""
SUFFIXES = (".py", ".ipynb")
SKIPPED = names("node_modules site-packages dist-packages __pycache__ __pypackages__ venv env")
"""Folders that are not entered, with all whose names begin with a dot."""
_MAGIC = re.compile(r"^(\s*)[%!?].*")


class UnreadableError(Exception):
    """A file that cannot be read or parsed, with the reason in a line."""


@dataclass(frozen=True)
class Source:
    """Text of a file, and the cells of a notebook in it."""

    path: str
    text: str
    cells: Sequence[tuple[int, int]] = field(default=())
    """First line of each cell of code in `text`, and its number."""

    def place(self, line: int) -> tuple[int | None, int]:
        """Return the cell, None in a Python file, and the line in it."""
        start, cell = max((one for one in self.cells if one[0] <= line), default=(1, None))
        return cell, line - start + 1

    def tree(self) -> ast.Module:
        """Parse the text, without the cells of a notebook that are no Python 3.

        Raises `UnreadableError` with the reason.
        """
        try:
            return _parsed(self.text)
        except UnreadableError:
            if not self.cells:
                raise
        lines = self.text.split("\n")
        starts = [start for start, _ in self.cells]
        for start, end in zip(starts, [*starts[1:], len(lines) + 1], strict=True):
            try:
                _parsed("\n".join(lines[start - 1 : end - 1]))
            except UnreadableError:
                lines[start - 1 : end - 1] = [""] * (end - start)
        return _parsed("\n".join(lines))


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except SyntaxError as error:
            where = f" (line {error.lineno})" if error.lineno else ""
            raise UnreadableError(one_line(f"no Python 3: {error.msg}{where}")) from None
        except (ValueError, RecursionError, MemoryError) as error:
            reason = error if isinstance(error, ValueError) else "nested too deeply"
            raise UnreadableError(one_line(f"cannot be parsed: {reason}")) from None


def find(paths: Sequence[str]) -> Iterator[str]:
    """Yield the files of code in paths, sorted; a file given itself may have any name.

    Raises
    ------
    InputError
        For a path that does not exist.
    """
    for path in paths:
        check(Path(path).exists(), "PATH", "must be a file or a folder", path)
        if not Path(path).is_dir():
            yield path
            continue
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(
                name for name in folders if name not in SKIPPED and not name.startswith(".")
            )
            for name in sorted(files):
                if name.endswith(SUFFIXES):
                    yield str(Path(folder) / name)


def read(path: str) -> Source:
    """Read a file; raise `UnreadableError` with the reason."""
    file = Path(path)
    notebook = path.endswith(".ipynb")
    limit = MAX_NOTEBOOK_BYTES if notebook else MAX_BYTES
    try:
        if not file.is_file():
            raise UnreadableError("no regular file")
        size = file.stat().st_size
        if size > limit:
            raise UnreadableError(f"{size / 1e6:.0f} MB, above the limit of {limit / 1e6:.0f} MB")
        return _notebook(path) if notebook else Source(path, _decoded(file))
    except OSError as error:
        raise UnreadableError(one_line(error.strerror or error)) from None


def _decoded(file: Path) -> str:
    try:
        with tokenize.open(file) as stream:
            return stream.read()
    except (SyntaxError, UnicodeDecodeError):
        return file.read_text("latin-1").lstrip("\ufeff")


def _notebook(path: str) -> Source:
    """Join the cells of code, each magic command replaced by `pass`."""
    try:
        cells = json.loads(Path(path).read_bytes())["cells"]
        lines: list[str] = []
        starts = []
        for number, cell in enumerate(cells, 1):
            if cell["cell_type"] != "code":
                continue
            text = "".join(cell["source"])
            starts.append((len(lines) + 1, number))
            if not text.lstrip().startswith("%%"):
                lines += [_MAGIC.sub(r"\1pass", line) for line in text.split("\n")]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError):
        raise UnreadableError("no notebook of format 4") from None
    code = "\n".join(lines)
    if len(code) > MAX_BYTES:
        raise UnreadableError(f"{len(code) / 1e6:.0f} MB of code")
    return Source(path, code, tuple(starts))
