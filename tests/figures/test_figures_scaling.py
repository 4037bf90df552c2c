"""What the speeds of engines and pipelines become in their figure, worked out by hand."""

import io

import pandas as pd
import pytest

from batchf1.errors import InputError
from batchf1.figures import scaling
from helpers import pictures

ENGINES = "engine,n_samples,batch_size,epochs,later_s\n"
PIPELINES = "pipeline,n_runs,cores,seconds\n"
PLAIN = "plain,100,8,5,4.0\nplain,900,8,5,9.0\nplain,900,64,5,2.0\nplain,100,64,5,77.0\n"
FLOOR = "multiplications,900,8,5,.25\nmultiplications,900,64,5,.125\n"
STUDIES = (
    "this project,10,2,20\nthis project,1000,2,30\nplain pipeline,2,2,300\nplain pipeline,4,2,560\n"
)


def speeds(folder, engines, pipelines):
    complete(ENGINES + engines, scaling.ENGINES).to_csv(folder / "engines.csv", index=False)
    complete(PIPELINES + pipelines, scaling.PIPELINES).to_csv(folder / "pipelines.csv", index=False)
    return scaling.table(folder / "engines.csv", folder / "pipelines.csv")


def complete(text, schema):
    """A table with 1 in the columns that the picture does not show."""
    table = pd.read_csv(io.StringIO(text))
    return table.assign(**{name: 1 for name in schema.columns if name not in table})


def draw(table):
    return pictures.laid_out(scaling.draw, table)


def series(ax):
    return {line.get_label(): line.get_xydata().tolist() for line in ax.lines}


def test_the_engines_over_data_size_and_batch_size(tmp_path):
    figure, _ = draw(speeds(tmp_path, FLOOR + PLAIN, STUDIES))
    left, middle, _ = figure.axes
    assert series(left) == {
        "plain Keras fit": [[100, 4], [900, 9]],
        "their multiplications alone": [[900, 0.25]],
    }
    assert series(middle) == {
        "plain Keras fit": [[8, 9], [64, 2]],
        "their multiplications alone": [[8, 0.25], [64, 0.125]],
    }
    assert [ax.get_title(loc="left") for ax in (left, middle)] == ["Batches of 8", "900 samples"]
    assert [text.get_text() for text in middle.get_xticklabels()] == ["8", "64"]
    low, high = left.get_ylim()
    assert middle.get_ylim() == (low, high)
    assert low < 0.125 < 9 < high  # the left panel has no 0.125
    assert {ax.get_xscale() + ax.get_yscale() for ax in figure.axes} == {"loglog"}


def test_the_studies_of_each_pipeline_and_plain_ones_of_as_many_runs(tmp_path):
    figure, (headline, caption) = draw(speeds(tmp_path, PLAIN, STUDIES))
    right = figure.axes[2]
    slow, fast, dotted = (line.get_xydata().tolist() for line in right.lines)
    assert slow == [[2, 300], [4, 560]]
    assert fast == [[10, 20], [1000, 30]]
    assert dotted == [[4, 560], [1000, 140_000]]
    assert {text.get_text(): text.xy for text in right.texts} == {
        "plain pipeline": (4, 560),
        "this project": (1000, 30),
    }
    assert headline == (
        "A run takes 0.03 s in a study of 1,000 here, and 140 s in one of 4 in plain Keras"
    )
    assert "one process and thread, 5 epochs" in caption
    assert "wall time on 2 cores" in caption


def test_a_study_measured_more_than_once_counts_by_its_median(tmp_path):
    again = "plain pipeline,4,2,800\nplain pipeline,4,2,4000\n"
    _, (headline, _) = draw(speeds(tmp_path, PLAIN, STUDIES + again))
    assert headline.endswith("of 1,000 here, and 200 s in one of 4 in plain Keras")


def test_speeds_of_one_pipeline_or_of_none(tmp_path):
    for name in scaling.STUDIES:
        lines = "".join(s for s in STUDIES.splitlines(keepends=True) if s.startswith(name))
        _, (headline, _) = draw(speeds(tmp_path, PLAIN, lines))
        assert headline == "A study takes so long"
    assert draw(speeds(tmp_path, PLAIN, ""))[1][0] == "Nothing to show"
    assert draw(speeds(tmp_path, "", STUDIES))[1][0] == "Nothing to show"


@pytest.mark.parametrize(
    ("engines", "pipelines", "words"),
    [
        (
            "a\n1\n",
            PIPELINES,
            "engines.csv: the CSV of the engines must have the columns .*; got none na",
        ),
        (ENGINES, "a\n1\n", "pipelines.csv: the CSV of the pipelines must have the columns"),
        (
            ENGINES,
            PIPELINES + "this project,many,2,3\n",
            r"column n_runs must be of type integer; got \['many'\]",
        ),
    ],
)
def test_speeds_that_are_none_are_refused(tmp_path, engines, pipelines, words):
    for name, text in {"engines": engines, "pipelines": pipelines}.items():
        schema = getattr(scaling, name.upper())
        table = complete(text, schema) if "," in text else pd.read_csv(io.StringIO(text))
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    with pytest.raises(InputError, match=words):
        scaling.table(tmp_path / "engines.csv", tmp_path / "pipelines.csv")
