"""Every file says where it came from, as far back as the trainings."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from batchf1.cli import main as cli
from batchf1.figures import _style
from batchf1.figures import base as figures
from batchf1.records import provenance, tables, whence
from batchf1.study import origin, plugins, schema
from helpers.commits import commit, git

STEP = {"commit": "c", "dirty": False, "versions": {"numpy": "2"}, "python": "3", "platform": "p"}
STUDY = STEP | {
    "time": "2026-01-01T00:00:00+00:00",
    "study": "s",
    "question": "Why (not) \\ é?",
    "n_runs": 3,
    "config": {"dataset.name": "d", "training.threads": 1},
    "grid": {"seed": [0, 1, 2]},
    "seeds": [0, 1, 2],
    "threads": [1],
    "devices": ["CPU"],
    "keras": ["3.0.0"],
    "trained": [{"commit": "old", "dirty": True, "n_runs": 3, "first": "a", "last": "b"}],
    "checked": [{"commit": "c", "dirty": False}],
}

FIGURES = Path(__file__).parents[2] / "figures"
DRAWN = [name for name in plugins.names(plugins.FIGURES) if (FIGURES / f"{name}.csv").exists()]


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
    names = ["__init__.py", "code.py", "part/deep.py", "used.py"]
    assert provenance.sources("batchf1.code") == [folder / name for name in names]
    assert provenance.sources("batchf1.part", "batchf1.none", "numpy") == [
        folder / "part/__init__.py"
    ]
    assert folder / "other.py" in provenance.sources("batchf1.other")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""A module."""', '"""Another text."""'),
        ('"""A module."""\n', ""),
        ('    """A class."""\n', ""),
        ('"""A method."""', '"""It says more.\n\n        On several lines.\n        """'),
        ('"""Of something."""\n', ""),
        ("  # why", ""),
        ("LIMIT = 3", "# a comment\n\nLIMIT = (\n    3\n)"),
        ('"0"', "'0'"),
        ("f(x, ", "f(\n                x,\n                "),
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
        ("x > LIMIT", "x >= LIMIT"),
        ('"above"', '"below"'),
        ('return "0"', "return 0"),
        ("def g", "def h"),
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
    (folder / "part/__init__.py").write_text("VALUE = 1\n")  # only its module is named
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
    entries = origin.trained([*runs, run | {"time": "4", "dirty": True}])
    assert [(e["n_runs"], e["dirty"], e["first"], e["last"]) for e in entries] == [
        (3, False, "1", "3"),
        (1, True, "4", "4"),
    ]
    again = origin.trained([*entries, *origin.trained([run | {"time": "0"}]), {"n_runs": 2}])
    assert [(e["n_runs"], e["first"], e["last"]) for e in again] == [
        (4, "0", "3"),
        (1, "4", "4"),
        (2, None, None),
    ]
    json.dumps(again)


def test_a_file_or_step_with_changes_makes_all_that_follow_dirty():
    def after(**source):
        return {**STEP, "sources": [{"file": "f", **source}]}

    assert not whence.dirty(after(provenance=STUDY))  # the shard found its runs to be of its code
    assert whence.dirty(after(provenance=STUDY | {"dirty": True}))
    checked = [{"commit": "c", "dirty": True}]
    assert whence.dirty(after(provenance=after(provenance=STUDY | {"checked": checked})))
    assert whence.dirty(after(sha256="s", dirty=True))
    assert not whence.dirty(after(sha256="s", dirty=None))


@pytest.fixture
def table(repository, tmp_path):
    """A CSV of a figure with its record, made from a study's table with another."""
    runs, path = tmp_path / "runs.parquet", tmp_path / "x.csv"
    tables.write(tables.empty(schema.RUNS), runs, schema.RUNS, STUDY)
    path.write_bytes((repository / "figures/worked_example.csv").read_bytes())
    record = whence.of_table(path, "worked_example", [runs])
    whence.write_sidecar(path, record | {"dirty": False})  # whatever is being worked on
    return path


