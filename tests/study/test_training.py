"""Runs: the engines agree, a reused model is as good as a fresh one, and rows say what happened."""

from dataclasses import dataclass, field, replace

import keras
import numpy as np
import pandas as pd
import psutil
import pytest
import tensorflow as tf
from sklearn.metrics import f1_score

from batchf1.cli import main as cli
from batchf1.cli import train
from batchf1.datasets.synthetic import Synthetic
from batchf1.errors import InputError, TraceError
from batchf1.metrics import averaging
from batchf1.metrics.counts import as_counts
from batchf1.records import tables
from batchf1.study import origin, schema, shard
from batchf1.study.frameworks import order
from batchf1.study.frameworks.keras3.run import Trainer, configure
from batchf1.study.frameworks.keras3.trace import BatchTrace
from batchf1.study.frameworks.weights import first_weights
from batchf1.study.grid import compose
from batchf1.study.seeds import generator
from batchf1.study.settings import Model
from helpers import by_hand

STRATEGIES = ["batch_mean", "epoch_end", "reconstructed", "streaming"]


def run(**settings):
    defaults = {"dataset.n_samples": 400, "dataset.prevalence": 0.1, "training.epochs": 2}
    overrides = defaults | {key.replace("__", "."): value for key, value in settings.items()}
    return compose([f"{key}={value}" for key, value in overrides.items()])


def histories(settings):
    """The logs of every epoch, by engine."""
    found = {}
    for engine in ("plain", "fused"):
        trainer = Trainer(run(training__engine=engine, **settings))
        kept = keras.callbacks.History()
        fit = trainer.engine.fit
        trainer.engine = _Listening(fit, trainer.engine, kept)
        rows = trainer.train(run(training__engine=engine, **settings), "CPU")
        found[engine] = (kept.history, rows)
    return found


class _Listening:
    """An engine with one more callback."""

    def __init__(self, fit, engine, callback):
        self.model_class, self.compile_options = engine.model_class, engine.compile_options
        self._fit, self._callback = fit, callback

    def fit(self, model, data, run, order, callbacks, verbose):
        self._fit(model, data, run, order, [*callbacks, self._callback], verbose)


CELLS = {
    "ragged last batches": {"training__batch_size": 48},
    "batch 8": {"training__batch_size": 8},
    "batch larger than the validation set": {"training__batch_size": 100},
    "one batch": {"training__batch_size": 400},
    "more epochs, another threshold": {"training__epochs": 5, "training__threshold": 0.3},
    "two layers, synthetic": {
        "model__hidden": "[16,8]",
        "dataset": "synthetic",
        "dataset__n_samples": 999,
    },
}


@pytest.mark.parametrize("cell", CELLS)
def test_the_engines_log_the_same(cell):
    (plain, plain_rows), (fused, fused_rows) = histories(CELLS[cell]).values()
    assert plain.keys() == fused.keys()
    assert {"loss", "val_loss", "f1_batch_mean", "val_f1_epoch_end"} <= plain.keys()
    for key in plain:
        np.testing.assert_allclose(fused[key], plain[key], rtol=0, atol=1e-6, err_msg=key)
    columns = ["tp", "fp", "fn", "tn", "n_batches", "n_empty_batches"]
    pd.testing.assert_frame_equal(plain_rows[columns], fused_rows[columns])


@pytest.mark.parametrize("engine", ["plain", "fused"])
def test_a_reused_model_gives_what_a_fresh_one_gives(engine):
    shared = Trainer(run(training__engine=engine))
    settings = ({"seed": 1}, {"dataset__prevalence": 0.3})
    one, other = (run(training__engine=engine, **each) for each in settings)
    fresh = {id(each): Trainer(each).train(each, "CPU") for each in (one, other)}
    for each in (one, other, one):
        reused = shared.train(each, "CPU")
        pd.testing.assert_frame_equal(reused, fresh[id(each)], check_exact=True)


def test_memory_does_not_grow_with_the_number_of_runs():
    trainer, process = Trainer(run()), psutil.Process()

    def train(seeds):
        for seed in seeds:
            trainer.train(run(seed=seed), "CPU")
        return process.memory_info().rss / 2**20

    before = train(range(10))
    assert (train(range(10, 50)) - before) / 40 < 0.5  # MB a run; a data set alone has 0.01


