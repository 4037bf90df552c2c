"""`batchf1 train` in this process."""

import shlex

import pytest

from batchf1.cli import main as cli


@pytest.fixture
def train(tmp_path, monkeypatch, capfd):
    """The command in an empty folder: status, output, lines of errors."""
    monkeypatch.chdir(tmp_path)

    def command(line):
        try:
            status = cli.main(["train", *shlex.split(line)])
        except SystemExit as ended:
            status = ended.code
        said = capfd.readouterr()
        return status, said.out, said.err

    return command
