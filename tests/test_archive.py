"""The archive of a version: what it holds, what it says of it, and when it is refused."""

import json
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from batchf1.records import provenance_of_file, tables
from batchf1.records.archive import INDEX, restore
from batchf1.records.columns import Schema, number
from helpers.commits import commit

pytest.importorskip("rocrate")  # of `make archive`

STUDY = {
    "question": "Does it work?",
    "n_runs": 3,
    "config": {"dataset.name": "diamonds"},
    "grid": {"seed": [0, 1, 2]},
    "trained": [{"first": "2026-11-30T10:00:00+00:00"}],
    "versions": {"numpy": "2.4.6"},
    "time": "2026-11-30T11:00:00+00:00",
}


@pytest.fixture(scope="module")
def checkout(repository, tmp_path_factory):
    root = tmp_path_factory.mktemp("archive") / "checkout"
    for name in ("paper/metadata.yaml", "pyproject.toml", "Snakefile", ".gitignore"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(repository / name, root / name)
    for name in ("experiments/mini.yaml", "report.html", "paper/paper.pdf", "figures/x.png"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(name)
    (root / "figures/x.pdf").write_text("pdf")
    (root / "figures/x.csv").write_text("f1\n0.5\n")
    schema = Schema("A row is a run.", {"f1": number("F1", 0, 1)})
    for name in ("runs", "store/one", "shards/0"):
        path = root / f"results/mini/{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        tables.write(pd.DataFrame({"f1": [0.5]}), path, schema, STUDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        provenance_of_file.write_record(
            Path("figures/x.csv"), "x", [Path("results/mini/runs.parquet")]
        )
    commit(root)
    return root


@pytest.fixture(scope="module")
def made(checkout):
    import archive

    output = checkout.parent / "made.crate.zip"
    archive.write(checkout, output)
    return output


@pytest.fixture(scope="module")
def entities(made):
    with zipfile.ZipFile(made) as opened:
        return {each["@id"]: each for each in json.loads(opened.read(INDEX))["@graph"]}


def test_it_holds_tracked_files_tables_and_caches(made):
    with zipfile.ZipFile(made) as opened:
        names = set(opened.namelist())
    assert {"Snakefile", "report.html", "paper/paper.pdf", "experiments/mini.yaml"} <= names
    assert {"results/mini/runs.parquet", "results/mini/store/one.parquet"} <= names
    assert "results/mini/shards/0.parquet" not in names


def test_a_study_has_inputs_outputs_times_packages_and_data(entities):
    study = entities["#study-mini"]
    objects = {each["@id"] for each in study["object"]}
    assert {"experiments/mini.yaml", "#data-diamonds", "#mini-seed"} <= objects
    assert study["result"] == [{"@id": "results/mini/runs.parquet"}]
    assert study["startTime"] == "2026-11-30T10:00:00+00:00"
    assert study["endTime"] == "2026-11-30T11:00:00+00:00"
    assert study["softwareRequirements"] == [{"@id": "https://pypi.org/project/numpy/2.4.6/"}]
    assert entities["#data-diamonds"]["license"] == {"@id": "https://spdx.org/licenses/MIT"}
    assert entities["#mini-seed"]["value"] == "[0, 1, 2]"


def test_a_figure_has_its_table_and_its_files(entities):
    figure = entities["#figure-x"]
    assert figure["object"] == [{"@id": "results/mini/runs.parquet"}]
    assert {each["@id"] for each in figure["result"]} == {
        f"figures/x.{kind}" for kind in ("csv", "json", "png", "pdf")
    }
    mentioned = {each["@id"] for each in entities["./"]["mentions"]}
    assert mentioned == {"#study-mini", "#figure-x"}


def test_it_has_title_and_version_of_the_metadata(repository, entities):
    import citations

    root = entities["./"]
    assert root["version"] == citations.project(repository)["version"]
    assert root["name"] == citations.metadata(repository)["software"]["title"]


def test_its_results_are_put_back_byte_for_byte(checkout, made, tmp_path):
    copy = shutil.copytree(checkout, tmp_path / "copy", ignore=shutil.ignore_patterns("results"))
    restored = restore(made, copy)
    assert (restored.tables, restored.cached, restored.changed) == (1, 1, ())
    for name in ("runs.parquet", "store/one.parquet"):
        old, new = (root / "results/mini" / name for root in (checkout, copy))
        assert old.read_bytes() == new.read_bytes()
    (copy / "Snakefile").write_text("rule all:\n")  # a workflow is more than a file in the list
    assert restore(made, copy).changed == ("Snakefile",)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda root: (root / "new.py").write_text(""),
            "the working tree must be clean; got ?? new.py",
        ),
        (lambda root: (root / "report.html").unlink(), "report.html must exist: make report"),
        (lambda root: shutil.rmtree(root / "results"), "results must exist: make figures"),
    ],
)
def test_what_is_not_ready_is_refused_in_one_line(checkout, tmp_path, spoil, message, capsys):
    import archive

    copy = shutil.copytree(checkout, tmp_path / "copy")
    spoil(copy)
    assert archive.main(["--root", str(copy)]) == 2
    assert capsys.readouterr().err == f"archive: {message}\n"
    assert not list(copy.glob("*.zip"))
