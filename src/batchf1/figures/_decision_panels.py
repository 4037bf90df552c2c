"""Panels of the figure of decisions: their regret, and precision and recall of what is chosen."""

from __future__ import annotations

from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from batchf1.figures import _labels, style
from batchf1.metrics.arithmetic import safe_divide
from batchf1.theory.precision_recall_plane import logged_f1

ENOUGH = 3.0
"""Expected positives per batch at which the logged F1 chooses well."""
REGRET_TOL = 0.01
"""A loss of F1 that nobody acts on."""
USUAL = 32
"""Keras' own validation batch size, nearest to which the plane is drawn."""
TICKS = [digit * 10.0**power for power in range(-4, 5) for digit in (1, 3)]
LEVELS = {0.2: (0.11, 0.9), 0.4: (0.26, 0.9), 0.6: (0.45, 0.9), 0.8: (0.9, 0.72)}
"""True F1 that the plane has lines of -> recall and precision near which each is named."""
BLUE, WINE = "#4477AA", "#882255"
CONTOUR, LOGGED = "#666666", "#F3B98F"
INK = "#333333"
"""Of a line's name: its own colour may be too light to be read."""


class Line(NamedTuple):
    """Line of a decision in the figure; empty batches count 0 or are left out (`skip`)."""

    label: str
    key: tuple[str, str, str]
    empty: str = "0"
    colour: str = style.PLAIN
    marker: str = "o"
    dashes: Any = "-"
    arrow: bool = False

    def rows(self, table: pd.DataFrame, row: str) -> pd.DataFrame:
        """Return the rows of this decision and kind that are chosen by the logged value."""
        selected = (table["row"] == row) & (table["chosen_by"] == "logged")
        selected &= table["empty"] == self.empty
        for name, value in zip(("decision", "model", "class_weight"), self.key, strict=True):
            selected &= table[name].fillna("") == value
        return table[selected]


SEARCH, THRESHOLD = ("search_32", "candidate", ""), ("threshold", "network", "1")
LINES = [
    Line("search over 32", SEARCH, colour="#000000", marker="s", arrow=True),
    Line("threshold", THRESHOLD, colour="#E69F00", marker="o", arrow=True),
    Line("class weight", ("class_weight", "network", ""), "0", BLUE, "^", "-", True),
    Line("epoch kept, weight 10", ("checkpoint", "network", "10"), "0", WINE, "D", "-", True),
    Line("epoch kept", ("checkpoint", "network", "1"), "0", WINE, "d", "--"),
    Line("early stopping", ("early_stopping_5_best", "network", "1"), marker="v", dashes="--"),
    Line("one of two models", ("two_models", "network v logistic", "1 v 1"), marker="X"),
    Line("search, empty left out", SEARCH, "skip", "#000000", "", ":"),
    Line("threshold, empty left out", THRESHOLD, "skip", "#E69F00", "", ":"),
]
"""What is drawn of the decisions, the most telling first."""
MARKERS = "osDv^P"


def plot_regret(ax: Any, table: pd.DataFrame) -> None:
    """Plot the F1 that each decision loses over positives per batch, with its interval.

    Those that lose next to nothing are thin and grey.
    """
    for line in LINES:
        rows = _bins(line, table)
        x = rows["positives_per_batch"]
        if _harmless(rows):
            ax.plot(x, rows["regret"], color=style.PLAIN, linewidth=0.8, zorder=1)
            continue
        look = {"color": line.colour, "linestyle": line.dashes, "marker": line.marker}
        ax.plot(x, rows["regret"], markersize=4, **look)
        ax.fill_between(
            x, rows["regret_low"], rows["regret_high"], color=line.colour, alpha=0.18, linewidth=0
        )
    ax.set_xscale("log")
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, -0.02), max(high, 0.05))
    _ticks(ax)
    _enough(ax)
    ax.set(xlabel=f"expected positives per batch = batch size {style.TIMES} prevalence")
    ax.set_ylabel("test F1 lost")
    ax.spines[["top", "right"]].set_visible(False)


