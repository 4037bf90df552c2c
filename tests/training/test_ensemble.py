"""The ensemble: as plain fit to 1e-6, each run as if alone, and its own callbacks in charge."""

import re
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.config.seeds import generator
from batchf1.errors import InputError
from batchf1.keras import EpochEnd
from batchf1.metrics.counts import batch_counts
from batchf1.training.keras3 import ensemble
from batchf1.training.keras3.ensemble import EnsembleTrainer
from batchf1.training.keras3.limits import group_size
from batchf1.training.keras3.plain import PlainTrainer
from helpers.search import Chooses
from helpers.training import run

TEST_SPLIT = {
    "dataset__test_fraction": 2.5,
    "training__validation_batch_size": 16,
    "strategies": "[helpers.search.Chooses]",  # all of the package: test_training.py
}
CELLS = {
    "batch 1024": {"training__batch_size": 1024, "dataset__n_samples": 2500},
    "one batch, and more validation than training": {
        "training__batch_size": 400,
        "dataset__validation_fraction": 2.13,
    },
    "a test split, validation in batches of its own": TEST_SPLIT,
    "two layers, synthetic": {
        "model__hidden": "[16,8]",
        "dataset": "synthetic",
        "dataset__n_samples": 999,
    },
}


SPLITS = ["train", "validation", "test"]
CHOSEN = {
    "strategies": "[helpers.search.Chooses]",
    "dataset__n_samples": 384,  # all batches are full, so that one size is compiled
    "training__epochs": 6,
    "training__batch_size": 32,  # as a pretraining has
}


def both(settings, *changes):
    """Runs in the ensemble, and each in plain `fit`: the seeds differ, and what `changes` say."""
    found = []
    for engine, trainer in (("ensemble", EnsembleTrainer), ("plain", PlainTrainer)):
        ours = [
            run(training__engine=engine, seed=seed, **(settings | changed))
            for seed, changed in enumerate(changes)
        ]
        found.append(trainer(ours[0]).train(ours))
    return zip(*found, strict=True)


def same(one, other, tolerance=0.0):
    """Whether two runs' passes are the same: counts exactly, logs within the tolerance."""
    assert [each[:2] for each in one] == [each[:2] for each in other]
    for a, b in zip(one, other, strict=True):
        for name in (set(a.logs) | set(b.logs)) - {"n_batches", "val_n_batches"}:  # plain's own
            assert abs(a.logs[name] - b.logs[name]) <= tolerance, name
        for mine, theirs in ((a.batches, b.batches), (a.full_pass, b.full_pass)):
            assert [part.tolist() for part in mine] == [part.tolist() for part in theirs]


@pytest.mark.parametrize(
    "cell",
    [pytest.param(c, marks=[pytest.mark.slow] * (not c.startswith("a test split"))) for c in CELLS],
)
def test_it_logs_what_plain_fit_logs(cell):
    for ours, plain in both(CELLS[cell], {}, {"dataset__prevalence": 0.3}):
        assert len(ours) == (6 if "test" in cell else 4)
        assert {"loss", "val_loss"} < ours[0].logs.keys()
        assert any(name.startswith("val_f1_") for name in ours[0].logs)
        same(ours, plain, 1e-6)


def test_the_test_split_is_predicted_and_not_logged():
    one = run(**TEST_SPLIT)
    data = one.dataset.load(generator(*one.names, "data"))
    for passes in next(both(TEST_SPLIT, {})):
        assert [(of.epoch, of.split) for of in passes] == [(e, s) for e in (0, 1) for s in SPLITS]
        assert all(of.logs == {} for of in passes if of.split == "test")
        assert [of.batches.n.max() for of in passes[:3]] == [32, 16, 1000]
        assert [of.predictions is None for of in passes] == [True] * 3 + [False] * 3
        for of, split in zip(passes[3:], data, strict=True):
            np.testing.assert_array_equal(of.predictions.labels, split.y[:, 0])
            counts = batch_counts(*of.predictions, len(split.y))
            assert [part.tolist() for part in of.full_pass] == [part.tolist() for part in counts]


def test_the_scores_of_a_run_are_those_of_its_own_last_epoch():
    short, long = (run(**CHOSEN | changed) for changed in ({"training__epochs": 2}, {"seed": 1}))
    together = EnsembleTrainer(short).train([short, long])
    for of_run, one in zip(together, (short, long), strict=True):
        (alone,) = EnsembleTrainer(one).train([one])
        assert [of.predictions is None for of in of_run] == [True] * (len(of_run) - 2) + [False] * 2
        for mine, theirs in zip(of_run[-2:], alone[-2:], strict=True):
            np.testing.assert_array_equal(mine.predictions, theirs.predictions)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["epoch_end", "reconstructed"])  # without a metric, with three
def test_a_strategy_alone(name):
    ((ours, plain),) = both({"strategies": f"[{name}]", "training__batch_size": 48}, {})
    assert [key for key in ours[0].logs if key.endswith(name)]
    same(ours, plain, 1e-6)


