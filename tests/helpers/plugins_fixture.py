"""Plug-ins of somebody else: a data set, a strategy, a figure and a framework, as files."""

import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from batchf1.cli import main as cli
from batchf1.config import registry


@contextmanager
def installed(folder, files, entry_points):
    """Let somebody's files lie in the working directory, with a package of theirs installed."""
    info = "theirs-1.0.dist-info"
    metadata = "Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n"
    theirs = {f"{info}/entry_points.txt": entry_points, f"{info}/METADATA": metadata}
    for name, text in (files | theirs).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(folder)
        registry._registered.cache_clear()
        yield
    registry._registered.cache_clear()
    for name in files:
        sys.modules.pop(Path(name).stem, None)


def call(capfd, *arguments):
    """Run a command in this process: its status, output and errors."""
    try:
        status = cli.main([*arguments])
    except SystemExit as ended:
        status = ended.code
    said = capfd.readouterr()
    return status, said.out, said.err


PLUGINS = '''
"""A data set and a strategy."""

from dataclasses import dataclass

import keras
import numpy as np

from batchf1.datasets.base import Dataset
from batchf1.keras.base import Strategy
from batchf1.metrics.averaging import batch_mean


@dataclass
class MyData(Dataset):
    name = "my_data"
    shift: float = 2.0

    def draw(self, rng, n_positive, n_negative):
        positives = rng.standard_normal((n_positive, 3)) + self.shift
        return positives.astype(np.float32), rng.standard_normal((n_negative, 3)).astype(np.float32)


class MyStrategy(Strategy):
    name = "my_mean"

    def metrics(self):
        def f1(y_true, y_pred):
            decided = keras.ops.cast(y_pred > self.threshold, "float32")
            tp = keras.ops.sum(y_true * decided)
            return 2 * tp / keras.ops.maximum(keras.ops.sum(y_true + decided), 1e-7)

        return [keras.metrics.MeanMetricWrapper(f1, name=self.key)]

    def expected(self, batches, full_pass, averaging):
        return batch_mean(batches, averaging)
'''

FIGURE = '''
"""A bar for each strategy."""

from matplotlib import pyplot as plt

from batchf1.figures import study_rows, style

ALT = "Bars, one for each strategy."
COLUMNS = {"strategy": "text", "f1": "number"}


def table(source):
    return study_rows.last_epoch(source).groupby("strategy", as_index=False)["f1"].mean()


def draw(table):
    figure, ax = plt.subplots(layout="constrained")
    ax.bar(table["strategy"], table["f1"])
    style.headline(figure, "Bars", [])
    style.caption(figure, "One a strategy")
    return figure
'''

FRAMEWORK = '''
"""Logistic regression by gradient descent, in NumPy alone."""

import numpy as np

from batchf1.metrics.averaging import batch_mean, pooled
from batchf1.metrics.counts import as_counts
from batchf1.training.base import Framework, SplitResult, CostEstimate
from batchf1.training.shuffle import shuffled
from batchf1.config.seeds import generator

RULES = {
    "batch_mean": lambda batches, full_pass, averaging: batch_mean(batches, averaging),
    "reconstructed": lambda batches, full_pass, averaging: pooled(batches),
}


class MyTrainer:
    def __init__(self, run):
        self.expected = {name: RULES[name] for name in run.strategies}

    def train(self, runs, verbose=0):
        return [self.train_one(run) for run in runs]

    def last_weights(self, place):
        return []

    def train_one(self, run):
        data = run.dataset.load(generator(*run.names, "data"))
        weights, order, size = np.zeros((4, 1)), shuffled(run), run.training.batch_size
        passes = []
        for epoch in range(run.training.epochs):
            seen = {"train": [], "validation": []}
            for place in cut(order(epoch), size):
                x, y = data.train.x[place], data.train.y[place]
                seen["train"].append((y, score(x, weights)))
                slope = with_one(x).T @ (score(x, weights) - y) / len(y)
                weights -= run.model.learning_rate * slope
            for place in cut(np.arange(len(data.validation.y)), size):
                x, y = data.validation.x[place], data.validation.y[place]
                seen["validation"].append((y, score(x, weights)))
            logs = logged(seen["train"], "") | logged(seen["validation"], "val_")
            for split, batches in seen.items():
                x, y = getattr(data, split)
                whole = as_counts(*np.transpose([cells(y, score(x, weights))]))
                counts = as_counts(*np.transpose([cells(*batch) for batch in batches]))
                passes.append(SplitResult(epoch, split, logs, counts, whole))
        return passes


def cut(places, size):
    return [places[i : i + size] for i in range(0, len(places), size)]


def with_one(x):
    return np.hstack([x, np.ones((len(x), 1))])


def score(x, weights):
    return 1 / (1 + np.exp(-with_one(x) @ weights))


def cells(y, scores):
    p = scores > 0.5
    return [np.sum(y * p), np.sum((1 - y) * p), np.sum(y * (1 - p)), np.sum((1 - y) * (1 - p))]


def f1(tp, fp, fn, tn):
    return 2 * tp / (2 * tp + fp + fn) if tp else 0.0


def logged(batches, prefix):
    of_batches = np.array([cells(*batch) for batch in batches])
    losses = [-np.mean(np.log(np.where(y == 1, p, 1 - p))) for y, p in batches]
    sizes = [len(y) for y, _ in batches]
    return {
        f"{prefix}loss": np.average(losses, weights=sizes),
        f"{prefix}f1_batch_mean": np.average([f1(*c) for c in of_batches], weights=sizes),
        f"{prefix}f1_reconstructed": f1(*of_batches.sum(axis=0)),
    }


class MyFramework(Framework):
    name = "by hand"
    averaging = "size_weighted"
    engines = {"my_framework.MyFramework": CostEstimate(1e-5, 1e-4, 0.0)}
    pretraining = "my_framework.MyFramework"
    strategies = ("batch_mean", "reconstructed")
    module = "my_framework"

    def version(self):
        return "0.1"

    def configure(self, run):
        return "CPU"

    def trainer(self, run):
        return MyTrainer(run)
'''
