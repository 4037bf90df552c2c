"""A training in NumPy, a batch after the other, and the rows that it must give in any engine.

Beside a run's data, order and first weights nothing here is the package's: the network, its
gradients, Adam (Kingma & Ba 2015) and the averages are written out, and F1 is scikit-learn's.

Take few hidden units: of 64 some have gradients near 0, and what float32 rounds decides where
Adam's steps lead them.
"""

from collections import defaultdict

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, f1_score

from batchf1.config.seeds import generator
from batchf1.training.initial_weights import first_weights
from batchf1.training.shuffle import shuffled

EXACT = ["tp", "fp", "fn", "tn", "n_batches", "n_empty_batches"]
CLOSE = ["f1", "reference_pooled", "reference_full_pass"]
KEY = ["epoch", "split", "strategy"]


class Network:
    """A multilayer perceptron as `config.Model` describes it, in float64, with its optimiser."""

    def __init__(self, weights, learning_rate):
        self.weights = [np.asarray(w, float) for w in weights]
        self.learning_rate, self.steps = learning_rate, 0
        self.means = [np.zeros_like(w) for w in self.weights]
        self.squares = [np.zeros_like(w) for w in self.weights]

    def scores(self, x):
        return self._layers(x)[-1]

    def _layers(self, x):
        """What goes into each layer, and the output."""
        found = [x.astype(float)]
        for kernel, bias in zip(self.weights[::2], self.weights[1::2], strict=True):
            found.append(np.maximum(found[-1] @ kernel + bias, 0))
        logits = found[-2] @ self.weights[-2] + self.weights[-1]
        return [*found[:-1], 1 / (1 + np.exp(-logits))]

    def learn(self, x, y):
        """A step of Adam on the batch's mean binary cross-entropy."""
        *inputs, output = self._layers(x)
        slope, gradients = (output - y) / len(y), []
        for i in reversed(range(len(inputs))):
            gradients = [inputs[i].T @ slope, slope.sum(axis=0), *gradients]
            slope = slope @ self.weights[2 * i].T * (inputs[i] > 0)
        self.steps += 1
        rate = self.learning_rate * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        for w, m, v, g in zip(self.weights, self.means, self.squares, gradients, strict=True):
            m += 0.1 * (g - m)
            v += 0.001 * (g**2 - v)
            w -= rate * m / (np.sqrt(v) + 1e-7)


def epochs(run, pretraining_batch=32):
    """For each epoch: split -> the (labels, scores) of its batches, and of a pass at its end."""
    data = run.dataset.load(generator(*run.names, "data"))
    weights = first_weights(run.model, data.train.x.shape[1], generator(*run.names, "weights"))
    network = Network(weights, run.model.learning_rate)
    for epoch in range(run.training.pretrain):
        _pass(network, run, data, epoch, pretraining_batch)
    network = Network(network.weights, run.model.learning_rate)
    for epoch in range(run.training.epochs):
        if 0 < run.training.freeze_after <= epoch:
            network.learning_rate = 0.0
        yield _pass(network, run, data, epoch, run.training.batch_size)


def _pass(network, run, data, epoch, size):
    order = shuffled(run)(epoch)
    train = [_seen(network, *batch, learn=True) for batch in _cut(*data.train, size, order)]
    validation = [_seen(network, *batch) for batch in _cut(*data.validation, size)]
    whole = {name: _seen(network, *getattr(data, name)) for name in ("train", "validation")}
    return {"train": train, "validation": validation}, whole


def _cut(x, y, size, order=slice(None)):
    starts = range(0, len(y), size)
    return [(x[order][i : i + size], y[order][i : i + size]) for i in starts]


def _seen(network, x, y, learn=False):
    scores = network.scores(x)
    if learn:
        network.learn(x, y)
    return y[:, 0], scores[:, 0]


def rows(run, size_weighted=False, **options):
    """The rows of the run; `size_weighted` as Keras 2.2.4 averages."""
    found = []
    for epoch, (seen, passes) in enumerate(epochs(run, **options), 1):
        for split, batches in seen.items():
            logged = _logged(run, batches, size_weighted)
            full_pass = _f1(run, *passes[split])
            logged["epoch_end"] = full_pass
            measured = _measured(run, batches) | {"reference_full_pass": full_pass}
            found += [
                {"epoch": epoch, "split": split, "strategy": name, "f1": logged[name], **measured}
                for name in run.strategies
            ]
    return pd.DataFrame(found)


def _decided(run, scores):
    return scores > run.training.threshold


def _f1(run, labels, scores):
    return f1_score(labels, _decided(run, scores), zero_division=0)


def _logged(run, batches, size_weighted):
    """What each strategy logs of the batches."""
    sizes = [len(labels) for labels, _ in batches] if size_weighted else None
    parts = defaultdict(list)
    reduced = np.sum if run.input_pipeline.counts == "sum" else np.mean
    for labels, scores in batches:
        decided = _decided(run, scores)
        parts["tp"].append(reduced(labels * decided))
        parts["both"].append(reduced(labels + decided))
    tp, both = (np.average(parts[name], weights=sizes) for name in ("tp", "both"))
    pooled = _f1(run, *map(np.concatenate, zip(*batches, strict=True)))
    per_sample = run.input_pipeline.counts == "per_sample"
    return {
        "batch_mean": np.average([_f1(run, *batch) for batch in batches], weights=sizes),
        "reconstructed": pooled if per_sample else 2 * tp / both if both else 0.0,
        "streaming": pooled,
    }


def _measured(run, batches):
    labels, scores = map(np.concatenate, zip(*batches, strict=True))
    matrix = confusion_matrix(labels, _decided(run, scores), labels=[0, 1])
    empty = [not (y.any() or _decided(run, s).any()) for y, s in batches]
    losses = np.log(np.where(labels == 1, scores, 1 - scores))
    return {
        **dict(zip(("tn", "fp", "fn", "tp"), matrix.ravel(), strict=True)),
        "n_batches": len(batches),
        "n_empty_batches": sum(empty),
        "reference_pooled": f1_score(labels, _decided(run, scores), zero_division=0),
        "loss": -losses.mean(),
    }


def check(found, expected):
    """Hold rows of one run against those by hand."""
    found, expected = (t.set_index(KEY).sort_index() for t in (found, expected))
    assert list(found.index) == list(expected.index)
    for column in EXACT:
        np.testing.assert_array_equal(found[column], expected[column], err_msg=column)
    for column in CLOSE:
        np.testing.assert_allclose(
            found[column], expected[column], rtol=0, atol=1e-6, err_msg=column
        )
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-4)
