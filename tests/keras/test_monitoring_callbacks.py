"""Callbacks of Keras that monitor the log of a strategy need `mode="max"`.

With it they find the logs: test_strategies.py.
"""

import keras
import pytest

from batchf1.keras import EpochEnd, Reconstructed, Streaming
from helpers.fitting import data, fitted


@pytest.mark.parametrize(
    ("strategy", "callback"),
    [
        (EpochEnd, keras.callbacks.EarlyStopping),
        (Reconstructed, keras.callbacks.ReduceLROnPlateau),
        (Streaming, lambda key: keras.callbacks.ModelCheckpoint("x.keras", key, save_best_only=1)),
    ],
)
def test_the_direction_is_to_be_given(strategy, callback):
    monitoring = callback(f"val_{strategy().key}")
    with pytest.raises(ValueError, match="Pass `mode='max'`"):
        fitted([strategy()], data(), data(40), callbacks=[monitoring])
