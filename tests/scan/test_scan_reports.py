"""The reports of the scan, its settings and its command."""

import json
import subprocess
import sys

import pytest

from batchf1.cli import main as cli
from batchf1.errors import InputError
from batchf1.scan import settings
from batchf1.scan.report.sarif import sarif
from batchf1.scan.report.text import github
from batchf1.scan.rules.table import RULES
from batchf1.scan.scanner import scan

SURE = """\
def f1(y, p):
    return 2 * K.sum(y * p) / K.sum(y + p)
model.compile('adam', metrics=[f1])
"""
CHOICE = SURE.replace("f1", "dice")
KEYS = {"path", "line", "rule", "level", "symbol", "message", "instead"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(capsys, *words):
    status = cli.main(["scan", *words])
    out = capsys.readouterr()
    return status, out.out, out.err


def test_text_names_the_place_the_rule_and_the_remedy(here, capsys):
    (here / "a.py").write_text(SURE)
    (here / "b.py").write_text("print 1\n")
    status, out, _ = ask(capsys, "a.py", "b.py")
    assert status == 1
    last, first, second, third = out.splitlines()
    assert first == (
        "a.py:3: BF101 sure: Keras averages f1 over batches; F1 is not additive; "
        "audit's rule: per_batch"
    )
    assert second.startswith("    instead: Streaming()")
    assert third.startswith("b.py: not read: no Python 3: Missing parentheses")
    assert last == "1 sure in 2 files, 1 not read"


def test_a_choice_fails_only_if_asked(here, capsys):
    (here / "a.py").write_text(CHOICE)
    assert ask(capsys, ".")[0] == 0
    assert ask(capsys, ".", "--strict")[0] == 1
    (here / "a.py").write_text("x = 1\n")
    assert ask(capsys, ".", "--strict") == (0, "nothing found in 1 files\n", "")


@pytest.mark.parametrize("words", [["no.py"], ["broken.py"], ["a.py", "--rules", "BF9"]])
def test_what_cannot_be_used_leaves_with_status_2_and_one_line(here, capsys, words):
    (here / "broken.py").write_text("print 1\n")
    (here / "a.py").write_text("x = 1\n")
    status, out, err = ask(capsys, *words)
    assert (status, out, err.count("\n")) == (2, "", 1)


def test_json_is_a_list_with_the_cell_of_a_notebook_alone(here, capsys):
    (here / "a.py").write_text(SURE)
    cell = {"cell_type": "code", "source": SURE}
    (here / "b.ipynb").write_text(json.dumps({"cells": [cell]}))
    status, out, _ = ask(capsys, "a.py", "b.ipynb", "--json")
    one, two = json.loads(out)
    assert status == 1
    assert set(one) == KEYS
    assert set(two) == {*KEYS, "cell"}
    assert (two["cell"], two["line"]) == (1, 3)
    assert ask(capsys, "a.py", "--json", "--rules", "BF301")[:2] == (0, "[]\n")


def test_annotations_escape_what_github_reads(here):
    (here / "a,b:c.py").write_text(SURE)
    text = github(scan(["a,b:c.py"]))
    assert text.startswith("::error file=a%2Cb%3Ac.py,line=3,title=BF101::Keras averages")
    assert "\n" not in text


def test_sarif_points_to_a_rule_and_a_line_for_each_finding(here, capsys):
    (here / "a b.py").write_text(SURE + CHOICE)
    (here / "c.py").write_text("print 1\n")
    assert ask(capsys, ".", "--sarif", "out.sarif")[0] == 1
    log = json.loads((here / "out.sarif").read_text())
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(RULES)
    assert [one["level"] for one in run["results"]] == ["error", "warning"]
    for one in run["results"]:
        assert rules[one["ruleIndex"]]["id"] == one["ruleId"] == "BF101"
        place = one["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "a%20b.py"
        assert place["region"]["startLine"] in (3, 6)
    (notice,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notice["message"]["text"].startswith("no Python 3")


def test_sarif_of_an_absolute_path_below_the_folder_is_relative(here):
    (here / "a.py").write_text(SURE)
    (one,) = sarif(scan([str(here / "a.py")]))["runs"][0]["results"]
    assert one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a.py"


def test_sarif_that_cannot_be_written_is_one_line(here, capsys):
    (here / "a.py").write_text("x = 1\n")
    status, _, err = ask(capsys, "a.py", "--sarif", "no/such/out.sarif")
    assert status == 2
    assert err.startswith("batchf1 scan: no/such/out.sarif cannot be written; got ")


def test_settings_give_paths_and_rules(here, capsys):
    (here / "lib").mkdir()
    (here / "lib" / "a.py").write_text(SURE)
    (here / "b.py").write_text(SURE)
    (here / "pyproject.toml").write_text("[tool.batchf1.scan]\npaths = ['lib']\n")
    status, out, _ = ask(capsys)
    assert status == 1
    assert "in 1 files" in out
    (here / "pyproject.toml").write_text("[tool.batchf1.scan]\nrules = ['BF301']\n")
    assert ask(capsys)[0] == 0
    assert ask(capsys, "--rules", "BF101")[0] == 1
    (here / "pyproject.toml").write_text("[project]\nname = 'a'\n")
    assert ask(capsys)[0] == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.batchf1.scan]\npath = ['a']\n", "must be one of paths, rules; got path"),
        ("[tool.batchf1.scan]\npaths = 'a'\n", "must be a list of texts; got a"),
        ("[tool.batchf1]\nscan = 3\n", "tool.scan must be a table; got 3"),
        ("[", "must be TOML"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, text, said):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(InputError, match=said.replace("[", r"\[")):
        settings.load(tmp_path / ".")


def test_the_scan_needs_the_standard_library_alone(tmp_path):
    (tmp_path / "a.py").write_text(SURE)
    code = (
        "import sys; from batchf1.cli.main import main; main(['scan', sys.argv[1], '--json'])\n"
        "print([name for name in ('numpy', 'scipy', 'keras', 'yaml') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
