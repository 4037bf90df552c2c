"""The mutation tests: what counts as a fault, what is reported, and that their settings hold."""

import subprocess
import sys
from importlib.util import find_spec

import pytest
import yaml

from mutation import config, report
from mutation.faults import faults

SOURCE = '''"""A module of a few faults."""

Integers = NDArray[np.int64]
LIMIT = 4


class Pair:
    @property
    def total(self) -> int:
        """a + b."""
        return self.a + self.b


def half(n: int) -> float:
    if not n:
        raise_input_error("n", "must not be 0", n)
    check(n > 0, "n", f"is at least {2 - 1}", n)
    return n / 2
'''
FAULTS = {
    ("", "LIMIT = None"),
    ("", "LIMIT = 5"),
    ("Pair.total", "return self.a - self.b"),
    ("half", "if n:"),
    ("half", 'check(n >= 0, "n", f"is at least {2 - 1}", n)'),
    ("half", 'check(n > 1, "n", f"is at least {2 - 1}", n)'),
    ("half", "return n * 2"),
    ("half", "return n / 3"),
}


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(SOURCE)
    return path


def test_properties_and_constants_have_faults_texts_and_types_have_none(module):
    made, total = faults(module, [], None, 0)
    assert {(fault.function, fault.new) for fault in made} == FAULTS
    assert total == len(made) == len(FAULTS)
    for fault in made:
        assert fault.source.count("\n") == SOURCE.count("\n")
        assert fault.source != SOURCE == fault.source.replace(fault.new, fault.old)


def test_faults_in_what_an_entry_reaches(module):
    module.write_text(SOURCE + "\n\ndef table(n):\n    return [half(n), 1]\n")
    made, _ = faults(module, ["table"], None, 0)
    assert {fault.function for fault in made} == {"table", "half"}


def test_a_sample_hangs_on_the_seed_alone(module):
    first, again, other = (
        {fault.new for fault in faults(module, [], 4, seed)[0]} for seed in (0, 0, 1)
    )
    assert first == again != other
    assert len(first) == len(other) == 4
    module.write_text(SOURCE.replace("LIMIT = 4", "LIMIT = 9"))
    assert {line for line in first if "LIMIT" not in line} <= {
        fault.new for fault in faults(module, [], 5, 0)[0]
    }


@pytest.fixture
def project(tmp_path):
    """A repository with a module, a test that misses a fault, and an empty page."""
    test = """
import pytest
from batchf1 import half


def test_half():
    assert half.half(4) == 2
    with pytest.raises(ValueError):
        half.half(0)
"""
    for name, text in {
        "src/batchf1/__init__.py": "",
        "src/batchf1/half.py": "def half(n):\n"
        "    if n <= 0:\n        raise ValueError\n    return n / 2\n",
        "tests/test_half.py": test,
        "tools/mutation/config.yaml": "{seed: 0, groups: "
        "[{files: [half.py, __init__.py], tests: [test_half.py], load: []}]}",
        "docs/testing.md": f"Before.\n{report.START}\n{report.END}\nAfter.\n",
        ".gitignore": "/.mutants/\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def run(repository, project, *options):
    command = [sys.executable, "-m", "mutation", "--root", str(project), *options]
    return subprocess.run(
        command, cwd=repository / "tools", capture_output=True, text=True, timeout=120
    )


@pytest.mark.slow
def test_a_run_finds_what_the_tests_find_and_keeps_reasons(repository, project):
    done = run(repository, project)
    assert done.returncode == 0, done.stderr
    assert "4 of 4, 3 found" in done.stdout
    results = yaml.safe_load((project / report.RESULTS).read_text())
    assert list(results) == ["src/batchf1/half.py"]  # the other has nothing to change
    (survivor,) = results["src/batchf1/half.py"]["survivors"]
    assert survivor == {"function": "half", "old": "if n <= 0:", "new": "if n <= 1:", "why": ""}

    survivor["why"] = "nobody halves 1"
    (project / report.RESULTS).write_text(yaml.safe_dump(results))
    again = run(repository, project, "half")
    assert again.stdout == ""  # nothing is tried twice
    page = (project / report.PAGE).read_text()
    assert "| `half.py` | 4 | 4 | 3 | 75 % |" in page
    assert "- `half`: `if n <= 0:` → `if n <= 1:`: nobody halves 1" in page
    assert page.startswith("Before.\n")
    assert page.endswith("After.\n")
    with pytest.raises(SystemExit, match="MODULES: name files of tools/mutation/config.yaml"):
        config.groups(project, ["third"])


def test_the_settings_name_what_there_is(repository):
    groups = config.groups(repository)  # refuses a pattern without a file
    assert {"counts.py", "averaging.py"} <= {file.name for g in groups for file in g.files}
    for group in groups:
        assert all(find_spec(module.split(".")[0]) for module in group.load)
        sources = [(repository / file).read_text() for file in group.files]
        for entry in group.entries:
            assert any(f"\ndef {entry}(" in source for source in sources), entry


def test_the_page_shows_the_results_of_which_nine_in_ten_were_found(repository):
    results = report.results(repository)
    assert report.text(results) in (repository / report.PAGE).read_text()
    found, tried = (sum(entry[k] for entry in results.values()) for k in ("found", "tried"))
    assert found >= 0.9 * tried > 0
