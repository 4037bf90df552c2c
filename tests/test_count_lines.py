"""The counter of lines of code: what `make count` leaves out, and how it adds up."""

import subprocess
import sys

import pytest

SOURCE = '''"""A module."""

import os  # counted once

# a comment alone

TEXT = """three
lines of
a value"""
"""What the constant is,
over two lines."""


def f(x,
      y=...):
    """Docstring."""
    ...
    return (x,

            y)
'''
LINES = 1 + 3 + 2 + 1 + 2


@pytest.fixture
def counter(repository, monkeypatch):
    monkeypatch.syspath_prepend(repository / "tools")
    import count_lines

    return count_lines


def test_docstrings_comments_and_blank_lines_do_not_count(counter):
    assert counter.code_lines(SOURCE) == LINES
    assert counter.code_lines("") == counter.code_lines('"""Empty."""\n\n# end') == 0


def test_lines_add_up_by_folder(counter, tmp_path):
    for name in ("a/b/deep.py", "a/__init__.py", "c/one.py", "alone.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(SOURCE)
    (tmp_path / "a" / "data.txt").write_text("x = 1")
    assert counter.by_package(tmp_path) == {"a": 2 * LINES, "c": LINES, "(modules)": LINES}


@pytest.mark.slow
def test_the_report_is_of_sources_and_tests(repository):
    command = [sys.executable, repository / "tools/count_lines.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first, *rows = done.stdout.splitlines()
    end = next(i for i, row in enumerate(rows) if not row.startswith(" "))
    numbers = [int(row.split()[1].replace(",", "")) for row in rows[:end]]
    assert first.split()[0] == "src/batchf1"
    assert rows[end].split()[0] == "tests"
    assert int(first.split()[1].replace(",", "")) == sum(numbers)
    assert numbers == sorted(numbers, reverse=True)
