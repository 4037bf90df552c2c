"""The faults of a module, made by mutmut's operators.

mutmut itself puts all faults of a function side by side into one file, and leaves decorated
functions and constants alone. Here each fault is a whole source, so that properties and constants
have theirs, and a class or a traced function is what it would be had someone written the fault.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
from pathlib import Path
from typing import NamedTuple

import libcst as cst
import libcst.matchers as m
from libcst.metadata import PositionProvider
from mutmut.mutation.file_mutation import Mutation, MutationVisitor, deep_replace
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

NO_FAULT = m.OneOf(
    m.Annotation(),
    m.Decorator(),
    m.SimpleString(),
    m.ConcatenatedString(),
    m.FormattedString(),
    m.Assign(value=m.Subscript(value=m.Name("NDArray"))),  # read by annotations alone
    m.Call(func=m.Name("raise_input_error")),
)
"""Types and texts."""
CONDITION = m.Call(
    func=m.OneOf(
        m.Name("check"),
        m.Name("errors_check"),
        m.Name("check_argument"),
        m.Attribute(value=m.Name("checks"), attr=m.Name("check_argument")),
    )
)
"""Its first argument decides; the others are the words of a message."""
CHECK = m.Call(func=m.Attribute(value=m.Name("checks")))
"""A check that builds its own message: some of its arguments are words."""


class Fault(NamedTuple):
    """A changed source: the function it is in ("" outside of any), and the lines before and after.

    `lines` are those of the function's body in the unchanged source; none outside of a function.
    """

    function: str
    old: str
    new: str
    source: str
    lines: range


def faults(
    path: Path, entries: list[str], sample: int | None, seed: int
) -> tuple[list[Fault], int]:
    """Return faults of a module, at most `sample`, and the number of all.

    With `entries`, only what these functions reach by name is changed. Who is in the sample hangs
    on the fault and `seed` alone, so that a change of one function leaves it as it is elsewhere.
    """
    source = path.read_text()
    walk = _Walk()
    module = cst.MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True).visit(walk)
    reached = _reached(source, entries)
    places = [p for p in walk.places if not entries or p.function.split(".")[0] in reached]
    chosen = sorted(range(len(places)), key=lambda i: _lot(module, places[i], seed))[:sample]
    parts = [module.code_for_node(part) for part in (*module.header, *module.body, *module.footer)]
    found = {}
    for place in (places[i] for i in sorted(chosen)):
        at = len(module.header) + place.statement
        part = deep_replace(
            module.body[place.statement], place.change.original_node, place.change.mutated_node
        )
        changed = "".join([*parts[:at], module.code_for_node(part), *parts[at + 1 :]])
        found[changed] = Fault(place.function, *_lines(source, changed), changed, place.lines)
    found.pop(source, None)
    return list(found.values()), len(places)


class _Place(NamedTuple):
    """A change, the function that it is in, and the statement of the module that holds it."""

    function: str
    lines: range
    statement: int
    change: Mutation


class _Walk(MutationVisitor):
    """mutmut's walk, over properties and constants too, but over no text and no type."""

    def __init__(self) -> None:
        super().__init__(mutation_operators, IgnoredCode(set(), set(), set()))
        self.places: list[_Place] = []
        self._statements: dict[cst.CSTNode, int] = {}
        self._statement = 0
        self._names: list[str] = []
        self._bodies: list[range] = [range(0)]
        self._words: set[cst.CSTNode] = set()

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Module):
            self._statements = {part: i for i, part in enumerate(node.body)}
        self._statement = self._statements.get(node, self._statement)
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._names.append(node.name.value)
            self._bodies.append(self._body(node))
        deeper = super().on_visit(node)
        where = ".".join(self._names), self._bodies[-1], self._statement
        self.places += [_Place(*where, change) for change in self.mutations[len(self.places) :]]
        return deeper

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._names.pop()
            self._bodies.pop()

    def _body(self, node: cst.FunctionDef | cst.ClassDef) -> range:
        if isinstance(node, cst.ClassDef):
            return range(0)
        first, last = (self.get_metadata(PositionProvider, node.body.body[i]) for i in (0, -1))
        return range(first.start.line, last.end.line + 1)

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        if m.matches(node, CONDITION):
            self._words.update(node.args[1:])
        return node in self._words or m.matches(node, NO_FAULT)

    def _should_mutate_node(self, node: cst.CSTNode) -> bool:
        return not m.matches(node, CONDITION | CHECK)


def _lot(module: cst.Module, place: _Place, seed: int) -> str:
    nodes = place.change.original_node, place.change.mutated_node
    text = "\n".join([str(seed), place.function, *map(module.code_for_node, nodes)])
    return hashlib.sha256(text.encode()).hexdigest()


def _reached(source: str, entries: list[str]) -> set[str]:
    """Return the functions and classes that `entries` use, directly or through each other."""
    defined = {
        part.name: {node.id for node in ast.walk(part) if isinstance(node, ast.Name)}
        for part in ast.parse(source).body
        if isinstance(part, ast.FunctionDef | ast.ClassDef)
    }
    reached, left = set(), set(entries)
    while left:
        name = left.pop()
        reached.add(name)
        left |= defined.get(name, set()) - reached
    return reached & set(defined)


def _lines(old: str, new: str) -> tuple[str, str]:
    """Return the changed lines before and after, each joined to one line."""
    before, after = old.splitlines(), new.splitlines()
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    changed = [block for block in matcher.get_opcodes() if block[0] != "equal"]
    rows = slice(changed[0][1], changed[-1][2]), slice(changed[0][3], changed[-1][4])
    return _one_line(before[rows[0]]), _one_line(after[rows[1]])


def _one_line(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())
