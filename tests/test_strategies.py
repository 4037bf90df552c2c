"""Each strategy in real `fit`, against scikit-learn on what the batches saw."""

import inspect
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import f1_score

from batchf1 import plugins, strategies
from batchf1.averaging import batch_mean, pooled
from batchf1.counts import as_counts, batch_counts
from batchf1.errors import InputError
from batchf1.strategies import Strategy

NAMES = strategies.names()
OURS = ("batch_mean", "epoch_end", "reconstructed", "streaming")
POOLED = ("reconstructed", "streaming")
B = 32


def data(n, seed=0, column=True):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)).astype("float32")
    y = (x[:, :1] + x[:, 1:2] > 1.5).astype("float32")
    return x, y if column else y[:, 0]


def network(units=1, squeeze=False, activation="sigmoid"):
    keras.utils.set_random_seed(3)
    layers = [
        keras.Input((4,)),
        keras.layers.Dense(8, "tanh"),
        keras.layers.Dense(units, activation),
    ]
    return keras.Sequential([*layers, keras.layers.Reshape(())] if squeeze else layers)


def frozen(names, threshold=0.5, squeeze=False):
    """A compiled model whose weights do not move, so that its scores are known beforehand."""
    chosen = [strategies.create(name, threshold) for name in names]
    model = network(squeeze=squeeze)
    model.compile(
        keras.optimizers.SGD(0.0),
        "binary_crossentropy",
        metrics=[metric for s in chosen for metric in s.metrics()],
    )
    return model, chosen


def expected(y, scores, threshold=0.5, batch_size=B):
    counts = batch_counts(y.ravel(), scores.ravel(), batch_size, threshold)
    right = float(pooled(counts))
    naive = float(batch_mean(counts, dtype=np.float32))
    return dict.fromkeys(NAMES, right) | {"batch_mean": naive}


@pytest.mark.parametrize("column", [True, False])
@pytest.mark.parametrize("squeeze", [True, False])
@pytest.mark.parametrize(("n", "threshold"), [(96, 0.5), (101, 0.3), (20, 0.5)])
def test_training_and_validation_logs_with_arrays(n, threshold, squeeze, column):
    train, validation = data(n, column=column), data(75, seed=1, column=column)
    model, chosen = frozen(NAMES, threshold, squeeze)
    scores = [model.predict(x, verbose=0) for x, _ in (train, validation)]
    assert 0 < np.mean(scores[0] > threshold) < 1
    logs = model.fit(
        *train,
        batch_size=B,
        shuffle=False,
        validation_data=validation,
        verbose=0,
        callbacks=[c for s in chosen for c in s.callbacks(train, validation)],
    ).history
    for prefix, (_, y), split_scores in zip(("", "val_"), (train, validation), scores, strict=True):
        for name, value in expected(y, split_scores, threshold).items():
            assert logs[f"{prefix}f1_{name}"] == [pytest.approx(value, abs=1e-6)], name


