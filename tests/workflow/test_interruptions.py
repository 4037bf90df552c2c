"""The workflow is killed, doubled, starved of space and cut otherwise; the tables stay the same."""

import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest

from batchf1.cli import main as cli
from batchf1.records import files, tables
from batchf1.sweep import schema
from helpers import plugins_fixture
from helpers.left import dead_process
from helpers.miniature import RUNS, STUDY, Copy
from helpers.slow import slow
from helpers.tables_of_runs import rows

WHOLE_LIFE = 600
"""Seconds after which a miniature that has not got somewhere has hung."""
TABLES = ("results/mini/runs.parquet", "figures/mini.csv", "figures/worked_example.csv")
"""All but the pictures: `executed` draws them too."""
SHARD = ["workflow", "shard", "experiments/mini.yaml", "--store", "results/mini/store"]
SHARD += ["--shards", "2"]


@pytest.fixture
def copy(repository, tmp_path):
    return Copy(repository, tmp_path)


def logs(copy):
    """What the shards have said."""
    return list(copy.folder.glob("logs/mini/shard-*.log"))


def stages(copy):
    """How far the workflow is, in whole steps: processes, kept runs, tables."""
    begun = [path for path in logs(copy) if _size(path)]
    done = [*copy.folder.glob("results/mini/shards/*"), *copy.folder.glob("figures/*.csv")]
    return len(begun) + len(copy.kept()) + len(done)


def _size(path):
    try:
        return path.stat().st_size
    except FileNotFoundError:  # Snakemake starts the job anew
        return 0


def wait_for(condition, process):
    """Wait until the condition holds, or the process has ended."""
    last = time.monotonic() + WHOLE_LIFE
    while not condition() and process.poll() is None:
        assert time.monotonic() < last
        time.sleep(0.01)


def shards(process):
    """The training processes under a Snakemake."""
    children = psutil.Process(process.pid).children(recursive=True)
    return [p for p in children if "shard" in _command(p) and "python" in _command(p)]


def _command(process):
    try:
        return " ".join(process.cmdline()[:4])  # python, batchf1, workflow, shard
    except psutil.Error:  # it has just ended
        return ""


def kill(process, victim):
    """SIGKILL a shard, Snakemake, or all of its process group."""
    if victim == "shard":
        for child in shards(process)[:1]:
            child.kill()
    elif victim == "snakemake":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


def end(process):
    """Let nothing of a process group live on."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.communicate()


def same(copy, executed):
    pd.testing.assert_frame_equal(copy.table(), executed.table, check_exact=True)
    found = copy.figures()
    assert {"mini.csv", "worked_example.csv"} <= found.keys()
    assert found == {name: executed.figures[name] for name in found}


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_and_ends_the_same(copy, executed):
    chance = random.Random(7)
    # a stage each third of the life of the miniature, which has some 12, and a moment within it
    moments = [chance.randrange(low, low + 3) for low in (1, 4, 8)]
    victims = chance.sample(["shard", "snakemake", "group"], 3)
    for moment, victim in zip(moments, victims, strict=True):
        process = copy.start("snakemake", "--cores", "2", *TABLES)
        wait_for(lambda moment=moment: stages(copy) >= moment, process)
        time.sleep(chance.uniform(0, 0.3))
        before = copy.kept()
        kill(process, victim)
        if victim == "shard":
            process.communicate()  # Snakemake goes on with the other and reports the loss
        end(process)
        after = copy.kept()
        assert before.items() <= after.items()
        for path in copy.folder.glob("results/mini/**/*.parquet"):
            if not path.name.startswith("."):
                tables.read(path, schema.RUNS)  # whole
    kept = copy.kept()
    done = copy.snakemake(*TABLES)
    assert done.returncode == 0, done.stdout
    assert kept.items() <= copy.kept().items()
    assert len(copy.kept()) == 8
    assert copy.parts() == []
    same(copy, executed)
    assert "Nothing to be done" in copy.snakemake(*TABLES).stdout


WAITING = plugins_fixture.FRAMEWORK.replace(
    "    def train_one(self, run):\n",
    """    def train_one(self, run):
        import pathlib, time
        while not pathlib.Path("go").exists():
            time.sleep(0.05)
