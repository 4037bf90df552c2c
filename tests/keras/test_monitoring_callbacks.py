"""Callbacks of Keras that monitor the log of a strategy need `mode="max"`."""

import keras
import pytest

from batchf1.keras import EpochEnd, Reconstructed, Streaming
from helpers.fitting import compiled, data


def fit(strategy, callback):
    x, y = data()
    callbacks = [*strategy.callbacks(validation=(x, y)), callback]
    model = compiled(strategy.metrics())
    return model.fit(x, y, validation_data=(x, y), callbacks=callbacks, verbose=0, epochs=2)


@pytest.mark.parametrize("strategy", [EpochEnd, Reconstructed, Streaming])
def test_the_direction_is_to_be_given(strategy, tmp_path):
    """The value is the same in both epochs, so that the second is no improvement."""
    key, path = f"val_{strategy().key}", str(tmp_path / "best.keras")
    stopped = keras.callbacks.EarlyStopping(key, mode="max", patience=1)
    fit(strategy(), stopped)
    assert (stopped.best_epoch, stopped.stopped_epoch) == (0, 1)
    fit(strategy(), keras.callbacks.ModelCheckpoint(path, key, mode="max", save_best_only=True))
    for callback in (
        keras.callbacks.EarlyStopping(key),
        keras.callbacks.ModelCheckpoint(path, key, save_best_only=True),
        keras.callbacks.ReduceLROnPlateau(key),
    ):
        with pytest.raises(ValueError, match="Pass `mode='max'`"):
            fit(strategy(), callback)
