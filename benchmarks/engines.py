"""Seconds of a run in each engine, and in a bare compiled loop, over data size and batch size.

All in one process, in turn. The bare loop makes the same optimiser steps without `fit`, metrics,
callbacks, validation and prediction: the limit.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from batchf1.records import tables
from batchf1.study import rows
from batchf1.study.frameworks import devices
from batchf1.study.frameworks.keras3 import model as network
from batchf1.study.frameworks.keras3.run import Keras3Trainer
from batchf1.study.frameworks.order import shuffled
from batchf1.study.grid import compose
from batchf1.study.seeds import generator
from batchf1.study.settings import Run

HERE = Path(__file__).resolve().parent
CELLS = [(1000, 8), (10_000, 8), (44_000, 8), (44_000, 64), (44_000, 512), (44_000, 1024)]
"""Training samples and batch size."""


def bare(run: Run) -> Callable[[], None]:
    """All steps of a run, an epoch a compiled call."""
    x, y = map(tf.constant, run.dataset.load(generator(*run.names, "data")).train)
    size, (n_full, rest) = run.training.batch_size, divmod(len(x), run.training.batch_size)
    model = network.build(run.model.hidden, x.shape[1])
    optimizer, loss_of = keras.optimizers.Adam(0.01), keras.losses.BinaryCrossentropy()
    optimizer.build(model.trainable_variables)

    def learn(chosen: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = loss_of(tf.gather(y, chosen), model(tf.gather(x, chosen), training=True))
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)

    @tf.function(jit_compile=True)
    def epoch(order: tf.Tensor) -> None:
        def step(i: tf.Tensor) -> tf.Tensor:
            learn(tf.gather(order, i * size + tf.range(size)))
            return i + 1

        tf.while_loop(lambda i: i < n_full, step, [0])
        if rest:
            learn(order[n_full * size :])

    order = shuffled(run)

    def train() -> None:
        for number in range(run.training.epochs):
            epoch(tf.constant(order(number)))

    return train


def engine(run: Run, device: str) -> Callable[[], object]:
    """A run with all strategies."""
    trainer = Keras3Trainer(run)
    return lambda: rows.table([run], device, trainer.train([run]), trainer.expected)


def measure(n_samples: int, batch_size: int, repeats: int) -> list[dict[str, object]]:
    """A row per engine: seconds of the first run, with compilation, and of the later ones."""
    found: list[dict[str, object]] = []
    for name in ("bare loop", "fused", "plain"):
        kind = name if name != "bare loop" else "fused"
        sizes = [f"dataset.n_samples={n_samples}", f"training.batch_size={batch_size}"]
        run = compose([*sizes, f"training.engine={kind}", "training.threads=1"])
        device = "CPU"
        train = bare(run) if name == "bare loop" else engine(run, device)
        seconds = []
        for _ in range(1 + (repeats if name != "plain" else 1)):
            start = time.perf_counter()
            train()
            seconds.append(time.perf_counter() - start)
        steps = -(-n_samples // batch_size) * run.training.epochs
        found.append(
            {
                "engine": name,
                "n_samples": n_samples,
                "batch_size": batch_size,
                "steps": steps,
                "epochs": run.training.epochs,
                "first_s": round(seconds[0], 3),
                "later_s": round(float(np.median(seconds[1:])), 4),
                "later_max_s": round(max(seconds[1:]), 4),
            }
        )
        print(found[-1], flush=True)  # noqa: T201
    return found


def main() -> None:
    """Measure every cell, print the ratios, write the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--output", type=Path, default=HERE / "engines.csv")
    parsed = parser.parse_args()
    devices.configure("cpu", 1)
    measured = [row for cell in CELLS for row in measure(*cell, parsed.repeats)]
    table = pd.DataFrame(measured)
    tables.write_csv(table, parsed.output)
    wide = table.pivot_table(index=["n_samples", "batch_size"], columns="engine", values="later_s")
    wide["plain / fused"] = wide["plain"] / wide["fused"]
    wide["fused / bare loop"] = wide["fused"] / wide["bare loop"]
    print(wide.round(3).to_string())  # noqa: T201


if __name__ == "__main__":
    main()