class Sequence(keras.utils.PyDataset):
    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return -(-len(self.y) // B)

    def __getitem__(self, i):
        part = slice(i * B, (i + 1) * B)
        return self.x[part], self.y[part]


@pytest.mark.parametrize("kind", ["tf.data", "shuffling tf.data", "PyDataset"])
def test_logs_with_data_sets(kind):
    (x, y), (val_x, val_y) = data(101), data(75, seed=1)

    def feed(x, y):
        if kind == "PyDataset":
            return Sequence(x, y)
        whole = tf.data.Dataset.from_tensor_slices((x, y))
        if kind.startswith("shuffling"):
            whole = whole.shuffle(len(x), seed=4, reshuffle_each_iteration=True)
        return whole.batch(B)

    model, chosen = frozen(NAMES)
    scores, val_scores = (model.predict(part, verbose=0) for part in (x, val_x))
    logs = model.fit(
        feed(x, y),
        validation_data=feed(val_x, val_y),
        shuffle=False,
        verbose=0,
        callbacks=[c for s in chosen for c in s.callbacks(feed(x, y), feed(val_x, val_y))],
    ).history
    naive = {"batch_mean"} if kind.startswith("shuffling") else set()  # it depends on the order
    for prefix, truth in (("", expected(y, scores)), ("val_", expected(val_y, val_scores))):
        for name in truth.keys() - naive:
            assert logs[f"{prefix}f1_{name}"] == [pytest.approx(truth[name], abs=1e-6)], name


@pytest.mark.parametrize("name", [*POOLED, "batch_mean"])
def test_an_endless_generator_with_steps(name):
    x, y = data(96)

    def endless():
        while True:
            for i in range(0, 96, B):
                yield x[i : i + B], y[i : i + B]

    model, (strategy,) = frozen([name])
    scores = model.predict(x, verbose=0)
    logs = model.fit(
        endless(),
        shuffle=False,
        steps_per_epoch=3,  # one epoch: Keras 3 replays its first batch in the next
        validation_data=endless(),
        validation_steps=3,
        verbose=0,
        callbacks=strategy.callbacks(),
    ).history
    value = pytest.approx(expected(y, scores)[name], abs=1e-6)
    assert logs[f"f1_{name}"] == logs[f"val_f1_{name}"] == [value]


@pytest.mark.parametrize("name", NAMES)
def test_early_stopping_and_checkpoints_find_the_log(name, tmp_path):
    train, validation = data(96), data(75, seed=1)
    model, (strategy,) = frozen([name])
    path = tmp_path / "best.keras"
    monitor = f"val_f1_{name}"
    logs = model.fit(
        *train,
        epochs=6,
        validation_data=validation,
        verbose=0,
        callbacks=[
            *strategy.callbacks(validation=validation),
            keras.callbacks.EarlyStopping(monitor, mode="max", patience=2),
            keras.callbacks.ModelCheckpoint(path, monitor, mode="max", save_best_only=True),
        ],
    ).history
    assert len(logs[monitor]) == 3  # frozen weights: nothing improves after the first epoch
    assert path.exists()


@pytest.mark.parametrize("name", POOLED)
def test_a_saved_model_loads_with_its_metrics(name, tmp_path):
    x, y = data(75)
    model, _ = frozen([name], threshold=0.3)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.evaluate(x, y, verbose=0, return_dict=True) == logs


@pytest.mark.parametrize("name", ["reconstructed", "streaming", "batch_mean"])
def test_multi_class_output_is_refused(name):
    x, y = data(40)
    strategy = strategies.create(name)
    model = network(units=3, activation="softmax")
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=strategy.metrics())
    with pytest.raises(InputError, match=r"model output: a binary F1 needs shape .*; got \(.*3\)"):
        model.fit(x, y, verbose=0, callbacks=strategy.callbacks())


def test_multi_class_output_is_refused_at_the_end_of_an_epoch():
    x, y = data(40)
    model = network(units=3, activation="softmax")
    model.compile("sgd", "sparse_categorical_crossentropy")
    callbacks = strategies.create("epoch_end").callbacks(validation=(x, y))
    with pytest.raises(
        InputError, match=r"model output: a binary F1 needs shape .*; got \(40, 3\)"
    ):
        model.fit(x, y, verbose=0, callbacks=callbacks)


@pytest.mark.parametrize("name", [*POOLED, "batch_mean"])
@pytest.mark.parametrize("bad", ["label 2", "NaN score"])
def test_bad_labels_and_scores_show_as_nan(name, bad):
    x, y = data(75)
    model, (strategy,) = frozen([name])
    if bad == "label 2":
        y[3] = 2
    else:
        x[3] = np.nan
    logs = model.fit(x, y, batch_size=B, verbose=0, callbacks=strategy.callbacks()).history
    assert np.isnan(logs[f"f1_{name}"][0])


