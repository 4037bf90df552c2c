"""Comments that silence a rule: `# batchf1: ok[BF101] reason`."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

from batchf1.scan.modules import Module
from batchf1.scan.sources import Source

_OK = re.compile(r"#\s*batchf1:\s*ok\b(?:\[([A-Z0-9, ]{1,200})\])?(.*)")


class Suppression(NamedTuple):
    """Rules that a comment silences, and why."""

    rules: frozenset[str]
    reason: str

    def holds(self, rule: str) -> bool:
        """Whether it silences a rule; without a reason it does not."""
        return rule in self.rules and bool(self.reason)


def suppressions(source: Source) -> dict[int, Suppression]:
    """Return the suppressions of a source by line: comments, and no text in a string."""
    found = {}
    for line, comment in _comments(source) if "batchf1:" in source.text else ():
        if match := _OK.search(comment):
            rules = frozenset((match[1] or "").replace(",", " ").split())
            found[line] = Suppression(rules, match[2].strip())
    return found


def lines_of(node: ast.AST, module: Module) -> set[int]:
    """Return the lines whose comments are about a node.

    Its own, up to its body, and the first and the last of its statement.
    """
    first = getattr(node, "lineno", 1)
    lines = set(range(first, _end(node) + 1))
    statement: ast.AST | None = node
    if not isinstance(node, ast.stmt):
        statement = module.enclosing(node, ast.stmt)
    return lines | (
        {statement.lineno, _end(statement)} if isinstance(statement, ast.stmt) else set()
    )


def _end(node: ast.AST) -> int:
    """Return the last line of a node, of a class or a loop that before its body."""
    first: int = getattr(node, "lineno", 1)
    body = getattr(node, "body", None)
    if isinstance(body, list) and body:
        before: int = body[0].lineno - 1
        return max(first, before)
    end: int = getattr(node, "end_lineno", None) or first
    return end


def _comments(source: Source) -> Iterator[tuple[int, str]]:
    """Yield the comments with their lines; of a cell that is no Python those up to the error."""
    lines = source.text.splitlines(keepends=True)
    starts = [start for start, _ in source.cells] or [1]
    for start, end in zip(starts, [*starts[1:], len(lines) + 1], strict=True):
        stream = io.StringIO("".join(lines[start - 1 : end - 1]))
        try:
            for token in tokenize.generate_tokens(stream.readline):
                if token.type == tokenize.COMMENT:
                    yield start + token.start[0] - 1, token.string
        except (tokenize.TokenError, SyntaxError):
            continue
