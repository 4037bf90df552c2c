"""What a referee would mark in the layout of a figure, found by Matplotlib's own extents."""

import re
from collections.abc import Iterator

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

TOLERANCE = 1.0
"""Pixels (150 an inch) by which boxes of texts may touch: letters stop before their box does."""
CLEAR = 1.0
"""Pixels that a line and a point keep from a text."""
APART = 10.0
"""Pixels that a text among data keeps from an axis, or it reads as one of the axis' own."""
README = 830
"""Pixels that a README gives to the width of a figure."""
SMALLEST = 7.0
"""Points that a text must have there."""
LONGEST = 110
"""Characters that a title may have."""
VERBS = {
    *(
        "is",
        "are",
        "average",
        "may",
        "come",
        "comes",
        "costs",
        "fits",
        "follows",
        "give",
        "has",
        "log",
        "gives",
        "help",
    ),
    *("holds", "logs", "make", "makes", "prove", "scores", "stays", "survives", "takes"),
}
"""Finite verbs of the titles; a new one is added here."""
JAPANESE_VERBS = ("になる", "である", "ない")
MARK = re.compile(r"\b(A|An) (arrow|bar|cell|line|point) is\b|棒 1 本が")
"""Sentence of a caption on its marks."""
TICKS = {0: (-1, 0), 1: (1, 0), 2: (0, 1), 3: (0, -1)}
"""Marker of a tick -> its direction."""


def flaws(figure: Figure) -> list[str]:
    """What is wrong in a figure that is laid out, a line for each."""
    texts = _texts(figure)
    checks = (_small, _outside, _on_each_other, _on_legends, _on_axes, _struck_through)
    return sorted({flaw for check in checks for flaw in check(figure, texts)})


def wording(headline: str, caption: str) -> list[str]:
    """List the faults of a figure's title and caption, a line for each."""
    words = set(re.findall(r"[a-z]+", headline))
    checks = {
        "the title is no sentence with a verb": bool(words & VERBS)
        or headline.endswith(JAPANESE_VERBS),
        "the title is longer than a line": len(headline) <= LONGEST,
        "the title is more than one sentence": not re.search(r"[.。]( |$)", headline),
        "the caption does not say what a mark stands for": bool(MARK.search(caption)),
        "the caption does not name the data": "Data:" in caption or "データ" in caption,
        "the caption has no number": bool(re.search(r"\d|\b(one|two|three)\b", caption)),
    }
    return [flaw for flaw, good in checks.items() if not good]


def _small(figure: Figure, texts: list[Text]) -> Iterator[str]:
    scale = README / 96 / figure.get_size_inches()[0]
    for text in texts:
        if scale * text.get_fontsize() < SMALLEST - 0.05:
            yield f"{_said(text)} has {scale * text.get_fontsize():.1f} points in a README"


def _outside(figure: Figure, texts: list[Text]) -> Iterator[str]:
    for text in texts:
        box = _outline(text, -TOLERANCE).get_extents()
        if not _holds(figure.bbox, box):
            yield f"{_said(text)} leaves the figure"
        elif text.get_clip_on() and not _holds(text.get_clip_box(), box):
            yield f"{_said(text)} is cut off"
    for legend in figure.findobj(Legend):
        if not _holds(figure.bbox, legend.get_window_extent()):
            yield "a legend leaves the figure"


def _on_each_other(figure: Figure, texts: list[Text]) -> Iterator[str]:
    outlines = [_outline(text, -TOLERANCE) for text in texts]
    for i, j in _meetings(outlines, outlines):
        if i < j:
            yield f"{_said(texts[i])} lies on {_said(texts[j])}"