""",
)
"""A framework that trains once a file is there."""
BY_HAND = STUDY.replace(
    "training.engine=plain",
    "training.engine=my_framework.MyFramework, dataset=synthetic, dataset.dimensions=3, "
    '"strategies=[batch_mean,reconstructed]"',
)


@pytest.mark.parametrize("n_shards", [1, slow(2)])
def test_called_again_beside_orphans_it_trains_nothing_twice(copy, n_shards):
    copy.write("my_framework.py", WAITING)
    copy.write("experiments/mini.yaml", BY_HAND)
    shards_alone = [f"results/mini/shards/{i}.parquet" for i in range(n_shards)]
    arguments = ["--cores", "2", "--config", f"shards={n_shards}"]
    process = copy.start("snakemake", *shards_alone, *arguments)
    wait_for(lambda: len(list(copy.folder.glob("results/mini/store/.*.lock"))) == n_shards, process)
    orphans = shards(process)
    assert len(orphans) == n_shards
    process.kill()
    again = copy.start("snakemake", *shards_alone, *arguments)
    wait_for(lambda: sum("waits for" in log.read_text() for log in logs(copy)) == n_shards, again)
    copy.write("go", "")
    said = again.communicate()[0]
    assert again.returncode == 0, said
    assert said.count("waits for a process that trains the same") == n_shards
    found = [(int(n), int(kept)) for n, kept in re.findall(r"(\d+) runs, (\d+) of them kept", said)]
    assert len(found) == n_shards
    assert all(n == kept for n, kept in found)
    process.communicate()  # until the orphans have ended, too
    assert len(copy.kept()) == 8
    assert copy.parts() == []


@pytest.mark.slow
def test_of_two_at_once_the_second_is_refused(copy):
    first = copy.start("snakemake", "--cores", "2", "results/mini/shards/0.parquet")
    wait_for(lambda: stages(copy) >= 1, first)
    second = copy.snakemake("results/mini/shards/0.parquet")
    assert first.poll() is None
    end(first)
    assert second.returncode != 0
    assert "Directory cannot be locked" in second.stdout


@pytest.mark.slow
def test_a_shard_twice_at_once_trains_once(copy, executed):
    outputs = [f"results/mini/shards/{i}.parquet" for i in range(2)]
    both = [copy.start("batchf1.cli.main", *SHARD, "--shard", "0", "--output", o) for o in outputs]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted(text.count("4 runs, 4 of them kept from before") for text in said) == [0, 1], said
    assert (
        sum(text.count("shard 0: waits for a process that trains the same") for text in said) == 1
    )
    one, two = (tables.read(copy.folder / o, schema.RUNS) for o in outputs)
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    right = executed.table[executed.table["run_id"].isin(one["run_id"])]
    columns = ["run_id", "epoch", "split", "strategy"]
    pd.testing.assert_frame_equal(*(t.set_index(columns).sort_index() for t in (one, right)))
    assert copy.parts() == []


@pytest.mark.slow
def test_a_study_whose_table_was_cut_is_made_again_from_the_store(repository, tmp_path, executed):
    copy = Copy.of(executed.copy.folder, tmp_path / "copy")
    kept = copy.kept()
    for path in (RUNS, "results/mini/shards/0.parquet"):
        file = copy.folder / path
        file.write_bytes(file.read_bytes()[:-100])
    done = copy.snakemake(*TABLES)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(f"{RUNS} was damaged, and is made again") == 1
    assert copy.kept() == kept
    same(copy, executed)


@pytest.mark.slow
def test_neither_cores_nor_shards_change_a_bit(copy, executed):
    copy.write("experiments/mini.yaml", f"{STUDY}shards: 1\n")  # `executed`: one for each core
    done = copy.snakemake(*TABLES, cores=1)
    assert done.returncode == 0, done.stdout
    same(copy, executed)


# What the dead leave behind, and no space


def test_parts_of_the_dead_are_ignored_and_swept(tmp_path):
    table = tables.validate(rows(), schema.RUNS, "rows")
    path = tmp_path / "store" / "a.parquet"
    tables.write(table, path, schema.RUNS, {})
    ours = f".a.parquet.{files.HOST}."
    dead, living = (f"{ours}{pid}.part.parquet" for pid in (dead_process(), os.getppid()))
    elsewhere, other = ".a.parquet.elsewhere.1.part.parquet", f".b.parquet.{files.HOST}.1.part"
    for name in (dead, living, elsewhere, other):
        (path.parent / name).write_bytes(b"half")
    tables.write(table, path, schema.RUNS, {})
    left = {p.name for p in path.parent.iterdir()}
    assert left == {"a.parquet", living, elsewhere, other}
    pd.testing.assert_frame_equal(tables.read(path, schema.RUNS), table)


def refused(arguments, capsys):
    # capsys: capfd reads a file, which would lack room too
    assert cli.main([str(argument) for argument in arguments]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


@pytest.fixture
def sources(inside):
    """A command for each kind of output, without the place to write to."""
    folder = inside.folder
    shards = sorted((folder / "results/mini/shards").glob("*"))
    study, example = (folder / f"experiments/{name}.yaml" for name in ("mini", "worked_example"))
    return {
        "parquet": ["workflow", "collect", study, *shards, "--output"],
        "csv": ["workflow", "table", "worked_example", example, "--output"],
        "png": [
            "workflow",
            "draw",
            "error_vs_batch_size",
            folder / "figures/mini.csv",
            "--output",
        ],
    }


def without_room(room):
    """Files of this process can be no larger than `room` bytes; what undoes it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("kind", "old"), [("parquet", True), ("csv", False), ("png", True)])
