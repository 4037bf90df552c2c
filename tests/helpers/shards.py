"""Shards of studies, and what stands in their files."""

from dataclasses import dataclass
from pathlib import Path

from batchf1.records import tables
from batchf1.studies.experiments import plan
from batchf1.sweep import collect as collecting
from batchf1.sweep import schema, shard
from batchf1.sweep.cells import Cell

STUDY = """
question: q
overrides: [dataset=synthetic, dataset.dimensions=3, dataset.n_samples=40, training.epochs=2,
  "strategies=[batch_mean,reconstructed]", training.engine=my_framework.MyFramework]
grid:
  dataset.prevalence: [0.5, 0.3]
  training.batch_size: [10, 20]
  seed: [0, 1, 2, 3]
"""


@dataclass(frozen=True)
class Written:
    """A file of a study."""

    path: Path

    @property
    def table(self):
        return tables.read(self.path, schema.RUNS)

    @property
    def origin(self):
        return tables.provenance_of(self.path)


def execute(experiment, number, n_shards, store):
    """One shard of a study, written beside its store."""
    made = Written(Path(store).parent / f"{number}-of-{n_shards}.parquet")
    shard.execute(plan(experiment), number, n_shards, Path(store), made.path)
    return made


def collect(experiment, paths, output):
    """The table of a study."""
    collecting.collect(plan(experiment), list(paths), output)
    return Written(output)


def kept(folder):
    """Run id -> the file of a store that keeps it."""
    return {
        run_id: path
        for path in sorted(folder.glob("[!.]*.parquet"))
        for run_id in tables.provenance_of(path)["runs"]
    }


def cell(run, seeds=None):
    """A cell of runs like this one, by default of it alone."""
    return Cell(run, {}, seeds or (run.seed,))


def ids(pieces):
    """The ids of the runs of some pieces, in order."""
    return [run_id for piece in pieces for run_id in piece.run_ids()]