def _bins(line: Line, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a line, in ascending order of positives per batch."""
    rows = line.rows(table, "bin").dropna(subset="positives_per_batch")
    return rows.sort_values("positives_per_batch")


def _harmless(rows: pd.DataFrame) -> bool:
    return bool(rows["regret"].abs().max() <= REGRET_TOL)


def harmless(table: pd.DataFrame) -> list[str]:
    """Return the names of the decisions that lose next to nothing."""
    return [line.label for line in LINES if len(r := _bins(line, table)) and _harmless(r)]


def _ticks(ax: Any) -> None:
    left, right = ax.get_xlim()
    ticks = [tick for tick in TICKS if left <= tick <= max(right, 4 * ENOUGH)]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()


def name(ax: Any, table: pd.DataFrame) -> None:
    """Write each line's name at its left end, once the figure is laid out."""
    all_rows = [(line, rows) for line in LINES if len(rows := _bins(line, table))]
    ends = [
        _labels.End(line.label, x, regret, line.colour, INK)
        for line, rows in all_rows
        if not _harmless(rows)
        for x, regret in [rows.iloc[0][["positives_per_batch", "regret"]]]
    ]
    few = [rows.iloc[0]["positives_per_batch"] for _, rows in all_rows if _harmless(rows)]
    if few:
        ends.append(_labels.End(f"{len(few)} others", min(few), 0, style.PLAIN, INK))
    start, stop = min([ENOUGH, *(end.x for end in ends)]), max(ax.get_xlim()[1], 4 * ENOUGH)
    _labels.reserve_margin(ax, [end.name for end in ends], (start, stop), "left")
    ax.plot([start, stop], [0, 0], color=style.TRUTH, linewidth=0.6, zorder=0)
    _labels.label_line_ends(ax, ends, "left")


def _enough(ax: Any) -> None:
    ax.axvline(ENOUGH, color=style.TRUTH, linewidth=0.8, linestyle=(0, (4, 3)))
    ax.annotate(
        f"{ENOUGH:g} positives\nper batch",
        (ENOUGH, 0.97),
        xycoords=("data", "axes fraction"),
        xytext=(4, 0),
        textcoords="offset points",
        va="top",
        fontsize=7.5,
        color=style.TRUTH,
    )


def setting(table: pd.DataFrame) -> tuple[float, int] | None:
    """Return prevalence and validation batch size of the plane: the rarest, and the most common."""
    rows = pd.concat([line.rows(table, "cell") for line in LINES if line.arrow])
    rows = rows.dropna(subset=["validation_batch_size"])
    if rows.empty:
        return None
    prevalence = rows["prevalence"].min()
    sizes = rows.loc[rows["prevalence"] == prevalence, "validation_batch_size"]
    return float(prevalence), int(min(sizes, key=lambda size: abs(np.log(size / USUAL))))


def arrows(table: pd.DataFrame, prevalence: float, size: int) -> pd.DataFrame:
    """Return the rows of decisions with an arrow; `place` is the index of the line in `LINES`."""
    rows = table[table["prevalence"] == prevalence]
    rows = rows[rows["validation_batch_size"] == size]
    parts = [(place, line.rows(rows, "cell")) for place, line in enumerate(LINES) if line.arrow]
    return pd.concat([part.assign(place=place) for place, part in parts])


def plot_plane(ax: Any, table: pd.DataFrame, prevalence: float, size: int) -> None:
    """Plot recall and precision of what is chosen, from the true choice to the logged one.

    Behind it the true F1 as lines, and the logged one, shaded.
    """
    rows = arrows(table, prevalence, size)
    datasets = dict(zip(sorted(rows["dataset"].unique()), cycle(MARKERS), strict=False))
    _plane(ax, prevalence, size)
    for _, row in rows.iterrows():
        _arrow(ax, row, LINES[row["place"]].colour, datasets[row["dataset"]])
    ax.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1))
    ax.legend(
        handles=_key(datasets),
        title="colours as at the left",
        loc="lower left",  # where nobody's choice is
        fontsize=7.5,
        title_fontsize=7.5,
        alignment="left",
        framealpha=0.9,
        frameon=True,
    )
    ax.set_aspect("equal")


def _arrow(ax: Any, row: pd.Series, colour: str, marker: str) -> None:
    start, end = ((row[f"recall_{w}"], row[f"precision_{w}"]) for w in ("true", "chosen"))
    ax.plot(*start, color=colour, marker=marker, markersize=5, linestyle="none")
    arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.5, "shrinkA": 3, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=arrow)


def _key(datasets: dict[str, str]) -> list[Any]:
    point: dict[str, Any] = {"linestyle": "none", "color": "#666666", "markersize": 5}
    return [
        *(Line2D([], [], marker=marker, label=name, **point) for name, marker in datasets.items()),
        Line2D([], [], color=CONTOUR, linewidth=0.8, label="equal true F1"),
        Patch(facecolor=LOGGED, label="darker: logged higher"),
    ]


def _plane(ax: Any, prevalence: float, size: int) -> None:
    side = np.linspace(0.01, 1, 100)
    recall, precision = np.meshgrid(side, side)
    true = safe_divide(2 * precision * recall, precision + recall)
    shades = LinearSegmentedColormap.from_list("logged", ["#FFFFFF", LOGGED])
    logged = logged_f1(precision, recall, prevalence, size)
    ax.contourf(recall, precision, logged, levels=12, cmap=shades)
    lines = ax.contour(recall, precision, true, list(LEVELS), colors=CONTOUR, linewidths=0.8)
    ax.clabel(lines, fontsize=7.5, fmt="%.1f", manual=list(LEVELS.values()))
