"""The contract of every framework: what it says, what it refuses, and where its runs start."""

import subprocess
import sys
from typing import get_args

import numpy as np
import pytest

from batchf1.config import registry
from batchf1.config.seeds import generator
from batchf1.config.settings import Model
from batchf1.errors import InputError
from batchf1.metrics.averaging import Averaging
from batchf1.records import provenance
from batchf1.sweep import shard
from batchf1.sweep.grid import compose
from batchf1.training import base, engines, shuffle
from batchf1.training.engines import framework_of
from batchf1.training.initial_weights import first_weights
from batchf1.training.keras3.framework import Keras3
from helpers.training import run

ENGINES = registry.own_names(registry.FRAMEWORKS)
GENERATORS = ["dropped_batch", "drifting_validation", "array_validation"]


def of_engine(engine, *overrides):
    """A run that the engine can train, but for what the overrides change."""
    return compose([f"training.engine={engine}", "strategies=[batch_mean]", *overrides])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_framework_says_what_it_is(engine):
    found = engines.framework(engine)
    assert isinstance(found, base.Framework)
    assert found.name
    assert found.averaging in get_args(Averaging)
    assert engine in found.engines
    assert {found.pretraining, *found.of_generators} <= set(found.engines)
    for name, seconds in found.engines.items():
        assert engines.framework(name) is found  # one object, whichever engine names it
        assert min(seconds[:3]) > 0 <= seconds.sample
    assert found.version()[0].isdigit()
    assert found.versions()[found.name] == found.version()
    assert set(found.versions("numpy", "pandas")) >= {"numpy", "pandas"}


@pytest.mark.parametrize("engine", ENGINES)
def test_its_modules_are_files_and_one_of_them_trains(engine):
    one, found = of_engine(engine), engines.framework(engine)
    assert provenance.sources(found.module)
    assert {found.module, type(found).__module__} <= found.modules(one)
    for name in found.modules(one):
        assert provenance.sources(name), name
    files = {path.name for path in provenance.sources(*shard.modules([one]))}
    assert {"framework.py", "base.py", "rows.py", "diamonds.py", "shuffle.py"} <= files
    assert ("article.py" in files) == (engine == "keras224")
    assert ("ensemble.py" in files) == ("batch_mean.py" in files) == (engine != "keras224")


def test_a_version_is_known_without_the_framework():
    """Keras 2.2.4 and Keras 3 have one import name, and a process can import one."""
    code = (
        "import sys\n"
        "from batchf1.training import engines\n"
        f"for engine in {ENGINES}:\n"
        "    framework = engines.framework(engine)\n"
        "    assert framework.version() and framework.versions()\n"
        "print([name for name in ('keras', 'tensorflow') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


@pytest.mark.parametrize("program", GENERATORS)
@pytest.mark.parametrize("engine", ENGINES)
def test_generators_need_an_engine_for_them(engine, program):
    if engine in engines.framework(engine).of_generators:
        assert of_engine(engine, f"input_pipeline={program}").input_pipeline.name == program
    else:
        rule = rf"^input_pipeline {program} needs an engine for generators, .*; got {engine}$"
        with pytest.raises(InputError, match=rule):
            of_engine(engine, f"input_pipeline={program}")


@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_articles_program_lacks_is_refused_by_keras_2_alone(engine):
    cases = {
        "training.threshold=0.4": "training.threshold must be 0.5, as in the article; got 0.4",
        "training.class_weight=2": "training.class_weight must be 1, as in the article; got 2.0",
        "strategies=[batch_mean,streaming]": "strategies must be among .*; got streaming",
    }
    for override, words in cases.items():
        if engine == "keras224":
            with pytest.raises(InputError, match=f"^{words}$"):
                of_engine(engine, override)
        else:
            assert of_engine(engine, override)


def test_another_version_of_the_framework_is_another_fingerprint(monkeypatch):
    one = of_engine("plain")
    before = shard.fingerprint(one)
    monkeypatch.setattr(Keras3, "version", lambda self: "3.999")
    shard._fingerprint.cache_clear()
    assert shard.fingerprint(one) != before
    shard._fingerprint.cache_clear()


@pytest.mark.parametrize("engine", ["ensemble", "plain"])
def test_a_gpu_that_is_not_there_is_refused(engine):
    one = run(training__device="gpu", training__engine=engine)
    with pytest.raises(
        InputError, match=("training.device needs a GPU that TensorFlow can see; got gpu")
    ):
        framework_of(one).configure(one)


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_a_process_is_prepared_and_says_its_device(device):
    one = run(training__device=device)
    assert framework_of(one).configure(one) == "CPU"


# Where runs start


def test_the_order_of_samples():
    one = run()
    first, second = shuffle.shuffled(one)(0), shuffle.shuffled(one)(1)
    assert sorted(first) == list(range(400))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, shuffle.shuffled(run(training__batch_size=8))(0))
    assert not np.array_equal(first, shuffle.shuffled(run(seed=1))(0))


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
