"""Drawn images: a bright ellipse, or none, before a texture, and the mask of its pixels.

Like real ones, sizes spread over two orders of magnitude, most pixels are background, some images
have no object, and the texture has bright spots of an object's size. Unlike them, an image has one
object at most, of one shape and brightness, and its mask has no errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from batchf1.studies.segmentation.config import Cell

TEXTURE, EDGE = 2.0, 0.7
"""Standard deviations of the blur of the texture and of an object's edge, in pixels."""
STRETCH = 0.4
"""Largest logarithm of the ratio of an ellipse's half axis to its radius."""
MARGIN = 3
"""Least distance of a centre from the border, in pixels."""


class Split(NamedTuple):
    """Images and masks, both float32 of shape (n, side, side, 1); a mask is 0 or 1."""

    x: NDArray[np.float32]
    y: NDArray[np.float32]


def draw(cell: Cell, n: int, radius: Sequence[float], rng: np.random.Generator) -> Split:
    """Draw n images and their masks; the radius of an object lies between the two given."""
    drawn = [_image(cell, radius, rng) for _ in range(n)]
    x, y = (np.stack(part).astype(np.float32)[..., None] for part in zip(*drawn, strict=True))
    return Split(x, y)


def _image(
    cell: Cell, radius: Sequence[float], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    shape = (cell.side, cell.side)
    texture = gaussian_filter(rng.normal(size=shape), TEXTURE, mode="wrap")
    image = texture / texture.std() + cell.noise * rng.normal(size=shape)
    if rng.random() < cell.empty:
        return image, np.zeros(shape, np.bool_)
    mask = _ellipse(cell.side, np.exp(rng.uniform(*np.log(radius))), rng)
    return image + cell.contrast * gaussian_filter(mask.astype(np.float64), EDGE), mask


def _ellipse(side: int, radius: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return the pixels whose centre lies in a random ellipse; a small one has one at least."""
    stretch, angle = np.exp(rng.uniform(-STRETCH, STRETCH)), rng.uniform(0, np.pi)
    centre = rng.uniform(MARGIN, side - MARGIN, 2)
    y, x = np.arange(side) + 0.5 - centre[:, None]
    along = np.cos(angle) * x + np.sin(angle) * y[:, None]
    across = np.cos(angle) * y[:, None] - np.sin(angle) * x
    square = (along / (radius * stretch)) ** 2 + (across * stretch / radius) ** 2
    return np.asarray(square <= max(1.0, square.min()))
