"""Labels without overlaps: names beside the ends of lines, and ticks where they are crowded.

They go by the sizes of a figure that is laid out already.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

SIZE = 7.5
"""Points of a name."""
LINE = 1.35 * SIZE
"""Points from a name to the next."""
AWAY = 6.0
"""Points from a name to an axis."""
LEADER = 13.0
"""Points from a name to the nearest end of a line."""
END = 0.06
"""Of the axis, beyond the data on the side without names."""
Side = Literal["left", "right"]


class End(NamedTuple):
    """End of a line, and its name."""

    name: str
    x: float
    y: float
    colour: str
    ink: str
    """Of the name; `colour` is that of the thin line from it to the end."""


def lay_out(figure: Figure) -> None:
    """Lay out the axes for good, so that labels can be placed relative to them."""
    figure.get_layout_engine().execute(figure)  # type: ignore[union-attr]


def reserve_margin(ax: Any, names: Sequence[str], values: Sequence[float], side: Side) -> None:
    """Set the limits of a logarithmic x axis so that names fit at one side of the data."""
    low, high = np.log(min(values)), np.log(max(values))
    high = max(high, low + np.log(2))  # of a single value, too, an axis has a width
    widest = max((_width(ax, name) for name in names), default=0.0)
    taken = min(0.5, (widest + _pixels(ax, LEADER + AWAY)) / ax.bbox.width)
    unit = (high - low) / (1 - taken - END)
    before, after = (taken, END) if side == "left" else (END, taken)
    ax.set_xlim(np.exp(low - before * unit), np.exp(high + after * unit))


def label_line_ends(ax: Any, ends: Sequence[End], side: Side) -> None:
    """Write each line's name beside its end, moved apart as little as needed.

    The axes have the space already (`reserve_margin`).
    """
    ends = sorted(ends, key=lambda end: end.y)
    low, high = ax.get_ylim()
    unit = (high - low) / ax.bbox.height
    gap, margin = (_pixels(ax, points) * unit for points in (LINE, AWAY + LINE / 2))
    places = spread(np.array([end.y for end in ends]), gap, (low + margin, high - margin))
    outer = (min if side == "left" else max)((end.x for end in ends), default=1.0)
    across = ax.transAxes.inverted().transform(ax.transData.transform((outer, low)))[0]
    step = _pixels(ax, LEADER) / ax.bbox.width
    column = across - step if side == "left" else across + step
    for end, position in zip(ends, places, strict=True):
        ax.annotate(
            end.name,
            (end.x, end.y),
            (column, position),
            textcoords=ax.get_yaxis_transform(),
            ha="right" if side == "left" else "left",
            va="center",
            fontsize=SIZE,
            color=end.ink,
            arrowprops=_leader(end.colour, side),
        )


def _leader(colour: str, side: Side) -> dict[str, Any]:
    start = (1, 0.5) if side == "left" else (0, 0.5)
    look = {"arrowstyle": "-", "color": colour, "linewidth": 0.6}
    return look | {"relpos": start, "shrinkA": 1, "shrinkB": 3}


def spread(
    values: NDArray[np.float64], gap: float, limits: tuple[float, float]
) -> NDArray[np.float64]:
    """Return ascending values moved as little as keeps them `gap` apart and within the limits.

    As little by least squares, which is isotonic regression; where they do not fit, the upper
    limit gives way.
    """
    steps = gap * np.arange(len(values))
    moved = isotonic_regression(values - steps).x + steps if len(values) else values
    moved = np.minimum(moved, limits[1] - steps[::-1])
    spaced: NDArray[np.float64] = np.maximum(moved, limits[0] + steps)
    return spaced


def turn_if_crowded(ax: Any) -> None:
    """Rotate the labels of the x axis if they would overlap."""
    boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
    gap = _pixels(ax, 2)
    if any(a.x1 + gap > b.x0 for a, b in pairwise(boxes)):
        ax.tick_params(axis="x", labelrotation=45)


def _width(ax: Any, text: str) -> float:
    """Return the width of a name in pixels."""
    drawn = ax.text(0, 0, text, fontsize=SIZE)
    width = float(drawn.get_window_extent().width)
    drawn.remove()
    return width


def _pixels(ax: Any, points: float) -> float:
    return points * float(ax.figure.dpi) / 72
