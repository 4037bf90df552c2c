import os
import sys
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path

from snakemake.logging import logger
from snakemake.utils import available_cpu_count
from snakemake_interface_logger_plugins.common import LogEvent

from batchf1.errors import InputError, PluginError, check
from batchf1.programs import environments
from batchf1.records import locks, provenance, tables
from batchf1.records.files import digest
from batchf1.config import registry
from batchf1.studies import expected
from batchf1.studies.atlas.run import modules as atlas_modules
from batchf1.studies.cuts.config import CutStudy
from batchf1.studies.atlas.config import AtlasStudy
from batchf1.studies.flat_labels.config import FlatLabelsStudy
from batchf1.studies.flat_labels.run import modules as flat_labels_modules
from batchf1.studies.segmentation.config import SegmentationStudy
from batchf1.studies.segmentation.run import modules as segmentation_modules
from batchf1.sweep.sharding import assign_shards, min_shards
from batchf1.studies.experiments import experiments
from batchf1.training import backends
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

# After a kill `snakemake` can be called again at once; while one runs, Snakemake's lock holds.
if workflow.is_main_process:  # its jobs, perhaps on other machines, read this file too
    locks.drop_stale()
    existing = [
        *Path("results").glob("*/runs.parquet"),
        *Path("results").glob("*/shards/*.parquet"),
    ]
    for path in tables.drop_damaged(existing):  # made again from the store
        print(f"{path} was damaged, and is made again", file=sys.stderr)

# Default number of shards of a study: --config shards=N, or a profile's; else the cores of the
# machine that Snakemake was called on. Its jobs read this file too, perhaps on other machines and
# with other --cores, and must assign runs to the same shards: an environment variable passes the
# number on.
if workflow.is_main_process:
    os.environ["BATCHF1_SHARDS"] = str(config.get("shards", available_cpu_count()))


envvars:
    "BATCHF1_SHARDS",


@contextmanager
def in_a_line():
    """Exit with one line for bad input, without the traceback that Snakemake would print."""
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
    WARN_AFTER = expected.seconds_of(config.get("warn_after", "30 min"))
    EXPERIMENTS = experiments("experiments")


@cache
def planned(study):
    """Return the plan of a study, with every cell of its grid checked."""
    with in_a_line():
        return plan(f"experiments/{study}.yaml", huge == "true", EXPERIMENTS[study])


def missing_data(study):
    """Return how to get each data set of a study that this machine does not have."""
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
    """Return the runs of each shard of a study."""
    missing = missing_data(study)
    if missing:
        sys.exit(f"snakemake: study {study} waits for {'; '.join(missing)}")
    cells = planned(study).cells
    return assign_shards(
        cells, EXPERIMENTS[study].shards or max(int(n_shards), min_shards(cells))
    )


STUDIES = {
    name: study
    for name, study in EXPERIMENTS.items()
    if isinstance(study, Study | DecisionStudy)
}
# Studies that are planned and run only when requested by name.
ON_DEMAND = [name for name, study in STUDIES.items() if study.on_demand]
# A study whose data this machine does not have is skipped, with its figures. The others are planned
# here, so that invalid ones are refused before anything runs; a job plans only its own study.
SKIPPED = []
for name in STUDIES if workflow.is_main_process else []:
    if name not in ON_DEMAND and (missing := missing_data(name)):
        SKIPPED.append(name)
        message = f"study {name} is left out, and waits for {'; '.join(missing)}"
        print(message, file=sys.stderr)
for name in SKIPPED:
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
FLAT_LABELS = {
    name: study
    for name, study in EXPERIMENTS.items()
    if isinstance(study, FlatLabelsStudy)
}
# made only when requested by name
SEGMENTATIONS = {
    name: study
    for name, study in EXPERIMENTS.items()
    if isinstance(study, SegmentationStudy)
}


def tables_of(name):
    """Return the tables of a study; none for one without runs."""
    if name in FLAT_LABELS:
        return [f"results/{name}/{table}.parquet" for table in ("runs", "choices")]
    trained = name in (*COSTS, *ATLASES, *CUTS, *SEGMENTATIONS, *STUDIES)
    return [f"results/{name}/runs.parquet"] if trained else []


def figure_sources(name):
    """Return the inputs of an experiment's figures: its tables, or its file if it has none."""
    extra = getattr(EXPERIMENTS[name], "extra_inputs", [])
    return [*(tables_of(name) or [f"experiments/{name}.yaml"]), *extra]


def figures_of(experiments):
    """Map each figure to its module of batchf1.figures and its inputs."""
    return {
        figure: (module, figure_sources(name))
        for name, experiment in experiments.items()
        for figure, module in experiment.figures.items()
    }


