"""The code that docs/explorer.html gives to copy: that for Keras runs, the rest can be read."""

import numpy as np
import pytest
from sklearn.metrics import f1_score


@pytest.fixture
def snippet(repository):
    folder = repository / "docs" / "explorer" / "snippets"
    return lambda name: (folder / f"{name}.txt").read_text(encoding="utf-8")


def data(n):
    """Few positives, and a last batch of 32 that is short."""
    x = np.random.default_rng(n).normal(size=(n, 3)).astype("float32")
    return x, (x[:, 0] > 1.5).astype("float32")


def logged_and_true(code, keras, name):
    """The last validation F1 that the snippet logs, and scikit-learn's."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    (x, y), (x_val, y_val) = data(400), data(205)
    given = {"keras": keras, "model": model, "x": x, "y": y, "x_val": x_val, "y_val": y_val}
    model.build((None, 3))
    model.layers[0].set_weights([np.array([[3.0], [0.5], [0.0]], "float32"), np.array([-4.0])])
    exec(compile(code, "<snippet>", "exec"), given)
    logged = model.history.history[name][-1]  # tf-keras forgets it when it predicts
    return logged, f1_score(y_val, model.predict(x_val, verbose=0)[:, 0] > 0.5)


@pytest.mark.parametrize("name", ["keras3", "tf-keras"])
def test_keras(snippet, name):
    module, log = {"keras3": ("keras", "val_f1_reconstructed"), "tf-keras": ("tf_keras", "val_f1")}[
        name
    ]
    logged, true = logged_and_true(snippet(name), pytest.importorskip(module), log)
    assert 0.2 < true < 1
    assert logged == pytest.approx(true, abs=1e-12)


@pytest.mark.parametrize("name", ["torchmetrics", "lightning"])
def test_torch_compiles(snippet, name):
    compile(snippet(name), name, "exec")
