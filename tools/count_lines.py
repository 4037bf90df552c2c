"""Count lines of code by package, without docstrings, comments and blank lines: `make count`."""

import ast
import io
import sys
import tokenize
from collections import Counter
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
ROOTS = ("src/batchf1", "tests", "docs", "tools")
MODULES = "(modules)"
IGNORED = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


def code_lines(source: str) -> int:
    """Return the number of lines with a token that is neither comment nor docstring.

    A docstring is any string that is a statement by itself, so that those of attributes and of
    constants are left out too.
    """
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in IGNORED:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - _docstring_lines(source))


def _docstring_lines(source: str) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str()), lineno=start, end_lineno=end):
                lines.update(range(start, (end or start) + 1))
    return lines


def by_package(root: Path) -> Counter[str]:
    """Count the lines of code of each folder in a root, and of the modules beside the folders."""
    counts: Counter[str] = Counter()
    for path in root.rglob("*.py"):
        package, *rest = path.relative_to(root).parts
        counts[package if rest else MODULES] += code_lines(path.read_text(encoding="utf-8"))
    return counts


def report(name: str) -> str:
    """Return the packages of a folder, the largest first, with their share of it."""
    counts = by_package(REPOSITORY / name)
    total = counts.total()
    rows = [f"  {package:18}{n:7,}{n / total:7.1%}\n" for package, n in counts.most_common()]
    return f"{name:20}{total:7,}\n{''.join(rows)}"


if __name__ == "__main__":
    for name in ROOTS:
        sys.stdout.write(report(name))