RARE = {
    "training__batch_size": 8,
    "dataset__prevalence": 0.05,
    "training__epochs": 3,
    "model__hidden": "[8]",
}
"""Small batches of rare positives: many are empty."""
PRETRAINED = {
    "training__batch_size": 48,
    "training__epochs": 4,
    "training__pretrain": 2,
    "training__freeze_after": 2,
    "model__hidden": "[4,3]",
}
"""Two epochs before the first, four in batches of another size, of which two learn."""


@pytest.fixture(scope="module")
def rows():
    return Trainer(run(**RARE)).train(run(**RARE), "CPU")


def test_a_row_per_epoch_split_and_strategy(rows):
    valid = tables.validate(rows, schema.RUNS, "rows")
    assert len(valid) == 3 * 2 * 4
    assert set(valid["strategy"]) == set(STRATEGIES)


def test_rows_are_those_of_a_training_by_hand(rows):
    by_hand.check(rows, by_hand.rows(run(**RARE)))
    assert rows.groupby("split")["n_empty_batches"].min().gt(0).all()


def test_rows_of_the_plain_engine_are_those_of_a_training_by_hand():
    one = run(training__engine="plain", **RARE, training__threshold=0.3, seed=1)
    by_hand.check(Trainer(one).train(one, "CPU"), by_hand.rows(one))


def test_a_pretraining_takes_batches_of_32():
    one = run(training__engine="plain", program="averaged_counts", **PRETRAINED)
    trained = Trainer(one).train(one, "CPU")
    by_hand.check(trained, by_hand.rows(one))
    for size in (31, 33, 400):
        with pytest.raises(AssertionError):
            by_hand.check(trained, by_hand.rows(one, pretraining_batch=size))


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("engine", ["plain", "fused"])
def test_each_strategy_alone(engine, name):
    one = run(strategies=f"[{name}]", training__engine=engine, training__epochs=3)
    alone = Trainer(one).train(one, "CPU")
    assert set(alone["strategy"]) == {name}
    counted = alone[["tp", "fp", "fn", "tn"]].sum(axis=1)
    np.testing.assert_array_equal(counted, np.where(alone["split"] == "train", 400, 80))


def test_the_order_of_samples():
    one = run()
    first, second = order.shuffled(one)(0), order.shuffled(one)(1)
    assert sorted(first) == list(range(400))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, order.shuffled(run(training__batch_size=8))(0))
    assert not np.array_equal(first, order.shuffled(run(seed=1))(0))


def test_first_weights_are_glorot_uniform_and_biases_0():
    found = first_weights(Model([300, 200], 0.01), 100, generator("a", "weights"))
    kernels, biases = found[::2], found[1::2]
    assert [k.shape for k in kernels] == [(100, 300), (300, 200), (200, 1)]
    for kernel, limit in zip(kernels, np.sqrt([6 / 400, 6 / 500, 6 / 201]), strict=True):
        assert kernel.dtype == np.float32
        assert -limit <= kernel.min() < -0.97 * limit
        assert 0.97 * limit < kernel.max() <= limit
        assert abs(kernel.mean()) < 4 * limit / np.sqrt(3 * kernel.size)
    # the first number that NumPy draws from the SHA-256 of the two names
    assert kernels[0][0, 0] == pytest.approx(-0.06464842790747, rel=1e-7)
    for bias, n in zip(biases, (300, 200, 1), strict=True):
        np.testing.assert_array_equal(bias, np.zeros(n))


# The batches that Keras saw


def seen(*batches):
    """Batches of (label, score), as arrays of shape (n, 1)."""
    return [np.array(batch, np.float32).T[..., None] for batch in batches]


MIXED = [(1, 0.9), *[(0, 0.31)] * 2, (1, 0.3), *[(1, 0.1)] * 2, *[(0, 0.3)] * 2, *[(0, 0)] * 2]
"""tp 1, fp 2, fn 3, tn 4 at the threshold 0.3, where a score of 0.3 is negative."""


def test_a_trace_keeps_the_counts_of_each_batch_until_it_is_reset():
    trace = BatchTrace(3, 0.3)
    for y, scores in seen(MIXED, [(0, 0.2)], [(1, 1), (0, 1)]):
        trace.update_state(y, scores)
    assert float(trace.result()) == 3
    expected = {"tp": [1, 0, 1], "fp": [2, 0, 1], "fn": [3, 0, 0], "tn": [4, 1, 0]}
    assert {name: part.tolist() for name, part in trace.counts()._asdict().items()} == expected
    trace.reset_state()
    assert float(trace.result()) == 0
    assert trace.counts().tp.shape == (0,)


