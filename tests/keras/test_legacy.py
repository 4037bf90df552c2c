"""Errors of our Keras 3 objects in a model of tf_keras, which is Keras 2."""

import numpy as np
import pytest

from batchf1.errors import InputError
from batchf1.keras import Audit, BatchMean, EpochEnd, Reconstructed, Streaming
from helpers.slow import slow

X, Y = np.ones((2, 1), "float32"), np.ones((2, 1), "float32")
RULE = r" needs a model of Keras 3, made with `import keras`; tf_keras is Keras 2; got a tf_keras"


def fit(metrics=(), callbacks=()):
    import tf_keras

    model = tf_keras.Sequential([tf_keras.layers.Dense(1, "sigmoid")])
    model.compile("sgd", "mse", metrics=[*metrics])
    model.fit(X, Y, verbose=0, callbacks=[*callbacks])


@pytest.mark.parametrize("strategy", [Streaming, slow(BatchMean), slow(Reconstructed)])
def test_metrics(strategy):
    with pytest.raises(InputError, match=RULE) as refused:
        fit(strategy().metrics())
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("strategy", [EpochEnd, Streaming, slow(BatchMean), slow(Reconstructed)])
def test_callbacks(strategy):
    with pytest.raises(InputError, match=RULE):
        fit(callbacks=strategy().callbacks(validation=(X, Y)))


def test_audit():
    with pytest.raises(InputError, match="^Audit" + RULE):
        fit(callbacks=[Audit((X, Y))])
