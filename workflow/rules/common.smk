import os
import sys
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path

from snakemake.utils import available_cpu_count

from batchf1.errors import InputError, PluginError, check
from batchf1.studies.frameworks import environments
from batchf1.records import locks, provenance, tables
from batchf1.records.files import digest
from batchf1.config import registry
from batchf1.studies.atlas.run import modules as atlas_modules
from batchf1.studies.cuts.config import CutStudy
from batchf1.studies.cuts.run import modules as cut_modules
from batchf1.studies.atlas.config import AtlasStudy
from batchf1.sweep.sharding import assign_shards, min_shards
from batchf1.studies.experiments import experiments
from batchf1.training.engines import framework_of
from batchf1.training.keras224 import software as keras224
from batchf1.studies.decisions.config import DecisionStudy
from batchf1.sweep.grid import Study
from batchf1.config.limits import MAX_RUNS
from batchf1.sweep.cells import runs_digest
from batchf1.studies.experiments import plan
from batchf1.studies.cost.run import modules as cost_modules
from batchf1.studies.cost.config import CostStudy
from batchf1.sweep.shard import modules

# After a kill `snakemake` just goes on; beside a living one Snakemake's own lock holds.
if workflow.is_main_process:  # its jobs, perhaps on other machines, read this file too
    locks.drop_stale()
    kept = [
        *Path("results").glob("*/runs.parquet"),
        *Path("results").glob("*/shards/*.parquet"),
    ]
    for path in tables.drop_damaged(kept):  # made again from the store
        print(f"{path} was damaged, and is made again", file=sys.stderr)

# Shards of a study that does not say its own number: --config shards=N, or a profile's; else the
# cores of the machine that Snakemake was called on. Its jobs read this file too, perhaps elsewhere
# and with other --cores, and must assign_shards alike: the environment hands the number on.
if workflow.is_main_process:
    os.environ["BATCHF1_SHARDS"] = str(config.get("shards", available_cpu_count()))


envvars:
    "BATCHF1_SHARDS",


@contextmanager
def in_a_line():
    """End with a line for bad input: Snakemake would print the frames of this file around it."""
    try:
        yield
    except (InputError, PluginError) as error:
        sys.exit(f"snakemake: {error}")


with in_a_line():
    n_shards = os.environ["BATCHF1_SHARDS"]
    good = n_shards.isdecimal() and int(n_shards) >= 1
    check(good, "--config shards", "must be at least 1", n_shards)
    huge = str(config.get("huge", False)).lower()  # Snakemake reads True, but not true
    check(huge in ("true", "false"), "--config huge", "must be true or false", huge)
    EXPERIMENTS = experiments("experiments")


@cache
def planned(study):
    """What there is to train for a study, with every cell of its grid checked."""
    with in_a_line():
        return plan(f"experiments/{study}.yaml", huge == "true")


def lacking(study):
    """How to get the data of a study that this machine does not have."""
    data = [cell.first.dataset for cell in planned(study).cells]
    return sorted(
        {
            getattr(each, "how_to_get", f"the files of {each.name}")
            for each in data
            if not each.available
        }
    )


@cache
def shards_of(study):
    """The cells of a study's grid, dealt to its shards."""
    ways = lacking(study)
    if ways:
        sys.exit(f"snakemake: study {study} waits for {'; '.join(ways)}")
    cells = planned(study).cells
    return assign_shards(
        cells, EXPERIMENTS[study].shards or max(int(n_shards), min_shards(cells))
    )


STUDIES = {
    name: study
    for name, study in EXPERIMENTS.items()
    if isinstance(study, Study | DecisionStudy)
}
# Studies that are planned and made only when they are asked for, each by its name.
ON_DEMAND = [name for name, study in STUDIES.items() if study.on_demand]
# A study whose data this machine does not have is left out, with its figures. The others are planned
# here, and so refused before anything runs; a job plans its own study alone.
LEFT_OUT = []
for name in STUDIES if workflow.is_main_process else []:
    if name not in ON_DEMAND and (ways := lacking(name)):
        LEFT_OUT.append(name)
        said = f"study {name} is left out, and waits for {'; '.join(ways)}"
        print(said, file=sys.stderr)
for name in LEFT_OUT:
    del STUDIES[name]
