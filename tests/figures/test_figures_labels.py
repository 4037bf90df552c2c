"""Labels beside lines: moved as little as they must be, and ticks turned only where they touch."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from batchf1.figures import _labels, style
from helpers import layout

NEAR = [-0.5, -0.02, -0.01, 0.0]


def test_names_stay_inside_and_where_they_cannot_leave_at_the_top():
    low = _labels.spread(np.array([-0.99, -0.98]), 0.03, (-1, 1))
    np.testing.assert_allclose(low, [-1, -0.97])
    high = _labels.spread(np.array([0.99, 0.995]), 0.03, (-1, 1))
    np.testing.assert_allclose(high, [0.97, 1])
    full = _labels.spread(np.array([0.0, 0.0, 0.0]), 0.8, (-0.5, 0.5))
    np.testing.assert_allclose(full, [-0.5, 0.3, 1.1])


@pytest.mark.parametrize("side", ["left", "right"])
def test_names_beside_crowded_ends_lie_on_nothing(side):
    places = [8, 16, 32, 64] if side == "left" else [1024, 512, 256, 128]
    points = zip(places, NEAR, strict=True)
    ends = [_labels.End(f"line {y}", x, y, "red", "black") for x, y in points]
    with style.apply_style():
        figure, ax = plt.subplots(figsize=(4, 3), layout="constrained")
        ax.set(xscale="log", ylim=(-0.6, 0.1))
        for end in ends:
            ax.plot([end.x, 1024 if side == "left" else 8], [end.y, end.y], color="red")
        _labels.lay_out(figure)
        _labels.reserve_margin(ax, [end.name for end in ends], [8, 1024], side)
        _labels.label_line_ends(ax, ends, side)
        figure.draw_without_rendering()
        assert layout.flaws(figure) == []
        assert [text.xy for text in ax.texts] == [(end.x, end.y) for end in ends]
        low, high = ax.get_xlim()
        assert low < 8 < 1024 < high
        assert (8 / low > high / 1024) == (side == "left")
        plt.close(figure)


@pytest.mark.parametrize(("n", "angle"), [(3, 0), (30, 45)])
def test_ticks_are_turned_where_they_touch(n, angle):
    with style.apply_style():
        figure, ax = plt.subplots(figsize=(4, 3), layout="constrained")
        ax.set_xticks(range(n), [f"{1000 + i:,}" for i in range(n)])
        _labels.lay_out(figure)
        _labels.turn_if_crowded(ax)
        assert {label.get_rotation() for label in ax.get_xticklabels()} == {angle}
        plt.close(figure)
