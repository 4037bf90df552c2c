"""Plug-ins that do not load, or raise, are named in a line, and disturb no other command."""

import pytest

from helpers.plugins_fixture import call, installed

FILES = {
    "broken.py": "import nowhere_at_all\n",
    "no_syntax.py": "def\n",
    "no_add.py": "",
    "raising.py": """
def add(commands):
    parser = commands.add_parser("raising")
    parser.set_defaults(command=run, prog=parser.prog)

def run(parsed):
    {}["key"]
""",
    "fine.py": """
def add(commands):
    parser = commands.add_parser("fine")
    parser.set_defaults(command=lambda _: print("fine"), prog=parser.prog)
""",
    "raising_data.py": """
from dataclasses import dataclass
from batchf1.datasets.base import Dataset

@dataclass
class MyData(Dataset):
    name = "my_data"

    def __post_init__(self):
        self.nothing

    def draw(self, rng, n_positive, n_negative):
        pass
""",
    "metric.py": "def f1(y_true, y_pred):\n    return y_true.nothing\n",
    "rows.csv": "y_true,y_pred,batch\n1,1,0\n0,1,1\n",
}
ENTRY_POINTS = """
[batchf1.commands]
bad = broken
syntax = no_syntax
empty = no_add
raising = raising
fine = fine

[batchf1.datasets]
bad_data = broken:Data
no_data = raising_data:Nothing

[batchf1.strategies]
bad_strategy = broken:Strategy
"""
LEFT_OUT = [f"batchf1: left out: command {name}: " for name in ("bad", "syntax", "empty")]
EXPECT = "expect --tp 160 --fp 40 --fn 40 --tn 9760 --batch-size 32"


@pytest.fixture
def batchf1(tmp_path, capfd):
    """A command beside a package of broken plug-ins: status, output, lines of errors."""

    def run(arguments):
        status, out, errors = call(capfd, *arguments.split())
        return status, out, errors.splitlines()

    with installed(tmp_path, FILES, ENTRY_POINTS):
        yield run


@pytest.mark.parametrize("arguments", [EXPECT, "train --settings", "fine"])
def test_what_names_no_broken_plug_in_goes_on_without_a_word(batchf1, arguments):
    status, out, errors = batchf1(arguments)
    assert (status, errors) == (0, [])
    assert out


def test_the_list_of_commands_names_each_broken_one_in_a_line(batchf1):
    status, out, errors = batchf1("--help")
    assert status == 0
    assert "fine" in out
    assert len(errors) == 3
    assert all(line.startswith(said) for line, said in zip(errors, LEFT_OUT, strict=True))
    assert "exit status:" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("bad", "batchf1: command bad: broken cannot be loaded: ModuleNotFoundError: No module"),
        ("syntax", "batchf1: command syntax: no_syntax cannot be loaded: SyntaxError: "),
        ("raising", "batchf1 raising: plug-in raising: KeyError: 'key' (BATCHF1_DEBUG=1 prints"),
        (
            "train dataset=bad_data",
            "batchf1 train: dataset bad_data: broken cannot be loaded: ModuleNotFoundError: ",
        ),
        (
            "train dataset=raising_data.MyData --settings",
            "batchf1 train: plug-in raising_data: AttributeError: 'MyData' object has no attribute",
        ),
        (
            "audit rows.csv --metric metric:f1",
            "batchf1 audit: plug-in metric: AttributeError: 'numpy.ndarray' object has no attribu",
        ),
        ("audit rows.csv --metric broken:f1", "batchf1 audit: --metric: broken cannot be loaded"),
    ],
)
def test_a_plug_in_that_is_named_and_fails_is_named_in_a_line(batchf1, arguments, said):
    status, _, errors = batchf1(arguments)
    assert status == 3
    assert len([line for line in errors if line.startswith("batchf1")]) == 1
    assert errors[-1].startswith(said)
    assert not any("Traceback" in line for line in errors)


def test_the_traceback_of_a_plug_in_is_printed_on_request(batchf1, monkeypatch):
    monkeypatch.setenv("BATCHF1_DEBUG", "1")
    status, _, errors = batchf1("raising")
    assert status == 3
    assert errors[0].startswith("Traceback")
    assert any("raising.py" in line for line in errors)


def test_a_name_that_a_registered_class_lacks_is_refused(batchf1):
    status, _, errors = batchf1("train dataset=no_data")
    assert status == 2
    assert errors == ["batchf1 train: dataset must be defined in raising_data; got Nothing"]
