"""A study that trains in seconds, in a committed copy of the repository that tests can spoil."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from batchf1.records import tables
from batchf1.sweep import schema
from helpers import plugins_fixture
from helpers.commits import commit
from helpers.shards import kept

STUDY = """
question: Does the workflow work?
overrides: [dataset.n_samples=200, training.epochs=2, "model.hidden=[4]", training.threads=1,
  training.engine=plain]  # the quicker to compile: each shard is a process of its own
grid:
  training.batch_size: [40, 64]
  dataset.prevalence: [0.5, 0.3]
  seed: [0, 1]
figures: {mini: error_vs_batch_size}
"""
SMALL = """
question: Does the workflow work?
overrides: [dataset=synthetic, dataset.dimensions=3, dataset.n_samples=200, training.epochs=2,
  "model.hidden=[4]", training.threads=1, "strategies=[batch_mean,reconstructed]"]
grid:
  training.engine: [plain, my_framework.MyFramework]
  training.batch_size: [40]
  dataset.prevalence: [0.3]
  seed: [0, 1]
figures: {mini: error_vs_batch_size}
"""
"""A study of two shards, as none has runs of two frameworks; one needs no TensorFlow."""
EXAMPLE = """
question: Is the arithmetic right?
batches: [{tn: 1, fn: 1, fp: 0, tp: 1}, {tn: 2, fn: 0, fp: 1, tp: 3}]
figures: {worked_example: worked_example}
"""
FIGURES = ("mini", "worked_example")
RUNS = Path("results/mini/runs.parquet")
FOLDERS = ("src", "conf", "workflow", "profiles", "benchmarks")
FILES = ("Snakefile", "environment.yml", "docs/claims.md", ".gitignore")


class Copy:
    """A copy of the repository with experiments of its own, committed."""

    def __init__(self, repository, folder):
        for part in FOLDERS:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(repository / part, folder / part, ignore=ignore)
        (folder / "docs").mkdir()
        for part in FILES:
            shutil.copy(repository / part, folder / part)
        (folder / "experiments").mkdir()
        self.folder = folder
        self.write("experiments/mini.yaml", STUDY)
        self.write("experiments/worked_example.yaml", EXAMPLE)
        commit(folder)

    @classmethod
    def of(cls, made, folder):
        """A copy of a copy, with all that was made in it."""
        copy = cls.__new__(cls)
        copy.folder = shutil.copytree(made, folder, symlinks=True, dirs_exist_ok=True)
        return copy

    @classmethod
    def small(cls, repository, folder):
        """A copy with the smallest study."""
        copy = cls(repository, folder)
        copy.write("my_framework.py", plugins_fixture.FRAMEWORK)
        copy.write("experiments/mini.yaml", SMALL)
        commit(folder)
        return copy

    def write(self, path, text):
        (self.folder / path).write_text(text)

    def start(self, *command):
        """A command in the copy, in a process group of its own."""
        tools = Path(sys.executable).parent
        environment = os.environ | {
            "PYTHONPATH": str(self.folder / "src"),
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        }
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def snakemake(self, *arguments, cores=2):
        """A whole execution; its `stdout` has both streams."""
        return self._run("snakemake", "--cores", str(cores), *arguments)

    def batchf1(self, *arguments):
        """A whole command; its `stdout` has both streams."""
        return self._run("batchf1.cli.main", *arguments)

    def _run(self, *command):
        process = self.start(*command)
        said = process.communicate()[0]
        return subprocess.CompletedProcess(process.args, process.returncode, said)

    def kept(self):
        """The kept runs, with the time of their writing."""
        found = kept(self.folder / "results/mini/store")
        return {run_id: path.stat().st_mtime_ns for run_id, path in found.items()}

    def parts(self):
        """Half-written files."""
        return list(self.folder.glob("**/.*.part*"))

    def table(self):
        """The rows of the study."""
        return tables.read(self.folder / RUNS, schema.RUNS)

    def figures(self):
        """The numbers behind the figures, as bytes."""
        return {p.name: p.read_bytes() for p in self.folder.glob("figures/*.csv")}
