"""Training on each backend of Keras: a setting, refused or kept apart where it must be, and alike.

Those that train on JAX or PyTorch need it, or its pinned environment: `make test-frameworks`.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest

from batchf1.config.settings import BACKENDS
from batchf1.datasets.base import Split
from batchf1.errors import InputError
from batchf1.metrics.averaging import batch_mean, pooled
from batchf1.metrics.counts import as_counts
from batchf1.records import provenance
from batchf1.sweep import shard, sharding
from batchf1.sweep.cells import Cell
from batchf1.sweep.grid import compose
from batchf1.training import backends, keras_defaults
from batchf1.training.engines import pretraining_of
from batchf1.training.keras3 import array_batches
from batchf1.training.keras3.batch_counts import BatchTrace

OTHERS = [name for name in BACKENDS if name != "tensorflow"]
SMALL = (
    *("dataset=synthetic", "dataset.n_samples=410", "dataset.validation_fraction=0.5"),
    *("dataset.prevalence=0.2", "dataset.separation=2", "model.hidden=[8]", "training.epochs=2"),
    *("training.threads=1", "training.device=cpu", "training.engine=plain"),
)
CASES = {  # each ends in a short batch, in both splits
    "arrays": ["training.batch_size=32"],
    "again": ["training.batch_size=32"],
    "flat": ["training.batch_size=32", "input_pipeline=flat_labels"],
    "weighted": ["training.batch_size=48", "training.class_weight=3", "metrics=[f1,mcc]"],
    "generators": ["training.batch_size=48", "input_pipeline=endless_generators"],
    "pretrained": ["training.batch_size=32", "training.pretrain=1", "training.freeze_after=1"],
    "still": ["training.batch_size=32", "model.learning_rate=1e-30"],
}
TRAIN = """
import json, sys
from batchf1.sweep import rows
from batchf1.sweep.grid import compose
from batchf1.training.engines import framework_of
found = {}
for name, overrides in json.loads(sys.argv[1]).items():
    run = compose(overrides)
    device = framework_of(run).configure(run)
    trainer = framework_of(run).trainer(run)
    passes = trainer.train([run])
    rows.table([run], device, passes, trainer.expected)  # holds each log against its counts
    found[name] = [
        {
            "split": each.split,
            "logs": {key: float(value) for key, value in each.logs.items()},
            "batches": [part.tolist() for part in each.batches],
            "full_pass": [part.tolist() for part in each.full_pass],
        }
        for each in passes[0]
    ]
