"""Functions of the scanned tree: what their parameters are, and what their returns make."""

from __future__ import annotations

import ast

from batchf1.scan.kinds import BAD, CONSTANT, ELEMENTS, UNKNOWN, Kind, Value, join
from batchf1.scan.known import is_additive, names, words
from batchf1.scan.modules import Definition
from batchf1.scan.syntax import Function

_MASKS = names("mask masks pad_mask padding_mask attention_mask valid_mask")
"""Variables that leave out what is no sample; a mask of one class has another name."""
_CONSTANTS = names("smooth eps epsilon beta alpha gamma threshold thresh classes k c")
"""Words of parameters that are numbers."""


def parameters(made: Definition, arguments: list[Value] | None) -> dict[str, Value]:
    """Return the value of each parameter: given, a number by its name or default, else a batch."""
    function = made.node
    assert not isinstance(function, ast.ClassDef)
    names = [one.arg for one in function.args.args]
    plain = len(names) - len(function.args.defaults)
    env: dict[str, Value] = {}
    given = list(arguments or [])
    for place, name in enumerate(names):
        if place == 0 and name in ("self", "cls"):
            given.insert(0, UNKNOWN)
            continue
        number = bool(_CONSTANTS & set(words(name))) and place > 0
        default = CONSTANT if number or place >= plain else ELEMENTS
        env[name] = given[place] if place < len(given) and not number else default
        if env[name].kind is Kind.UNKNOWN:
            env[name] = default
    return env


def result(values: list[Value], name: str) -> Value:
    """Join what a function returns; collections over batches are its own affair."""
    made = [value for value in values if value.kind not in (Kind.TOTAL, Kind.LIST)]
    if not made:
        return UNKNOWN
    parts: dict[object, Value] = {}
    for value in made:
        for key, part in (value.parts or {}).items():
            parts[key] = join([parts.get(key, part), part])
    first = min(made, key=lambda value: value.kind not in BAD)
    first = first if first.kind in BAD else join(made)
    return first._replace(parts=parts or None, name=first.name or name, origin=None)


def of_one_sample(arguments: list[Value] | None) -> bool:
    """Whether a function is called with what belongs to one sample alone."""
    kinds = {value.kind for value in arguments or ()} - {Kind.UNKNOWN, Kind.CONSTANT}
    return bool(kinds) and kinds <= {Kind.SAMPLE, Kind.SAMPLE_VALUE}


def is_masked_mean(function: Function) -> bool:
    """Whether a function is accuracy or the like over what a mask leaves."""
    return is_additive(function.name) and any(
        isinstance(node, ast.Name) and node.id in _MASKS for node in ast.walk(function)
    )
