"""Settings of the user's Keras change nothing in a study, and stay as they are elsewhere."""

import json
import os
import subprocess
import sys

import pytest

from batchf1.sweep.grid import compose
from batchf1.training.engines import framework_of

TRAIN = """
import json, os, sys
before = dict(os.environ)
from batchf1.sweep.grid import compose
from batchf1.training.engines import framework_of
run = compose(sys.argv[1:])
framework_of(run).configure(run)
(passes,) = framework_of(run).trainer(run).train([run])
assert os.environ.get("KERAS_HOME") == before.get("KERAS_HOME")
print(json.dumps([{key: float(value) for key, value in each.logs.items()} for each in passes]))
"""
RUN = """
dataset=synthetic dataset.n_samples=64 dataset.validation_fraction=0.5 dataset.prevalence=0.3
model.hidden=[4] training.batch_size=16 training.epochs=2 training.threads=1
strategies=[batch_mean,epoch_end]
"""
IN_A_FRESH_PROCESS = """
from batchf1.training.isolated import run_in_subprocess
if __name__ == "__main__":
    print(*(run_in_subprocess("keras.config", name, (), "") for name in ("floatx", "backend")))
"""
OF_METRICS = """
import sys, types
measure = types.ModuleType("batchf1.studies.atlas.measure")
def seen(cell):
    import keras
    print(keras.config.floatx(), keras.config.backend())
    sys.exit()
measure.measure = seen
sys.modules[measure.__name__] = measure
from batchf1.studies.atlas import run
run.STUDIES._measure("cell")
"""
LIBRARY = """
import keras
from batchf1.keras.streaming import Streaming
Streaming().metrics()
print(keras.config.floatx(), keras.config.epsilon(), keras.config.image_data_format())
"""
OTHERS = {"floatx": "float64", "epsilon": 0.01, "image_data_format": "channels_first"}
VARIABLES = {"KERAS_BACKEND": "jax", "KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "1"}


def run(home, settings, code, *arguments, **environment):
    """The last line of a program whose user has these settings."""
    folder = home / ".keras"
    folder.mkdir(exist_ok=True)
    (folder / "keras.json").write_text(json.dumps(settings))
    others = {name: value for name, value in os.environ.items() if not name.startswith("KERAS_")}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=others | {"HOME": str(home)} | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "keras.json").read_text()) == settings
    return done.stdout.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["plain", "ensemble", "keras224"])
def test_they_change_no_training(engine, tmp_path, request):
    folder = {}
    if engine == "keras224":
        folder = {"BATCHF1_KERAS224": str(request.getfixturevalue("keras224_folder"))}
    overrides = [*RUN.split(), f"training.engine={engine}"]
    command = [TRAIN, *overrides]
    if engine == "keras224":
        ordinary = run(tmp_path, {}, *command, **folder)
    else:  # this process has Keras' own settings
        one = compose(overrides)
        (passes,) = framework_of(one).trainer(one).train([one])
        ordinary = json.dumps([{k: float(v) for k, v in each.logs.items()} for each in passes])
    assert run(tmp_path, OTHERS | {"backend": "jax"}, *command, **VARIABLES, **folder) == ordinary
    if engine == "keras224":  # it would not start with
        assert run(tmp_path, {"image_data_format": "none"}, *command, **folder) == ordinary


@pytest.mark.slow
@pytest.mark.parametrize("code", [IN_A_FRESH_PROCESS, OF_METRICS])
def test_they_change_no_measurement(code, tmp_path):
    (tmp_path / "main.py").write_text(code)
    start = f"import runpy; runpy.run_path({str(tmp_path / 'main.py')!r}, run_name='__main__')"
    assert run(tmp_path, OTHERS, start, **VARIABLES) == "float32 tensorflow"


@pytest.mark.slow
def test_the_library_leaves_them_as_they_are(tmp_path):
    assert run(tmp_path, OTHERS, LIBRARY) == "float64 0.01 channels_first"


def test_another_backend_in_use_is_refused_in_a_line(tmp_path):
    code = """
import types, sys
from batchf1.errors import InputError
from batchf1.training import keras_defaults
keras = types.ModuleType("keras")
keras.config = types.SimpleNamespace(backend=lambda: "jax")
sys.modules["keras"] = keras
try:
    keras_defaults.load()
except InputError as error:
    print(error)
"""
    said = run(tmp_path, {}, code)
    rule = "training.backend must be that of the Keras which this process has imported, jax"
    assert said == f"{rule}; got tensorflow"
