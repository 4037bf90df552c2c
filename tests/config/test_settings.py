"""Settings: composition, checks and identities of runs."""

import dataclasses

import pytest

from batchf1.config import registry, settings
from batchf1.config.settings import Run
from batchf1.errors import InputError
from batchf1.sweep.grid import CONF, compose
from batchf1.training import engines
from batchf1.training.engines import pretraining_of


@pytest.mark.parametrize("dataset", [*registry.names(registry.DATASETS), "trousers"])
def test_every_data_set_composes(dataset):
    run = compose([f"dataset={dataset}", "seed=3"])
    assert isinstance(run, Run)
    assert run.seed == 3
    assert run.dataset.name == ("fashion_mnist" if dataset == "trousers" else dataset)


@pytest.mark.parametrize("dataset", ["diamonds", "flights"])
@pytest.mark.parametrize(("text", "cut"), [("60", 60.0), ("1.5", 1.5), ("null", None)])
def test_a_cut_is_set_by_an_override(dataset, text, cut):
    assert compose([f"dataset={dataset}", f"dataset.cut={text}"]).dataset.cut == cut


def test_run_id_depends_on_every_setting_and_on_nothing_else():
    base = compose()
    assert base.run_id == compose().run_id
    changed = [
        *("seed=1", "study=x", "strategies=[streaming]", "dataset.prevalence=0.3"),
        *("model.hidden=[8]", "training.threshold=0.4", "training.epochs=2", "dataset=synthetic"),
        *("training.engine=plain", "training.device=cpu", "dataset.n_samples=999"),
        *("metrics=[f1,f2]", "metrics=jaccard"),
    ]
    assert len({compose([change]).run_id for change in changed} | {base.run_id}) == len(changed) + 1


def test_seeds_do_not_depend_on_the_batch_size():
    assert compose(["training.batch_size=64"]).names == compose().names
    assert compose(["seed=1"]).names != compose().names


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("training.foo=3", "Key 'foo' not in 'Training'"),
        ("training.batch_size=x", "Value 'x' of type 'str' could not be converted to Integer"),
        ("training.batch_size=0", "training.batch_size must be at least 1; got 0"),
        ("training.batch_size=10001", "must not exceed dataset.n_samples=10000; got 10001"),
        ("training.epochs=2.5", "could not be converted to Integer"),
        ("training.epochs=-1", "training.epochs must be at least 1; got -1"),
        ("training.threshold=nan", r"training.threshold must lie in \(0, 1\); got nan"),
        ("training.engine=warp", "training.engine must be one of .*; got warp"),
        ("training.device=tpu", "training.device must be one of .*; got tpu"),
        ("dataset.prevalence=0", r"dataset.prevalence must lie in \(0, 1\); got 0.0"),
        ("dataset=nope", "Could not find 'dataset/nope'.*diamonds"),
        ("model.hidden=[0]", "model.hidden must have layers of at least 1 and at most"),
        ("model.learning_rate=-1", "model.learning_rate must be above 0 and finite; got -1"),
        ("strategies=[median]", "strategies must be one of .*; got median"),
        ("strategies=[streaming,streaming]", "strategies cannot have a strategy twice"),
        ("seed=-1", "seed must be at least 0; got -1"),
        ("nonsense", "Error parsing override 'nonsense'"),
    ],
)
def test_bad_settings_get_one_line_with_the_thing_and_the_value(override, words):
    with pytest.raises(InputError, match=words) as caught:
        compose([override])
    assert "\n" not in str(caught.value)


def test_every_field_of_a_run_is_in_its_resolved_settings():
    resolved = compose().resolved
    fields = {field.name for field in dataclasses.fields(Run)}
    assert fields - {"input_pipeline"} | {"program"} == compose(["metrics=f2"]).resolved.keys()
    assert resolved.keys() == fields - {"input_pipeline", "metrics"} | {"program"}
    training = {field.name for field in dataclasses.fields(settings.Training)}
    assert resolved["training"].keys() == training - {"backend"}
    other = compose(["training.backend=jax", "training.engine=plain"]).resolved
    assert other["training"].keys() == training


PROGRAMS = sorted(path.stem for path in (CONF / "input_pipeline").glob("*.yaml"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_composes_and_has_its_files_name(name):
    assert compose([f"input_pipeline={name}", "training.engine=plain"]).input_pipeline.name == name


def test_the_program_of_a_pretraining_is_that_of_its_file():
    assert compose().input_pipeline == engines.ARRAYS


def test_a_pretraining_is_the_same_for_every_program_and_batch_size():
    base = ["training.engine=plain", "training.pretrain=3", "training.freeze_after=1"]
    found = [
        pretraining_of(compose([*base, *more]))
        for more in ([], ["input_pipeline=together"], ["training.batch_size=500"])
    ]
    assert len({run.run_id for run in found}) == 1
    assert found[0].training.epochs == 3
    assert found[0].training.pretrain == found[0].training.freeze_after == 0
    assert pretraining_of(compose()) is None


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            ["input_pipeline=dropped_batch"],
            "input_pipeline dropped_batch needs an engine for generators, of keras ['plain']; got "
            "ensemble",
        ),
        (["input_pipeline.counts=median"], "input_pipeline.counts must be one of"),
        (["input_pipeline.train=1"], "input_pipeline.train must be one of"),
        (["training.pretrain=-1"], "training.pretrain must be at least 0; got -1"),
        (["training.freeze_after=-2"], "training.freeze_after must be at least 0; got -2"),
        (
            ["training.engine=keras224"],
            "among those of keras224, ('batch_mean', 'epoch_end', 'reconstructed'); got streaming",
        ),
        (
            ["training.engine=keras224", "strategies=[batch_mean]", "training.threshold=0.4"],
            "training.threshold must be 0.5, as in the article; got 0.4",
        ),
        (
            ["input_pipeline=dropped_batch", "training.engine=plain", "training.batch_size=2001"],
            "must not exceed the 2000 of the validation set, as a short batch is dropped; got 2001",
        ),
    ],
)
def test_programs_that_make_no_sense(overrides, words):
    with pytest.raises(InputError) as caught:
        compose(overrides)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
