"""`batchf1 train`: train one run, or many, and compare the strategies."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchf1.errors import check

if TYPE_CHECKING:
    import pandas as pd

    from batchf1.config.settings import Run

DESCRIPTION = """Train one run with Hydra overrides, for example

  batchf1 train dataset=diamonds dataset.prevalence=0.01 training.batch_size=64 seed=3

It prints the log of each epoch, then each strategy's F1 of the last epoch and its references:
pooled (the predictions that the batches saw) and full pass (with the epoch's last weights). Other
metrics: 'metrics=[f1,f_beta(2),jaccard,my_module.MINE]', or, a run each, -m metrics=f1,jaccard.
Without overrides it trains with the settings that --settings shows. It writes no file, unless
hydra.run.dir=FOLDER is given.

  batchf1 train -m dataset=diamonds,flights training.batch_size=32,64 hydra/launcher=joblib
  batchf1 train --collect multirun/2026-01-31/12-00-00

trains a run for each combination, here in parallel, each in a folder of its own with its log, its
rows (runs.parquet) and its settings (settings.yaml, .hydra); then puts the rows into one table,
which `batchf1 workflow table` reads.

  batchf1 train training.batch_size=64 --against plain

trains one run in two engines and prints the largest difference of each log over the epochs.

  batchf1 train --study sweep dataset.n_samples=3000 dataset.prevalence=0.02 \\
    training.batch_size=64 seed=3

trains a run of experiments/sweep.yaml as the study does, with the study's settings and seeds, which
depend on the study's name: it prints what the study's table has for it.
"""
CONFIGS = ("job", "hydra", "all")
INFOS = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser(
        "train",
        help="train one run, or many, and compare the strategies",
        description=DESCRIPTION,
        add_help=False,
    )
    parser.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="Hydra overrides")
    parser.add_argument("-h", "--help", action=_Help, help="show this, and the groups of settings")
    parser.add_argument(
        "--study",
        metavar="NAME",
        help="train the run of experiments/NAME.yaml that has the values of the KEYs",
    )
    parser.add_argument("--settings", action="store_true", help="show the settings, train nothing")
    parser.add_argument(
        "--against",
        metavar="ENGINE",
        help="train the run in this engine too, and print the largest difference of each log",
    )
    parser.add_argument(
        "--collect",
        metavar="FOLDER",
        type=Path,
        nargs="+",
        help="put the rows of all jobs in these folders into one table, train nothing",
    )
    parser.add_argument(
        "--output", type=Path, help="of --collect; by default table.parquet in the first folder"
    )
    _add_hydra(parser)
    parser.set_defaults(command=run, prog=parser.prog)


def _add_hydra(parser: argparse.ArgumentParser) -> None:
    """Add Hydra's own options, by Hydra's names."""
    options = parser.add_argument_group("options of Hydra")
    only = options.add_mutually_exclusive_group()
    only.add_argument(
        "-m", "--multirun", action="store_true", help="train a run for each combination of values"
    )
    only.add_argument("-c", "--cfg", choices=CONFIGS, help="show the config, train nothing")
    only.add_argument(
        "-i", "--info", nargs="?", const="all", choices=INFOS, help="show how it is composed"
    )
    only.add_argument(
        "-sc",
        "--shell-completion",
        action="store_true",
        help='with install=bash (zsh, fish), a script: eval "$(batchf1 train -sc install=bash)"',
    )
    only.add_argument("--hydra-help", action="store_true", help="show Hydra's help")
    options.add_argument("-p", "--package", help="with --cfg: the part of the config to show")
    options.add_argument("--resolve", action="store_true", help="with --cfg: interpolations too")
    options.add_argument(
        "-cd", "--config-dir", metavar="FOLDER", type=Path, help="folder of further configs"
    )
    options.add_argument(
        "-cn", "--config-name", metavar="NAME", help="config to start from in place of `config`"
    )


class _Help(argparse.Action):
    """Option that prints the help, with the groups of `conf/`, and exits."""

    def __init__(self, option_strings: Any, dest: str, help: str) -> None:  # noqa: A002
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print the help and exit."""
        from batchf1.config.conf import groups

        lines = [f"  {group}: {', '.join(names)}" for group, names in groups().items()]
        parser.epilog = "\n".join(["groups of settings (GROUP=NAME):", *lines])
        parser.print_help()
        parser.exit()


def run(parsed: argparse.Namespace) -> None:
    """Train, or print what is asked for."""
    if parsed.collect is not None:
        _collect(parsed)
        return
    check(parsed.output is None, "--output", "must be given with --collect", str(parsed.output))
    if parsed.shell_completion and _print_completion(parsed.overrides):
        return
    from batchf1.cli import hydra_app

    if hydra_app.is_needed(parsed):
        hydra_app.run(parsed, action_of(parsed))
        return
    from batchf1.cli.one_run import one_run
    from batchf1.sweep.composition import compose

    of_study = parsed.study is not None
    one = one_run(parsed.study, parsed.overrides) if of_study else compose(parsed.overrides)
    action_of(parsed)(one)


def action_of(parsed: argparse.Namespace) -> Callable[[Run], Any]:
    """Return what is done with a run."""
    if parsed.settings:
        return _show
    if parsed.against is None:
        return train
    engine: str = parsed.against

    def compare(one: Run) -> None:
        from batchf1.training.engines import checked

        _compare(one, checked(replace(one, training=replace(one.training, engine=engine))))

    return compare


def _show(run: Run) -> None:
    from omegaconf import OmegaConf

    print(OmegaConf.to_yaml(OmegaConf.create(run.resolved)), end="")  # noqa: T201


def _collect(parsed: argparse.Namespace) -> None:
    given = parsed.overrides[:1] + ["--study"] * (parsed.study is not None)
    check(not given, "--collect", "cannot be combined with settings", " ".join(given))
    from batchf1.sweep.jobs import collect

    output = parsed.output or parsed.collect[0] / "table.parquet"
    table = collect(parsed.collect, output)
    print(f"{output}: {table['run_id'].nunique()} runs, {len(table)} rows")  # noqa: T201


def _print_completion(overrides: list[str]) -> bool:
    """Print the script of a shell; return False where that is not what is asked for."""
    from batchf1.cli.completion import SCRIPTS

    if overrides[:1] and overrides[0].startswith("query="):
        return False
    asked = " ".join(overrides)
    check(asked in SCRIPTS, "--shell-completion", f"must have one of {sorted(SCRIPTS)}", asked)
    print(SCRIPTS[asked], end="")  # noqa: T201
    return True


def train(run: Run) -> tuple[str, pd.DataFrame]:
    """Train the run, print its log and references, and return its device and its rows."""
    from batchf1.config.metric_names import label
    from batchf1.sweep import rows
    from batchf1.sweep.schema import last_epoch, with_metric
    from batchf1.training.engines import framework_of

    device = _configured(run)
    print(f"{run.label} on {device}")  # noqa: T201
    trainer = framework_of(run).trainer(run)
    table = rows.table([run], device, trainer.train([run], verbose=2), trainer.expected)
    last = with_metric(last_epoch(table)).set_index(["split", "strategy"])
    for name, of_metric in last.groupby("metric", sort=False):
        shown = _beside_references(of_metric, label(str(name)))
        print(f"\n{shown.columns[0]} after epoch {run.training.epochs}")  # noqa: T201
        print(shown.to_string(float_format="%.6f"))  # noqa: T201
    return device, table


def _beside_references(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return what was logged of a metric, its references and its error, named after it."""
    columns = {"value": name, "reference_pooled": "pooled", "reference_full_pass": "full pass"}
    shown = rows[list(columns)].rename(columns=columns)
    shown[f"{name} - pooled"] = shown[name] - shown["pooled"]
    return shown


def _compare(one: Run, other: Run) -> None:
    """Train the run in two engines, and print the largest difference of each log."""
    from batchf1.training.engines import framework_of

    same = framework_of(one) is framework_of(other)  # two cannot share a process
    rule = f"must be another engine of {framework_of(one).name} {framework_of(one).version()}"
    check(same, "--against", rule, other.training.engine)
    device = _configured(one)
    print(f"{one.label} on {device}: {one.training.engine} against {other.training.engine}")  # noqa: T201
    logs = []
    for run in (one, other):
        (passes,) = framework_of(run).trainer(run).train([run])
        logs.append([each.logs for each in passes])
    for name in sorted(set(logs[0][0]) & set(logs[1][0])):
        pairs = zip(*([each[name] for each in of_engine] for of_engine in logs), strict=True)
        print(f"{max(abs(a - b) for a, b in pairs):8.1e}  {name}")  # noqa: T201


def _configured(run: Run) -> str:
    """Check the run's data, set up its framework, and return the device."""
    from batchf1.training.engines import framework_of

    run.dataset.check_drawable()  # before TensorFlow is imported, which takes seconds
    return framework_of(run).configure(run)
