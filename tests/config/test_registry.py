"""Plug-ins: how they are found by name and by import path, and that those of others run."""

import importlib
import inspect
import pkgutil
import sys
from importlib.metadata import EntryPoint

import numpy as np
import pytest

import batchf1.datasets
import batchf1.figures
import batchf1.keras
from batchf1.config import registry
from batchf1.datasets.base import Dataset
from batchf1.errors import InputError
from batchf1.figures import base as figures
from batchf1.keras.base import Strategy
from batchf1.records import provenance, tables
from batchf1.sweep import schema, shard
from batchf1.sweep.grid import compose
from helpers import plugins_fixture
from helpers.eagerly import eagerly
from helpers.shards import collect, execute

KNOWN = {
    registry.DATASETS: {"diamonds", "fashion_mnist", "flights", "synthetic", "timetable"},
    registry.STRATEGIES: {"batch_mean", "epoch_end", "reconstructed", "streaming"},
    registry.FIGURES: {"collapse", "cost", "error_vs_batch_size", "theory", "worked_example"},
    registry.FRAMEWORKS: {"ensemble", "plain", "keras224"},
}
OWN = [
    "dataset=my_plugins.MyData",
    "strategies=[reconstructed,my_plugins.MyStrategy]",
    "dataset.n_samples=120",
    "dataset.prevalence=0.3",
    "model.hidden=[4]",
    "training.epochs=2",
    "training.engine=plain",
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Write modules into the working directory; they are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    names = []

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        names.append(name)
        return tmp_path / f"{name}.py"

    yield write
    for name in names:
        sys.modules.pop(name, None)


def fingerprint(run):
    """As a new process would find it."""
    shard._fingerprint.cache_clear()
    return shard.fingerprint(run)


@pytest.mark.parametrize("kind", KNOWN)
def test_names_are_those_of_the_files_and_each_has_a_place(kind):
    found = registry.names(kind)
    assert found == sorted(found)
    assert set(found) >= KNOWN[kind]
    assert not any(name.startswith("_") or name in ("base", "none") for name in found)
    for name in found:
        where = registry.import_path(kind, name)
        assert where.startswith("batchf1.")
        assert (":" in where) == (kind != registry.FIGURES)
        assert registry.module(kind, name) == where.partition(":")[0]
        assert provenance.sources(registry.module(kind, name))


def test_each_module_of_this_package_that_has_a_plugin_is_registered():
    plugins = {}
    for kind, package, base in (
        (registry.DATASETS, batchf1.datasets, Dataset),
        (registry.STRATEGIES, batchf1.keras, Strategy),
    ):
        modules = [importlib.import_module(name) for name in modules_of(package)]
        plugins[kind] = {
            value.name: f"{value.__module__}:{value.__name__}"
            for module in modules
            for value in vars(module).values()
            if inspect.isclass(value) and issubclass(value, base)
            if value is not base and not inspect.isabstract(value)
        }
    modules = {name: importlib.import_module(name) for name in modules_of(batchf1.figures)}
    plugins[registry.FIGURES] = {
        name.rpartition(".")[2]: name for name, module in modules.items() if hasattr(module, "draw")
    }
    del plugins[registry.FIGURES]["base"]
    assert plugins == {kind: registry._own(kind) for kind in plugins}


def modules_of(package):
    infos = pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    return [info.name for info in infos if "._" not in info.name]


@pytest.mark.parametrize("kind", KNOWN)
def test_a_name_that_nothing_has_is_refused_in_a_line_that_names_the_thing(kind):
    for name in ("nope", "nope.Nope", "batchf1.nope.Nope", "Synthetic", "", "a b", "__main__.X"):
        if kind == registry.FIGURES and name == "Synthetic":
            name = "__main__"  # a module has no dot, and this one no file
        with pytest.raises(InputError) as caught:
            registry.import_path(kind, name)
        said = str(caught.value)
        assert said.startswith(f"{registry.LABELS[kind]} must be one of [")
        assert said.endswith(f"], or the import path of your own; got {name}".rstrip())
        assert "\n" not in said
    with pytest.raises(InputError, match="^my file must be one of .*; got nope$"):
        registry.import_path(kind, "nope", "my file")


def test_nothing_is_imported_to_find_a_place(here, tmp_path):
    here("my_bomb", "raise RuntimeError\n")
    assert registry.import_path(registry.DATASETS, "my_bomb.MyData") == "my_bomb:MyData"
    assert registry.import_path(registry.FIGURES, "my_bomb") == "my_bomb"


def test_one_that_keeps_not_to_the_contract_is_refused(here):
    here(
        "my_wrong",
        "from batchf1.training.base import Framework\n"
        "class Other: name = 'other'\n"
        "class Half(Framework): name = 'half'\n"
        "class Bare(Framework):\n"
        "    name = 'bare'\n"
        "    averaging, engines, pretraining = 'per_batch', {}, 'my_wrong.Bare'\n"
        "    version = configure = trainer = lambda self, *more: '1'\n",
    )
    for name, words in (
        ("my_wrong.Missing", "must be defined in my_wrong; got Missing"),
        ("my_wrong.Other", "my_wrong.Other must be a complete subclass of Framework"),
        ("my_wrong.Half", "my_wrong.Half must be a complete subclass of Framework"),
        ("my_wrong.Bare", r"my_wrong.Bare must have .*; got no \['engines', 'module'\]"),
    ):
        with pytest.raises(InputError, match=f"^training.engine {words}"):
            compose([f"training.engine={name}"])
    with pytest.raises(
        InputError, match=r"^dataset my_wrong.Other must be a complete subclass of Dataset"
    ):
        compose(["dataset=my_wrong.Other"])
    with pytest.raises(InputError, match="^figure my_wrong must have ALT, COLUMNS, table and draw"):
        figures.module("my_wrong")


def test_an_edit_of_ones_own_file_is_another_fingerprint(here):
    path = here("my_plugins", plugins_fixture.PLUGINS)
    one, *others = compose(OWN), compose([*OWN[:1], *OWN[2:]]), compose(OWN[1:])
    before = fingerprint(one)
    path.write_text(f"# a comment\n{plugins_fixture.PLUGINS}")
    assert fingerprint(one) == before
    path.write_text(plugins_fixture.PLUGINS.replace("* decided)", "* decided * 1)"))
    assert fingerprint(one) != before
    for each in (one, *others):
        assert path in provenance.sources(*shard.modules([each]))
    without = compose(OWN[2:])
    assert path not in provenance.sources(*shard.modules([without]))


def test_a_framework_of_ones_own_trains_a_study(here, tmp_path, capsys):
    path = here("my_framework", plugins_fixture.FRAMEWORK)
    study = tmp_path / "own.yaml"
    study.write_text(
        "question: q\n"
        "overrides: [dataset=synthetic, dataset.dimensions=3, dataset.n_samples=90,"
        " dataset.prevalence=0.3, training.batch_size=40, training.epochs=3,"
        ' "strategies=[batch_mean,reconstructed]", model.learning_rate=0.5]\n'
        "grid: {training.engine: [my_framework.MyFramework, plain], seed: [0]}\n"
    )
    with eagerly():
        parts = [execute(study, i, 2, tmp_path / "store") for i in range(2)]
    assert [set(part.table["framework"]) for part in parts] == [{"by hand"}, {"keras"}]
    found = tables.validate(parts[0].table, schema.RUNS, "rows")
    assert set(found["engine"]) == {"my_framework.MyFramework"}
    assert set(found["version"]) == {"0.1"}
    assert set(found["averaging"]) == {"size_weighted"}
    assert len(found) == 3 * 2 * 2
    counted = found[["tp", "fp", "fn", "tn"]].sum(axis=1)
    np.testing.assert_array_equal(counted, np.where(found["split"] == "train", 90, 18))
    assert found[found["epoch"] == 3]["f1"].gt(0.8).all()
    collected = collect(study, [part.path for part in parts], tmp_path / "runs.parquet")
    assert collected.origin["frameworks"][0] == "by hand 0.1"
    capsys.readouterr()
    execute(study, 0, 2, tmp_path / "store")
    assert "1 runs, 1 of them kept from before" in capsys.readouterr().err
    one = compose(["training.engine=my_framework.MyFramework", "strategies=[batch_mean]"])
    assert path in provenance.sources(*shard.modules([one]))
    before = fingerprint(one)
    path.write_text(plugins_fixture.FRAMEWORK.replace("scores > 0.5", "scores > 0.6"))
    assert fingerprint(one) != before


def test_what_ones_own_framework_cannot_train_is_refused_by_its_engine(here):
    here("my_framework", plugins_fixture.FRAMEWORK)
    chosen = ["training.engine=my_framework.MyFramework", "strategies=[batch_mean]"]
    for override, words in (
        (
            "input_pipeline=dropped_batch",
            r"needs an engine for generators, of by hand \[\]; got my_fram",
        ),
        (
            "strategies=[streaming]",
            r"strategies must be among those of my_framework.MyFramework, .*; got stream",
        ),
    ):
        with pytest.raises(InputError, match=words):
            compose([*chosen, override])


def test_one_that_another_package_registers_is_found_by_its_name(here, monkeypatch):
    here("my_plugins", plugins_fixture.PLUGINS)

    def registered(group):
        name, value = "my_data", "my_plugins : MyData"
        return [EntryPoint(name, value, group)] if group == "batchf1.datasets" else []

    monkeypatch.setattr(registry, "entry_points", registered)
    registry._registered.cache_clear()
    try:
        assert "my_data" in registry.names(registry.DATASETS)
        assert registry.import_path(registry.DATASETS, "my_data") == "my_plugins:MyData"
        assert "my_data" not in registry.names(registry.STRATEGIES)
        one = compose(["dataset=my_data", "dataset.n_samples=120", "dataset.prevalence=0.3"])
        assert (one.dataset.name, one.dataset.label) == ("my_data", "my_data")
    finally:
        registry._registered.cache_clear()


def test_a_registered_name_hides_none_of_the_packages_own(monkeypatch, capsys):
    def registered(group):
        return [EntryPoint("diamonds", "theirs:Diamonds", group)]

    monkeypatch.setattr(registry, "entry_points", registered)
    registry._registered.cache_clear()
    try:
        for _ in range(2):
            assert registry.import_path(registry.DATASETS, "diamonds").startswith(
                "batchf1.datasets."
            )
        said = capsys.readouterr().err
        assert said.startswith("batchf1: left out: entry point diamonds (theirs:Diamonds)")
        assert said.count("\n") == 1
    finally:
        registry._registered.cache_clear()