FIGURES = figures_of(
    {
        name: experiment
        for name, experiment in EXPERIMENTS.items()
        if name not in (*COSTS, *SEGMENTATIONS, *ON_DEMAND, *SKIPPED)
    }
)
# Times and memory: written by `make benchmark`, on a machine at rest, and by no other run
MEASURED = figures_of(COSTS)
MEASURED |= {"scaling": ("scaling", ["benchmarks/engines.csv"])}
FIGURES_OF = {
    name: figures_of({name: experiment})
    for name, experiment in EXPERIMENTS.items()
    if name not in SKIPPED
}
if "cost_full" in COSTS:  # hours, so that `measured` leaves it out
    FIGURES_OF["cost_full"] = {"cost_full": ("cost", tables_of("cost_full"))}
ALL_FIGURES = MEASURED.copy()
for figures in FIGURES_OF.values():
    ALL_FIGURES |= figures


def expected_lines(jobs):
    """Yield a line about each study of which some of these jobs compute something."""
    work = {}
    for job in jobs:
        if job.rule.name == "shard":
            shard = shards_of(job.wildcards.study)[int(job.wildcards.shard)]
            work.setdefault(job.wildcards.study, []).append(shard)
        elif job.rule.name.startswith("measure_"):
            work[job.wildcards[0]] = None
    n_cores = workflow.cores if workflow.local_exec else workflow.nodes
    for name, shards in work.items():
        has_store = Path(f"results/{name}/store").is_dir()
        of_study = (
            expected.of_shards(shards)
            if shards
            else expected.of_study(name, EXPERIMENTS[name])
        )
        yield expected.line(name, of_study, n_cores, WARN_AFTER, has_store)


def print_expected(record):
    """Print what each study costs before Snakemake's table of the jobs that will run."""
    if getattr(record, "event", None) == LogEvent.RUN_INFO:
        for line in expected_lines(workflow.dag.needrun_jobs()):
            print(line, file=sys.stderr)
    return True


if workflow.is_main_process:
    logger.addFilter(print_expected)


wildcard_constraints:
    cost="|".join(COSTS) or "none",
    atlas="|".join(ATLASES) or "none",
    cuts="|".join(CUTS) or "none",
    flat_labels="|".join(FLAT_LABELS) or "none",
    segmentation="|".join(SEGMENTATIONS) or "none",
    study="|".join(STUDIES) or "none",
    shard=r"\d+",
    figure="|".join(ALL_FIGURES),
    program="|".join(environments.PROGRAMS),


def sources(*names):
    """Return the package's files behind some modules, since Snakemake tracks no imports."""
    return [os.path.relpath(path) for path in provenance.sources(*names)]


def all_of(figures):
    """Return the files of some figures: numbers, provenance and pictures."""
    return expand(
        "figures/{figure}.{kind}", figure=figures, kind=["csv", "json", "png", "pdf"]
    )


def study_sources(wildcards):
    """Return the source files that decide the results of a study's runs."""
    study = planned(wildcards.study)
    runs = (cell.first for cell in study.cells)
    return sources(*modules(runs, study.recording))


def software(wildcards):
    """Return what a shard's framework and backend require, such as the folder of Keras 2.2.4."""
    mine = [
        part.cell.first for part in shards_of(wildcards.study)[int(wildcards.shard)]
    ]
    required = [framework_of(run).required_files() for run in mine]
    required += [backends.required_files(run.training.backend) for run in mine]
    return sorted({str(path) for paths in required for path in paths})


def size_option(wildcards):
    """Return the option that allows a study more runs than the limit, if it has more."""
    n = sum(len(cell.seeds) for cell in planned(wildcards.study).cells)
    return "--huge" if n > MAX_RUNS else ""


def figure_source(wildcards):
    """Return the inputs of a figure."""
    return ALL_FIGURES[wildcards.figure][1]


def figure_module(wildcards):
    """Return the module of batchf1.figures that makes a figure."""
    return ALL_FIGURES[wildcards.figure][0]


def figure_metric(wildcards):
    """Return the option for the metric that a figure shows, if its study chooses one."""
    chosen = (
        getattr(experiment, "figure_metrics", {}) for experiment in EXPERIMENTS.values()
    )
    metrics = {figure: metric for each in chosen for figure, metric in each.items()}
    metric = metrics.get(wildcards.figure)
    return f"--metric {metric}" if metric else ""


def figure_code(wildcards):
    """Return the source files behind the module of a figure."""
    return sources(registry.module(registry.FIGURES, figure_module(wildcards)))


def cost_sources(wildcards):
    """Return the source files that decide what a study of cost measures."""
    return sources(*cost_modules(COSTS[wildcards.cost]))


def program_inputs(wildcards):
    """Return the source files of another framework's program, and its environment."""
    program = environments.PROGRAMS[wildcards.program]
    files = sources(
        f"batchf1.programs.{program.module}",
        "batchf1.studies.frameworks.others",
    )
    name = program.environment
    return files if name is None else [*files, str(environments.FOLDER / name)]
