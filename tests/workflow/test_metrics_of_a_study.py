"""A study of several metrics, one of them of its folder's own, through Snakemake."""

import numpy as np
import pandas as pd
import pytest

from batchf1.metrics.arithmetic import safe_divide
from batchf1.records import provenance_of_file, tables
from batchf1.sweep import schema
from helpers.miniature import RUNS, Copy

MODULE = """
from batchf1 import Ratio

FALLOUT = Ratio((0, 1, 0, 0), (0, 1, 0, 1), "fallout")
"""
STUDY = """
question: Which metric?
overrides: [dataset.n_samples=200, training.epochs=1, "model.hidden=[4]", training.threads=1,
  dataset.prevalence=0.5, "strategies=[batch_mean,streaming]", training.engine=plain]
metrics: [f1, f_beta(2), jaccard, my_module.FALLOUT]
grid: {training.batch_size: [40], seed: [0]}
figures: {mini: error_vs_batch_size}
figure_metrics: {mini: my_module.FALLOUT}
"""


@pytest.mark.slow
def test_a_study_of_several_metrics(repository, tmp_path):
    copy = Copy(repository, tmp_path)
    copy.write("my_module.py", MODULE)
    copy.write("experiments/mini.yaml", STUDY)
    done = copy.snakemake("mini", cores=1)
    assert done.returncode == 0, done.stdout
    table = tables.read(tmp_path / RUNS, schema.RUNS_OF_METRICS)
    assert set(table["metric"]) == {"f1", "f2", "jaccard", "my_module.FALLOUT"}
    tp, fp, fn, tn = (table[name].to_numpy() for name in ("tp", "fp", "fn", "tn"))
    by_hand = {
        "f1": (2 * tp, 2 * tp + fp + fn),
        "f2": (5 * tp, 5 * tp + fp + 4 * fn),
        "jaccard": (tp, tp + fp + fn),
        "my_module.FALLOUT": (fp, fp + tn),
    }
    streaming = table["strategy"] == "streaming"
    for name, fraction in by_hand.items():
        chosen = (table["metric"] == name).to_numpy() & streaming.to_numpy()
        value = safe_divide(*(part[chosen] for part in fraction))
        np.testing.assert_allclose(table["value"][chosen], value, atol=1e-12)
        np.testing.assert_allclose(table["reference_pooled"][chosen], value, atol=1e-12)
    assert tables.provenance_of(tmp_path / RUNS)["config"]["metrics"] == list(by_hand)

    numbers = pd.read_csv(tmp_path / "figures/mini.csv")
    assert set(numbers["metric"]) == {"my_module.FALLOUT"}
    assert {"fallout", "true_fallout", "true_f1"} < set(numbers)
    picture = provenance_of_file.provenance_of(tmp_path / "figures/mini.png")
    assert picture["metric"] == "my_module.FALLOUT"
    shown = numbers.set_index(["split", "strategy"])["fallout"]
    measured = table.set_index(["metric", "split", "strategy"])["value"]["my_module.FALLOUT"]
    assert shown.to_dict() == pytest.approx(measured.to_dict())

    copy.write("my_module.py", MODULE.replace("(0, 1, 0, 1)", "(0, 2, 0, 1)"))
    planned = copy.snakemake("mini", "--dry-run", cores=1)
    assert "updated input files: my_module.py" in " ".join(planned.stdout.lower().split()), (
        planned.stdout
    )