@pytest.mark.parametrize("bad", ["label 2", "NaN score"])
def test_bad_labels_and_scores_are_refused_at_the_end_of_an_epoch(bad):
    x, y = data(75)
    if bad == "label 2":
        y[3] = 2
    else:
        x[3] = np.nan
    model, (strategy,) = frozen(["epoch_end"])
    with pytest.raises(InputError, match="0 or 1" if bad == "label 2" else "NaN"):
        model.fit(*data(75), verbose=0, callbacks=strategy.callbacks(validation=(x, y)))


def test_integer_and_boolean_labels():
    x, y = data(75)
    truth = None
    for dtype in ("float32", "int64", "bool"):
        model, chosen = frozen(NAMES)
        labels = y.astype(dtype)
        callbacks = [c for s in chosen for c in s.callbacks((x, labels))]
        logs = model.fit(
            x, labels, batch_size=B, shuffle=False, verbose=0, callbacks=callbacks
        ).history
        found = {name: logs[f"f1_{name}"] for name in NAMES}
        truth = truth or found
        assert found == truth


def test_nothing_positive_gives_zero():
    x = data(40)[0]
    y = np.zeros((40, 1), "float32")
    model, chosen = frozen(NAMES, threshold=0.99)
    logs = model.fit(
        x, y, verbose=0, callbacks=[c for s in chosen for c in s.callbacks((x, y))]
    ).history
    assert {logs[f"f1_{name}"][0] for name in NAMES} == {0.0}


def test_counting_goes_on_beyond_two_to_the_24():
    metric = strategies.create("streaming").metrics()[0]
    shares = strategies.create("reconstructed").metrics()
    one, zero = np.ones((1, 1), "float32"), np.zeros((1, 1), "float32")
    for m in (metric, *shares):
        m.update_state(one, one)
    metric.true_positives.assign(2.0**24)
    for share in shares:
        share.total.assign(2.0**24)
        share.count.assign(2.0**24)
    for _ in range(3):
        for m in (metric, *shares):
            m.update_state(one, zero)
    assert float(metric.false_negatives) == 3
    assert float(shares[1].total) == 2**24 + 3
    for m in (metric, *shares[:1]):
        m.update_state(one, one)
    assert float(metric.true_positives) == float(shares[0].total) == 2**24 + 1


def test_reconstruction_without_its_metrics_says_so():
    model = network()
    model.compile("sgd", "binary_crossentropy")
    with pytest.raises(InputError, match="f1_reconstructed: needs .* compile with its metrics"):
        model.fit(*data(40), verbose=0, callbacks=strategies.create("reconstructed").callbacks())


def test_epoch_end_needs_data_that_can_be_read_again():
    strategy = strategies.create("epoch_end")
    with pytest.raises(
        InputError, match="f1_epoch_end: needs train or validation data; got neither"
    ):
        strategy.callbacks()
    with pytest.raises(InputError, match="val_f1_epoch_end: needs data that can be iterated anew"):
        strategy.callbacks(validation=(batch for batch in [data(40)]))


@pytest.mark.parametrize("threshold", [0, 1, -0.1, float("nan")])
def test_a_threshold_outside_0_to_1_is_refused(threshold):
    with pytest.raises(InputError, match=r"threshold: must lie in \(0, 1\)"):
        strategies.create("streaming", threshold)


@pytest.mark.parametrize("name", NAMES)
def test_the_contract(name):
    cls = plugins.implementation("strategies", name, Strategy)
    assert inspect.getdoc(cls)
    assert cls.name == cls().name == name
    assert cls.label
    assert cls().metrics() is not cls().metrics()


