"""Training of an ordinary Keras network for each cell, and its predictions."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from batchf1.config.seeds import generator
from batchf1.studies.atlas.config import Cell
from batchf1.studies.atlas.data import Split, load
from batchf1.training import devices

ENDS = {
    "heavy": (1, "sigmoid", "binary_crossentropy"),
    "grade": (5, "softmax", "sparse_categorical_crossentropy"),
    "price": (1, None, "mean_squared_error"),
}
"""Task -> units and activation of the last layer, and the loss."""


def predictions(cell: Cell) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Train a network and predict its validation set.

    Returns
    -------
    y
        Labels (n,).
    output
        float64: (n,) probabilities or thousand dollars; (n, 5) probabilities of the classes, with
        sum 1.
    """
    devices.configure("cpu", cell.threads)
    train, validation = load(cell)
    mean, deviation = _unit(cell.task, train.y)
    model = _model(cell, train.x.shape[1])
    _fit(model, cell, Split(train.x, ((train.y - mean) / deviation).astype(np.float32)))
    output = model.predict(validation.x, batch_size=4096, verbose=0).astype(np.float64)
    keras.backend.clear_session()
    if cell.task == "grade":
        return validation.y, output / output.sum(axis=1, keepdims=True)
    return validation.y, output[:, 0] * deviation + mean


def _unit(task: str, y: NDArray[Any]) -> tuple[float, float]:
    """Return mean and deviation of prices, by which targets are scaled; 0 and 1 for classes."""
    return (float(y.mean()), float(y.std())) if task == "price" else (0.0, 1.0)


def _model(cell: Cell, n_features: int) -> Any:
    """Build a network with Glorot's weights from a seed hashed from the cell's names."""
    seeds = generator(*cell.names, "weights").integers(2**31, size=len(cell.hidden) + 1)
    starts = [keras.initializers.GlorotUniform(seed=int(seed)) for seed in seeds]
    units, activation, loss = ENDS[cell.task]
    layers = [keras.layers.Input((n_features,))]
    for width, start in zip(cell.hidden, starts, strict=False):
        layers.append(keras.layers.Dense(width, activation="relu", kernel_initializer=start))
    layers.append(keras.layers.Dense(units, activation, kernel_initializer=starts[-1]))
    model = keras.Sequential(layers)
    optimizer = keras.optimizers.Adam(cell.learning_rate)
    model.compile(optimizer, loss, jit_compile=False, steps_per_execution=32)
    return model


def _fit(model: Any, cell: Cell, train: Split) -> None:
    """Train all epochs as one long epoch, because the order of the samples is drawn here."""
    rng = generator(*cell.names, "order")
    order = np.concatenate([rng.permutation(cell.n_train) for _ in range(cell.epochs)])
    batches = {"batch_size": cell.training_batch_size, "shuffle": False, "verbose": 0}
    model.fit(train.x[order], train.y[order], **batches)
