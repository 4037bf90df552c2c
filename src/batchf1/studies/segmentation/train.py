"""Training of a small U-Net for each cell, and its predictions of the validation images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from batchf1.config.seeds import generator
from batchf1.studies.segmentation.config import Cell
from batchf1.studies.segmentation.images import Split, draw
from batchf1.training import devices

N_CONVOLUTIONS = 8
STEPS = 32
"""Batches that Keras takes in one call of its compiled step, which changes no result."""


def predictions(cell: Cell) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Train a network; return masks and probabilities of validation, (n, side, side, 1)."""
    devices.configure("cpu", cell.threads)
    train = draw(cell, cell.n_train, cell.trained_radius, generator(*cell.names, "train"))
    rng = generator(*cell.names, "validation")
    validation = draw(cell, cell.n_validation, cell.radius, rng)
    model = unet(cell)
    _fit(model, cell, train)
    scores = model.predict(validation.x, batch_size=cell.n_validation, verbose=0)
    keras.backend.clear_session()
    return validation.y, scores


def unet(cell: Cell) -> Any:
    """Build a U-Net of three levels with He's weights from seeds hashed from the cell's names."""
    seeds = generator(*cell.names, "weights").integers(2**31, size=N_CONVOLUTIONS)
    starts = iter([keras.initializers.HeNormal(seed=int(seed)) for seed in seeds])
    n = cell.filters
    image = keras.Input((cell.side, cell.side, 1))
    fine = _convolved(image, [n, n], starts)
    middle = _convolved(layers.MaxPooling2D()(fine), [2 * n, 2 * n], starts)
    coarse = _convolved(layers.MaxPooling2D()(middle), [4 * n], starts)
    middle = _convolved(_joined(coarse, middle), [2 * n], starts)
    fine = _convolved(_joined(middle, fine), [n], starts)
    last = layers.Conv2D(1, 1, activation="sigmoid", kernel_initializer=next(starts))
    return keras.Model(image, last(fine))


def _convolved(tensor: Any, filters: list[int], starts: Iterator[Any]) -> Any:
    for number in filters:
        layer = layers.Conv2D(
            number, 3, padding="same", activation="relu", kernel_initializer=next(starts)
        )
        tensor = layer(tensor)
    return tensor


def _joined(coarse: Any, fine: Any) -> Any:
    return layers.Concatenate()([layers.UpSampling2D()(coarse), fine])


def _fit(model: Any, cell: Cell, train: Split) -> None:
    """Train all epochs as one long epoch, because the order of the images is drawn here."""
    rng = generator(*cell.names, "order")
    order = np.concatenate([rng.permutation(cell.n_train) for _ in range(cell.epochs)])
    optimizer = keras.optimizers.Adam(cell.learning_rate)
    model.compile(optimizer, "binary_crossentropy", jit_compile=False, steps_per_execution=STEPS)
    model.fit(
        train.x[order],
        train.y[order],
        batch_size=cell.training_batch_size,
        shuffle=False,
        verbose=0,
    )
