"""What a result is recorded with: commit, changes, versions, and a fingerprint of its code."""

import ast
import json
import re

import numpy as np
import pytest

from batchf1.config import registry
from batchf1.errors import InputError
from batchf1.records import provenance
from batchf1.sweep import provenance_summary
from helpers.commits import commit, git

STEP = {"commit": "c", "dirty": False, "versions": {"numpy": "2"}, "python": "3", "platform": "p"}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository that looks like this one, as the package's own."""
    for name in ("src/batchf1/__init__.py", "figures/x.csv", "README.md", "experiments/s.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1\n")
    commit(tmp_path)
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path / "src/batchf1")
    return tmp_path


def test_a_clean_checkout_has_a_commit_and_no_changes(checkout):
    found = provenance.collect()
    assert found["commit"] == git(checkout, "rev-parse", "HEAD")
    assert found["dirty"] is False
    assert {"tensorflow", "keras", "pandas", "matplotlib"} <= found["versions"].keys()


@pytest.mark.parametrize(
    ("name", "dirty"),
    [
        ("figures/x.csv", False),  # the workflow has just rewritten it
        ("figures/y.json", False),
        ("README.md", False),
        ("src/batchf1/__init__.py", True),
        ("src/batchf1/strategies/new.py", True),  # code that no commit has
        ("experiments/s.yaml", True),
        ("experiments/new.yaml", True),
        ("experiments/notes.txt", False),
    ],
)
def test_dirty_is_what_matters_and_is_not_in_the_commit(checkout, name, dirty):
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("2\n")
    assert provenance.collect()["dirty"] is dirty


def test_a_missing_file_is_a_change(checkout):
    (checkout / "experiments/s.yaml").unlink()
    assert provenance.collect()["dirty"] is True


