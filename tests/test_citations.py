"""The files by which the project is cited: one source, and what it leaves open."""

import json
import re
import tomllib

import pytest
import yaml

import citations


@pytest.fixture
def copy(repository, tmp_path):
    for name in ("paper/metadata.yaml", "pyproject.toml", "CHANGELOG.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((repository / name).read_text())
    (tmp_path / "figures").mkdir()
    return tmp_path


def test_the_files_are_what_the_metadata_give(repository):
    for name, text in citations.files().items():
        assert (repository / name).read_text() == text, name


def test_one_version_and_title(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    read = [yaml.safe_load((repository / "CITATION.cff").read_text())]
    read += [
        json.loads((repository / name).read_text()) for name in ("codemeta.json", ".zenodo.json")
    ]
    assert {each["version"] for each in read} == {project["version"]}
    assert len({each.get("title", each.get("name")) for each in read}) == 1
    changes = (repository / "CHANGELOG.md").read_text()
    assert re.search(r"^## (\S+)", changes, re.MULTILINE)[1] == project["version"]


def test_a_change_of_the_metadata_changes_each_file(copy):
    before = citations.files(copy)
    path = copy / "paper/metadata.yaml"
    path.write_text(path.read_text().replace("The batchf1 authors", "Somebody Else"))
    after = citations.files(copy)
    assert {name for name in after if after[name] != before[name]} == set(before)
    assert all("Somebody Else" in text for text in after.values())


def test_the_manifest_names_files_that_are_there(repository):
    manifest = yaml.safe_load((repository / "codecheck.yml").read_text())["manifest"]
    listed = [each["file"] for each in manifest]
    assert [name for name in listed if not (repository / name).is_file()] == []
    tables = {f"figures/{path.name}" for path in (repository / "figures").glob("*.csv")}
    assert tables < set(listed)
    assert "paper/paper.pdf" in listed


def test_what_only_the_owner_has_is_listed_and_left_out(capsys, copy):
    assert citations.main(["--gaps"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "paper/metadata.yaml has no authors.0.orcid" in lines
    assert "paper/metadata.yaml has no code.doi" in lines
    path = copy / "paper/metadata.yaml"
    assert "doi" not in citations.files(copy)["CITATION.cff"]
    path.write_text(path.read_text().replace("  - doi:\n", "  - doi: 10.5281/zenodo.0\n"))
    assert "doi: 10.5281/zenodo.0" in citations.files(copy)["CITATION.cff"]
    assert "code.doi" not in list(citations.gaps(citations.metadata(copy)))


@pytest.mark.parametrize(
    ("tag", "heading", "problem"),
    [
        ("v0.0.1", "## {}", "tag v0.0.1 must be v"),
        ("v{}", "## {} (unreleased)", "CHANGELOG.md must begin with ## "),
        ("v{}", "## 0.0.1", "CHANGELOG.md must begin with ## "),
        ("v{}", "## {}", ""),
    ],
)
def test_a_tag_agrees_with_version_and_changes(copy, tag, heading, problem):
    version = citations.project(copy)["version"]
    path = copy / "CHANGELOG.md"
    changes = re.sub(r"^## .*", heading.format(version), path.read_text(), count=1, flags=re.M)
    path.write_text(changes)
    found = citations.disagreement(tag.format(version), copy)
    assert found.startswith(problem)
    assert bool(found) == bool(problem)