COSTS = {
    name: study for name, study in EXPERIMENTS.items() if isinstance(study, CostStudy)
}
ATLASES = {
    name: study for name, study in EXPERIMENTS.items() if isinstance(study, AtlasStudy)
}
CUTS = {
    name: study for name, study in EXPERIMENTS.items() if isinstance(study, CutStudy)
}


def figure_sources(name):
    """What an experiment's figures are made from: its table, or the file itself without runs."""
    if name in (*COSTS, *ATLASES, *CUTS):
        return [f"results/{name}/runs.parquet"]
    if name not in STUDIES:
        return [f"experiments/{name}.yaml"]
    return [f"results/{name}/runs.parquet", *EXPERIMENTS[name].extra_inputs]


def figures_of(experiments):
    """Figure -> its module of batchf1.figures, and what that reads."""
    return {
        figure: (module, figure_sources(name))
        for name, experiment in experiments.items()
        for figure, module in experiment.figures.items()
    }


FIGURES = figures_of(
    {
        name: experiment
        for name, experiment in EXPERIMENTS.items()
        if name not in (*COSTS, *ON_DEMAND, *LEFT_OUT)
    }
)
# Times and memory: written by `make benchmark`, on a machine at rest, and by no other run
SCALING = ("scaling", ["benchmarks/engines.csv", "benchmarks/pipelines.csv"])
MEASURED = figures_of(COSTS)
MEASURED |= {"scaling": SCALING}
ON_DEMAND_FIGURES = {name: figures_of({name: EXPERIMENTS[name]}) for name in ON_DEMAND}
# drawn by rule cost_full alone
COST_FULL = {"cost_full": ("cost", ["results/cost_full/runs.parquet"])}
ALL_FIGURES = FIGURES | MEASURED | COST_FULL
for figures in ON_DEMAND_FIGURES.values():
    ALL_FIGURES |= figures


wildcard_constraints:
    cost="|".join(COSTS) or "none",
    atlas="|".join(ATLASES) or "none",
    cuts="|".join(CUTS) or "none",
    study="|".join(STUDIES) or "none",
    shard=r"\d+",
    figure="|".join(ALL_FIGURES),
    program="|".join(environments.PROGRAMS),


def sources(*names):
    """The package's own files behind some of its modules: Snakemake sees no imports."""
    return [os.path.relpath(path) for path in provenance.sources(*names)]


def all_of(figures):
    """The files of some figures: numbers, what they were made from, pictures."""
    return expand(
        "figures/{figure}.{kind}", figure=figures, kind=["csv", "json", "png", "pdf"]
    )


def study_sources(wildcards):
    """The files that decide what the runs of a study give."""
    study = planned(wildcards.study)
    runs = (cell.first for cell in study.cells)
    return sources(*modules(runs, study.recording))


def software(wildcards):
    """What a shard's framework needs on disk: the folder with Keras 2.2.4."""
    mine = [
        part.cell.first for part in shards_of(wildcards.study)[int(wildcards.shard)]
    ]
    return sorted(
        {str(path) for run in mine for path in framework_of(run).required_files()}
    )


def size_option(wildcards):
    """What lets a step of a study go beyond the limit of runs, where it has that many."""
    n = sum(len(cell.seeds) for cell in planned(wildcards.study).cells)
    return "--huge" if n > MAX_RUNS else ""


def figure_source(wildcards):
    """What a figure is made from."""
    return ALL_FIGURES[wildcards.figure][1]


def figure_module(wildcards):
    """The module of batchf1.figures that makes a figure."""
    return ALL_FIGURES[wildcards.figure][0]


def figure_code(wildcards):
    """The files behind that module."""
    return sources(registry.module(registry.FIGURES, figure_module(wildcards)))


def cost_sources(wildcards):
    """The files that decide what a study of cost measures."""
    return sources(*cost_modules(COSTS[wildcards.cost]))


def program_needs(wildcards):
    """A program of another framework, what judges its numbers, and where it runs."""
    program = environments.PROGRAMS[wildcards.program]
    files = sources(
        f"batchf1.studies.frameworks.programs.{program.module}",
        "batchf1.studies.frameworks.others",
    )
    name = program.environment
    return files if name is None else [*files, str(environments.FOLDER / name)]