def test_without_version_control_nothing_is_claimed(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    found = provenance.collect()
    assert (found["commit"], found["dirty"]) == (None, None)


def test_a_package_installed_inside_a_repository_does_not_claim_its_commit(checkout, monkeypatch):
    inside = checkout / ".venv/batchf1"
    inside.mkdir(parents=True)
    (inside / "__init__.py").write_text("")
    monkeypatch.setattr(provenance, "PACKAGE", inside)
    assert provenance.commit() is None


def test_the_fingerprint_does_not_follow_what_only_draws(monkeypatch):
    assert set(provenance.versions()) == set(provenance.DECISIVE)


CODE = '''"""A module."""

from batchf1.used import f

LIMIT = 3
"""Of something."""


class A:
    """A class."""

    def g(self, x: int) -> str:
        """A method."""
        if x > LIMIT:  # why
            return f(x, "above")
        return "0"
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of a few modules in the place of this one, and what gives its fingerprint."""
    folder = tmp_path / "batchf1"
    (folder / "part").mkdir(parents=True)
    for name, text in {
        "__init__.py": "",
        "code.py": CODE,
        "used.py": "import numpy\nimport batchf1.part.deep\n\n\ndef f(*x): return x\n",
        "part/__init__.py": "",
        "part/deep.py": "from batchf1 import VALUE, code\n",  # a circle, and what is no module
        "other.py": "import batchf1.code\n",
    }.items():
        (folder / name).write_text(text)
    monkeypatch.setattr(provenance, "PACKAGE", folder)

    def fingerprint(*modules):
        provenance._imports.cache_clear()
        return provenance.fingerprint(*modules or ["batchf1.code"])

    yield folder, fingerprint
    provenance._imports.cache_clear()


def test_the_sources_of_a_module_are_what_it_imports(package):
    folder, _ = package
    provenance._imports.cache_clear()
    names = ["code.py", "part/deep.py", "used.py"]
    assert provenance.sources("batchf1.code") == [folder / name for name in names]
    assert folder / "other.py" in provenance.sources("batchf1.other")
    for name in ("batchf1.none", "batchf1.part", "batchf1", "sys", "nowhere.at_all"):
        with pytest.raises(InputError, match=f"module must be a file of code; got {name}"):
            provenance.sources("batchf1.code", name)


def test_a_module_of_another_package_brings_its_own_package_along(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "somebody").mkdir()
    for name, text in {
        "__init__": "from somebody import first",
        "first": "",
        "data": "from batchf1.errors import check\nfrom somebody import more\nimport json",
        "more": "from .beside import x\nfrom . import last",
        "beside": "",
        "last": "",
        "unread": "",
    }.items():
        (tmp_path / f"somebody/{name}.py").write_text(text)
    found = provenance.sources("somebody.data")
    theirs = [path for path in found if path.is_relative_to(tmp_path)]
    assert [path.stem for path in theirs] == ["__init__", "beside", "data", "first", "last", "more"]
    assert provenance.PACKAGE / "errors.py" in found


def test_every_module_that_a_rule_names_has_sources(repository):
    text = "\n".join(p.read_text() for p in sorted((repository / "workflow/rules").glob("*.smk")))
    named = re.findall(r"\bsources\(\"([\w.]+)\"\)", text)
    others_page, paper = "batchf1.studies.frameworks.others_page", "batchf1.records.files"
    assert named == ["batchf1.studies.cuts.run", others_page, paper, "batchf1.records.report"]
    figures = [registry.module(registry.FIGURES, name) for name in registry.names(registry.FIGURES)]
    for module in [*named, *figures]:
        assert len(provenance.sources(module)) > 1


def test_what_fingerprints_leave_out_holds_no_code():
    for path in provenance.PACKAGE.rglob("__init__.py"):
        kinds = (ast.FunctionDef, ast.ClassDef)
        defined = [n.name for n in ast.parse(path.read_text()).body if isinstance(n, kinds)]
        assert set(defined) <= {"__getattr__", "__dir__"}, path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""A module."""', '"""Another text."""'),
        ('"""A method."""', '"""It says more.\n\n        On several lines.\n        """'),
        ("  # why", ""),
        ("LIMIT = 3", "# a comment\n\nLIMIT = (\n    3\n)"),
    ],
)
def test_comments_docstrings_and_layout_do_not_change_the_fingerprint(package, old, new):
    folder, fingerprint = package
    before = fingerprint()
    assert CODE.count(old) == 1
    (folder / "code.py").write_text(CODE.replace(old, new))
    assert fingerprint() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ('return "0"', "return 0"),
        ("    def g", "    @staticmethod\n    def g"),
        ("x: int", "x: int = 3"),
        ('        return "0"\n', ""),
    ],
)
def test_code_changes_the_fingerprint(package, old, new):
    folder, fingerprint = package
    before = fingerprint()
    assert CODE.count(old) == 1
    (folder / "code.py").write_text(CODE.replace(old, new))
    assert fingerprint() != before


def test_the_fingerprint_is_of_what_is_imported_and_of_the_versions(package, monkeypatch):
    folder, fingerprint = package
    before = fingerprint()
    assert len(before) == 12
    (folder / "other.py").write_text("import batchf1.code\nVALUE = 1\n")
    (folder / "part/__init__.py").write_text("VALUE = 1\n")
    (folder / "__init__.py").write_text("VALUE = 1\n")
    assert fingerprint() == before
    (folder / "part/deep.py").write_text("from batchf1 import VALUE, other\n")
    assert fingerprint() != before
    (folder / "part/deep.py").write_text("from batchf1 import VALUE, code\n")
    assert fingerprint() == before
    monkeypatch.setattr(provenance, "version", lambda package: "0")
    assert fingerprint() != before


def test_a_package_that_is_missing_is_said_to_be():
    found = provenance.versions("numpy", "no-such-package-anywhere")
    assert found == {"numpy": np.__version__, "no-such-package-anywhere": "not installed"}


def test_runs_trained_alike_stand_in_one_entry():
    run = STEP | {"device": "CPU", "config": {"seed": 0}}
    runs = [run | {"time": time} for time in ("2", "1", "3")]
    entries = provenance_summary.trained_on([*runs, run | {"time": "4", "dirty": True}])
    assert [(e["n_runs"], e["dirty"], e["first"], e["last"]) for e in entries] == [
        (3, False, "1", "3"),
        (1, True, "4", "4"),
    ]
    again = provenance_summary.trained_on(
        [*entries, *provenance_summary.trained_on([run | {"time": "0"}])]
    )
    assert [(e["n_runs"], e["first"], e["last"]) for e in again] == [(4, "0", "3"), (1, "4", "4")]
    json.dumps(again)