def test_a_trace_without_room_for_its_batches_says_so():
    trace = BatchTrace(1, 0.5)
    update = tf.function(trace.update_state, jit_compile=True)  # XLA drops what has no place
    for y, scores in seen([(0, 0)], [(1, 1)]):
        update(y, scores)
    with pytest.raises(TraceError, match="room for 1 batches, and Keras saw 2"):
        trace.counts()


@pytest.mark.parametrize(
    ("settings", "n"),
    [
        ({"training__batch_size": 8}, 50),
        ({"training__batch_size": 48}, 13),  # Keras may validate in batches of 32
        ({"training__batch_size": 8, "dataset__validation_fraction": 2}, 100),
    ],
)
def test_a_trace_has_room_for_the_batches_of_both_splits(settings, n):
    assert Trainer(run(**settings)).trace.rows.shape == (n, 4)


def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="training.device: TensorFlow must see a GPU; got gpu"):
        configure(run(training__device="gpu"))


def test_train_prints_each_strategy_beside_its_references(capfd):
    overrides = ["dataset.n_samples=300", "dataset.prevalence=0.3", "training.epochs=2"]
    assert train.main(overrides) == 0
    said = capfd.readouterr().out
    assert "val_f1_batch_mean" in said  # Keras' own log
    for word in ("F1 after epoch 2", "pooled", "full pass", *STRATEGIES):
        assert word in said


def test_train_refuses_in_a_line(capsys):
    assert train.main(["training.batch_size=0"]) == 2
    said = capsys.readouterr().err
    assert said == "batchf1.cli.train: training.batch_size: must be at least 1; got 0\n"
    assert train.main(["--help"]) == 0
    assert "batch_size: 32" in capsys.readouterr().out


# Shards

STUDY = """
question: q
overrides:
  - dataset.n_samples=200
  - model.hidden=[4]
  - strategies=[batch_mean,reconstructed]
  - training.engine=plain
  - training.epochs=1
grid:
  training.batch_size: [50, 100]
  dataset.prevalence: [0.5, 0.3]
  seed: [0, 1]
"""


