"""Seconds of a run in each engine, in a minimal loop, and in the matrix products alone.

All in one process and one thread, in turn, over data size and batch size. The bare loop makes the
optimiser steps of one run without `fit`, metrics, callbacks, validation and prediction. The
multiplications alone are those of the training steps of 32 runs at once: the floor.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from batchf1.config.seeds import generator
from batchf1.config.settings import Run
from batchf1.records import tables
from batchf1.sweep import rows
from batchf1.sweep.grid import compose
from batchf1.training import devices
from batchf1.training.keras3 import model as network
from batchf1.training.keras3.ensemble import EnsembleTrainer, ensemble_of
from batchf1.training.keras3.plain import PlainTrainer
from batchf1.training.keras3.steps import blocks
from batchf1.training.shuffle import shuffled

HERE = Path(__file__).resolve().parent
CELLS = [
    *((n, 8) for n in (1000, 10_000, 44_000)),
    *((44_000, size) for size in (64, 256, 1024)),
]
"""Training samples and batch size."""
RUNS = 32
PLAIN_REPEATS = 3
"""At most: a later call of plain Keras takes 20 s at the largest data size, in batches of 8."""


def bare(run: Run) -> Callable[[], None]:
    """Train all steps of a run, with one compiled call per epoch."""
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


def multiplications(run: Run) -> Callable[[], None]:
    """Compute the matrix products of the training steps of 32 runs, and nothing else."""
    size, n_features, (units,) = run.training.batch_size, 5, run.model.hidden
    draw = np.random.default_rng(0)
    shapes = [(size, n_features), (n_features, units), (units, 1), (size, 1)]
    x, first, second, error = (
        tf.constant(draw.normal(size=(RUNS, *shape)).astype(np.float32)) for shape in shapes
    )
    n_steps = run.training.epochs * -(-run.dataset.n_samples // size)

    @tf.function(jit_compile=True)
    def products(n: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def step(i: tf.Tensor, first: tf.Tensor, second: tf.Tensor) -> tuple[tf.Tensor, ...]:
            hidden = tf.matmul(x, first)
            output = tf.matmul(hidden, second)  # feeds back, or XLA would leave it out
            back = error + 1e-30 * output
            of_second = tf.matmul(hidden, back, transpose_a=True)
            of_first = tf.matmul(x, tf.matmul(back, second, transpose_b=True), transpose_a=True)
            return i + 1, first + 1e-9 * of_first, second + 1e-9 * of_second

        found = tf.while_loop(lambda i, *_: i < n, step, [0, first, second])
        return found[1:]

    return lambda: [part.numpy() for part in products(tf.constant(n_steps))]


def steps(run: Run) -> Callable[[], None]:
    """Run the ensemble's compiled training steps of 32 runs, with all metrics, and nothing else."""
    ensemble = ensemble_of(run)
    data = run.dataset.load(generator(*run.names, "data")).train
    samples = np.stack([np.concatenate(data, axis=1)] * RUNS)
    every, ones = list(blocks(samples, run.training.batch_size)), tf.ones(RUNS)

    def train() -> None:
        for _ in range(run.training.epochs):
            states = ensemble.stacks.reset
            for block in every:
                states, counts = ensemble.steps.learn(block, states, ones)
            counts.numpy()

    return train


def engine(run: Run, n_runs: int) -> Callable[[], object]:
    """Train runs with all strategies, from loading data to rows."""
    trainer = (PlainTrainer if run.training.engine == "plain" else EnsembleTrainer)(run)
    runs = [replace(run, seed=seed) for seed in range(n_runs)]
    return lambda: rows.table(runs, "CPU", trainer.train(runs), trainer.expected)


KINDS: dict[str, tuple[Callable[[Run], Callable[[], object]], int]] = {
    "multiplications": (multiplications, RUNS),
    "ensemble, steps alone": (steps, RUNS),
    "ensemble": (lambda run: engine(run, RUNS), RUNS),
    "bare loop": (bare, 1),
    "plain": (lambda run: engine(run, 1), 1),
}
"""What is measured -> what makes it, and how many runs it trains."""


def measure(n_samples: int, batch_size: int, repeats: int) -> list[dict[str, object]]:
    """Return a row for each kind: seconds of the first call, which compiles, and of later ones."""
    found: list[dict[str, object]] = []
    for name, (make, n_runs) in KINDS.items():
        of = "plain" if name == "plain" else "ensemble"
        sizes = [f"dataset.n_samples={n_samples}", f"training.batch_size={batch_size}"]
        run = compose([*sizes, f"training.engine={of}", "training.threads=1"])
        train = make(run)
        seconds = []
        for _ in range(1 + (min(repeats, PLAIN_REPEATS) if name == "plain" else repeats)):
            start = time.perf_counter()
            train()
            seconds.append(time.perf_counter() - start)
        n_steps = -(-n_samples // batch_size) * run.training.epochs
        later = np.array(seconds[1:]) / n_runs
        found.append(
            {
                "engine": name,
                "n_samples": n_samples,
                "batch_size": batch_size,
                "steps": n_steps,
                "epochs": run.training.epochs,
                "n_runs": n_runs,
                "first_s": round(seconds[0], 3),
                "later_s": float(f"{np.median(later):.4g}"),
                "later_max_s": float(f"{later.max():.4g}"),
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
    for name, floor in (
        ("plain", "ensemble"),
        ("bare loop", "ensemble"),
        ("ensemble", "ensemble, steps alone"),
        ("ensemble, steps alone", "multiplications"),
        ("ensemble", "multiplications"),
    ):
        wide[f"{name} / {floor}"] = wide[name] / wide[floor]
    print(wide.to_string(float_format="%.4g"))  # noqa: T201


if __name__ == "__main__":
    main()
