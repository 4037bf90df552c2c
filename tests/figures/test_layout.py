"""The checker of layouts finds what is made wrong, and nothing in what is right."""

import pytest
from matplotlib import pyplot as plt

from batchf1.figures import style
from helpers import layout


@pytest.fixture
def ax():
    """Axes with ticks and a line along the diagonal, in which nothing is wrong."""
    with style.apply_style():
        figure, ax = plt.subplots(figsize=(4, 3), layout="constrained")
        ax.plot([0, 1], [0, 1])
        ax.set(xlabel="x", ylabel="y", title="Title")
        yield ax
        plt.close(figure)


def found(ax):
    ax.figure.draw_without_rendering()
    return layout.flaws(ax.figure)


def test_plain_axes_have_no_flaw(ax):
    ax.text(0.2, 0.8, "good")
    ax.text(0.8, 0.2, "turned", rotation=45, ha="center", va="center")
    assert found(ax) == []


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ({"x": 0.6, "y": 0.3, "s": "one\ntwo"}, "'good' lies on 'one\\ntwo'"),
        ({"x": 1.05, "y": 0.3, "s": "too far right"}, "'too far right' leaves the figure"),
        ({"x": 0.5, "y": 1.05, "s": "clipped", "clip_on": True}, "'clipped' is cut off"),
        ({"x": 0.3, "y": 0.28, "s": "line"}, "'line' is struck through"),
        ({"x": 0.3, "y": 0.7, "s": "fine print", "fontsize": 2}, "has 4.3 points in a README"),
        ({"x": -0.07, "y": 0.1, "s": "axis"}, "'axis' lies on an axis or beside its ticks"),
        ({"x": -0.04, "y": 0.7, "s": "near"}, "'near' lies on an axis or beside its ticks"),
    ],
)
def test_a_text_in_a_bad_place_is_found(ax, text, flaw):
    ax.text(0.62, 0.3, "good")
    ax.text(**text, ha="left", va="center", in_layout=False)
    assert any(line.endswith(flaw) for line in found(ax))


def test_a_text_on_a_tick_or_on_its_label_is_found(ax):
    ax.figure.draw_without_rendering()
    x, y = ax.transData.transform((0.2, ax.get_ylim()[0]))
    below = ax.figure.text(x, y - 5, "|", ha="center", va="center", transform=None)
    assert found(ax) == ["'|' lies on an axis or beside its ticks"]
    below.set(text="on a label", y=y - 25)
    assert "'0.2' lies on 'on a label'" in found(ax)


def test_crowded_ticks_are_found_and_those_out_of_view_are_none(ax):
    ax.set_xticks([0, 0.02, 3], ["first", "second", "never seen"])
    assert found(ax) == ["'first' lies on 'second'"]


def test_a_legend_in_a_bad_place_is_found(ax):
    ax.lines[0].set_label("a line")
    ax.text(0.05, 0.9, "under the legend")
    ax.legend(loc="upper left", frameon=True)
    assert "'under the legend' lies on a legend" in found(ax)
    ax.legend(loc="upper left", bbox_to_anchor=(0.8, 0.5)).set_in_layout(False)
    assert "a legend leaves the figure" in found(ax)


def test_a_point_and_a_grid_strike_a_text_through_but_not_one_with_a_ground(ax):
    ax.plot([0.3], [0.8], "o")
    ax.grid()
    point = ax.text(0.3, 0.8, "point", ha="center", va="center")
    ax.text(0.6, 0.2, "grid", ha="center", va="center")
    assert found(ax) == ["'grid' is struck through", "'point' is struck through"]
    ax.texts[1].set_bbox({"facecolor": "white"})
    assert found(ax) == ["'point' is struck through"]
    point.set_visible(False)
    assert found(ax) == []


def test_hidden_axes_have_no_texts(ax):
    ax.set_xticks([0, 0.02], ["one", "another"])
    ax.set_axis_off()
    assert found(ax) == []


GOOD = ("Small batches make F1 too low", "A point is the mean of 20 trainings. Data: diamonds.")


@pytest.mark.parametrize(
    ("headline", "caption", "flaw"),
    [
        (*GOOD, ""),
        ("Error over batch size", GOOD[1], "the title is no sentence with a verb"),
        (f"{GOOD[0]}. It is so.", GOOD[1], "the title is more than one sentence"),
        (GOOD[0] * 4, GOOD[1], "the title is longer than a line"),
        (GOOD[0], "Means of 20 trainings. Data: diamonds.", "the caption does not say what a mark"),
        (GOOD[0], "A point is the mean of 20 trainings.", "the caption does not name the data"),
        (GOOD[0], "A point is a mean. Data: diamonds.", "the caption has no number"),
    ],
)
def test_a_title_is_a_sentence_and_a_caption_says_what_is_drawn(headline, caption, flaw):
    found = layout.wording(headline, caption)
    assert [line[: len(flaw)] for line in found] == ([flaw] if flaw else [])
