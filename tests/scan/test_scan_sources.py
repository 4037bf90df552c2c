"""What the scan reads: folders, notebooks, suppressions, and files made to break it."""

import json
import os
import time

import pytest

from batchf1.errors import InputError
from batchf1.scan import sources
from batchf1.scan.scanner import scan

WRONG = """\
def f1(y, p):
    return 2 * K.sum(y * p) / K.sum(y + p)
model.compile('adam', metrics=[f1])
"""


def notebook(*cells):
    kinds = [("markdown" if cell.startswith("#md") else "code", cell) for cell in cells]
    return json.dumps(
        {
            "nbformat": 4,
            "cells": [
                {"cell_type": kind, "source": cell.splitlines(keepends=True)}
                for kind, cell in kinds
            ],
        }
    )


def test_a_folder_is_read_without_hidden_ones_and_environments(tmp_path):
    for name in ("a.py", "b/c.py", ".git/d.py", "venv/e.py", "node_modules/f.py", "g.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(WRONG)
    report = scan([str(tmp_path)])
    assert [os.path.relpath(one.path, tmp_path) for one in report.findings] == ["a.py", "b/c.py"]
    assert report.files == 2


def test_a_notebook_gives_the_cell_and_the_line_in_it(tmp_path):
    first, second = WRONG.rstrip("\n"), "x = 1\nmodel.compile('adam', metrics=[f1])"
    (tmp_path / "a.ipynb").write_text(
        notebook("#md F1", f"%matplotlib inline\n!ls\n{first}", "%%bash\nls (", "if broken", second)
    )
    findings = scan([str(tmp_path)]).findings
    assert [(one.cell, one.line) for one in findings] == [(2, 5), (5, 2)]
    assert findings[0].to_dict()["cell"] == 2
    assert findings[0].place.endswith("a.ipynb:cell 2:5")


def test_definitions_of_a_notebook_serve_a_script(tmp_path):
    (tmp_path / "scores.ipynb").write_text(notebook(WRONG.rsplit("model", 1)[0]))
    (tmp_path / "use.py").write_text("from scores import f1\nmodel.compile(metrics=[f1])\n")
    assert [one.line for one in scan([str(tmp_path)]).findings] == [2]


@pytest.mark.parametrize(
    ("comment", "rules"),
    [
        ("# batchf1: ok[BF101] one batch an epoch", []),
        ("# batchf1: ok[BF301, BF101] one batch an epoch", []),
        ("# batchf1: ok[BF102] another rule", ["BF101"]),
        ("# batchf1: ok[BF101]", ["BF100", "BF101"]),
        ("# batchf1: ok", ["BF100", "BF101"]),
        ("# batchf1: ok one batch an epoch", ["BF100", "BF101"]),
        ("# batchf1 is good", ["BF101"]),
    ],
)
def test_a_suppression_needs_its_rule_and_a_reason(tmp_path, comment, rules):
    (tmp_path / "a.py").write_text(WRONG.rstrip("\n") + f"  {comment}\n")
    assert sorted(one.rule for one in scan([str(tmp_path)]).findings) == rules


OK = "# batchf1: ok[BF101] reason"
DEFINED = WRONG.rsplit("model", 1)[0].replace("f1", "f") + WRONG.rsplit("model", 1)[0]


@pytest.mark.parametrize(
    ("call", "silenced"),
    [
        (f"model.compile(  {OK}\n    metrics=[f, f1],\n)", {"f", "f1"}),
        (f"model.compile(\n    metrics=[f, f1],\n)  {OK}", {"f", "f1"}),
        (f"model.compile(\n    metrics=[\n        f,  {OK}\n        f1,\n    ],\n)", {"f"}),
        (f"model.compile(\n    {OK}\n    metrics=[f, f1],\n)", set()),
        (f"{OK}\nmodel.compile(metrics=[f, f1])", set()),
        (f"model.compile('{OK}', metrics=[f, f1])", set()),
        (f'model.compile(metrics=[f, f1], loss="""\n{OK}\n""")', set()),
        (f"model.compile(metrics=[f, f1], loss='# batchf1: ok')  {OK}", {"f", "f1"}),
    ],
)
def test_a_suppression_is_a_comment_of_the_statement_or_of_the_line(tmp_path, call, silenced):
    (tmp_path / "a.py").write_text(f"{DEFINED}{call}\n")
    findings = scan([str(tmp_path)]).findings
    assert {one.symbol for one in findings} == {"f", "f1"} - silenced
    assert {one.rule for one in findings} <= {"BF101"}


def test_a_suppression_of_a_class_stands_in_its_head(tmp_path):
    head = "class F1(Metric):\n    def update_state(self, y, p):\n"
    code = DEFINED + head + "        self.total.assign_add(f1(y, p))\n"
    (tmp_path / "a.py").write_text(code)
    assert [one.rule for one in scan([str(tmp_path)]).findings] == ["BF102"]
    for line, silenced in (("(Metric):", True), ("assign_add(f1(y, p))", False)):
        comment = f"{line}  # batchf1: ok[BF102] one batch an epoch"
        (tmp_path / "a.py").write_text(code.replace(line, comment))
        assert (scan([str(tmp_path)]).findings == []) == silenced


def test_a_suppression_in_a_notebook_is_found_beside_a_cell_that_is_no_python(tmp_path):
    text = f"{WRONG.rstrip()}  {OK}"
    (tmp_path / "a.ipynb").write_text(notebook("if (", "x = '''", text, WRONG))
    assert [one.cell for one in scan([str(tmp_path)]).findings] == [4]


def test_only_the_rules_that_are_asked_for(tmp_path):
    (tmp_path / "a.py").write_text(WRONG)
    assert scan([str(tmp_path)], only=["BF301"]).findings == []
    with pytest.raises(InputError, match=r"rules must be among BF100, .*; got BF1$"):
        scan([str(tmp_path)], only=["BF1"])
    with pytest.raises(InputError, match=r"PATH must be a file or a folder; got /no/such"):
        scan(["/no/such"])


BOMB = '{"cells": ' + "[" * 100_000 + "]" * 100_000 + "}"
HOSTILE = {
    "deep.py": "(" * 10_000 + ")" * 10_000,
    "minus.py": "x = " + "-" * 10_000 + "1",
    "chain.py": "x = a" + ".b" * 10_000,
    "sum.py": "x = 1" + " + 1" * 10_000,
    "calls.py": "x = " + "f(" * 10_000 + ")" * 10_000,
    "lists.py": "x = " + "[" * 10_000 + "]" * 10_000,
    "ifs.py": "".join(f"{' ' * n}if x:\n" for n in range(200)) + " " * 200 + "pass\n",
    "else.py": "if x:\n    pass\n" + "elif x:\n    pass\n" * 5_000,
    "python2.py": "print 'hello'\n",
    "zero.py": "x = 1\0",
    "latin.py": b"# -*- coding: nowhere -*-\nx = '\xe9'\n",
    "line.py": b"x = '" + b"a" * 6_000_000 + b"'\n",
    "bomb.ipynb": BOMB,
    "empty.ipynb": "",
    "list.ipynb": "[]",
    "number.ipynb": '{"cells": [{"cell_type": "code", "source": 3}]}',
    "cells.ipynb": '{"cells": {"a": 1}}',
}
READ = {"latin.py", "else.py"}
"""Those of them that are fine."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_ends_in_a_line_and_stops_nothing(tmp_path, name):
    content = HOSTILE[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "zz.py").write_text(WRONG)
    report = scan([str(tmp_path)])
    assert [one.rule for one in report.findings] == ["BF101"]
    assert report.files == 2
    for path, why in report.unreadable.items():
        assert path.endswith(name)
        assert "\n" not in why
    assert name in READ or report.unreadable


def test_a_file_of_fifty_megabytes_on_a_line_is_not_read(tmp_path):
    with (tmp_path / "a.py").open("wb") as stream:
        stream.truncate(50_000_000)
    start = time.perf_counter()
    report = scan([str(tmp_path)])
    assert time.perf_counter() - start < 1
    assert list(report.unreadable.values()) == ["50 MB, above the limit of 5 MB"]


def test_a_pipe_and_a_link_to_itself_do_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "loop").symlink_to(tmp_path)
    report = scan([str(tmp_path)])
    assert list(report.unreadable.values()) == ["no regular file"]


def test_functions_that_call_one_another_many_times_end(tmp_path):
    lines = ["def f0(y, p):\n    return K.sum(y * p) / K.sum(p)"]
    lines += [f"def f{n}(y, p):\n    return f{n - 1}(y, p) + f{n - 1}(p, y)" for n in range(1, 60)]
    code = "\n".join(lines) + "\nmodel.compile(metrics=[f59, f0])\n"
    (tmp_path / "a.py").write_text(code + "def g(y, p):\n    return g(p, y) / g(y, p)\n")
    assert "f0" in [one.symbol for one in scan([str(tmp_path)]).findings]


def test_a_file_that_takes_too_long_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("batchf1.scan.traces.MAX_STEPS", 10)
    (tmp_path / "a.py").write_text(WRONG)
    report = scan([str(tmp_path)])
    assert list(report.unreadable.values()) == ["too much code to follow"]


def test_nothing_of_what_is_scanned_runs(tmp_path):
    mark = tmp_path / "ran"
    (tmp_path / "a.py").write_text(f"open({str(mark)!r}, 'w')\nfrom b import f1\n{WRONG}")
    (tmp_path / "b.py").write_text(f"open({str(mark)!r}, 'w')\n")
    scan([str(tmp_path)])
    assert not mark.exists()


def test_modules_that_were_dropped_are_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr("batchf1.scan.project.MAX_MODULES", 2)
    (tmp_path / "scores.py").write_text(WRONG)
    for n in range(3):
        code = f"from scores import f1\nmodel.compile(metrics=[f1])  # {n}\n"
        (tmp_path / f"use{n}.py").write_text(code)
    assert len(scan([str(tmp_path)]).findings) == 4


def test_a_source_of_every_encoding_python_knows_is_read(tmp_path):
    (tmp_path / "a.py").write_bytes("# coding: latin-1\nx = 'é'\n".encode("latin-1"))
    (tmp_path / "b.py").write_bytes(b"\xef\xbb\xbfx = 1\n")
    assert "é" in sources.read(str(tmp_path / "a.py")).text
    assert scan([str(tmp_path)]).unreadable == {}