def test_without_room_nothing_is_half_written(sources, kind, old, tmp_path, capsys):
    path = tmp_path / f"deep/out.{kind}"
    path.parent.mkdir()
    if old:
        path.write_text("old")
    undo = without_room(100)
    try:
        said = refused([*sources[kind], path], capsys)
    finally:
        undo()
    assert said.endswith(f"{path}: File too large\n")
    assert [p.read_text() for p in path.parent.iterdir()] == ["old"] * old


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="needs root")
@pytest.mark.parametrize("kind", ["parquet", *(slow(kind) for kind in ("csv", "png"))])
def test_on_a_full_disk_nothing_is_half_written(sources, kind, tmp_path, capsys):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        (disk / "filler").write_bytes(bytes(4096))
        with pytest.raises(OSError, match="No space"), (disk / "more").open("wb", 0) as file:
            for _ in range(9):
                file.write(bytes(1024))
        before = sorted(disk.iterdir())
        said = refused([*sources[kind], disk / f"out.{kind}"], capsys)
        assert said.endswith(f"out.{kind}: No space left on device\n")
        assert sorted(disk.iterdir()) == before
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_a_run_that_finds_no_room_is_named_and_the_others_stay(copy):
    limit = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (9000, 9000))"
    arguments = [*SHARD, "--shard", "0"]
    call = f"from batchf1.cli.main import main; raise SystemExit(main({arguments} + {{}}))"
    code = f"{limit}; {call.format(['--output', 'out.parquet'])}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=copy.folder,
        env=os.environ | {"PYTHONPATH": str(copy.folder / "src")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("batchf1 workflow shard: results/mini/store/")
    assert last.endswith(": File too large")
    assert copy.kept() == {}
    assert copy.parts() == []
    assert not (copy.folder / "out.parquet").exists()
