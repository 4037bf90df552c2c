"""Strategies of other metrics than F1: any ratio of counts, against the arithmetic."""

import keras
import numpy as np
import pytest

from batchf1.errors import InputError
from batchf1.keras import BatchMean, EpochEnd, Reconstructed, Streaming
from batchf1.metrics.averaging import batch_mean, pooled
from batchf1.metrics.counts import batch_counts
from batchf1.metrics.factories import f_beta
from batchf1.metrics.moments import pearson
from batchf1.metrics.ratios import ACCURACY, F1, JACCARD, RECALL, Ratio
from helpers.fitting import compiled, data
from helpers.slow import slow

METRICS = [slow(f_beta(2)), slow(RECALL), JACCARD, slow(ACCURACY)]
SPECIFICITY = Ratio((0, 0, 0, 1), (0, 1, 0, 1), "specificity")
SIZE = 10


def logs_of(strategies, x, y):
    """The logs of one epoch in which nothing is learned, and what the arithmetic says."""
    model = compiled([metric for s in strategies for metric in s.metrics()])
    model.optimizer.learning_rate = 0.0
    callbacks = [callback for s in strategies for callback in s.callbacks((x, y))]
    logs = {}
    keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, seen: logs.update(seen))
    model.fit(x, y, SIZE, 1, 0, [*callbacks, keep], shuffle=False)
    counts = batch_counts(y.ravel(), model.predict(x, verbose=0).ravel(), SIZE)
    return logs, counts


@pytest.mark.parametrize("metric", [*METRICS, SPECIFICITY], ids=lambda metric: metric.name)
def test_each_strategy_logs_the_metric_that_it_is_given(metric):
    kinds = (BatchMean, Reconstructed, EpochEnd, Streaming)
    chosen = [kind(metric=metric) for kind in kinds]
    logs, counts = logs_of(chosen, *data())
    naive, true = batch_mean(counts, metric=metric), pooled(counts, metric=metric)
    assert logs[f"{metric.name}_batch_mean"] == pytest.approx(float(naive), abs=1e-6)
    for strategy in chosen[1:]:
        assert logs[strategy.key] == pytest.approx(float(true), abs=1e-15)
    for strategy in chosen:
        said = strategy.expected(counts, counts, "per_batch")
        assert logs[strategy.key] == pytest.approx(said, abs=1e-6)


def test_what_no_strategy_can_compute():
    with pytest.raises(InputError, match="metric must be a Ratio of 4 and 4 weights"):
        Streaming(metric="f1")
    with pytest.raises(InputError, match="metric must have a name of letters, .*; got 'my metric'"):
        Streaming(metric=F1._replace(name="my metric"))
    with pytest.raises(
        InputError, match="metric must not count true negatives, unless logged is per_sample"
    ):
        Reconstructed(metric=ACCURACY, logged="sum")
    assert Reconstructed(metric=ACCURACY, logged="mean").key == "accuracy_reconstructed"


@pytest.mark.parametrize(
    ("n", "weight", "metric", "dtype"),
    [
        (2**24, None, f_beta(2), "float32"),
        (2**24 + 1, None, f_beta(2), "float64"),
        (3, np.ones(3), f_beta(2), "float64"),
        (3, None, pearson(), "float64"),
    ],
)
def test_a_pass_adds_in_float32_what_that_holds_exactly(n, weight, metric, dtype):
    (callback,) = EpochEnd(metric=metric).callbacks(validation=([[0.5]], [1]))
    labels = np.broadcast_to(np.float32(1), (n, 1))
    assert callback._dtype(labels, {"sample_weight": weight}) == dtype