def test_what_each_log_must_equal():
    # F1 of the batches 4/5, 0 (nothing positive), 2/3; of all 8/11; averaged counts see below
    batches = as_counts([2, 0, 2], [1, 0, 1], [0, 0, 1], [1, 4, 1])  # of 4, 4 and 5
    full_pass = as_counts([1], [1], [2], [9])
    said = {
        name: strategies.create(name).expected(batches, full_pass, "per_batch") for name in OURS
    }
    assert said == {
        "batch_mean": pytest.approx((4 / 5 + 0 + 2 / 3) / 3, abs=1e-7),
        "epoch_end": pytest.approx(2 / 5),
        "reconstructed": pytest.approx(8 / 11),
        "streaming": pytest.approx(8 / 11),
    }
    naive = strategies.create("batch_mean").expected(batches, full_pass, "size_weighted")
    assert naive == pytest.approx((4 * 4 / 5 + 5 * 2 / 3) / 13, abs=1e-7)
    of_means = strategies.create("reconstructed", logged="mean")
    # TP 2/4 + 0 + 2/5; predicted and possible positives 5/4 + 0 + 6/5
    assert of_means.expected(batches, full_pass, "per_batch") == pytest.approx(1.8 / 2.45)
    assert Strategy().expected(batches, full_pass, "per_batch") is None


class Made:
    """A data set without end in memory: batches made as they are read, their labels watched."""

    def __init__(self, n_batches):
        self.n_batches, self.labels, self.most = n_batches, [], 0

    def __iter__(self):
        for i in range(self.n_batches):
            x, y = data(B, seed=i)
            self.labels.append(weakref.ref(y))
            self.most = max(self.most, sum(alive() is not None for alive in self.labels))
            yield x, y


def test_a_streamed_pass_keeps_counts_alone_and_gives_what_scikit_learn_does():
    model, (strategy,) = frozen(["epoch_end"])
    made = Made(40)
    (callback,) = strategy.callbacks(validation=made)
    logs = model.fit(*data(B), epochs=2, verbose=0, callbacks=[callback]).history
    x, y = (np.concatenate(part) for part in zip(*Made(40), strict=True))
    truth = f1_score(y, model.predict(x, verbose=0) > 0.5)
    assert 0 < truth < 1
    assert logs["val_f1_epoch_end"] == [pytest.approx(truth, abs=1e-12)] * 2
    assert made.most <= 3  # of 40 batches: one in hand, one being made
    own = set(vars(callback)) - set(vars(keras.callbacks.Callback()))
    assert own == {"splits", "threshold"}
    assert callback.splits == {"val_f1_epoch_end": made}


@pytest.mark.parametrize("n", [1, 20, 75])
def test_both_forms_of_the_pass_agree(n):
    x, y = data(n, seed=2)
    found = []
    for form in ((x, y), [(x, y)], [(x[i : i + 7], y[i : i + 7]) for i in range(0, n, 7)]):
        model, (strategy,) = frozen(["epoch_end"])
        callbacks = strategy.callbacks(validation=form)
        logs = model.fit(*data(B), verbose=0, callbacks=callbacks).history
        found += logs["val_f1_epoch_end"]
    assert found == pytest.approx([found[0]] * 3, abs=1e-12)


def test_a_streamed_pass_refuses_what_the_one_over_arrays_does():
    x, y = data(75)
    y[70] = 2
    for validation, rule in (
        ([(x[:B], y[:B]), (x[B:], y[B:])], "labels: are 0 or 1"),
        ([(x[:B], y[: B - 1])], "labels: must be 32; got 31"),
        ([], "val_f1_epoch_end: needs data with at least one batch; got 0"),
    ):
        model, (strategy,) = frozen(["epoch_end"])
        with pytest.raises(InputError, match=rule):
            model.fit(*data(B), verbose=0, callbacks=strategy.callbacks(validation=validation))


def test_scikit_learn_is_what_epoch_end_calls_for_arrays():
    x, y = data(75)
    model, (strategy,) = frozen(["epoch_end"])
    decided = model.predict(x, verbose=0) > 0.5
    logs = model.fit(x, y, verbose=0, callbacks=strategy.callbacks(validation=(x, y))).history
    assert logs["val_f1_epoch_end"] == [f1_score(y, decided)]


