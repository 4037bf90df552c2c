"""Shards: what is trained, what is kept, and the table that they make together."""

import pandas as pd
import pytest

from batchf1.cli import main as cli
from batchf1.errors import InputError
from batchf1.records import tables
from batchf1.study import origin, schema, shard

STUDY = """
question: q
overrides:
  - dataset.n_samples=200
  - model.hidden=[4]
  - strategies=[batch_mean,reconstructed]
  - training.engine=plain
  - training.epochs=1
grid:
  training.batch_size: [50, 100]
  dataset.prevalence: [0.5, 0.3]
  seed: [0, 1]
"""


@pytest.fixture
def experiment(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("dataset.dimensions", [2, 5]),
        ("model.learning_rate", [0.001, 0.05]),
        ("training.threshold", [0.3, 0.7]),
    ],
)
def test_a_grid_over_a_setting_trains_and_the_table_says_it(
    experiment, tmp_path, capsys, key, values
):
    grid = f"grid:\n  dataset: [synthetic]\n  {key}: {values}\n  seed: [0, 1]\nshards: 1\n"
    experiment.write_text(STUDY.partition("grid:")[0] + grid)
    made = shard.execute(experiment, 0, tmp_path / "store")
    assert len(made.table) == 2 * 2 * 2 * 2
    assert "(2 shapes compiled)" in capsys.readouterr().err
    assert key not in made.table
    tables.write(made.table, tmp_path / "0.parquet", schema.RUNS, made.origin)
    collected = shard.collect(experiment, [tmp_path / "0.parquet"])
    found = tables.validate(collected.table, schema.RUNS, "collected")
    assert list(found.columns)[-1] == key
    assert list(found[key]) == [value for value in values for _ in range(8)]
    assert collected.origin["grid"][key] == values
    n_trainings = 1 if key == "training.threshold" else 2  # a threshold moves no weight
    assert (found.groupby("seed")["loss"].nunique() == 2 * n_trainings).all()


def test_a_shard_keeps_its_runs_and_trains_only_what_is_missing(experiment, tmp_path, capsys):
    store = tmp_path / "store"
    first = [shard.execute(experiment, i, store).table for i in range(2)]
    assert sum(len(part) for part in first) == 8 * 2 * 2
    kept = {path: path.stat().st_mtime_ns for path in store.iterdir()}
    assert len(kept) == 8
    experiment.write_text(STUDY.replace("[50, 100]", "[50, 80]"))
    capsys.readouterr()
    made = [shard.execute(experiment, i, store) for i in range(2)]
    trained = origin.trained(entry for part in made for entry in part.origin["trained"])
    assert [entry["n_runs"] for entry in trained] == [8]  # old and new, all trained alike
    assert trained[0]["first"] <= trained[0]["last"]
    again = {path: path.stat().st_mtime_ns for path in store.iterdir()}
    assert len(again) == 12
    assert {path: again[path] for path in kept} == kept
    assert "(1 shapes compiled)" in capsys.readouterr().err


@pytest.mark.parametrize("engine", ["plain", "ensemble"])
def test_a_finished_study_trains_nothing_when_it_is_started_again(
    experiment, tmp_path, engine, capsys
):
    smaller = STUDY.replace("[50, 100]", "[50]").replace("[0.5, 0.3]", "[0.5]")
    experiment.write_text(smaller.replace("plain", engine))
    store = tmp_path / "store"
    first = shard.execute(experiment, 0, store)
    assert "2 runs, 0 of them kept" in capsys.readouterr().err
    again = shard.execute(experiment, 0, store)
    said = capsys.readouterr().err
    assert "2 runs, 2 of them kept" in said
    assert "compiled" not in said
    pd.testing.assert_frame_equal(again.table, first.table, check_exact=True)
    assert again.origin == first.origin


def test_a_damaged_run_or_one_of_other_code_is_trained_again(
    experiment, tmp_path, monkeypatch, capsys
):
    store = tmp_path / "store"
    whole = shard.execute(experiment, 0, store).table
    path = next(store.iterdir())
    path.write_bytes(path.read_bytes()[:100])
    capsys.readouterr()
    again = shard.execute(experiment, 0, store).table
    pd.testing.assert_frame_equal(again, whole, check_exact=True)
    assert "4 runs, 3 of them kept" in capsys.readouterr().err
    monkeypatch.setattr(shard, "fingerprint", lambda run: "other")
    shard.execute(experiment, 0, store)
    assert "4 runs, 0 of them kept" in capsys.readouterr().err


def test_a_run_whose_log_is_wrong_is_named_and_never_written(
    experiment, tmp_path, monkeypatch, capsys
):
    from batchf1.study import rows as module

    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    output = tmp_path / "out.parquet"
    arguments = [
        "workflow",
        "shard",
        str(experiment),
        "--shard",
        "0",
        "--store",
        str(tmp_path / "store"),
    ]
    assert cli.main([*arguments, "--output", str(output)]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "nothing written: run " in said
    assert "diamonds n=200" in said
    assert not output.exists()
    assert not (tmp_path / "store").exists()


def test_the_table_does_not_depend_on_the_shards(experiment, tmp_path):
    found = []
    for n in (1, 3):
        experiment.write_text(f"{STUDY}\nshards: {n}")
        paths = []
        for i in range(n):
            paths.append(tmp_path / f"{n}-{i}.parquet")
            table = shard.execute(experiment, i, tmp_path / f"store{n}").table
            tables.write(table, paths[-1], schema.RUNS, {})
        found.append(shard.collect(experiment, paths).table.reset_index(drop=True))
        with pytest.raises(InputError, match="every run must be in a shard"):
            shard.collect(
                experiment, [tmp_path / f"{n}-0.parquet"] if n > 1 else [_empty(tmp_path)]
            )
    pd.testing.assert_frame_equal(*found, check_exact=True)


def _empty(folder):
    tables.write(tables.empty(schema.RUNS), folder / "empty.parquet", schema.RUNS, {})
    return folder / "empty.parquet"


def test_a_shard_that_is_not_there_is_refused(experiment, tmp_path):
    with pytest.raises(InputError, match=r"shard: must lie in 0..1; got 2"):
        shard.execute(experiment, 2, tmp_path)
