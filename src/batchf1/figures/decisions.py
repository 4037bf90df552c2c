"""What acting on the logged F1 costs: the F1 that decisions lose which go by it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from batchf1.errors import require
from batchf1.figures import _beside, _over_seeds
from batchf1.figures._options import UNIT, decisions
from batchf1.figures._regret import COUNTS, NUMBERS, cuts, regrets, values
from batchf1.records import tables

SAID = [*UNIT, "run_id", "role", "candidate", "batch_size", "training.class_weight"]
READ = [*SAID, "epoch", "threshold", "val_loss", *COUNTS, *(f"test_{name}" for name in COUNTS)]
"""Of a study's table, beside the logged values."""
FIRST = ["row", *_over_seeds.CELL, "positives_per_batch", "bin_low", "bin_high", "n_seeds"]
COUNTED = ["n_seeds", "n_pairs", "validation_batch_size"]
OUT = [*FIRST, "regret", "regret_low", "regret_high", *NUMBERS[1:]]
OUT += ["n_pairs", "agreement", "regret_exact"]
"""The columns of `table`."""


def table(runs: Path, experiment: Path) -> pd.DataFrame:
    """What choosing by a logged value loses, in rows of four kinds, told apart by `row`.

    `cell`: a decision, data set, prevalence, validation batch size and rule for empty batches, and
    what is gone by (`chosen_by`): the `logged` value, its exact expectation (`expected`), or the
    `loss`, which depends on neither size nor rule. Beside it stands what the F1 of all validation
    samples takes in the same way (`_true`). `regret` is the F1 on test of that choice minus the F1
    of what was chosen, a mean over `n_seeds` with its 95 % bootstrap interval; `different` the
    share of seeds in which the two differ; `f1`, `precision`, `recall` are on test, precision in
    the seeds where it is defined. `regret_of_true` is what the true choice itself falls short of
    the best on test. `largest`: where candidates are validated in their own training batch size,
    the share of searches that take one of the largest. Of tied options the middle one is taken, by
    a checkpoint and early stopping the first, as by Keras.

    `bin`: the same over cells, by expected positives per batch. `pairs`: of pairs of candidates
    whose expected values are two deviations apart, the share logged in that order. `control`:
    binormal scores, with the exact regret of choosing by the expectation in much data.
    Raises `InputError` for a table that lacks a column, or in which units differ in their options.
    """
    rows = _read(runs)
    options = decisions(rows)
    found = regrets(options, values(rows, options))
    parts = {
        "cell": _over_seeds.cells(found),
        "bin": _over_seeds.bins(found),
        "pairs": _beside.pairs(rows, options),
        "control": _beside.control(curves(experiment)),
    }
    whole = pd.concat(
        [part.assign(row=row) for row, part in parts.items() if len(part)] or [pd.DataFrame()]
    )
    whole = whole.reindex(columns=OUT).reset_index(drop=True)
    return whole.astype(dict.fromkeys(COUNTED, "Int64")).round(6)


def curves(experiment: Path) -> pd.DataFrame:
    """The threshold curves of the study's binormal control, as `_beside.control` takes them."""
    raise NotImplementedError(experiment)


def _read(runs: Path) -> pd.DataFrame:
    found = tables.unchecked(runs)
    lacking = [name for name in READ if name not in found]
    require(not lacking, str(runs), f"has columns {READ}", f"none named {lacking}")
    return found[[*READ, *cuts(map(str, found)).values()]]
