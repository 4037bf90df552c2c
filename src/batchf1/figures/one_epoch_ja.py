"""The figure `one_epoch` with Japanese words, in a font of its own (IPAexGothic)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

from batchf1.errors import raise_input_error
from batchf1.figures.one_epoch import COLUMNS, SCHEMA, Words, draw_in, table

__all__ = ["ALT", "COLUMNS", "SCHEMA", "draw", "table"]

ALT = (
    "The same in Japanese: a bar for the F1 of each batch of an epoch, sorted, a line at the mean "
    "of the bars, which is logged, and another, far above it, at the true F1."
)
FONT = "matplotlib_fontja"
"""Package that carries the font; not imported, since that would change the font of all figures."""
JAPANESE = Words(
    headline="多くのバッチの F1 が 0 なので、真の F1 が {true:.2f} でもログは {logged:.2f} になる",
    logged="ログの値：{logged:.2f}（棒の平均）",
    true="真の F1：{true:.2f}（全 {n_samples:,} サンプルをまとめて計算）",
    zero=(
        "{n_batches} バッチのうち {n_zero} バッチの F1 は 0。\n"
        "そのうち {n_empty} バッチには正例がない"
    ),
    across="バッチ（F1 の小さい順）",
    up="バッチの F1",
    caption=(
        "棒 1 本が {batch_size} サンプルのバッチ 1 つ。データ：シミュレーションによる 1 エポック、"
        "無作為に分けた {n_batches} バッチ。正例は {percent:.0f} %。"
    ),
)


def draw(table: pd.DataFrame) -> Figure:
    """Draw the figure in Japanese; see `one_epoch.draw_in`."""
    font = _font()
    font_manager.fontManager.addfont(font)
    family = font_manager.FontProperties(fname=font).get_name()
    with mpl.rc_context({"font.family": [family]}):
        figure = draw_in(JAPANESE, table)
    for text in figure.findobj(Text):
        text.set_fontweight("normal")  # the only one that the font has
    return figure


def _font() -> Path:
    """Return the file of the font; raises `InputError` where its package is missing."""
    found = find_spec(FONT)
    if found is None or found.origin is None:
        rule = "needs matplotlib-fontja: pip install 'batchf1[workflow]'"
        raise_input_error("figure one_epoch_ja", rule)
    return Path(found.origin).parent / "fonts/ipaexg.ttf"