# Weights and masks: right, or refused


class Masked(keras.layers.Layer):
    """Masks the samples whose features are all 0."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def compute_mask(self, inputs, previous=None):
        return keras.ops.any(keras.ops.not_equal(inputs, 0), axis=-1)

    def call(self, inputs):
        return inputs + 0


def masking():
    """`network`, with a mask of one value a sample, which Keras hands to the metrics."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(8, "tanh")(Masked()(inputs))
    return keras.Model(inputs, keras.layers.Dense(1, "sigmoid")(hidden))


def weighted_data(n=101):
    x, y = data(n)
    x[::3] = 0
    return x, y, np.random.default_rng(1).uniform(0, 3, n).astype("float32")


def weighted_fit(strategy, model, kind, x, y, **given):
    key = "metrics" if kind == "metrics" else "weighted_metrics"
    model.compile(keras.optimizers.SGD(0.0), "binary_crossentropy", **{key: strategy.metrics()})
    callbacks = strategy.callbacks((x, y))
    options = {"batch_size": B, "shuffle": False, "verbose": 0, "callbacks": callbacks}
    return model.fit(x, y, **options, **given).history[f"f1_{strategy.name}"]


@pytest.mark.parametrize("name", POOLED)
@pytest.mark.parametrize("column", [True, False])
def test_weighted_metrics_are_weighted_right(name, column):
    x, y, weights = weighted_data()
    model = network()
    decided = model.predict(x, verbose=0) > 0.5
    given = {"sample_weight": weights[:, None] if column else weights}
    found = weighted_fit(strategies.create(name), model, "weighted", x, y, **given)
    truth = f1_score(y.ravel(), decided.ravel(), sample_weight=weights)
    assert abs(truth - f1_score(y.ravel(), decided.ravel())) > 0.01
    assert found == [pytest.approx(truth, abs=1e-6)]


@pytest.mark.parametrize("name", POOLED)
def test_class_weights_in_weighted_metrics(name):
    x, y, _ = weighted_data()
    model = network()
    decided = model.predict(x, verbose=0) > 0.5
    classes = {0: 1.0, 1: 5.0}
    found = weighted_fit(strategies.create(name), model, "weighted", x, y, class_weight=classes)
    truth = f1_score(y.ravel(), decided.ravel(), sample_weight=1 + 4 * y.ravel())
    assert found == [pytest.approx(truth, abs=1e-6)]


@pytest.mark.parametrize("name", NAMES)
def test_weights_do_not_reach_metrics(name):
    x, y, weights = weighted_data()
    plain, *weighted = (
        weighted_fit(strategies.create(name), network(), "metrics", x, y, **given)
        for given in ({}, {"sample_weight": weights}, {"class_weight": {0: 1.0, 1: 5.0}})
    )
    assert weighted == [plain] * 2


@pytest.mark.parametrize("name", POOLED)
@pytest.mark.parametrize("kind", ["metrics", "weighted"])
def test_masked_samples_are_left_out(name, kind):
    x, y, weights = weighted_data()
    model = masking()
    decided, seen = model.predict(x, verbose=0).ravel() > 0.5, (x != 0).any(axis=1)
    given = {} if kind == "metrics" else {"sample_weight": weights}
    found = weighted_fit(strategies.create(name), model, kind, x, y, **given)
    part = (y.ravel()[seen], decided[seen])
    truth = f1_score(*part, sample_weight=weights[seen] if given else None)
    assert abs(truth - f1_score(y.ravel(), decided)) > 0.01
    assert found == [pytest.approx(truth, abs=1e-6)]


