"""What the command itself prints: its help, its version and its examples."""

import re
import shlex
from importlib.metadata import version
from pathlib import Path

import pytest

import batchf1
from batchf1.cli import completion
from batchf1.cli import main as cli
from batchf1.cli.main import main


def printed(capsys, *words):
    """What a command prints that ends by itself."""
    with pytest.raises(SystemExit, match="^0$"):
        main(list(words))
    return capsys.readouterr().out


def test_without_a_word_help_is_printed(capsys):
    assert printed(capsys) == printed(capsys, "--help")


def test_the_version_is_that_of_the_package(capsys):
    assert printed(capsys, "--version") == f"batchf1 {version('batchf1')}\n"
    assert batchf1.__version__ == version("batchf1")


def test_python_runs_the_package_as_the_command(capsys, monkeypatch):
    import runpy

    monkeypatch.setattr("sys.argv", ["batchf1", "--version"])
    with pytest.raises(SystemExit):
        runpy.run_module("batchf1", run_name="__main__")
    assert capsys.readouterr().out.startswith("batchf1 ")


@pytest.mark.parametrize("module", [m for m in cli.COMMANDS if hasattr(m, "EPILOG")])
def test_the_examples_of_a_command_are_read_and_its_page_exists(module, repository, monkeypatch):
    monkeypatch.chdir(repository)
    lines = module.EPILOG.replace("\\\n", " ").splitlines()
    examples = [line for line in lines if line.startswith("  batchf1 ")]
    assert examples
    for example in examples:
        parsed = cli._parser([]).parse_args(shlex.split(example)[1:])
        assert parsed.prog.split()[1] == example.split()[1]
    page = lines[-1].removeprefix("See ").removesuffix(".")
    assert Path(page).is_file()


def test_the_first_examples_run(capsys):
    line = next(x for x in cli.EXAMPLES.splitlines() if x.startswith("  batchf1 expect"))
    assert main(shlex.split(line)[1:]) == 0
    assert "F1" in capsys.readouterr().out


def test_every_command_has_an_example_and_a_page(capsys):
    commands = [m for m in cli.COMMANDS if not hasattr(m, "EPILOG")]
    for module in commands:
        name = module.__name__.rpartition(".")[2]
        said = printed(capsys, name, "--help")
        assert f"batchf1 {name}" in said.partition("example")[2], name
        assert "docs/" in said, name


def test_the_help_lists_the_commands_for_people_alone(capsys):
    said = printed(capsys, "--help").partition("options:")[0]
    listed = re.findall(r"^    (\w+)\b", said, re.M)
    assert listed == completion.COMMANDS.split()
    assert set(cli._parser([])._subparsers._group_actions[0].choices) == {*listed, "workflow"}
