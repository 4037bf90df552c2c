"""Exact counts of the strategies on every backend, or an error where it has no float64."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from batchf1.config import registry
from batchf1.errors import InputError
from batchf1.keras import tensors
from batchf1.keras.reconstructed import CountShare
from helpers import fitting_classes as classes
from helpers.fitting import POOLED, metrics_of, of_name
from helpers.other_backends import printed

# Other backends than TensorFlow, each in a process of its own; their logs: test_strategies_sums

REFUSED = """
from batchf1.keras import BatchMean, Reconstructed, Streaming
print(len(BatchMean().metrics()))
for kind in (Reconstructed, Streaming):
    try:
        kind().metrics()
    except ValueError as error:
        print(error)
"""
BEYOND = """
import numpy as np
from batchf1.keras import Reconstructed, Streaming
from batchf1.metrics.factories import f_beta
macro = f_beta(1, "macro", 3)
(metric,), (share, *_) = (kind(metric=macro).metrics() for kind in (Streaming, Reconstructed))
metric.counted.assign(np.full((4, 3), 2.0**24))
share.total.assign(2.0**24)
share.count.assign(2.0**25)
for m in (metric, share):
    m.update_state(np.array([0, 0, 1]), np.eye(3, dtype="float32")[[0, 1, 1]])
print([float(metric.counted[0, 0]), float(share.total), float(share.result())])
"""
MIRRORED = """
import json
import tensorflow as tf
from helpers.fitting import callbacks_of, metrics_of
from helpers.fitting_classes import SOME, model_for, samples, strategies
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
chosen, (x, y) = strategies("vectors", metrics=SOME[:1]), samples("vectors")
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = model_for("vectors", metrics_of(chosen), run_eagerly=False)
fed = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)
callbacks = callbacks_of(chosen, (x, y))
print(json.dumps(model.fit(fed, shuffle=False, verbose=0, callbacks=callbacks).history))
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_other_backends_count_classes_beyond_two_to_the_24(backend, repository):
    counted, total, share = json.loads(printed(backend, repository, "-c", BEYOND))
    assert counted == total == 2**24 + 1
    assert share == (2**24 + 1) / (2**25 + 3)


@pytest.mark.slow
def test_two_devices_count_what_one_does():
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "error::UserWarning", "-c", MIRRORED]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    logs = json.loads(done.stdout)
    x, y = classes.samples("vectors")
    # of each batch of 32 a device sees one half, which is a batch of its own to the naive mean
    halves = [slice(*ends) for ends in ((0, 16), (16, 32), (32, 48), (48, 64), (64, 70), (70, 75))]
    macro = classes.SOME[0]
    naive = np.mean([classes.truth(macro, "vectors", x[half], y[half]) for half in halves])
    assert logs["f1_macro_batch_mean"] == [pytest.approx(naive, abs=1e-6)]
    for name in ("epoch_end", "reconstructed", "streaming"):
        value = classes.truth(macro, "vectors", x, y)
        assert logs[f"f1_macro_{name}"] == [pytest.approx(value, abs=1e-14)]


@pytest.mark.slow
def test_jax_with_32_bits_is_refused(repository):
    printed_lines = printed("jax", repository, "-c", REFUSED, JAX_ENABLE_X64="0")
    number, *lines = printed_lines.splitlines()
    assert number == "1"
    assert [line.partition(" must ")[0] for line in lines] == [
        "true_positives_reconstructed",
        "f1_streaming",
    ]
    assert all("set JAX_ENABLE_X64=1; got float32" in line for line in lines)


@pytest.mark.parametrize("name", POOLED)
def test_a_backend_that_keeps_no_float64_is_refused(name, monkeypatch):
    zeros = tensors.ops.zeros
    monkeypatch.setattr(tensors.ops, "zeros", lambda shape, dtype: zeros(shape, "float32"))
    with pytest.raises(
        InputError, match="must count in float64, .* set JAX_ENABLE_X64=1; got float32"
    ):
        registry.strategy(name)().metrics()
    assert registry.strategy("batch_mean")().metrics()  # Keras' own mean, in float32 everywhere
    assert CountShare("true_positives", dtype="float32").dtype == "float32"


# On TensorFlow


def test_counting_goes_on_beyond_two_to_the_24():
    (metric,) = metrics_of(of_name("streaming"))
    shares = metrics_of(of_name("reconstructed"))
    one, zero = np.ones((1, 1), "float32"), np.zeros((1, 1), "float32")
    for m in (metric, *shares):
        m.update_state(one, one)
    metric.counted.assign(np.full((4, 1), 2.0**24))
    for share in shares:
        share.total.assign(2.0**24)
        share.count.assign(2.0**24)
    for _ in range(3):
        for m in (metric, *shares):
            m.update_state(one, zero)
    counted = [[2**24], [2**24 + 3], [2**24], [2**24 + 3]]
    assert np.asarray(metric.counted).tolist() == counted
    assert float(shares[1].total) == 2**24 + 3
    for m in (metric, *shares[:1]):
        m.update_state(one, one)
    assert float(metric.counted[0, 0]) == float(shares[0].total) == 2**24 + 1


def test_a_share_is_a_float64():
    share = CountShare("possible_positives")
    assert float(share.result()) == 0.0
    share.update_state(np.array([1, 0, 0]), np.array([0.1, 0.2, 0.3], "float32"))
    assert float(share.result()) == 1 / 3
    assert share.name == "possible_positives"