@pytest.mark.parametrize("kind", ["metrics", "weighted"])
@pytest.mark.parametrize("name", ["batch_mean", "epoch_end"])
def test_what_has_no_masked_form_says_so(name, kind):
    x, y, _ = weighted_data()
    words = "under a model without masks" if name == "batch_mean" else "a model that masks no"
    with pytest.raises(InputError, match=f"f1_{name}: .*{words}"):
        weighted_fit(strategies.create(name), masking(), kind, x, y)


def test_what_has_no_weighted_form_says_so():
    x, y, weights = weighted_data()
    given = {"sample_weight": weights}
    with pytest.raises(InputError, match="f1_batch_mean: has no weighted form.*; got weights"):
        weighted_fit(strategies.create("batch_mean"), network(), "weighted", x, y, **given)
    for logged in ("sum", "mean"):
        strategy = strategies.create("reconstructed", logged=logged)
        with pytest.raises(InputError, match=f"takes weights and masks with .*; got {logged}"):
            weighted_fit(strategy, network(), "weighted", x, y, **given)
    strategy = strategies.create("epoch_end")
    model = network()
    model.compile("sgd", "binary_crossentropy")
    for three in ((x, y, weights), [(x, y, weights)]):
        with pytest.raises(InputError, match="f1_epoch_end: needs .x, y.: .*; got 3 parts"):
            model.fit(x, y, verbose=0, callbacks=strategy.callbacks(three))


# Shapes that would be broadcast, and nothing at all


@pytest.mark.parametrize("name", ["batch_mean", *POOLED])
@pytest.mark.parametrize("labels", [(1,), (1, 1), (3,), (5, 1)])
def test_labels_are_never_broadcast(name, labels):
    for metric in strategies.create(name).metrics():
        with pytest.raises(InputError, match=f"labels: must be 4, as the scores; got {labels[0]}"):
            metric.update_state(np.ones(labels), np.ones((4, 1)))


@pytest.mark.parametrize("name", ["batch_mean", *POOLED])
def test_labels_are_never_broadcast_where_sizes_are_not_known_beforehand(name):
    (metric, *_) = strategies.create(name).metrics()
    vector = tf.TensorSpec((None,), "float32")
    update = tf.function(metric.update_state, input_signature=[vector, vector])
    update(tf.ones(4), tf.ones(4))
    assert float(metric.result()) == pytest.approx(1)
    update(tf.ones(1), tf.ones(4))
    assert np.isnan(float(metric.result()))


@pytest.mark.parametrize("name", ["batch_mean", *POOLED])
@pytest.mark.parametrize("shape", [(4, 2), (2, 2, 1), ()])
def test_weights_of_another_shape_are_refused(name, shape):
    for metric in strategies.create(name).metrics():
        with pytest.raises(InputError, match="sample_weight: a binary F1 needs shape"):
            metric.update_state(np.ones((4, 1)), np.ones((4, 1)), np.ones(shape))


@pytest.mark.parametrize("name", POOLED)
def test_an_empty_batch_counts_nothing(name):
    x, y = data(40)
    metrics = strategies.create(name).metrics()
    for metric in metrics:
        metric.update_state(y, x[:, :1])
        before = float(metric.result())
        metric.update_state(y[:0], x[:0, :1])
        assert float(metric.result()) == before


def test_no_samples_are_refused_at_the_end_of_an_epoch():
    x, y = data(40)
    callbacks = strategies.create("epoch_end").callbacks(validation=(x[:0], y[:0]))
    model = network()
    model.compile("sgd", "binary_crossentropy")
    with pytest.raises(InputError, match="val_f1_epoch_end: needs data with at least one sample"):
        model.fit(x, y, verbose=0, callbacks=callbacks)


def test_soft_and_signed_labels_are_never_counted():
    x, y = data(40)
    for labels in (2 * y - 1, np.clip(y, 0.1, 0.9), np.where(y == 1, np.nan, y)):
        for name in ("batch_mean", *POOLED):
            for metric in strategies.create(name).metrics():
                metric.update_state(labels, x[:, :1])
                assert np.isnan(float(metric.result()))