def _on_legends(figure: Figure, texts: list[Text]) -> Iterator[str]:
    for legend in figure.findobj(Legend):
        (x0, y0), (x1, y1) = legend.get_window_extent().get_points()
        box = Path([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
        own = set(legend.findobj(Text))
        others = [text for text in texts if text not in own]
        for i, _ in _meetings([_outline(text, -TOLERANCE) for text in others], [box]):
            yield f"{_said(others[i])} lies on a legend"


def _on_axes(figure: Figure, texts: list[Text]) -> Iterator[str]:
    among_data = {text for ax in figure.axes for text in ax.texts}
    outlines = [_outline(text, APART if text in among_data else -TOLERANCE) for text in texts]
    frames = [path for ax in figure.axes if ax.axison for path in _frame(ax)]
    for i, _ in _meetings(outlines, frames):
        yield f"{_said(texts[i])} lies on an axis or beside its ticks"


def _struck_through(figure: Figure, texts: list[Text]) -> Iterator[str]:
    """Texts on a line or a point of their axes, or on a grid without a ground of their own."""
    for ax in figure.axes:
        legend = ax.get_legend()
        own = [*ax.texts, *(legend.get_texts() if legend and not legend.get_frame_on() else ())]
        grid = [tick.gridline for axis in (ax.xaxis, ax.yaxis) for tick in _in_view(axis)]
        for text in set(own) & set(texts):
            outline = _outline(text, CLEAR)
            lines = [*ax.lines, *(() if text.get_bbox_patch() else grid)]
            if any(_touches(line, outline) for line in lines if line.get_visible()):
                yield f"{_said(text)} is struck through"


def _texts(figure: Figure) -> list[Text]:
    """All texts that are seen; the label of a tick only where the tick is in view."""
    on = [axis for ax in figure.axes if ax.axison for axis in (ax.xaxis, ax.yaxis)]
    off = [axis for ax in figure.axes if not ax.axison for axis in (ax.xaxis, ax.yaxis)]
    labels = {text for axis in on for tick in _ticks(axis) for text in (tick.label1, tick.label2)}
    seen = {text for axis in on for tick in _in_view(axis) for text in (tick.label1, tick.label2)}
    hidden = {text for axis in off for text in axis.findobj(Text)}
    found = [text for text in figure.findobj(Text) if text not in (labels - seen) | hidden]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def _ticks(axis):
    return [*axis.get_major_ticks(), *axis.get_minor_ticks()]


def _in_view(axis):
    """The ticks of an axis that are in view."""
    scale = axis.get_transform().transform
    low, high = sorted(scale(axis.get_view_interval()))
    edge = 1e-9 * (high - low)
    return [tick for tick in _ticks(axis) if low - edge <= scale(tick.get_loc()) <= high + edge]


def _outline(text: Text, wider: float) -> Path:
    """The rectangle round a text, turned as it is, so many pixels wider on each side."""
    angle, box = text.get_rotation(), Text.get_window_extent(text)
    middle, size = (box.min + box.max) / 2, box.size
    if angle % 90:
        text.set_rotation(0)
        size = Text.get_window_extent(text).size
        text.set_rotation(angle)
    else:
        angle = 0
    half = np.maximum(size / 2 + wider, 0.1)
    corners = Path(half * [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)])
    return corners.transformed(Affine2D().rotate_deg(angle).translate(*middle))


def _frame(ax) -> Iterator[Path]:
    """The visible spines and ticks of axes."""
    for spine in ax.spines.values():
        if spine.get_visible():
            yield spine.get_path().transformed(spine.get_transform())
    for tick in [tick for axis in (ax.xaxis, ax.yaxis) for tick in _in_view(axis)]:
        for line in (tick.tick1line, tick.tick2line):
            if line.get_visible() and line.get_marker() in TICKS:
                start = line.get_transform().transform(line.get_xydata())[0]
                length = line.get_markersize() * ax.figure.dpi / 72
                yield Path([start, start + length * np.array(TICKS[line.get_marker()])])


def _touches(line, outline: Path) -> bool:
    """Whether a line, or one of its markers, lies in an outline."""
    points = line.get_transform().transform(line.get_xydata())
    points = points[np.isfinite(points).all(axis=1)]
    if line.get_marker() not in ("None", "") and outline.contains_points(points).any():
        return True
    joined = line.get_linestyle() != "None" and len(points) > 1
    return bool(joined and outline.intersects_path(Path(points), filled=False))


def _meetings(ones: list[Path], others: list[Path]) -> list[tuple[int, int]]:
    """Which paths of two lists meet, by their places."""
    a, b = (_extents(paths) for paths in (ones, others))
    near = (a[:, None, 0] < b[None, :, 1]) & (b[None, :, 0] < a[:, None, 1])
    pairs = map(tuple, np.argwhere(near.all(axis=-1)).tolist())
    return [(i, j) for i, j in pairs if ones[i].intersects_path(others[j], filled=True)]


def _extents(paths: list[Path]) -> np.ndarray:
    """Lowest and highest corner of each."""
    ends = [(path.vertices.min(axis=0), path.vertices.max(axis=0)) for path in paths]
    return np.array(ends).reshape(-1, 2, 2)


def _holds(outer, inner) -> bool:
    if outer is None:
        return True
    return bool((outer.min <= inner.min).all() and (inner.max <= outer.max).all())


def _said(text: Artist) -> str:
    return repr(text.get_text())
