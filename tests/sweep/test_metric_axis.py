"""Runs with several metrics: each row is scikit-learn's value of the counts, in every engine."""

import importlib
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import fbeta_score

from batchf1.errors import InputError, TraceError
from batchf1.records import provenance, tables
from batchf1.sweep import rows, schema, shard
from batchf1.sweep.grid import compose
from batchf1.training.engines import framework_of
from helpers import plugins_fixture
from helpers.eagerly import eagerly
from helpers.shards import execute
from helpers.slow import slow
from helpers.training import run

MODULE = """
from batchf1 import Ratio

FALLOUT = Ratio((0, 1, 0, 0), (0, 1, 0, 1), "fallout")
"""
ALL = "[f1,f_beta(2),my_module.FALLOUT]"
NAMES = ["f1", "f2", "my_module.FALLOUT"]


@pytest.fixture(scope="module", autouse=True)
def my_module(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mine")
    (folder / "my_module.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        importlib.invalidate_caches()
        yield folder / "my_module.py"
    sys.modules.pop("my_module", None)


def reference(name, tp, fp, fn, tn):
    """The metric of counts, by scikit-learn; fall-out is no function of it."""
    if name == "my_module.FALLOUT":
        return fp / (fp + tn) if fp + tn else 0.0
    labels, predicted = np.repeat([[1, 0, 1, 0], [1, 1, 0, 0]], [tp, fp, fn, tn], axis=1)
    beta = {"f1": 1, "f2": 2}[name]
    return fbeta_score(labels, predicted, beta=beta, zero_division=0.0)


@pytest.fixture(scope="module", params=["plain", slow("ensemble")])
def trained(request):
    """A run in an engine: itself, its passes and its rows."""
    one = run(metrics=ALL, training__engine=request.param, training__batch_size=48)
    trainer = framework_of(one).trainer(one)
    results = trainer.train([one])
    return one, results[0], rows.table([one], "CPU", results, trainer.expected)


def test_the_table_has_a_row_for_each_metric_of_each_strategy(trained):
    one, _, table = trained
    tables.validate(table, schema.RUNS_OF_METRICS, "rows")
    assert list(table) == list(schema.RUNS_OF_METRICS.columns)
    assert len(table) == one.n_rows == 2 * 2 * 4 * 3
    assert list(table["metric"].unique()) == NAMES
    assert one.resolved["metrics"] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_of_the_counts(trained, name):
    _, passes, table = trained
    table, errors = table[table["metric"] == name], []
    for each in passes:
        of_pass = (table["epoch"] == each.epoch + 1) & (table["split"] == each.split)
        found = table[of_pass].set_index("strategy")
        pooled = reference(name, *each.batches.pooled())
        full_pass = reference(name, *each.full_pass.pooled())
        of_batches = [reference(name, *batch) for batch in zip(*each.batches, strict=True)]
        errors.append(abs(np.mean(of_batches) - pooled))
        wanted = {
            "batch_mean": np.mean(of_batches),
            "epoch_end": full_pass,
            "reconstructed": pooled,
            "streaming": pooled,
        }
        assert found["value"].to_dict() == pytest.approx(wanted, abs=1e-6)
        references = found[["reference_pooled", "reference_full_pass"]].to_numpy()
        np.testing.assert_allclose(references, [[pooled, full_pass]] * 4, rtol=0, atol=1e-12)
    assert max(errors) > 0.003, "or the batch mean could be any of them"


@pytest.mark.slow
def test_beside_other_metrics_f1_is_what_it_is_alone(trained):
    one, _, table = trained
    alone = run(training__engine=one.training.engine, training__batch_size=48)
    trainer = framework_of(alone).trainer(alone)
    found = rows.table([alone], "CPU", trainer.train([alone]), trainer.expected)
    assert list(found) == list(schema.RUNS.columns)
    same = schema.of_metric(table, "f1").reset_index(drop=True)
    pd.testing.assert_frame_equal(same.drop(columns="run_id"), found.drop(columns="run_id"))


def test_a_log_of_another_metric_that_breaks_its_rule_is_named(trained):
    one, passes, _ = trained
    wrong = {"val_f2_streaming": 0.123}
    spoilt = [each._replace(logs=dict(each.logs) | wrong) for each in passes]
    trainer = framework_of(one).trainer(one)
    with pytest.raises(TraceError, match=r"validation: streaming logged 0.123 of f2, its batches"):
        rows.table([one], "CPU", [spoilt], trainer.expected)


def test_sums_cannot_count_true_negatives():
    one = run(
        metrics=ALL,
        input_pipeline="summed_counts",
        training__engine="plain",
        strategies="[reconstructed]",
    )
    with pytest.raises(InputError, match="^metric must not count true negatives.*; got sum$"):
        framework_of(one).trainer(one)


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    (tmp_path / "my_plugins.py").write_text(plugins_fixture.PLUGINS)
    (tmp_path / "my_framework.py").write_text(plugins_fixture.FRAMEWORK)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield
    for name in ("my_plugins", "my_framework"):
        sys.modules.pop(name, None)


def test_plug_ins_that_know_f1_alone_refuse_another_metric(plugins):
    one = run(metrics="[jaccard]", strategies="[my_plugins.MyStrategy]")
    words = r"^strategy my_plugins.MyStrategy must have any_metric = True .* compute jaccard; got"
    with pytest.raises(InputError, match=words):
        framework_of(one).trainer(one)
    chosen = ["training.engine=my_framework.MyFramework", "strategies=[batch_mean]"]
    words = r"^metrics must be among \['f1'\] with engine my_framework.MyFramework .*; got f2$"
    with pytest.raises(InputError, match=words):
        compose([*chosen, "metrics=[f1,f2]"])


STUDY = """
question: q
overrides: [dataset=synthetic, dataset.n_samples=60, dataset.prevalence=0.5, training.epochs=1,
  "strategies=[streaming]", "model.hidden=[2]", training.engine=plain]
metrics: [jaccard, my_module.FALLOUT]
grid: {seed: [0, 1]}
"""


@pytest.mark.slow
def test_a_metric_of_ones_own_that_changes_is_computed_anew(tmp_path, my_module, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text(STUDY)
    one = compose([f"metrics={ALL}"])
    assert my_module in provenance.sources(*shard.modules([one]))
    assert my_module not in provenance.sources(*shard.modules([compose()]))

    def kept():
        shard._fingerprint.cache_clear()
        with eagerly():
            made = execute(path, 0, 1, tmp_path / "store")
        return capsys.readouterr().err.partition(" of them kept")[0].split()[-1], made.origin

    assert kept()[0] == "0"
    said, origin = kept()
    assert said == "2"
    assert origin["trained"][0]["n_runs"] == 2
    (cached, *_) = (tmp_path / "store").glob("*.parquet")
    assert tables.provenance_of(cached)["config"]["metrics"] == ["jaccard", "my_module.FALLOUT"]
    my_module.write_text(MODULE.replace("(0, 1, 0, 1)", "(0, 2, 0, 1)"))
    assert kept()[0] == "0"
    my_module.write_text(MODULE)
