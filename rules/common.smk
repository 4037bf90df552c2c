import os

from batchf1 import provenance
from batchf1.config import Study, digest, experiments, runs
from batchf1.training.shard import deal, modules

# Every experiment file is read, and every cell of its grid checked, before anything runs.
EXPERIMENTS = experiments("experiments")
STUDIES = {
    name: deal(runs(f"experiments/{name}.yaml"), study.shards)
    for name, study in EXPERIMENTS.items()
    if isinstance(study, Study)
}


def source(name):
    """What an experiment's figures are made from: its table, or the file itself without runs."""
    return (
        f"results/{name}/runs.parquet"
        if name in STUDIES
        else f"experiments/{name}.yaml"
    )


# figure -> its module of batchf1.plots, and what that reads
FIGURES = {
    figure: (module, [source(name)])
    for name, experiment in EXPERIMENTS.items()
    for figure, module in experiment.figures.items()
}
# measured by `make benchmark`, on a machine at rest
FIGURES["scaling"] = ("scaling", ["benchmarks/engines.csv", "benchmarks/pipelines.csv"])


wildcard_constraints:
    study="|".join(STUDIES) or "none",
    shard=r"\d+",
    figure="|".join(FIGURES),


def sources(*names):
    """The package's own files behind some of its modules: Snakemake sees no imports."""
    return [os.path.relpath(path) for path in provenance.sources(*names)]


def study_sources(wildcards):
    """The files that decide what the runs of a study give."""
    return sources(*modules(sum(STUDIES[wildcards.study], [])))


def figure_source(wildcards):
    """What a figure is made from."""
    return FIGURES[wildcards.figure][1]


def figure_module(wildcards):
    """The module of batchf1.plots that makes a figure."""
    return FIGURES[wildcards.figure][0]


def figure_code(wildcards):
    """The files behind that module."""
    return sources(f"batchf1.plots.{figure_module(wildcards)}")
