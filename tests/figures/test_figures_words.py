"""Headline and data sets that a figure takes from the record beside its CSV."""

import json

import pandas as pd
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from batchf1.cli import main as cli
from batchf1.figures import _words, style
from batchf1.records import tables
from batchf1.records.files import sha256_of
from helpers import pictures

ALT = "A line, for the test."
FIGURE = f"""
from matplotlib import pyplot as plt

ALT = {ALT!r}
COLUMNS = {{"f1": "number"}}


def table(source):
    raise AssertionError("not asked for")


def draw(table):
    figure, ax = plt.subplots(layout="constrained")
    ax.plot(table["f1"])
    return figure
"""
STUDY = {"config": {"dataset.variant": "my_data"}, "question": "Is *it* right?"}
RUNS = {"file": "results/s/runs.parquet", "study": "s", "n_runs": 2, "frameworks": ["keras 3"]}


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draw a figure that has neither headline nor caption; its PNG and the report's caption."""
    (tmp_path / "bare_figure.py").write_text(FIGURE)
    monkeypatch.syspath_prepend(tmp_path)

    def draw(*sources):
        source, png, caption = (tmp_path / name for name in ("f.csv", "f.png", "f.rst"))
        tables.write_csv(pd.DataFrame({"f1": [0.1, 0.9]}), source)
        record = {"module": "bare_figure", "sha256": sha256_of(source), "sources": list(sources)}
        source.with_suffix(".json").write_text(json.dumps(record))
        command = ["workflow", "draw", "bare_figure", str(source), "--output", str(png)]
        assert cli.main([*command, "--caption", str(caption)]) == 0
        with Image.open(png) as picture:
            return picture.text, caption.read_text()

    return draw


def test_without_a_headline_the_question_of_the_study_stands_in_the_report(drawn):
    in_png, caption = drawn(STUDY | RUNS | {"devices": ["CPU"]})
    assert in_png["Title"] == "Is *it* right?"
    assert in_png["Description"] == "Data: my_data."
    assert caption.splitlines()[0] == r"**Is \*it\* right?**"
    assert "****" not in caption


def test_without_a_study_too_it_is_what_the_picture_shows(drawn):
    in_png, caption = drawn({"file": "experiments/e.yaml"})
    assert in_png["Title"] == ALT
    assert "Description" not in in_png
    assert caption.split("\n\n")[:2] == [f"**{ALT}**", ALT]
    assert "\n\n\n" not in caption
    assert "**" not in drawn()[1].partition("\n\n")[2]  # nor is an empty origin emphasised


def completed(caption, *sources):
    with style.apply_style():
        figure, ax = plt.subplots(layout="constrained")
        ax.set_title("Titles conclude", loc="left")
        if caption:
            style.caption(figure, caption)
        _words.completed(figure, {"sources": list(sources)}, ALT)
        figure.draw_without_rendering()
        plt.close(figure)
        captions = [text for text in figure.texts if text.get_gid() == style.CAPTION]
    return style.words(figure)[0], [text.get_text() for text in captions]


STONE, LATE = (_words.QUESTIONS[name] for name in ("diamonds", "flights"))
SEVERAL = {"grid": {"dataset.variant": ["diamonds", "flights"]}, "config": {}}


@pytest.mark.parametrize(
    ("caption", "sources", "said"),
    [
        ("Five runs.", [STUDY], ["Five runs.\nData: my_data."]),
        (
            "Five runs, of a long name.\nEnd.",
            [STUDY],
            ["Five runs, of a long name.\nEnd. Data: my_data."],
        ),
        ("Five runs on my_data.", [STUDY], ["Five runs on my_data."]),
        ("Five runs.", [SEVERAL], [f"Five runs.\nData: diamonds ({STONE}), flights ({LATE})."]),
        ("On diamonds.", [SEVERAL, STUDY], [f"On diamonds.\nData: flights ({LATE}), my_data."]),
        ("No runs.", [{"file": "x.yaml"}], ["No runs."]),
        ("", [STUDY, STUDY], ["Data: my_data."]),
    ],
)
def test_the_data_sets_that_a_caption_lacks_are_added(caption, sources, said):
    assert completed(caption, *sources) == ("Titles conclude", said)


@pytest.mark.parametrize("name", pictures.NAMES)
def test_each_committed_picture_of_a_study_names_its_data_sets(name):
    record = json.loads((pictures.FOLDER / f"{name}.json").read_text())
    with Image.open(pictures.FOLDER / f"{name}.png") as picture:
        caption = picture.text["Description"]
    for source in record["sources"]:
        variants = source.get("grid", {}).get("dataset.variant", [])
        one = source.get("config", {}).get("dataset.variant")
        assert all(variant in caption for variant in [*variants, *([one] if one else [])])