def test_runs_of_a_group_may_differ_in_much():
    changes = [
        {"model__learning_rate": 0.001, "training__class_weight": 5, "training__freeze_after": 1},
        {"training__epochs": 3, "dataset__prevalence": 0.4, "training__pretrain": 1},
    ]
    found = list(both(CHOSEN | {"training__epochs": 2}, {}, *changes))
    assert [len(ours) for ours, _ in found] == [4, 4, 6]
    for ours, plain in found:
        same(ours, plain, 1e-6)
    losses = {ours[-1].logs["loss"] for ours, _ in found}
    assert len(losses) == len(found)


def test_neither_neighbours_nor_place_change_a_bit():
    runs = [run(seed=seed, **CHOSEN | {"training__epochs": 2}) for seed in range(33)]
    trainer = EnsembleTrainer(runs[0])
    assert trainer.n_runs == 32
    together = trainer.train(runs)  # the last alone in the second group
    (alone,) = EnsembleTrainer(runs[5]).train(runs[5:6])
    backwards = trainer.train(runs[31::-1])[::-1]
    (moved,) = trainer.train([replace(runs[32], seed=32)])
    same(together[5], alone)
    same(together[32], moved)
    for ours, theirs in zip(together[:32], backwards, strict=True):
        same(ours, theirs)


@given(st.integers(1, 2**22), st.integers(1, 2**36))
def test_the_number_of_runs_is_a_power_of_two_that_sizes_alone_decide(n_weights, n_features):
    found = group_size(n_weights, n_features)
    assert found in (1, 2, 4, 8, 16, 32)
    assert found == 1 or (found * n_weights <= 2**15 and found * n_features <= 2**27)
    assert found == 32 or 2 * found * n_weights > 2**15 or 2 * found * n_features > 2**27


@pytest.mark.slow
def test_a_wide_network_trains_with_fewer_at_a_time():
    wide = {"model__hidden": "[600]", "training__batch_size": 100}
    runs = [run(seed=seed, **wide) for seed in range(10)]
    trainer = EnsembleTrainer(runs[0])
    assert trainer.n_runs == 4
    found = trainer.train(runs)
    for place in (0, 9):
        (alone,) = EnsembleTrainer(runs[place]).train([runs[place]])
        same(found[place], alone)
    assert [w.shape for w in trainer.last_weights(9)] == [(5, 600), (600,), (600, 1), (1,)]


def chosen(monkeypatch, *made, n=2, **settings):
    """Train `n` runs in both engines with these callbacks beside a strategy's own."""
    monkeypatch.setattr(Chooses, "made", made)
    return list(both(CHOSEN | settings, *[{}] * n))


class Notes(keras.callbacks.Callback):
    """Writes into the logs what a callback can see of its run."""

    def __init__(self, x):
        super().__init__()
        self.x, self.order = x, []

    def on_train_begin(self, logs=None):
        self.order.append("train")

    def on_epoch_begin(self, epoch, logs=None):
        self.order.append(f"epoch {epoch}")

    def on_test_begin(self, logs=None):
        self.of_training = float(self.model.metrics[0].result())

    def on_test_end(self, logs=None):
        self.of_validation = float(logs["loss"])

    def on_epoch_end(self, epoch, logs=None):
        state = self.model.metrics[1].result()["f1_chooses"]
        slots = self.model.optimizer.variables[2:]
        logs["seen"] = len(self.order)
        logs["of_training"], logs["of_validation"] = self.of_training, self.of_validation
        logs["of_metric"] = float(state)
        logs["of_slots"] = float(sum(np.abs(slot.numpy()).sum() for slot in slots))
        logs["of_weights"] = float(sum(np.abs(w).sum() for w in self.model.get_weights()))
        logs["of_steps"] = float(self.model.optimizer.iterations)
        logs["predicted"] = float(self.model.predict_on_batch(self.x).mean())
        logs["of_others"] = float(self.model.predict_on_batch(self.x[::-1] * 2).mean())
        logs["evaluated"] = float(self.model.predict(self.x[:7], verbose=0).sum())


def test_callbacks_see_the_run_as_it_is(monkeypatch):
    for ours, plain in chosen(monkeypatch, Notes, training__epochs=3):
        assert [each.logs["seen"] for each in ours[::2]] == [2, 3, 4]
        assert all(each.logs["of_training"] == each.logs["loss"] for each in ours)
        assert all(each.logs["of_validation"] == each.logs["val_loss"] for each in ours)
        assert all(each.logs["of_metric"] == each.logs["val_f1_chooses"] for each in ours)
        same(ours, plain, 1e-4)  # sums over hundreds of numbers


def of_other_data(x):
    labels = (x[:, :1] > 0).astype("float32")
    (callback,) = EpochEnd(name="other").callbacks(validation=[(2 * x, labels)])
    return callback


def test_other_data_are_predicted_with_the_weights_of_the_run(monkeypatch):
    found = chosen(monkeypatch, of_other_data)
    for ours, plain in found:
        same(ours, plain, 1e-6)
    assert len({ours[-1].logs["val_f1_other"] for ours, _ in found}) == len(found)


def stops(x):
    return keras.callbacks.EarlyStopping("val_loss", min_delta=0.02, restore_best_weights=True)