def test_a_record_in_a_line():
    assert whence.summary({"commit": "c"}) == "Commit c."
    assert whence.summary({}) == whence.summary({"commit": None}) == "Commit unknown."
    step = STEP | {"module": "collapse"}
    of_study = {"file": "runs.parquet", "provenance": STUDY}
    other = STUDY | {"study": "t", "n_runs": 1302, "devices": ["CPU", "GPU"], "threads": [1, 2]}
    of_other = {"file": "other.parquet", "provenance": {"sources": [{"provenance": other}]}}
    plain = {"file": "log.txt", "sha256": "0", "dirty": None}
    said = "Commit c; study s: 3 runs on CPU in Keras 3.0.0, threads: 1"
    assert whence.summary(step | {"sources": [of_study, plain]}) == f"{said}."
    more = "study t: 1,302 runs on CPU and GPU in Keras 3.0.0, threads: 1, 2"
    assert whence.summary(step | {"sources": [of_study, of_other]}) == f"{said}; {more}."
    changed = step | {"sources": [of_study, plain | {"dirty": True}]}
    assert whence.summary(changed) == f"{said}; made with uncommitted changes."


def test_a_record_in_words():
    study = STUDY | {"n_runs": 1302, "devices": ["CPU", "GPU"], "keras": ["2.2.4", "3.0.0"]}
    study |= {"checked": [{"commit": "d", "dirty": True}], "device": "CPU"}
    plain = {"file": "log.txt", "sha256": "ab", "dirty": True}
    run = {"file": "run", "provenance": {"config": {"seed": 0}}}
    sources = [{"file": "runs.parquet", "provenance": study}, plain, plain | {"dirty": None}, run]
    record = STEP | {"module": "collapse", "changed": True, "dirty": True, "sources": sources}
    assert whence.text(Path("x.csv"), record).split("\n\n") == [
        "x.csv\n"
        "  changed    not the file that this was written for\n"
        "  made by    collapse\n"
        "  commit     c, uncommitted changes\n"
        "  machine    Python 3, p\n"
        "  versions   numpy=2",
        "runs.parquet\n"
        "  commit     c\n"
        "  time       2026-01-01T00:00:00+00:00\n"
        "  machine    Python 3, p\n"
        "  versions   numpy=2\n"
        "  device     CPU\n"
        "  study      s: Why (not) \\ é?\n"
        "  made of    1,302 runs on CPU and GPU in Keras 2.2.4 and 3.0.0, threads: 1\n"
        "  seeds      0, 1, 2\n"
        "  settings   dataset.name=d; training.threads=1\n"
        "  grid       seed=0, 1, 2\n"
        "  trained    3 runs at old, uncommitted changes, a to b\n"
        "  checked    of the code of d, uncommitted changes",
        "log.txt\n  sha256     ab, uncommitted changes",
        "log.txt\n  sha256     ab",
        "run\n"
        "  commit     unknown\n"
        "  machine    Python None, None\n"
        "  versions   \n"
        "  settings   seed=0",
    ]


def drawn(table, folder, **changes):
    record = {**whence.of_picture(table, "worked_example"), "dirty": False, **changes}
    outputs = [folder / f"x.{kind}" for kind in ("png", "pdf")]
    figures.draw("worked_example", table, outputs, record)
    return record, outputs


def test_a_picture_carries_its_record_its_headline_and_its_caption(table, tmp_path):
    record, outputs = drawn(table, tmp_path / "a")
    for path in outputs:
        assert whence.whence(path) == record
    (source,) = record["sources"]
    assert source["provenance"]["sources"][0]["provenance"] == STUDY
    with Image.open(outputs[0]) as picture:
        assert "its mean is right" in picture.text["Title"]
        assert picture.text["Description"].startswith("Three batches of 100 samples")
    assert b"/Title (Accuracy: its mean is right" in outputs[1].read_bytes()


