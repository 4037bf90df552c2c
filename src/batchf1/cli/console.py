"""Output and exit status of commands: an answer, or one line about an error."""

from __future__ import annotations

import json
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from batchf1.errors import (
    EXTRA_OF,
    MACHINE_ERRORS,
    InputError,
    PluginError,
    TraceError,
    missing,
    one_line,
)
from batchf1.records import imports

CHECK, INPUT, FAULT = 1, 2, 3
"""Exit statuses, as `batchf1 --help` lists them."""
DEBUG = "BATCHF1_DEBUG"
"""Environment variable; any value but an empty one prints the traceback of a fault."""
NO_READER = 128 + 13
"""What a shell reports of a command that SIGPIPE ended."""


def status(name: str, command: Callable[[], int | None]) -> int:
    """Run a command and return its exit status; print one line for an exception."""
    try:
        return command() or 0
    except BrokenPipeError:
        raise
    except Exception as error:
        code, message = _ending(error)
        if code == FAULT and os.environ.get(DEBUG):
            traceback.print_exc()
        print(f"{name}: {message}", file=sys.stderr)  # noqa: T201
        return code


def _ending(error: Exception) -> tuple[int, str]:
    """Return the exit status for an exception, and the message to print."""
    match error:
        case InputError():
            return INPUT, one_line(error)
        case ModuleNotFoundError() if str(error.name).partition(".")[0] in EXTRA_OF:
            return INPUT, missing(str(error.name))
        case OSError() if error.errno in MACHINE_ERRORS:
            return INPUT, one_line(f"{error.filename or 'a file'}: {error.strerror}")
        case MemoryError():
            return INPUT, f"not enough memory: {one_line(error) or 'out of memory'}"
        case TraceError():
            return CHECK, f"nothing written: {one_line(error)}"
        case PluginError():
            return FAULT, one_line(error)
    message = one_line(f"{type(error).__name__}: {error}")
    plugin = imports.raised_by(error)
    if plugin is not None:
        return FAULT, f"plug-in {plugin}: {message} ({DEBUG}=1 prints the traceback)"
    return FAULT, f"a fault of batchf1, please report it with the output under {DEBUG}=1: {message}"


def verdict(text: str, good: bool | None) -> str:
    """Return a verdict for the first line: on a terminal green, red, or bold where it is open.

    Without colours in a pipe, where NO_COLOR is set (no-color.org), and on a dumb terminal.
    """
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    if plain or not sys.stdout.isatty():
        return text
    return f"\033[{ {True: '1;32', False: '1;31', None: '1'}[good] }m{text}\033[0m"


def as_json(answer: Any) -> str:
    """Return an answer as strict JSON: named tuples as objects, null for NaN and infinity."""
    return json.dumps(_plain(answer), allow_nan=False)


@contextmanager
def handle_broken_pipe() -> Iterator[None]:
    """End the process silently, with status 141, once its reader (`head`) has left."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # what is buffered would fail when the interpreter ends
    except BrokenPipeError:
        for stream in (sys.stdout, sys.stderr):
            _drop_unread(stream)
        raise SystemExit(NO_READER) from None


def _drop_unread(stream: TextIO) -> None:
    """Discard buffered output, which the interpreter would otherwise flush at exit."""
    try:
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