def slows(x):
    return keras.callbacks.ReduceLROnPlateau("val_loss", patience=1, min_delta=0.02, factor=0.1)


class Doubles(keras.callbacks.Callback):
    """Doubles the weights at an epoch's end, then predicts."""

    def __init__(self, x):
        super().__init__()
        self.x = x

    def on_epoch_end(self, epoch, logs=None):
        before = self.model.predict_on_batch(self.x).mean()
        self.model.set_weights([2 * w for w in self.model.get_weights()])
        logs["before"], logs["after"] = before, self.model.predict_on_batch(self.x).mean()


def test_a_callback_can_stop_one_run_alone(monkeypatch):
    found = chosen(monkeypatch, stops, n=3, training__epochs=12, model__learning_rate=0.05)
    assert len({len(ours) for ours, _ in found}) > 1
    for ours, plain in found:
        same(ours, plain, 1e-6)


@pytest.fixture(scope="module")
def untouched():
    """The last losses of runs that no callback touches."""
    ours = [run(seed=seed, **CHOSEN) for seed in range(2)]
    return [passes[-1].logs["loss"] for passes in EnsembleTrainer(ours[0]).train(ours)]


@pytest.mark.parametrize("made", [slows, pytest.param(Doubles, marks=pytest.mark.slow)])
def test_what_a_callback_does_to_its_run_holds(monkeypatch, made, untouched):
    # few doublings: each makes the rounding larger by which the engines differ
    found = chosen(monkeypatch, made, training__epochs=3 if made is Doubles else 6)
    assert [ours[-1].logs["loss"] for ours, _ in found] != untouched
    for ours, plain in found:
        same(ours, plain, 1e-5)
    if made is Doubles:
        first = [ours[0].logs for ours, _ in found]
        assert all(logs["before"] != logs["after"] for logs in first)  # later all scores are 0 or 1


@pytest.mark.slow
def test_a_stopped_run_keeps_its_weights(monkeypatch):
    monkeypatch.setattr(Chooses, "made", [stops])
    longer = CHOSEN | {"training__epochs": 12, "model__learning_rate": 0.05}
    runs = [run(seed=seed, **longer) for seed in range(3)]
    trainer = EnsembleTrainer(runs[0])
    assert len(set(map(len, trainer.train(runs)))) > 1
    together = [trainer.last_weights(place) for place in range(3)]
    for one, weights in zip(runs, together, strict=True):
        trainer.train([one])
        for mine, alone in zip(weights, trainer.last_weights(0), strict=True):
            np.testing.assert_array_equal(mine, alone)


class AtBatches(keras.callbacks.Callback):
    def __init__(self, x):
        super().__init__()

    def on_train_batch_end(self, batch, logs=None):
        """Wants each batch."""


class Early(keras.callbacks.Callback):
    def __init__(self, x):
        super().__init__()

    def on_test_begin(self, logs=None):
        self.model.set_weights([0 * w for w in self.model.get_weights()])


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            AtBatches,
            "cannot call callbacks at batches: use training.engine=plain; got AtBatches.on",
        ),
        (
            Early,
            (
                "cannot call on_test_begin before it validates: use training.engine=plain; got a "
                "callback that"
            ),
        ),
        (lambda x: keras.callbacks.TerminateOnNaN(), "got TerminateOnNaN.on_batch_end"),
    ],
)
def test_what_an_ensemble_cannot_give_is_refused_by_name(monkeypatch, made, words):
    with pytest.raises(InputError, match=rf"^training.engine=ensemble .*{words}"):
        chosen(monkeypatch, made)


def test_no_private_name_of_keras_is_used():
    private = re.compile(r"keras\.src|\b(model|optimizer|metric|callback|own|variable)\._")
    files = sorted(Path(ensemble.__file__).parent.glob("*.py"))
    assert {"steps.py", "stacked_variables.py", "ensemble_member.py"} <= {
        path.name for path in files
    }
    assert [path.name for path in files if private.search(path.read_text())] == []


class Raw(keras.metrics.Metric):
    """Counts in TensorFlow's own way, which Keras' stateless calls do not see."""

    def __init__(self):
        super().__init__(name="f1_chooses")
        self.n = self.add_variable((), "zeros", name="n")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.n.value.assign_add(1.0)

    def result(self):
        return self.n.value


def test_a_metric_that_keras_cannot_call_statelessly_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(Chooses, "metrics", lambda self: [Raw()])
    monkeypatch.setattr(ensemble, "_ensembles", {})
    with pytest.raises(InputError, match=r"ensemble needs metrics .*plain; got .*assign_add"):
        EnsembleTrainer(run(**CHOSEN))


def test_the_oldest_of_many_ensembles_is_forgotten(monkeypatch):
    monkeypatch.setattr(ensemble, "_ensembles", dict.fromkeys(range(ensemble.MAX_KEPT)))
    EnsembleTrainer(run(**CHOSEN))
    assert len(ensemble._ensembles) == ensemble.MAX_KEPT
    assert 0 not in ensemble._ensembles
    assert 1 in ensemble._ensembles
