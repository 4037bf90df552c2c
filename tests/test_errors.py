"""Errors have one grammar: name, a rule that begins with a verb, and the value received."""

import ast
import re

import pytest

from batchf1.errors import InputError, check, raise_input_error

RULE = re.compile(r"(must|cannot|needs) ")
ALONE = re.compile(r"(must|cannot|needs|is) ")
"""Rules before a value, and without one."""
PLACE = {"check": 2, "errors_check": 2, "check_argument": 2, "raise_input_error": 1, "array": 1}
"""Function -> the place of the rule among its arguments."""


def literals(node, names):
    """The beginnings of the texts that an argument can be, as far as they are written down."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            yield text
        case ast.BinOp(left=left):
            yield from literals(left, names)
        case ast.BoolOp(values=parts):
            for part in parts:
                yield from literals(part, names)
        case ast.Name(id=name):
            for value in names.get(name, []):
                yield from literals(value, {})


def rules(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        nodes = [*tree.body, *ast.walk(function)]
        assigned = [node for node in nodes if isinstance(node, ast.Assign)]
        names = {}
        for node in assigned:
            names.setdefault(getattr(node.targets[0], "id", ""), []).append(node.value)
        for call in nodes:
            yield from of_call(call, names)


def of_call(call, names):
    """The rules of a call, each with the form that it must have."""
    function = getattr(call, "func", None)
    place = PLACE.get(getattr(function, "id", getattr(function, "attr", "")), 9)
    arguments = getattr(call, "args", [])
    if isinstance(call, ast.Call) and len(arguments) > place:
        form = RULE if len(arguments) > place + 1 else ALONE
        yield from ((rule, form) for rule in literals(arguments[place], names))


def test_each_rule_makes_a_sentence_with_the_name_before_it(repository):
    paths = sorted((repository / "src/batchf1").rglob("*.py"))
    found = [(path.name, *rule) for path in paths for rule in rules(path)]
    assert len(found) > 300
    assert [(name, rule) for name, rule, form in found if not form.match(rule)] == []


def test_a_message_is_one_sentence_on_one_line():
    with pytest.raises(InputError, match=r"^seeds cannot be combined with grid\.seed; got 3$"):
        raise_input_error("seeds", "cannot be combined\nwith grid.seed", 3)
    with pytest.raises(InputError, match=r"^FILE must end in \.csv; got x\\x1b$"):
        check(False, "FILE", "must end in .csv", "x\x1b")


def test_a_message_without_a_value_ends_with_the_rule():
    with pytest.raises(InputError, match="^batch 0 is empty; each batch needs a sample$"):
        check(False, "batch 0", "is empty; each batch needs a sample")
    with pytest.raises(InputError, match="^seed must have a value; got None$"):
        check(False, "seed", "must have a value", None)
