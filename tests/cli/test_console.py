"""How the commands end where something is wrong, and where nobody reads on."""

import os
import subprocess
import sys

import pytest

from batchf1.cli import console
from batchf1.errors import InputError, PluginError, TraceError
from helpers.slow import slow

FAULT = "a fault of batchf1, please report it with the output under BATCHF1_DEBUG=1"
EXPECT = "batchf1.cli.main expect --tp 160 --fp 40 --fn 40 --tn 9760 --batch-size 32"


def unread(command, stream="stdout", **environment):
    """A command whose output, or errors, go into a pipe that its reader has left."""
    reader, writer = os.pipe()
    os.close(reader)
    other = {"stdout": "stderr", "stderr": "stdout"}[stream]
    settings = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        env=settings | environment,
        text=True,
        **{stream: writer, other: subprocess.PIPE},
    )
    os.close(writer)
    return done.returncode, getattr(done, other)


@pytest.mark.parametrize(
    "command", [slow("batchf1.cli.main train --help"), "batchf1.cli.main --help", slow(EXPECT)]
)
def test_a_reader_that_has_left_ends_a_command_quietly(command):
    assert unread(command) == (141, "")


@pytest.mark.parametrize("command", [slow("batchf1.cli.main train --settings"), EXPECT])
def test_so_does_one_that_leaves_while_something_is_written(command):
    if "train" in command:
        pytest.importorskip("hydra")
    assert unread(command, PYTHONUNBUFFERED="1") == (141, "")


def test_so_does_one_of_the_errors():
    assert unread("batchf1.cli.main train training.batch_size=0", "stderr") == (141, "")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("x must be\n1; got 2"), 2, "name: x must be 1; got 2\n"),
        (TraceError("run a: logged 1"), 1, "name: nothing written: run a: logged 1\n"),
        (MemoryError(), 2, "name: not enough memory: out of memory\n"),
        (MemoryError("3 GB"), 2, "name: not enough memory: 3 GB\n"),
        (
            ModuleNotFoundError("no", name="keras.x"),
            2,
            "name: needs keras: pip install 'batchf1[keras]'\n",
        ),
        (
            OSError(28, "No space left on device", "t.csv"),
            2,
            "name: t.csv: No space left on device\n",
        ),
        (OSError(28, "No space left on device"), 2, "name: a file: No space left on device\n"),
        (PluginError("dataset x: it is\nbroken"), 3, "name: dataset x: it is broken\n"),
        (KeyError("x"), 3, f"name: {FAULT}: KeyError: 'x'\n"),
        (ModuleNotFoundError("no", name="nowhere"), 3, f"name: {FAULT}: ModuleNotFoundError: no\n"),
        (AssertionError(), 3, f"name: {FAULT}: AssertionError:\n"),
    ],
)
def test_each_failure_is_a_line_and_a_status(error, code, said, capsys):
    def command():
        raise error

    assert console.status("name", command) == code
    assert capsys.readouterr() == ("", said)


def test_the_traceback_of_a_fault_is_printed_on_request_and_that_of_bad_input_never(
    monkeypatch, capsys
):
    monkeypatch.setenv("BATCHF1_DEBUG", "1")
    for error, code in ((KeyError("x"), 3), (InputError("x"), 2)):

        def command(error=error):
            raise error

        assert console.status("name", command) == code
        said = capsys.readouterr().err
        assert ("in command" in said) == (code == 3)
        assert said.splitlines()[-1].startswith("name: ")


def test_a_command_has_its_own_status_or_none():
    assert [console.status("name", lambda s=s: s) for s in (None, 0, 1)] == [0, 0, 1]


@pytest.mark.parametrize(
    ("tty", "variables", "coloured"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_a_verdict_has_a_colour_on_a_terminal_alone(monkeypatch, tty, variables, coloured):
    monkeypatch.setattr("sys.stdout.isatty", lambda: tty)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    said = {good: console.verdict("It is so.", good) for good in (True, False, None)}
    assert (said[False] == "\033[1;31mIt is so.\033[0m") == coloured
    assert len(set(said.values())) == (3 if coloured else 1)
    assert all("It is so." in text for text in said.values())
