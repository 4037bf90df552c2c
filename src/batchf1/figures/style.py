"""Style of all figures: colours, markers, fonts, and how a figure is saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.text import Text

from batchf1.config import registry
from batchf1.errors import one_line
from batchf1.records import provenance_of_file
from batchf1.records.files import replacing

# Okabe & Ito's colours, safe for the colour-blind; the naive one is also the darkest
# against its neighbours in grey, and each strategy has a marker of its own.
COLOURS = {
    "batch_mean": "#D55E00",
    "epoch_end": "#CC79A7",
    "reconstructed": "#0072B2",
    "streaming": "#009E73",
}
MARKERS = {"batch_mean": "o", "epoch_end": "D", "reconstructed": "s", "streaming": "^"}
LABELS = {
    "batch_mean": "batch mean (naive)",
    "epoch_end": "epoch end (predict again)",
    "reconstructed": "reconstructed from counts",
    "streaming": "streaming metric",
}
TRUTH = "#222222"
PLAIN = "#9A9A9A"
HEADLINE, CAPTION = "headline", "caption"
"""Names of the texts in a figure by which `words` finds them."""
SPARE = ("#E69F00", "#56B4E9", "#F0E442", "#000000")
SPARE_MARKERS = ("P", "X", "v", "*")
"""For strategies that somebody adds, in the order of their names."""
FRAMEWORKS = ("#E69F00", "#332288", "#88CCEE", "#000000")
"""Of versions of a framework: neighbours differ in grey, too."""
MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
WIDEST = 0.95
"""Of the figure that a row of its legend may take."""


def colour(strategy: str) -> str:
    """Return the colour of a strategy, the same in every figure."""
    return COLOURS.get(strategy) or SPARE[_place(strategy) % len(SPARE)]


def marker(strategy: str) -> str:
    """Return the marker of a strategy; another one when colours repeat."""
    index = _place(strategy)
    spare = SPARE_MARKERS[(index + index // len(SPARE)) % len(SPARE_MARKERS)]
    return MARKERS.get(strategy) or spare


def label(strategy: str) -> str:
    """Return the name of a strategy in legends."""
    return LABELS.get(strategy, strategy.replace("_", " "))


def _place(strategy: str) -> int:
    """Return the index of a strategy among the user's own, or one from its name."""
    added = [name for name in registry.names(registry.STRATEGIES) if name not in COLOURS]
    return added.index(strategy) if strategy in added else len(added) + crc32(strategy.encode())


def format_range(values: pd.Series, form: str = "{:,.0f}") -> str:
    """Return the range of some numbers as text, such as `8 to 1,024`, or the only number."""
    low, high = form.format(values.min()), form.format(values.max())
    return low if low == high else f"{low} to {high}"


def signed(value: float, digits: int) -> str:
    """Return a number with its sign, such as `+0.02`."""
    return f"{value:+.{digits}f}".replace("-", MINUS)


def format_points(gap: float) -> str:
    """Return a difference of two F1 as text, such as `16 points too low`."""
    size = 100 * abs(gap)
    shown = f"{size:.0f}" if size >= 1 else f"{size:.1g}"
    unit = "point" if shown == "1" else "points"
    return f"{shown} {unit} too {'low' if gap < 0 else 'high'}"


@contextmanager
def apply_style() -> Iterator[None]:
    """Draw in this style and without a display, whatever a matplotlibrc contains."""
    own: dict[Any, Any] = {
        "figure.dpi": 150,
        "savefig.dpi": 150,
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "legend.frameon": False,
        "lines.linewidth": 1.5,
        "pdf.fonttype": 42,
    }
    mpl.use("Agg")
    with plt.style.context("default"), sns.axes_style("ticks"), mpl.rc_context(own):
        yield


def caption(figure: Figure, text: str) -> None:
    """Write a line or two under the figure: what is plotted, from how many runs."""
    figure.supxlabel(text, x=0.01, ha="left", fontsize=7.5, color="#555555", gid=CAPTION)


def headline(figure: Figure, text: str, handles: list[Any] | None = None) -> None:
    """Write the conclusion above the figure, and a legend of the handles under it."""
    inch = 1 / figure.get_size_inches()[1]
    figure.text(
        0.012, 1 - 0.08 * inch, text, fontsize=10, fontweight="bold", va="top", gid=HEADLINE
    )
    rows = _legend(figure, handles, 1 - 0.2 * inch) if handles else 0
    below = 0.28 + 0.18 * rows
    figure.get_layout_engine().set(rect=(0, 0, 1, 1 - below * inch))  # type: ignore[union-attr, call-arg]


def _legend(figure: Figure, handles: list[Any], top: float) -> int:
    """Add a legend in as few rows as fit into the figure's width; return their number."""
    for rows in range(1, len(handles) + 1):
        legend = figure.legend(
            handles=handles,
            loc="upper center",
            bbox_to_anchor=(0.5, top),
            ncols=-(-len(handles) // rows),
            fontsize=7.5,
            columnspacing=1.4,
            handletextpad=0.7,
        )
        if legend.get_window_extent().width <= WIDEST * figure.bbox.width:
            break
        if rows < len(handles):
            legend.remove()
    return rows


def empty_figure(reason: str) -> Figure:
    """Return a figure with the reason why there is nothing to plot."""
    figure, ax = plt.subplots(figsize=(7.6, 2.0), layout="constrained")
    ax.set_axis_off()
    ax.text(0.5, 0.4, f"{reason[0].upper()}{reason[1:]}.", ha="center", wrap=True, gid=CAPTION)
    headline(figure, "Nothing to show")
    return figure


def words(figure: Figure) -> tuple[str, str]:
    """Return the headline and the caption of a figure, each on one line.

    A figure without a headline says what to conclude in the titles of its axes.
    """
    texts = {text.get_gid(): one_line(text.get_text()) for text in figure.findobj(Text)}
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    return texts.get(HEADLINE, "; ".join(filter(None, titles))), texts.get(CAPTION, "")


def save(figure: Figure, path: Path, record: str | None = None) -> None:
    """Save in the format of the suffix, without dates, so that equal figures are equal files.

    A PNG and a PDF carry the headline, the caption and, if given, the record of their making.
    """
    headline, caption = words(figure)
    carried: dict[str, dict[str, Any]] = {
        ".png": {"Title": headline, "Description": caption, provenance_of_file.KEY: record},
        ".pdf": {"Title": headline, "Subject": caption, "Keywords": record, "CreationDate": None},
    }
    # None leaves the date out of a PDF; a PNG takes only texts
    metadata = {k: v for k, v in carried.get(path.suffix, {}).items() if v or k == "CreationDate"}
    with replacing(path) as temporary:
        figure.savefig(temporary, metadata=metadata)
