"""One style: a strategy looks the same everywhere, and no other looks like it; legends fit."""

import matplotlib
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from batchf1.config import registry
from batchf1.figures import _line_plot, error_vs_batch_size, style
from batchf1.figures import base as figures
from helpers.slow import slow

ADDED = ["a_running_mean", "median_of_batches", "of_the_largest_batch"]


@pytest.fixture
def added(monkeypatch):
    """Three strategies that somebody adds."""
    real = registry.names
    monkeypatch.setattr(registry, "names", lambda p: sorted({*real(p), *ADDED}))
    return sorted(style.COLOURS) + ADDED


def looks(names):
    return [(style.colour(name), style.marker(name)) for name in names]


def test_a_strategy_has_a_colour_a_marker_and_a_name_of_its_own(added):
    assert len(added) == 7
    for part in (style.colour, style.marker, style.label):
        assert len(set(map(part, added))) == len(added)
    assert style.label("median_of_batches") == "median of batches"


def test_known_strategies_have_the_names_that_they_say_themselves():

    for name in registry.names(registry.STRATEGIES):
        assert style.label(name) == registry.strategy(name)().label


def test_colours_that_come_round_again_have_another_marker(monkeypatch):
    many = [f"s{i:02}" for i in range(16)]
    monkeypatch.setattr(registry, "names", lambda package: [*many, *style.COLOURS])
    assert len(set(looks(many))) == 16
    assert looks(many)[:2] == [("#E69F00", "P"), ("#56B4E9", "X")]
    assert looks(many)[4] == ("#E69F00", "X")


SETTINGS = """
pdf.compression: 0
savefig.bbox: tight
figure.facecolor: pink
axes.grid: True
font.family: monospace
"""


def test_a_matplotlibrc_changes_no_byte(repository, tmp_path):
    (tmp_path / "matplotlibrc").write_text(SETTINGS)
    source = repository / "figures/worked_example.csv"
    x, y = ([tmp_path / f"{name}.{kind}" for kind in ("png", "pdf")] for name in "xy")
    figures.draw("worked_example", source, y)
    with matplotlib.rc_context(fname=tmp_path / "matplotlibrc"):
        figures.draw("worked_example", source, x)
    for one, other in zip(x, y, strict=True):
        assert one.read_bytes() == other.read_bytes()


def of_strategies(repository, names):
    """The committed numbers of one strategy's cells, said of several."""
    table = pd.read_csv(repository / "figures/error_vs_batch_size.csv")
    table = table[table["prevalence"].isin([0.02, 0.2])]
    ours = table[table["strategy"] == "streaming"]
    others = [ours.assign(strategy=name) for name in names if name not in style.COLOURS]
    return pd.concat([table[table["strategy"].isin(names)], *others])


def inside(figure, artist):
    box, whole = artist.get_window_extent(), figure.bbox
    return whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1


@pytest.mark.parametrize("n", [slow(5), slow(6), 7])
def test_a_legend_of_many_strategies_lies_inside_the_figure(added, repository, n):
    names = added[:n]
    with style.apply_style():
        figure = error_vs_batch_size.draw(of_strategies(repository, names))
        figure.draw_without_rendering()
        (legend,) = figure.legends
        said = [text.get_text() for text in legend.get_texts()]
        shown = [style.label(name) for name in names if name not in _line_plot.IN_WORDS]
        assert sorted(said) == sorted([*shown, "its exact expectation"])
        assert inside(figure, legend)
        headline = next(text for text in figure.texts if text.get_gid() == style.HEADLINE)
        assert legend.get_window_extent().y1 <= headline.get_window_extent().y0 + 3
        tops = [ax._left_title.get_window_extent().y1 for ax in figure.axes]
        assert max(tops) <= legend.get_window_extent().y0
        plt.close(figure)
