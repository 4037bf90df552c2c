"""Every figure with its message, for docs/gallery.md."""

import re
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from batchf1.errors import check
from templates.common import experiment
from templates.tables import context as of_tables

FIRST = ("worked_example", "sweep", "flat_labels", "decisions", "atlas", "cuts", "original_log")
"""Studies that come first, in this order; the others follow by name."""


OTHERS = {"How long do trainings take, and studies?": ["scaling"]}
"""Question -> figures that come from measured times, and from no study."""
MEASURED = ("scaling", "cost")
"""Figures that `snakemake measured` makes."""


class Entry(NamedTuple):
    """A figure: title and caption as drawn, the place of its table in docs/tables.md, target."""

    name: str
    title: str
    caption: str
    columns: str
    target: str


def context(root: Path) -> dict[str, object]:
    """Return the figures of each study; `InputError` for a figure that belongs to none."""
    places = _places(root)
    names = sorted(path.stem for path in (root / "experiments").glob("*.yaml"))
    others = [name for name in names if name not in FIRST]
    asked = [experiment(root, name) for name in (*FIRST, *others)]
    asked += [{"question": question, "figures": figures} for question, figures in OTHERS.items()]
    drawn: dict[str, list[Entry]] = {study["question"]: [] for study in asked}
    for study in asked:
        drawn[study["question"]] += [
            _entry(root, name, places)
            for name in study.get("figures", {})
            if (root / f"figures/{name}.png").exists()
        ]
    shown = {entry.name for entries in drawn.values() for entry in entries}
    pictures = {path.stem for path in (root / "figures").glob("*.png")}
    check(shown == pictures, "figures of the studies", "must be all", sorted(pictures ^ shown))
    return {"studies": {question: entries for question, entries in drawn.items() if entries}}


def _entry(root: Path, name: str, places: dict[str, str]) -> Entry:
    with Image.open(root / f"figures/{name}.png") as picture:
        written = picture.info
    caption = " ".join(written["Description"].split())
    target = "measured" if name in MEASURED else f"figures/{name}.png"
    return Entry(name, written["Title"], caption, places.get(name, "committed-tables"), target)


def _places(root: Path) -> dict[str, str]:
    """Return the place in docs/tables.md of each figure's table, by the figure's name."""
    committed = of_tables(root)["committed"]
    assert isinstance(committed, dict)
    return {
        name: re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in committed
        for name in re.findall(r"`figures/(\w+)\.csv`", heading)
    }