def test_equal_numbers_with_an_equal_record_give_equal_files(table, tmp_path):
    (_, first), (_, second) = (drawn(table, tmp_path / folder) for folder in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_uncommitted_changes_stand_in_a_corner_of_the_picture(table, tmp_path):
    clean, dirty = (drawn(table, tmp_path / str(d), dirty=d)[1][0] for d in (False, True))
    pixels = [np.asarray(Image.open(path).convert("RGB"), int) for path in (clean, dirty)]
    different = np.argwhere(np.abs(pixels[0] - pixels[1]).sum(axis=2))
    height, width = pixels[0].shape[:2]
    assert len(different) > 50
    assert different[:, 0].min() > 0.95 * height
    assert different[:, 1].min() > 0.85 * width


@pytest.mark.parametrize("figure", DRAWN)
def test_the_corner_is_free(repository, figure):
    module = figures.module(figure)
    with _style.house():
        picture = module.draw(pd.read_csv(repository / f"figures/{figure}.csv"))
        _style.stamp(picture, whence.UNCOMMITTED)
        picture.canvas.draw()
        *_, stamp = picture.texts
        captions = picture.findobj(lambda a: a.get_gid() == _style.CAPTION)
        assert len(captions) == 1
        # line by line: the box of a caption spans its longest one
        whole, lines = captions[0].get_window_extent(), captions[0].get_text().split("\n")
        captions[0].set_text(lines[-1])
        last = captions[0].get_window_extent()
        assert stamp.get_window_extent().y1 < whole.y0 + last.height * 1.3
        assert last.x1 < stamp.get_window_extent().x0
        plt.close(picture)


def test_a_csv_that_was_changed_says_so_and_is_a_plain_file_to_what_follows(table, capsys):
    assert "changed" not in whence.whence(table)
    table.write_text(f"{table.read_text()}\n")
    assert whence.whence(table)["changed"]
    assert cli.main(["whence", str(table)]) == 0
    assert "not the file that this was written for" in capsys.readouterr().out
    (source,) = whence.of_picture(table, "worked_example")["sources"]
    assert source["sha256"] == whence.sha256(table)
    assert "provenance" not in source


def test_whence_tells_people_the_way_back(table, tmp_path, capsys):
    drawn(table, tmp_path)
    for path in (tmp_path / "x.png", tmp_path / "x.pdf", table, tmp_path / "runs.parquet"):
        assert cli.main(["whence", str(path)]) == 0
        said = capsys.readouterr().out
        assert said.startswith(f"{path}\n")
        for words in ("s: Why (not) \\ é?", "3 runs on CPU in Keras 3.0.0, threads: 1"):
            assert words in said
        assert "seed=0, 1, 2" in said
        assert "3 runs at old, uncommitted changes, a to b" in said


def test_whence_tells_programs_everything(table, capsys):
    assert cli.main(["whence", str(table), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sources"][0]["provenance"] == STUDY
    assert found["uncommitted_changes"] in (True, False)


def nothing(folder):
    """Files of each kind that do not say where they came from."""
    figure = plt.figure()
    for kind in ("png", "pdf"):
        figure.savefig(folder / f"n.{kind}")
    plt.close(figure)
    (folder / "n.csv").write_text("a\n1\n")
    pd.DataFrame({"a": [1]}).to_parquet(folder / "n.parquet")
    (folder / "half.png").write_bytes((folder / "n.png").read_bytes()[:100])
    (folder / "text.png").write_text("no picture")
    (folder / "n.txt").write_text("")
    for name, text in (("bad", "{"), ("list", "[]")):
        (folder / f"{name}.csv").write_text("a\n")
        (folder / f"{name}.json").write_text(text)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        *(
            (f"n.{kind}", "must say where it came from")
            for kind in ("png", "pdf", "csv", "parquet")
        ),
        ("n.txt", "is one of .parquet, .csv, .png, .pdf"),
        ("none.png", "must be a readable file"),
        ("none.csv", "must be a readable file"),
        ("half.png", "must be a whole PNG"),
        ("text.png", "must be a whole PNG"),
        ("bad.csv", "must hold its record as JSON"),
        ("list.csv", "must hold its record as a JSON object"),
    ],
)
def test_a_file_without_a_record_gets_one_line_and_status_2(name, words, tmp_path, capsys):
    nothing(tmp_path)
    assert cli.main(["whence", str(tmp_path / name)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err
    assert name.removesuffix(".csv") in said.err
    assert said.err.count("\n") == 1


def test_every_committed_figure_says_where_it_came_from(repository):
    """Right once the figures are made anew by the workflow that writes their records."""
    for path in sorted((repository / "figures").glob("*.csv")):
        record = whence.whence(path)
        assert "changed" not in record
        assert not whence.dirty(record), path.name
        for kind in ("png", "pdf"):
            (source,) = whence.whence(path.with_suffix(f".{kind}"))["sources"]
            assert source["provenance"] == record
