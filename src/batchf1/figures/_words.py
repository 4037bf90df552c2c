"""Additions to a figure's text from its record: a missing headline, and its data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.text import Text

from batchf1.figures import style

DATA = "dataset.variant"
"""Setting of a study that names a data set."""
FEW = 2
"""More data sets than these are named without what is predicted of them."""
QUESTIONS = {
    "diamonds": "is a stone heavier than a threshold?",
    "flights": "is it later than a threshold?",
    "synthetic": "two overlapping clouds of points",
    "southwest": "flights in a timetable: is it one of Southwest's?",
    "trousers": "Fashion-MNIST, pictures of clothes: are they trousers?",
}
"""Data set of this package -> what is predicted of it."""


def completed(figure: Figure, record: Mapping[str, Any], alt: str) -> Figure:
    """Return the figure, with a headline in its metadata and its data sets in the caption.

    Without a headline or titles of its own it has the question of its study, or `alt`, what the
    picture shows; that is not drawn. A data set that the caption names already is not added.
    """
    sources = record.get("sources", [])
    headline, caption = style.words(figure)
    if not headline:
        questions = [source["question"] for source in sources if "question" in source]
        figure.text(0, 0, [*questions, alt][0], gid=style.HEADLINE, visible=False)
    names = [name for name in _data_sets(sources) if name not in caption]
    if names:
        few = len(names) <= FEW
        described = [f"{n} ({QUESTIONS[n]})" if few and n in QUESTIONS else n for n in names]
        _add(figure, f"Data: {', '.join(described)}.")
    return figure


def _data_sets(sources: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the data sets of the studies that a figure is made from."""
    names: dict[str, None] = {}
    for source in sources:
        one, several = source.get("config", {}).get(DATA), source.get("grid", {}).get(DATA, [])
        names |= dict.fromkeys(str(name) for name in (several if one is None else [one]))
    return list(names)


def _add(figure: Figure, sentence: str) -> None:
    """Add a sentence to the caption, on a new line if its last line would become the longest."""
    captions = [text for text in figure.findobj(Text) if text.get_gid() == style.CAPTION]
    if not captions:
        style.caption(figure, sentence)
    for caption in captions:
        *lines, last = caption.get_text().split("\n")
        fits = len(f"{last} {sentence}") <= max(map(len, lines), default=0)
        end = [f"{last} {sentence}"] if fits else [last, sentence]
        caption.set_text("\n".join([*lines, *end]))
