"""Tables of the study of decisions made by hand or at random, for the tests of its figure."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd

from batchf1.figures import decisions
from batchf1.records import tables
from batchf1.studies.decisions.rows import EPOCHS

SIZES, RULES = (8, 32), ("0", "1", "skip")
ROW = {
    "dataset": "d",
    "prevalence": 0.1,
    "seed": 0,
    "run_id": "a",
    "role": "network",
    "candidate": 0,
    "batch_size": 8,
    "training.class_weight": 1.0,
    "epoch": 1,
    "threshold": 0.5,
    "val_loss": 0.5,
    "tp": 5,
    "fp": 5,
    "fn": 5,
    "tn": 85,
    "test_tp": 5,
    "test_fp": 5,
    "test_fn": 5,
    "test_tn": 85,
    **{f"f1_{size}_{rule}": 0.5 for size, rule in itertools.product(SIZES, RULES)},
}
SAID = {"study": "s", "n_samples": 100, "device": "CPU", "framework": "keras", "version": "3"}
SAID |= {"averaging": "per_batch"}
"""What no decision looks at."""
LOGGED = [name for name in ROW if name.startswith("f1_")]

LATE = [*list(SAID)[2:], "role", "candidate", "training.class_weight"]
ORDER = ["run_id", "study", "dataset", "n_samples", "prevalence", "batch_size", "seed"]
ORDER += [name for name in ROW if name not in (*ORDER, *LATE)] + LATE


def table(*changes, **common):
    """A row for each of the dictionaries: `ROW` with what all have in common and its changes."""
    return pd.DataFrame([ROW | common | change for change in changes])


def logged(value):
    """The same in every column of logged values."""
    return dict.fromkeys(LOGGED, value)


def written(folder, rows):
    """The table as a file."""
    path = folder / "runs.parquet"
    rows = rows.assign(**{name: value for name, value in SAID.items() if name not in rows})
    unit = zip(rows["run_id"], rows["dataset"], rows["prevalence"], rows["seed"], strict=True)
    rows["run_id"] = pd.Series(["-".join(map(str, names)) for names in unit], dtype="str")
    tables.write(rows[[name for name in ORDER if name in rows]], path, EPOCHS, {})
    return path


def numbers(folder, rows):
    """The figure's table of these rows."""
    return decisions.table(written(folder, rows), Path("decisions.yaml"))


def runs(rng):
    """Of one unit: (role, class weight, candidate, batch size, epochs)."""
    for weight in (1.0, 2.0, 10.0):
        yield "network", weight, 0, 8, 7
    for weight in (1.0, 10.0):
        yield "logistic", weight, 0, 8, 2
    for candidate in range(34):
        yield "candidate", float(rng.integers(1, 20)), candidate, int(rng.choice(SIZES)), 2


def study(seeds=2, prevalences=(0.02, 0.1), seed=0, datasets="de"):
    """A random study of 100 validation samples with every decision, its rows in random order.

    Logged values have few levels, so that many are tied.
    """
    rng = np.random.default_rng(seed)
    rows = []
    units = itertools.product(datasets, prevalences, range(seeds))
    for dataset, prevalence, number in units:
        for role, weight, candidate, size, epochs in runs(rng):
            run = {"dataset": dataset, "prevalence": prevalence, "seed": number, "role": role}
            run |= {"training.class_weight": weight, "candidate": candidate, "batch_size": size}
            run["run_id"] = "-".join(map(str, run.values()))
            for epoch in range(1, epochs + 1):
                fine = weight == 1 and epoch == epochs and role != "candidate"
                for threshold in (0.25, 0.5, 0.75) if fine else (0.5,):
                    place = {"epoch": epoch, "threshold": threshold}
                    rows.append(ROW | run | place | drawn(rng, prevalence))
    return pd.DataFrame(rows).sample(frac=1, random_state=seed, ignore_index=True)


def drawn(rng, prevalence):
    """Counts and values of one row."""
    positives = round(100 * prevalence)
    found = {name: rng.integers(0, 5) / 4 for name in LOGGED} | {"val_loss": rng.integers(0, 5) / 4}
    for prefix in ("", "test_"):
        tp, fp = int(rng.integers(0, positives + 1)), int(rng.integers(0, 20))
        counts = {"tp": tp, "fp": fp, "fn": positives - tp, "tn": 100 - positives - fp}
        found |= {f"{prefix}{name}": count for name, count in counts.items()}
    return found
