import os
import sys
from dataclasses import asdict

from batchf1.errors import InputError
from batchf1.records import locks, provenance
from batchf1.records.files import digest
from batchf1.study import plugins
from batchf1.study.deal import deal
from batchf1.study.experiments import experiments
from batchf1.study.frameworks.keras224 import software as keras224
from batchf1.study.grid import Study, runs
from batchf1.study.cost.run import modules as cost_modules
from batchf1.study.cost.study import CostStudy
from batchf1.study.shard import modules

# After a kill `snakemake` just goes on; beside a living one Snakemake's own lock holds.
if workflow.is_main_process:  # its jobs, perhaps on other machines, read this file too
    locks.drop_stale()

# Every experiment file is read, and every cell of its grid checked, before anything runs.
try:
    EXPERIMENTS = experiments("experiments")
    RUNS = {
        name: runs(f"experiments/{name}.yaml")
        for name, study in EXPERIMENTS.items()
        if isinstance(study, Study)
    }
    # A study whose data this machine does not have is left out, with its figures.
    LEFT_OUT = {
        name: {run.dataset.name for run in RUNS[name] if not run.dataset.available}
        for name in RUNS
    }
    STUDIES = {
        name: deal(RUNS[name], EXPERIMENTS[name].shards)
        for name in RUNS
        if not LEFT_OUT[name]
    }
except InputError as error:  # Snakemake would print the frames of this file around it
    sys.exit(f"snakemake: {error}")
COSTS = {
    name: study for name, study in EXPERIMENTS.items() if isinstance(study, CostStudy)
}
for name, lacking in LEFT_OUT.items():
    if lacking:
        print(f"study {name} is left out: no files of {lacking}", file=sys.stderr)


def figure_sources(name):
    """What an experiment's figures are made from: its table, or the file itself without runs."""
    if name in COSTS:
        return [f"results/{name}/runs.parquet"]
    if name not in STUDIES:
        return [f"experiments/{name}.yaml"]
    return [f"results/{name}/runs.parquet", *EXPERIMENTS[name].beside]


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
        if name not in COSTS and not LEFT_OUT.get(name)
    }
)
# Times and memory: written by `make benchmark`, on a machine at rest, and by no other run
SCALING = ("scaling", ["benchmarks/engines.csv", "benchmarks/pipelines.csv"])
MEASURED = figures_of(COSTS)
MEASURED |= {"scaling": SCALING}
# drawn by rule cost_full alone
ASIDE = {"cost_full": ("cost", ["results/cost_full/runs.parquet"])}
ALL_FIGURES = FIGURES | MEASURED | ASIDE


wildcard_constraints:
    cost="|".join(COSTS) or "none",
    study="|".join(STUDIES) or "none",
    shard=r"\d+",
    figure="|".join(ALL_FIGURES),


def sources(*names):
    """The package's own files behind some of its modules: Snakemake sees no imports."""
    return [os.path.relpath(path) for path in provenance.sources(*names)]


def study_sources(wildcards):
    """The files that decide what the runs of a study give."""
    return sources(*modules(sum(STUDIES[wildcards.study], [])))


def software(wildcards):
    """What a shard's framework needs on disk: the folder with Keras 2.2.4."""
    mine = STUDIES[wildcards.study][int(wildcards.shard)]
    return sorted({str(path) for run in mine for path in run.framework.needs()})


def figure_source(wildcards):
    """What a figure is made from."""
    return ALL_FIGURES[wildcards.figure][1]


def figure_module(wildcards):
    """The module of batchf1.figures that makes a figure."""
    return ALL_FIGURES[wildcards.figure][0]


def figure_code(wildcards):
    """The files behind that module."""
    return sources(plugins.module(plugins.FIGURES, figure_module(wildcards)))


def cost_sources(wildcards):
    """The files that decide what a study of cost measures."""
    return sources(*cost_modules(COSTS[wildcards.cost]))
