"""What a release says of itself in several places, and the check of its installed package."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml


@pytest.fixture(scope="module")
def project(repository):
    return tomllib.loads((repository / "pyproject.toml").read_text())["project"]


@pytest.fixture
def install(repository, monkeypatch):
    monkeypatch.syspath_prepend(repository / "tools")
    import check_install

    return check_install


def test_one_version(repository, project):
    citation = yaml.safe_load((repository / "CITATION.cff").read_text())
    assert citation["version"] == project["version"]
    assert set(citation["keywords"]) <= set(project["keywords"])
    changes = (repository / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## (\S+)", changes, re.MULTILINE)
    assert project["version"] in versions
    assert versions == sorted(versions, key=lambda text: text.split("."), reverse=True)


def test_changes_are_in_sections(repository):
    changes = (repository / "CHANGELOG.md").read_text()
    sections = set(re.findall(r"^### (.*)", changes, re.MULTILINE))
    assert sections <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    for version in re.split(r"^## ", changes, flags=re.MULTILINE)[1:]:
        text = version.split("\n", 1)[1]
        assert re.match(r"\n### ", text), version[:40]
        for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
            assert re.match(r"\w+\n\n- ", section), section[:60]


def test_the_pythons_are_those_promised(project):
    prefix = "Programming Language :: Python :: 3."
    minors = [
        int(line[len(prefix) :]) for line in project["classifiers"] if line.startswith(prefix)
    ]
    low, high = map(int, re.findall(r"3\.(\d+)", project["requires-python"]))
    assert minors == list(range(low, high))


def test_a_tag_of_another_version_is_refused(install, monkeypatch):
    monkeypatch.setenv("TAG", "v0.0.1")
    with pytest.raises(AssertionError, match=r"tag v0\.0\.1 is not v\d"):
        install.main()


def test_the_check_wants_the_package_that_is_installed_and_light(install, monkeypatch, tmp_path):
    monkeypatch.setattr(install.batchf1, "__file__", f"{sys.prefix}/batchf1/__init__.py")
    with pytest.raises(AssertionError, match="not a light install"):
        install.check()
    monkeypatch.setattr(install, "EXTRAS", ())
    install.check()
    monkeypatch.setattr(install.batchf1, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(AssertionError, match="__init__"):
        install.check()


def test_the_hooks_mend_a_changed_file(repository, tmp_path):
    config = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text())
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    bad = {"python": "import os, sys\nprint( sys )\n", "smk": "rule a:\n  output: 'x'\n"}
    for hook in config["repos"][0]["hooks"]:
        kind = "python" if hook.get("types") == ["python"] else "smk"
        path = tmp_path / f"changed.{'py' if kind == 'python' else kind}"
        path.write_text(bad[kind])
        subprocess.run([*hook["entry"].split(), path.name], cwd=tmp_path, check=True)
        assert path.read_text() != bad[kind], hook["id"]
        assert hook["require_serial"]


def test_editors_and_ruff_agree_on_lines(repository):
    text = (repository / ".editorconfig").read_text()
    ruff = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["ruff"]
    assert f"max_line_length = {ruff['line-length']}\n" in text
