"""The code that docs/explorer.html gives to copy runs, where its framework is installed."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from helpers.slow import slow

FOLDER = Path(__file__).parents[2] / "docs/explorer/snippets"


@pytest.fixture
def snippet():
    return lambda name: (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


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


@pytest.mark.parametrize("name", ["keras3", slow("tf-keras")])
def test_keras(snippet, name):
    module, log = {"keras3": ("keras", "val_f1_streaming"), "tf-keras": ("tf_keras", "val_f1")}[
        name
    ]
    logged, true = logged_and_true(snippet(name), pytest.importorskip(module), log)
    assert 0.2 < true < 1
    assert logged == pytest.approx(true, abs=1e-12)


@pytest.mark.parametrize("name", ["torchmetrics", "lightning"])
def test_torch_compiles(snippet, name):
    compile(snippet(name), name, "exec")


def in_torch(torch):
    """A model, a loader with a short last batch, and scikit-learn's F1."""
    x, y = map(torch.from_numpy, data(205))
    model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Sigmoid())
    with torch.no_grad():
        model[0].weight[:] = torch.tensor([3.0, 0.5, 0.0])
        model[0].bias[:] = -4
        true = f1_score(y, model(x)[:, 0] > 0.5)
    rows = torch.utils.data.TensorDataset(x, y.int())
    assert 0.2 < true < 1
    return model, torch.utils.data.DataLoader(rows, batch_size=32), true


def test_torchmetrics(snippet, capsys):
    pytest.importorskip("torchmetrics")
    model, loader, true = in_torch(pytest.importorskip("torch"))
    given = {"model": model, "val_loader": loader, "device": "cpu"}
    exec(compile(snippet("torchmetrics"), "<snippet>", "exec"), given)
    assert float(capsys.readouterr().out.split()[-1]) == pytest.approx(true, abs=1e-6)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")  # Lightning's advice
def test_lightning(snippet):
    lightning = pytest.importorskip("lightning")
    network, loader, true = in_torch(pytest.importorskip("torch"))
    given = {}
    exec(compile(snippet("lightning"), "<snippet>", "exec"), given)
    model = type("Filled", (given["Model"],), {"forward": lambda self, x: network(x)})()
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = lightning.Trainer(accelerator="cpu", devices=1, **quiet)
    (logs,) = trainer.validate(model, loader, verbose=False)
    assert logs["val_f1"] == pytest.approx(true, abs=1e-6)