@pytest.fixture
def experiment(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


def test_runs_of_a_shape_stay_together_and_none_is_lost():
    runs = [run(training__batch_size=b, seed=s) for b in (8, 16, 32, 64) for s in range(3)]
    parts = shard.deal(runs, 3)
    assert sorted(r.run_id for part in parts for r in part) == sorted(r.run_id for r in runs)
    shapes = [{shard.shape(r) for r in part} for part in parts]
    assert sum(map(len, shapes)) == len(set.union(*shapes)) == 4
    assert shard.deal(runs, 9)[8] == []


@dataclass
class Grown(Synthetic):
    """A data set of somebody's own."""

    kinds: list[str] = field(default_factory=lambda: ["a"])


def test_runs_share_a_shape_unless_a_setting_could_change_their_arrays():
    one = run(dataset="synthetic")
    alike = [{"dataset__prevalence": 0.3}, {"seed": 1}, {"training__epochs": 9}]
    others = [
        {"dataset__n_samples": 500},
        {"dataset__validation_fraction": 0.3},
        {"dataset__dimensions": 6},
        {"training__batch_size": 33},
        {"model__hidden": "[5]"},
    ]
    for settings in alike:
        assert shard.shape(run(dataset="synthetic", **settings)) == shard.shape(one)
    for settings in others:
        assert shard.shape(run(dataset="synthetic", **settings)) != shard.shape(one)
    first, same, other = (
        replace(one, dataset=Grown(prevalence=p, kinds=kinds))
        for p, kinds in ((0.1, ["a"]), (0.2, ["a"]), (0.1, ["a", "b"]))
    )
    assert shard.shape(first) == shard.shape(same)
    assert len({shard.shape(each) for each in (first, same, other)}) == 2


def test_a_grid_over_the_number_of_features_trains(experiment, tmp_path, capsys):
    grid = (
        "grid:\n  dataset: [synthetic]\n  dataset.dimensions: [2, 5]\n  seed: [0, 1]\nshards: 1\n"
    )
    experiment.write_text(STUDY.partition("grid:")[0] + grid)
    assert len(shard.execute(experiment, 0, tmp_path / "store").table) == 2 * 2 * 2 * 2
    assert "(2 shapes compiled)" in capsys.readouterr().err


def test_a_shard_keeps_its_runs_and_trains_only_what_is_missing(experiment, tmp_path, capsys):
    store = tmp_path / "store"
    first = [shard.execute(experiment, i, store).table for i in range(2)]
    assert sum(len(part) for part in first) == 8 * 2 * 2
    kept = {path: path.stat().st_mtime_ns for path in store.iterdir()}
    assert len(kept) == 8
    experiment.write_text(STUDY.replace("[50, 100]", "[50, 80]"))
    capsys.readouterr()
    made = [shard.execute(experiment, i, store) for i in range(2)]
    trained = origin.trained(entry for part in made for entry in part.origin["trained"])
    assert [entry["n_runs"] for entry in trained] == [8]  # old and new, all trained alike
    assert trained[0]["first"] <= trained[0]["last"]
    again = {path: path.stat().st_mtime_ns for path in store.iterdir()}
    assert len(again) == 12
    assert {path: again[path] for path in kept} == kept
    assert "(1 shapes compiled)" in capsys.readouterr().err


@pytest.mark.parametrize("engine", ["plain", "fused"])
def test_a_finished_study_trains_nothing_when_it_is_started_again(
    experiment, tmp_path, engine, capsys
):
    smaller = STUDY.replace("[50, 100]", "[50]").replace("[0.5, 0.3]", "[0.5]")
    experiment.write_text(smaller.replace("plain", engine))
    store = tmp_path / "store"
    first = shard.execute(experiment, 0, store)
    assert "2 runs, 0 of them kept" in capsys.readouterr().err
    again = shard.execute(experiment, 0, store)
    said = capsys.readouterr().err
    assert "2 runs, 2 of them kept" in said
    assert "compiled" not in said
    pd.testing.assert_frame_equal(again.table, first.table, check_exact=True)
    assert again.origin == first.origin


def test_a_damaged_run_or_one_of_other_code_is_trained_again(
    experiment, tmp_path, monkeypatch, capsys
):
    store = tmp_path / "store"
    whole = shard.execute(experiment, 0, store).table
    path = next(store.iterdir())
    path.write_bytes(path.read_bytes()[:100])
    capsys.readouterr()
    again = shard.execute(experiment, 0, store).table
    pd.testing.assert_frame_equal(again, whole, check_exact=True)
    assert "4 runs, 3 of them kept" in capsys.readouterr().err
    monkeypatch.setattr(shard, "fingerprint", lambda run: "other")
    shard.execute(experiment, 0, store)
    assert "4 runs, 0 of them kept" in capsys.readouterr().err


def test_a_run_whose_log_is_wrong_is_named_and_never_written(
    experiment, tmp_path, monkeypatch, capsys
):
    from batchf1.study import rows as module

    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    output = tmp_path / "out.parquet"
    arguments = ["shard", str(experiment), "--shard", "0", "--store", str(tmp_path / "store")]
    assert cli.main([*arguments, "--output", str(output)]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "nothing written: run " in said
    assert "diamonds n=200" in said
    assert not output.exists()
    assert not (tmp_path / "store").exists()


def test_the_table_does_not_depend_on_the_shards(experiment, tmp_path):
    found = []
    for n in (1, 3):
        experiment.write_text(f"{STUDY}\nshards: {n}")
        paths = []
        for i in range(n):
            paths.append(tmp_path / f"{n}-{i}.parquet")
            table = shard.execute(experiment, i, tmp_path / f"store{n}").table
            tables.write(table, paths[-1], schema.RUNS, {})
        found.append(shard.collect(experiment, paths).table.reset_index(drop=True))
        with pytest.raises(InputError, match="every run must be in a shard"):
            shard.collect(
                experiment, [tmp_path / f"{n}-0.parquet"] if n > 1 else [_empty(tmp_path)]
            )
    pd.testing.assert_frame_equal(*found, check_exact=True)


def _empty(folder):
    tables.write(tables.empty(schema.RUNS), folder / "empty.parquet", schema.RUNS, {})
    return folder / "empty.parquet"


def test_a_shard_that_is_not_there_is_refused(experiment, tmp_path):
    with pytest.raises(InputError, match=r"shard: must lie in 0..1; got 2"):
        shard.execute(experiment, 2, tmp_path)


def test_scikit_learn_agrees_with_the_pooled_reference():
    tp, fp, fn, tn = 7, 2, 5, 30
    y = [1] * (tp + fn) + [0] * (fp + tn)
    p = [1] * tp + [0] * fn + [1] * fp + [0] * tn
    pooled = averaging.pooled(as_counts([tp], [fp], [fn], [tn]))
    assert float(pooled) == pytest.approx(f1_score(y, p), abs=1e-15)
