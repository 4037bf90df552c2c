"""What a strategy costs: fresh processes, streamed rows, paired ratios, fitted slopes."""

import importlib
import itertools
import os
import types

import keras
import numpy as np
import pandas as pd
import pytest

from batchf1.cli import main as cli
from batchf1.errors import InputError
from batchf1.figures import cost as plot
from batchf1.records import tables
from batchf1.studies.cost import config, measure, run
from batchf1.studies.cost.config import CostStudy, Measurement
from batchf1.studies.cost.rows import COST
from batchf1.studies.cost.source import SPLITS, Source
from batchf1.sweep.grid import load_study
from batchf1.training import isolated
from helpers.eagerly import eagerly
from helpers.once import made_once
from helpers.slow import slow

STUDY = """
question: Does it work?
strategies: [none, reconstructed, epoch_end, epoch_end_arrays]
models: {tiny: [4]}
repetitions: 1
most_calls: 1000
least_batches: 1
n_features: 3
grids:
  - {models: [tiny], engines: [plain], batch_sizes: [64], n_samples: [200, 600]}
  - models: [tiny]
    engines: [blocks]
    batch_sizes: [32]
    n_samples: [200]
    strategies: [none, reconstructed]
figures: {}
"""
SMALL = STUDY.replace("none, reconstructed, epoch_end", "none, epoch_end", 1)
SMALL = SMALL.partition("  - models")[0].replace("[200, 600]", "[200]")
"""A series of three measurements, in ordinary `fit`."""
SOURCE = Source(n_features=3, prevalence=0.3)


def written(folder, text=STUDY):
    path = folder / "mini.yaml"
    path.write_text(text)
    return path


def read(path):
    return load_study(path, CostStudy)


@pytest.fixture(scope="session")
def measured(tmp_path_factory):
    """A tiny study, measured by the command; its folder and its table."""
    folder = made_once(
        tmp_path_factory, "cost", lambda made: by_command(made, written(made, SMALL))
    )
    return folder, tables.read(folder / "runs.parquet", COST)


def by_command(folder, path):
    options = ["--store", str(folder / "store"), "--output", str(folder / "runs.parquet")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "run_in_subprocess", in_this_process)
        with eagerly():
            assert cli.main(["workflow", "cost", str(path), *options]) == 0


def in_this_process(module, function, arguments, label):
    """As `run_in_subprocess`, without the start, which takes seconds."""
    return getattr(importlib.import_module(module), function)(*arguments)


def test_every_cell_is_measured_and_has_a_run_without_a_strategy_beside_it(measured):
    table = measured[1]
    assert set(table["n_rows"]) == {256}
    assert set(table["device"]) >= {"cpu"}
    for _, group in table.groupby(plot.SERIES):
        assert list(group["strategy"].sort_values()) == ["epoch_end", "epoch_end_arrays", "none"]


def test_the_forms_of_a_strategy_log_one_number(measured):
    for _, group in measured[1].dropna(subset=["f1"]).groupby("device"):
        assert len(group) == 2
        assert np.ptp(group["f1"]) < 1e-6
        assert group["f1"].gt(0).all()


