"""The figure of the engines' speeds, against ratios worked out by hand."""

import io

import pandas as pd
import pytest

from batchf1.errors import InputError
from batchf1.figures import scaling
from helpers import layout, pictures

HEAD = "engine,n_samples,batch_size,n_runs,first_s,later_s\n"
PLAIN = "plain,900,64,1,3,2\nplain,900,8,1,10,8\nplain,100,8,1,5,4\n"
OURS = "ensemble,900,8,10,2,0.125\nensemble,900,64,10,3,0.2\nensemble,100,8,10,1.25,0.0625\n"
STEPS = "S,900,8,10,1.375,0.0625\nS,900,64,10,1,0.1\nS,100,8,10,0.25,0.025\n".replace(
    "S,", '"ensemble, steps alone",'
)
FLOOR = "multiplications,900,8,10,1,0.05\nmultiplications,100,64,10,1,77\n"


def speeds(folder, rows):
    """A table with 5 in the columns that no number here depends on."""
    table = pd.read_csv(io.StringIO(HEAD + rows))
    table = table.assign(**{name: 5 for name in scaling.COLUMNS if name not in table})
    table.to_csv(folder / "engines.csv", index=False)
    return scaling.table(folder / "engines.csv")


def series(ax):
    return {line.get_label(): line.get_xydata().tolist() for line in ax.lines}


def test_ratios_of_equally_many_runs_and_compiling_apart(tmp_path):
    found = scaling.ratios(speeds(tmp_path, PLAIN + OURS + STEPS + FLOOR))
    found = found.set_index(["n_samples", "batch_size"])
    assert set(found["n_runs"]) == {10}
    assert found["compiled"].to_dict() == {
        (100, 8): pytest.approx(64),
        (900, 8): pytest.approx(64),
        (900, 64): pytest.approx(10),
    }
    # beyond later calls: 2 - 1.25 and 1.375 - 0.625 at 900 samples, more than at 100
    assert found["compiling_s"].tolist() == pytest.approx([1.5, 1.5, 1])
    # ten of plain Keras' runs, of which the first compiles
    assert found["first"].tolist() == pytest.approx([41 / 2.125, 82 / 2.75, 21 / 3])
    assert found["of_steps"].tolist() == pytest.approx([2.5, 2, 2])


def test_compiling_counts_in_whichever_call_came_first(tmp_path):
    swapped = OURS.replace("64,10,3,", "64,10,2,") + STEPS.replace("64,10,1,", "64,10,2,")
    found = scaling.ratios(speeds(tmp_path, PLAIN + swapped))
    pd.testing.assert_frame_equal(found, scaling.ratios(speeds(tmp_path, PLAIN + OURS + STEPS)))


def test_the_charts_have_the_largest_data_and_equally_many_runs(tmp_path):
    figure, (headline, caption) = pictures.laid_out(
        scaling.draw, speeds(tmp_path, PLAIN + OURS + STEPS + FLOOR)
    )
    left, right = figure.axes
    assert series(left) == {
        "plain Keras fit": [[8, 80], [64, 20]],
        "this project: an ensemble": [[8, 1.25], [64, 2]],
        "its training steps alone": [[8, 0.625], [64, 1]],
        "their multiplications alone": [[8, 0.5]],
    }
    assert series(right) == {
        "compiled": [[8, pytest.approx(64)], [64, pytest.approx(10)]],
        "compiling included": [[8, pytest.approx(82 / 2.75)], [64, pytest.approx(7)]],
    }
    assert sorted(text.get_text() for text in right.texts) == ["10", "30", "64", "7"]
    assert left.get_title(loc="left") == "Seconds of 10 runs, compiled"
    assert [text.get_text() for text in right.get_xticklabels()] == ["8", "64"]
    assert {ax.get_xscale() + ax.get_yscale() for ax in figure.axes} == {"loglog"}
    assert headline == (
        "Once compiled, plain Keras takes 10 to 64 times as long as an ensemble for 10 runs"
    )
    assert "900 samples, 5 epochs" in caption
    assert layout.wording(headline, caption) == []


def test_the_order_of_the_rows_is_of_no_account(tmp_path):
    table = speeds(tmp_path, PLAIN + OURS + STEPS + FLOOR)
    one, other = (
        [series(ax) for ax in pictures.laid_out(scaling.draw, rows).figure.axes]
        for rows in (table, table[::-1].reset_index(drop=True))
    )
    assert one == other


@pytest.mark.parametrize("rows", [PLAIN, OURS, PLAIN + OURS.replace("900", "800"), ""])
def test_without_both_engines_alike_there_is_nothing_to_compare(tmp_path, rows):
    words = pictures.words_of(scaling.draw, speeds(tmp_path, rows))
    assert words == ("Nothing to show", "Plain Keras and an ensemble were not measured alike.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\n1\n", "engines.csv: the CSV of the engines must have the columns .*; got none na"),
        (
            ",".join(scaling.COLUMNS) + "\nplain,many,8,5,5,1,1,1,1\n",
            r"column n_samples must be of type integer; got \['many'\]",
        ),
        (
            ",".join(scaling.COLUMNS) + "\nslow,9,8,5,5,1,1,1,1\n",
            r"column engine must be .*; got \['slow'\]",
        ),
    ],
)
def test_speeds_that_are_none_are_refused(tmp_path, text, words):
    (tmp_path / "engines.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        scaling.table(tmp_path / "engines.csv")
