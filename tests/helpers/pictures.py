"""The committed figures, each drawn once for all tests of a process."""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from batchf1.figures import _read_csv, _words, style
from batchf1.figures import base as figures
from batchf1.records import provenance_of_file

FOLDER = Path(__file__).parents[2] / "figures"
NAMES = sorted(path.stem for path in FOLDER.glob("*.csv"))


class Picture(NamedTuple):
    """A figure that is laid out, and its headline and caption."""

    figure: Figure
    words: tuple[str, str]


def module(name):
    """The module of a committed figure, as its record says."""
    record = json.loads(
        provenance_of_file.record_path(FOLDER / f"{name}.csv").read_text(encoding="utf-8")
    )
    return figures.module(record["module"])


@cache
def committed(name):
    """What a committed table is drawn as."""
    plot, path = module(name), FOLDER / f"{name}.csv"
    record = provenance_of_file.of_csv(path)
    numbers = _read_csv.read(path, plot.COLUMNS, name)
    return laid_out(lambda table: _words.completed(plot.draw(table), record, plot.ALT), numbers)


def laid_out(draw, table):
    """What a table is drawn as."""
    with style.apply_style():
        figure = draw(table)
        figure.draw_without_rendering()
        words = style.words(figure)
        plt.close(figure)
    return Picture(figure, words)


def words_of(draw, table):
    """Headline and caption of what a table is drawn as; to lay it out takes longest."""
    with style.apply_style():
        figure = draw(table)
        plt.close(figure)
    return style.words(figure)