def test_the_table_says_how_it_was_measured(measured, capsys):
    assert cli.main(["provenance", str(measured[0] / "runs.parquet")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        "study mini: Does it work?",
        "3 runs on cpu in keras 3.",
        "repetition=0",
        "n_features=3; prevalence=0.5",
        "batch_size=64",
    ):
        assert words in said


def test_finished_measurements_are_kept(measured, monkeypatch):
    folder, table = measured
    asked = []

    def again_as_before(module, function, arguments, label):
        """Instead of seconds of measurement."""
        asked.append(function)
        if function != "measure":
            return in_this_process(module, function, arguments, label)
        (cell,) = arguments
        return table[table["cell_id"] == cell.cell_id].iloc[0].to_dict()

    monkeypatch.setattr(run, "run_in_subprocess", again_as_before)
    some = sorted((folder / "store").iterdir())
    some[0].unlink()
    some[1].write_bytes(b"half a table")
    again, origin = run.execute(folder / "mini.yaml", folder / "store")
    assert asked.count("measure") == 2
    assert [entry["n_runs"] for entry in origin["trained"]] == [3]
    assert list(again["cell_id"]) == list(table["cell_id"])
    pd.testing.assert_frame_equal(again, table)


@pytest.mark.slow
def test_in_processes_of_their_own_the_strategies_log_the_same(measured, tmp_path):
    again, _ = run.execute(written(tmp_path, SMALL), tmp_path / "store")
    same = ["cell_id", "strategy", "f1"]
    pd.testing.assert_frame_equal(again[same], measured[1][same])


def test_repetitions_are_interleaved_and_shuffled_but_seeded(tmp_path):
    mini = read(written(tmp_path, STUDY.replace("repetitions: 1", "repetitions: 3")))
    order = config.measurements("mini", mini, ["cpu"])
    assert order == config.measurements("mini", mini, ["cpu"])
    assert order != config.measurements("other", mini, ["cpu"])
    repetitions = [cell.repetition for cell in order]
    assert repetitions == sorted(repetitions)
    series = [cell.series for cell in order]
    runs = sum(a != b for a, b in itertools.pairwise(series)) + 1
    assert runs == len(set(series)) == 9  # a series is measured in one go
    assert len({tuple(c.strategy for c in order if c.series == s) for s in set(series)}) > 2


def test_cells_that_call_keras_too_often_are_left_out(tmp_path):
    few = read(written(tmp_path, STUDY.replace("most_calls: 1000", "most_calls: 12")))
    found = config.measurements("mini", few, ["cpu"])
    assert {c.n_samples for c in found if c.engine == "plain"} == {200}
    assert {c.strategy for c in found if c.engine == "plain"} == {
        "none",
        "reconstructed",
        "epoch_end",
    }
    assert all(c.calls <= 12 for c in found)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[none, reconstructed, epoch_end", "[reconstructed, epoch_end", "must have none"),
        ("epoch_end, epoch_end_arrays", "sorcery", "strategies must be among .*; got sorcery"),
        (
            "models: [tiny], engines",
            "models: [vast], engines",
            r"grids.models must be among .*; got vast",
        ),
        (
            "engines: [plain]",
            "engines: [keras224]",
            r"grids.engines must be among .*; got keras224",
        ),
        ("n_samples: [200, 600]", "n_samples: []", "grids.n_samples must have at least one value"),
        ("{tiny: [4]}", "{tiny: [0]}", "models.tiny must have layers of at least 1 and"),
        ("n_features: 3", "prevalence: 1", r"prevalence must lie in \(0, 1\)"),
    ],
)
def test_a_study_that_does_not_fit_is_refused_in_one_line(tmp_path, old, new, said):
    assert old in STUDY
    with pytest.raises(InputError, match=f"mini.yaml: .*{said}") as caught:
        read(written(tmp_path, STUDY.replace(old, new)))
    assert "\n" not in str(caught.value)


def test_a_study_without_a_cell_that_fits_is_refused(tmp_path):
    bare = STUDY.replace("most_calls: 1000", "most_calls: 2").replace("[blocks]", "[plain]")
    path = written(tmp_path, bare + "devices: [cpu]\n")
    with pytest.raises(InputError, match=r"mini.yaml: most_calls must leave a cell; got 2"):
        run.execute(path, tmp_path / "store")


@pytest.mark.parametrize("method", [slow(isolated.METHOD), "spawn"])  # which loads no TensorFlow
def test_a_process_that_dies_or_raises_is_named(method, monkeypatch):
    monkeypatch.setattr(isolated, "METHOD", method)
    with pytest.raises(InputError, match=r"the process of cell x must end with .*exit status 7"):
        isolated.run_in_subprocess("os", "_exit", (7,), "cell x")
    with pytest.raises(InputError, match=r"cell x must end with .*; got FileNotFoundError: .*"):
        isolated.run_in_subprocess("os", "listdir", ("/nowhere",), "cell x")
    assert isolated.run_in_subprocess("os", "getpid", (), "cell x") != os.getpid()


@pytest.mark.parametrize("split", SPLITS)
def test_arrays_are_the_streamed_rows(split):
    streamed = zip(*SOURCE.batches(5, 40, split), strict=True)
    for made, kept in zip(streamed, SOURCE.arrays(5, 40, split), strict=True):
        np.testing.assert_array_equal(np.concatenate(made), kept)


def bench(engine, strategy="reconstructed"):
    keras.utils.set_random_seed(0)
    sizes = {"batch_size": 16, "n_samples": 160, "n_features": 3, "hidden": (4,)}
    rest = {"repetition": 0, "device": "cpu", "threads": 0, "prevalence": 0.3, "least_batches": 1}
    cell = {"study": "mini", "model": "tiny", "engine": engine, "strategy": strategy}
    return measure.Bench(Measurement(**cell, **sizes, **rest))


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["reconstructed", "epoch_end"])
def test_a_fit_in_blocks_is_the_plain_fit_whatever_the_last_block(monkeypatch, strategy):
    monkeypatch.setitem(config.ENGINES, "blocks", 4)
    benches = [bench(engine, strategy) for engine in ("plain", "blocks")]
    for n_batches in (3, 10):  # one block that is short; two, and a short one
        plain, blocks = (each.fit(n_batches)[1] for each in benches)
        assert plain.keys() == blocks.keys() > {f"val_f1_{strategy}"}
        for name, values in plain.items():
            assert values == pytest.approx(blocks[name], abs=1e-6), name
    steps = [int(each.model.optimizer.iterations) for each in benches]
    assert steps == [measure.WARM_UP + 3 + 10] * 2


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "n_calls"), [("plain", 10), ("blocks", 3)])
def test_training_lasts_from_the_first_batch_to_the_last(monkeypatch, engine, n_calls):
    monkeypatch.setitem(config.ENGINES, "blocks", 4)
    made = bench(engine)
    ticks = itertools.count()
    clock = types.SimpleNamespace(perf_counter=lambda: next(ticks))
    monkeypatch.setattr(measure, "time", clock)
    watch, _ = made.fit(10)
    assert watch.began == 0
    assert watch.train >= n_calls  # a batch's end may be heard of when validation has begun
    assert 1 <= watch.validation <= 1 + n_calls
    assert next(ticks) == 1 + n_calls + 2


@pytest.mark.parametrize("name", ["cost", "cost_full"])
def test_the_committed_studies_reach_ten_million_rows(repository, name):
    folder = repository / "experiments"
    found = config.measurements(name, read(folder / f"{name}.yaml"), ["cpu"])
    assert {c.strategy for c in found} == set(config.strategies())
    assert {c.batch_size for c in found} == ({512} if name == "cost" else {32, 512})
    for n in (10**4, 10**7):
        mine = [c for c in found if (c.engine, c.batch_size, c.n_samples) == ("blocks", 512, n)]
        assert {c.strategy for c in mine} >= set(config.strategies()) - set(config.FORMS)
    assert {c.engine for c in found if c.in_arrays} >= {"plain"}
    assert len({c.n_samples for c in found if c.in_arrays}) > 1
