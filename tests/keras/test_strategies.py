"""Contract of the strategies, in real `fit`; values against scikit-learn."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from batchf1.config import registry
from batchf1.errors import InputError
from batchf1.keras.base import Strategy
from batchf1.metrics.counts import as_counts
from helpers.fitting import (
    OURS,
    POOLED,
    B,
    compiled,
    data,
    fit,
    fitted,
    layers,
    metrics_of,
    of_name,
    says,
    truth,
    truths,
)
from helpers.slow import slow

NAMES = registry.names(registry.STRATEGIES)
GRAPH = {"run_eagerly": False}  # where Keras knows no batch size beforehand


def check(logs, chosen, train, validation, order=True):
    """Hold the logs of one epoch against what each strategy says, and ours against truth.

    `order`: whether the batches came in order; else what depends on it is left out.
    """
    for prefix, (x, y) in (("", train), ("val_", validation)):
        right = truths(y, x, chosen[0].threshold)
        for s in chosen:
            said, turned = says(s, y, x), says(s, y[::-1], x[::-1])
            if said is None or not (order or said == turned):
                continue
            assert logs[f"{prefix}f1_{s.name}"] == [pytest.approx(said, abs=1e-6)], s.name
            if s.name in OURS:
                assert said == pytest.approx(right[s.name], abs=1e-6)


@pytest.mark.parametrize(
    ("n", "threshold", "form"),
    [
        slow(96, 0.5, "columns"),
        slow(101, 0.3, "columns"),
        slow(101, 0.5, "vectors"),
        (101, 0.3, "vectors and squeezed scores"),
    ],
)
def test_training_and_validation_logs_with_arrays(n, threshold, form):
    chosen = of_name(*NAMES, threshold=threshold)
    train, validation = data(n), data(75, seed=1)
    if form != "columns":
        train, validation = ((x, y.ravel()) for x, y in (train, validation))
    model = keras.Sequential(layers(squeeze="squeezed" in form))
    model = compiled(metrics_of(chosen), model, **GRAPH)
    check(fit(model, chosen, train, validation), chosen, train, validation)


@pytest.mark.parametrize("threshold", [slow(0.44), 0.505, slow(0.53)])
def test_thresholds_between_scores_that_lie_close(threshold):
    chosen = of_name(*NAMES, threshold=threshold)
    check(fitted(chosen, data(), data(40)), chosen, data(), data(40))


class Sequence(keras.utils.PyDataset):
    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return -(-len(self.y) // B)

    def __getitem__(self, i):
        part = slice(i * B, (i + 1) * B)
        return self.x[part], self.y[part]


@pytest.mark.parametrize(
    "kind",
    [slow("tf.data"), slow("shuffling tf.data"), "PyDataset"],
)
def test_logs_with_data_sets(kind):
    splits = data(101), data(75, seed=1)

    def feed(x, y):
        if kind == "PyDataset":
            return Sequence(x, y)
        whole = tf.data.Dataset.from_tensor_slices((x, y))
        if kind.startswith("shuffling"):
            whole = whole.shuffle(len(x), seed=4, reshuffle_each_iteration=True)
        return whole.batch(B)

    chosen = of_name(*NAMES)
    logs = fit(
        compiled(metrics_of(chosen), **GRAPH),
        chosen,
        [feed(*splits[0])],
        feed(*splits[1]),
        passes=[feed(*split) for split in splits],
        batch_size=None,
    )
    check(logs, chosen, *splits, order=not kind.startswith("shuffling"))


def test_endless_generators_with_steps():
    x, y = data(96)

    def endless():
        while True:
            for i in range(0, 96, B):
                yield x[i : i + B], y[i : i + B]

    chosen = of_name(*NAMES)
    logs = fit(
        compiled(metrics_of(chosen), **GRAPH),
        chosen,
        [endless()],
        endless(),
        passes=((x, y), [(x, y)]),
        batch_size=None,
        steps_per_epoch=3,  # one epoch: Keras 3 replays its first batch in the next
        validation_steps=3,
    )
    check(logs, chosen, (x, y), (x, y))


def test_weights_that_move():
    x, y = data(96)
    chosen = of_name(*NAMES)
    model = compiled(metrics_of(chosen), learning_rate=0.6)
    logs = fit(model, chosen, (x, y))
    after = model.predict(x, verbose=0)
    assert logs["f1_epoch_end"] == [pytest.approx(truth(y, after), abs=1e-12)]
    assert abs(logs["f1_epoch_end"][0] - logs["f1_reconstructed"][0]) > 0.01
    assert logs["f1_streaming"] == pytest.approx(logs["f1_reconstructed"], abs=1e-6)


def test_early_stopping_and_checkpoints_find_the_logs(tmp_path):
    chosen = of_name(*NAMES)
    keys = [f"val_f1_{name}" for name in NAMES]
    found = {key: keras.callbacks.EarlyStopping(key, mode="max", patience=2) for key in keys}
    kept = [
        keras.callbacks.ModelCheckpoint(
            tmp_path / f"{key}.keras", key, mode="max", save_best_only=True
        )
        for key in keys
    ]
    logs = fitted(chosen, data(), data(9), callbacks=[*found.values(), *kept], epochs=6)
    for key, stopper in found.items():
        assert stopper.stopped_epoch == 2  # frozen weights: nothing improves after the first epoch
        assert logs[key] == [stopper.best] * 3
        assert (tmp_path / f"{key}.keras").exists()


@pytest.mark.parametrize("dtype", ["int64", slow("bool")])
def test_integer_and_boolean_labels(dtype):
    (x, y), chosen = data(), of_name(*NAMES)
    check(fitted(chosen, (x, y.astype(dtype)), (x, y)), chosen, (x, y), (x, y))


def test_nothing_positive():
    x, y = data(40)[0] / 2, np.zeros((40, 1), "float32")
    chosen = of_name(*NAMES)
    logs = fitted(chosen, (x, y), (x, y))
    check(logs, chosen, (x, y), (x, y))
    assert {logs[f"f1_{name}"][0] for name in OURS} == {0.0}


@pytest.mark.parametrize("name", NAMES)
def test_the_contract(name):
    cls = registry.strategy(name)
    assert inspect.getdoc(cls)
    assert cls.name == cls().name == registry.strategy(name)().name == name
    assert cls.label
    assert cls().threshold == registry.strategy(name)().threshold == 0.5
    assert cls(0.3).threshold == 0.3
    assert not cls().from_logits
    assert cls(name="mine").key == "f1_mine"
    assert cls(from_logits=True).from_logits
    first, second = cls().metrics(), cls().metrics()
    assert not set(map(id, first)) & set(map(id, second))


def test_a_strategy_has_a_name_of_its_own():
    class Mine(Strategy):
        """Nothing."""

        name = "my_own"

    class Yours(Mine):
        """Nothing."""

        name, label = "yours", "yours and mine"

    assert (Mine.name, Mine.label, Mine().key) == ("my_own", "my own", "f1_my_own")
    assert (Yours.name, Yours.label, Yours().key) == ("yours", "yours and mine", "f1_yours")
    with pytest.raises(TypeError, match="Nameless must have a name of its own"):
        type("Nameless", (Strategy,), {})
    assert Strategy().name == "none"
    assert Mine().metrics() == Mine().callbacks() == []


def test_what_each_log_must_equal():
    # F1 of the batches 4/5, 0 (nothing positive), 2/3; of all 8/11; averaged counts see below
    batches = as_counts([2, 0, 2], [1, 0, 1], [0, 0, 1], [1, 4, 1])  # of 4, 4 and 5
    full_pass = as_counts([1], [1], [2], [9])
    said = {
        name: registry.strategy(name)().expected(batches, full_pass, "per_batch") for name in OURS
    }
    assert said == {
        "batch_mean": pytest.approx((4 / 5 + 0 + 2 / 3) / 3, abs=1e-7),
        "epoch_end": pytest.approx(2 / 5),
        "reconstructed": pytest.approx(8 / 11),
        "streaming": pytest.approx(8 / 11),
    }
    naive = registry.strategy("batch_mean")().expected(batches, full_pass, "size_weighted")
    assert naive == pytest.approx((4 * 4 / 5 + 5 * 2 / 3) / 13, abs=1e-7)
    of_means = registry.strategy("reconstructed")(logged="mean")
    # TP 2/4 + 0 + 2/5; predicted and possible positives 5/4 + 0 + 6/5
    assert of_means.expected(batches, full_pass, "per_batch") == pytest.approx(1.8 / 2.45)
    assert Strategy().expected(batches, full_pass, "per_batch") is None


@pytest.mark.parametrize("logged", ["sum", "mean", "per_sample"])
def test_counts_that_are_logged_otherwise(logged):
    chosen = of_name("reconstructed", logged=logged)
    x, y = data(71)
    logs = fitted(chosen, (x, y))
    assert logs["f1_reconstructed"] == [pytest.approx(says(chosen[0], y, x), abs=1e-6)]
    assert (abs(logs["f1_reconstructed"][0] - truth(y, x)) > 1e-3) == (logged == "mean")


def test_other_ways_to_log_counts_are_refused():
    with pytest.raises(InputError, match="logged must be one of .*'per_sample'.*; got median"):
        registry.strategy("reconstructed")(logged="median")


@pytest.mark.parametrize("threshold", [0, 1, float("nan"), "0.5"])
@pytest.mark.parametrize("logits", [True, False])
def test_a_threshold_outside_0_to_1_is_refused(threshold, logits):
    words = r"threshold must lie in \(0, 1\)" + ", as a probability, for logits too" * logits
    with pytest.raises(InputError, match=words + "; got"):
        registry.strategy("streaming")(threshold, from_logits=logits)


@pytest.mark.parametrize("name", POOLED)
def test_an_empty_batch_counts_nothing(name):
    x, y = data(40)
    for metric in registry.strategy(name)().metrics():
        metric.update_state(y, x)
        before = float(metric.result())
        assert 0 < before < 1
        metric.update_state(y[:0], x[:0])
        assert float(metric.result()) == before
