"""Twenty runs of the study of decisions in ordinary Keras: make test-decisions."""

import random
import sys

import numpy as np
import pytest

from batchf1.records import tables
from batchf1.studies.decisions import rows as decisions_rows
from batchf1.studies.experiments import load, plan
from batchf1.training.keras3.ensemble import EnsembleTrainer
from helpers import in_keras

pytestmark = pytest.mark.whole
N = 20
CLOSE = {"rtol": 0, "atol": 1e-6}


@pytest.fixture(scope="module")
def whole(repository):
    """The study, its runs drawn at random, and its table."""
    path = repository / "experiments/decisions.yaml"
    made = repository / "results/decisions/runs.parquet"
    if not made.exists():
        pytest.skip("snakemake --cores all decisions makes the table")
    every = [(cell, seed) for cell in plan(path).cells for seed in cell.seeds]
    drawn = random.Random("decisions").sample(every, N)
    return (
        load(path),
        [cell.run(seed) for cell, seed in drawn],
        tables.read(made, decisions_rows.EPOCHS),
    )


@pytest.mark.parametrize("place", range(N))
def test_logged_is_what_plain_keras_logs(whole, place, capsys):
    """At the run's last weights by `evaluate`, and by `fit` as long as rounding lets them agree.

    The two engines add in another order. What that makes of a score, the training blows up, so that
    sooner or later a sample near the threshold falls to the other side; until then they are equal.
    """
    study, runs, table = whole
    run, sizes = runs[place], study.validation_batch_sizes
    rows = table[(table["run_id"] == run.run_id) & (table["threshold"] == 0.5)]
    trainer = EnsembleTrainer(run)
    (passes,) = trainer.train([run])
    logged = [of.logs["val_f1_batch_mean"] for of in passes if of.split == "validation"]
    np.testing.assert_allclose(rows[decisions_rows.column(sizes[0], "0")], logged, **CLOSE)
    evaluated = in_keras.evaluated(run, trainer.last_weights(0), sizes)
    np.testing.assert_allclose(rows[list(evaluated)].iloc[-1], list(evaluated.values()), **CLOSE)
    logs, _ = in_keras.fitted(run)
    apart = np.abs(
        [of["val_f1_batch_mean"] for of in logs] - rows[decisions_rows.column(sizes[0], "0")]
    )
    agree = np.argmax([*(apart > 1e-6), True])  # epochs
    said = f"{run.label}: {agree} of {len(logs)} epochs agree; at most {apart.max():.1g} apart"
    with capsys.disabled():
        sys.stdout.write(f"{said}\n")
    assert agree >= 5