import keras
loaded = [name for name in ("tensorflow", "jax", "torch") if name in sys.modules]
print(json.dumps([keras.config.backend(), keras.config.floatx(), device, loaded, found]))
"""


def of_backend(backend, *overrides):
    return compose([*SMALL, f"training.backend={backend}", *overrides])


def trained(backend, home, repository):
    """Train in a process whose user has set another backend and float type."""
    (home / ".keras").mkdir()
    users = {"backend": "tensorflow", "floatx": "float64"}
    (home / ".keras" / "keras.json").write_text(json.dumps(users))
    cases = {name: [*SMALL, f"training.backend={backend}", *each] for name, each in CASES.items()}
    own = {
        "HOME": str(home),
        "KERAS_BACKEND": "tensorflow",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-c", TRAIN, json.dumps(cases)]
    done = subprocess.run(
        command, env=os.environ | own, capture_output=True, text=True, cwd=repository
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def of_tensorflow(tmp_path_factory, repository):
    return trained("tensorflow", tmp_path_factory.mktemp("home"), repository)


@pytest.fixture(scope="module", params=OTHERS)
def result(request, tmp_path_factory, repository):
    backend = request.param
    folder = repository / backends.FOLDER / backend
    if not (backends.is_installed(backend) or folder.is_dir()):
        pytest.skip(f"{backend} is not installed: make test-frameworks")
    return backend, trained(backend, tmp_path_factory.mktemp("home"), repository)


# On the other backends


@pytest.mark.slow
def test_a_process_has_the_backend_of_the_setting_and_no_other(result):
    backend, (used, floatx, device, loaded, _) = result
    assert (used, floatx, device) == (backend, "float32", "CPU")
    assert loaded == [backend], "or a machine without TensorFlow could not train"


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_each_log_is_what_its_batches_give(result, case):
    _, (*_, found) = result
    sizes = {"train": 410, "validation": 205}
    for each in found[case]:
        batches, full_pass = as_counts(*each["batches"]), as_counts(*each["full_pass"])
        before = "" if each["split"] == "train" else "val_"
        logs = {name: each["logs"][f"{before}f1_{name}"] for name in pooled_of(batches, full_pass)}
        assert logs == pytest.approx(pooled_of(batches, full_pass), abs=1e-6)
        assert full_pass.n.sum() == sizes[each["split"]]
        if case != "generators":
            n = sizes[each["split"]]
            size = 48 if case == "weighted" else 32
            assert batches.n.tolist() == [size] * (n // size) + [n % size]
    errors = [
        np.ptp([*pooled_of(as_counts(*e["batches"]), as_counts(*e["full_pass"])).values()])
        for e in found[case]
    ]
    assert max(errors) > 0.003, "or each strategy could be any of them"


def pooled_of(batches, full_pass):
    true = float(pooled(batches))
    wanted = {"batch_mean": float(batch_mean(batches)), "epoch_end": float(pooled(full_pass))}
    return wanted | {"reconstructed": true, "streaming": true}


@pytest.mark.slow
def test_a_run_is_the_same_again_and_with_flat_labels(result):
    _, (*_, found) = result
    assert found["again"] == found["arrays"]
    counts = [[each["batches"] for each in found[name]] for name in ("flat", "arrays")]
    assert counts[0] == counts[1]


@pytest.mark.slow
def test_data_first_weights_and_order_are_those_of_tensorflow(result, of_tensorflow):
    _, (*_, found) = result
    (*_, wanted) = of_tensorflow
    for ours, theirs in zip(found["still"], wanted["still"], strict=True):
        assert ours["batches"] == theirs["batches"]
        assert ours["full_pass"] == theirs["full_pass"]
        assert ours["logs"] == pytest.approx(theirs["logs"], abs=1e-6)
    for case in ("arrays", "weighted", "pretrained"):  # and what they learn is close
        losses = [[e["logs"].get("val_loss") for e in each[case]] for each in (found, wanted)]
        assert losses[0] == pytest.approx(losses[1], abs=1e-3)


# The setting


@pytest.mark.parametrize(
    ("overrides", "before"),
    [
        ([], "2cbf0e8231f0"),
        (["training.engine=plain", "seed=3"], "a2a544bb7bd4"),
        (
            [
                "input_pipeline=together",
                "training.engine=keras224",
                "strategies=[batch_mean]",
            ],
            "d511e7115146",
        ),
    ],
)
def test_runs_on_tensorflow_keep_the_ids_that_they_had(overrides, before):
    assert compose(overrides).run_id == before


def test_the_backend_and_the_labels_are_part_of_the_id_and_not_of_the_seeds():
    one = compose(SMALL)
    others = [
        of_backend("jax"),
        of_backend("torch"),
        compose([*SMALL, "input_pipeline=flat_labels"]),
    ]
    assert len({one.run_id, *(each.run_id for each in others)}) == 4
    assert {each.names for each in others} == {one.names}
    assert "backend" not in one.resolved["training"]
    assert others[0].resolved["training"]["backend"] == "jax"
    assert "labels" not in one.resolved["program"]
    assert others[2].resolved["program"]["labels"] == "flat"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            ["training.backend=jax", "training.engine=ensemble"],
            "training.backend must be tensorflow with engine ensemble: set training.engine=plain; "
            "got jax",
        ),
        (
            ["training.backend=torch", "training.engine=keras224", "strategies=[batch_mean]"],
            "training.backend must be tensorflow with engine keras224: set training.engine=plain; "
            "got torch",
        ),
        (
            ["training.backend=theano"],
            "training.backend must be one of ('tensorflow', 'jax', 'torch'); got theano",
        ),
        (
            ["input_pipeline=flat_labels", "training.engine=ensemble"],
            "input_pipeline flat_labels needs an engine that feeds labels (n,), of keras "
            "['plain']; got ensemble",
        ),
        (
            [
                "input_pipeline=flat_labels",
                "training.engine=keras224",
                "strategies=[batch_mean]",
            ],
            "input_pipeline flat_labels needs an engine that feeds labels (n,), of keras []; got "
            "keras224",
        ),
        (
            ["input_pipeline=arrays", "input_pipeline.labels=row"],
            "input_pipeline.labels must be one of ('column', 'flat'); got row",
        ),
    ],
)
def test_what_no_engine_can_do_is_refused_in_a_line(overrides, words):
    with pytest.raises(InputError) as caught:
        compose([*SMALL, *overrides])
    assert str(caught.value) == words


def test_a_pretraining_is_on_the_same_backend():
    first = pretraining_of(of_backend("torch", "training.pretrain=2"))
    assert (first.training.backend, first.training.engine) == ("torch", "plain")
    first = pretraining_of(compose([*SMALL, "training.pretrain=2"]))
    assert (first.training.backend, first.training.engine) == ("tensorflow", "ensemble")


# Where a backend is


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A folder without environments, where neither JAX nor PyTorch is installed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(backends, "is_installed", lambda backend: backend == "tensorflow")
    return tmp_path


def test_one_that_is_not_installed_is_refused_with_what_helps(empty):
    with pytest.raises(InputError) as caught:
        backends.configure("jax", "cpu", 1)
    assert str(caught.value) == (
        "training.backend needs it installed: pip install jax (or its pinned version, by snakemake "
        "--cores 1 .frameworks/jax); got jax"
    )
    assert backends.versions("jax") == {"jax": "not installed", "jaxlib": "not installed"}


def test_its_pinned_environment_fills_what_is_missing(empty):
    folder = backends._site_packages("jax")
    assert backends.required_files("jax") == [backends.FOLDER / "jax"]
    assert folder.is_relative_to(backends.FOLDER / "jax")
    for name, version in (("jax", "9.8.7"), ("numpy", "0.1")):
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    assert backends.versions("jax") == {"jax": "9.8.7", "jaxlib": "not installed"}
    backends._make_importable("jax")
    assert sys.path[-1] == str(folder.resolve())
    assert provenance.versions("numpy", "jax") == {"numpy": np.__version__, "jax": "9.8.7"}


def test_one_of_this_environment_needs_no_other():
    assert backends.required_files("tensorflow") == []
    assert backends.versions("tensorflow") == provenance.versions("tensorflow")
    before = [*sys.path]
    backends._make_importable("tensorflow")
    assert sys.path == before


def test_a_process_with_another_backend_is_refused():
    assert keras.config.backend() == "tensorflow"
    before = dict(os.environ)
    rule = "training.backend must be that of the Keras which this process has imported, tensorflow"
    with pytest.raises(InputError, match=f"^{rule}; got torch$"):
        keras_defaults.load("torch", KERAS_TORCH_DEVICE="cpu")
    assert dict(os.environ) == before


# Shards, fingerprints


def test_shards_have_one_backend_each():
    runs = [
        of_backend(backend, f"training.batch_size={size}")
        for size in (8, 16)
        for backend in BACKENDS
    ]
    cells = [Cell(run, {}, (0, 1)) for run in runs]
    assert sharding.min_shards(cells) == 3
    parts = sharding.assign_shards(cells, 4)
    assert sum(part.stop - part.start for ranges in parts for part in ranges) == 12
    for ranges in parts:
        assert len({part.cell.first.training.backend for part in ranges}) <= 1
    with pytest.raises(InputError, match="framework, backend, device and number of threads; got 2"):
        sharding.assign_shards(cells, 2)


def test_another_version_of_the_backend_is_another_fingerprint(monkeypatch):
    one = of_backend("jax")
    before = shard.fingerprint(one)
    assert before != shard.fingerprint(of_backend("torch"))
    monkeypatch.setattr(backends, "versions", lambda _: {"jax": "9", "jaxlib": "9"})
    shard._fingerprint.cache_clear()
    assert shard.fingerprint(one) != before
    shard._fingerprint.cache_clear()


def test_the_fingerprint_follows_the_code_of_each_backend():
    files = {path.name for path in provenance.sources(*shard.modules([of_backend("jax")]))}
    assert {"backends.py", "jax_devices.py", "torch_devices.py", "array_batches.py"} <= files


# Batches, and their counts


def test_batches_for_any_backend_are_those_of_tensorflow(monkeypatch):
    rng = np.random.default_rng(0)
    split = Split(rng.random((10, 2), np.float32), rng.integers(2, size=(10, 1)).astype("float32"))
    for_tensorflow = array_batches.batches_of(split, 4)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    for_others = array_batches.batches_of(split, 4)
    assert len(for_others.dataset) == 3
    for order in (np.arange(10), rng.permutation(10)):
        for each in (for_tensorflow, for_others):
            each.set_order(order)
        ours = [for_others.dataset[i] for i in range(3)]
        for mine, theirs in zip(ours, for_tensorflow.dataset, strict=True):
            for part, other in zip(mine, theirs, strict=True):
                np.testing.assert_array_equal(part, other.numpy())
        np.testing.assert_array_equal(np.concatenate([x for x, _ in ours]), split.x[order])


def test_counts_are_recorded_alike_by_functional_updates(monkeypatch):
    trace = BatchTrace(4, 0.5)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    labels, scores = (
        np.array([[1], [0], [1]], "float32"),
        np.array([[0.9], [0.8], [0.1]], "float32"),
    )
    trace.update_state(labels, scores)
    trace.update_state(labels[:2], scores[:2])
    found = [part.tolist() for part in trace.counts()]
    assert found == [[1, 1], [1, 1], [1, 0], [0, 0]]


def test_a_run_of_another_backend_is_no_run_of_this_shape():
    one = of_backend("jax")
    other = replace(one, training=replace(one.training, backend="torch"))
    shapes = {backends_shape(each) for each in (one, other)}
    assert len(shapes) == 2


def backends_shape(one):
    from batchf1.training.engines import framework_of

    return framework_of(one).shape(one)
