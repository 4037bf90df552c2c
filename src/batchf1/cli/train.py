"""`batchf1 train`: train one run and compare the strategies."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchf1.errors import check

if TYPE_CHECKING:
    from batchf1.config.settings import Run

DESCRIPTION = """Train one run with Hydra overrides, for example

  batchf1 train dataset=diamonds dataset.prevalence=0.01 training.batch_size=64 seed=3

It prints the log of each epoch, then each strategy's F1 of the last epoch and its references:
pooled (the predictions that the batches saw) and full pass (with the epoch's last weights).
Without overrides it trains with the settings that --settings shows.

  batchf1 train training.batch_size=64 --against plain

trains one run in two engines and prints the largest difference of each log over the epochs.

  batchf1 train --study sweep dataset.n_samples=3000 dataset.prevalence=0.02 \\
    training.batch_size=64 seed=3

trains a run of experiments/sweep.yaml as the study does, with the study's settings and seeds, which
depend on the study's name: it prints what the study's table has for it.
"""


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser(
        "train",
        help="train one run and compare the strategies",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="Hydra overrides")
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
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed: argparse.Namespace) -> None:
    """Train, or print the settings."""
    from batchf1.cli.one_run import one_run
    from batchf1.sweep.grid import compose

    of_study = parsed.study is not None
    one = one_run(parsed.study, parsed.overrides) if of_study else compose(parsed.overrides)
    if parsed.settings:
        from omegaconf import OmegaConf

        print(OmegaConf.to_yaml(OmegaConf.create(one.resolved)), end="")  # noqa: T201
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if parsed.against is None:
        _train(one)
    else:
        _compare(one, replace(one, training=replace(one.training, engine=parsed.against)))


def _train(run: Run) -> None:
    """Train the run, and print the log of each strategy and its references."""
    from batchf1.sweep import rows
    from batchf1.sweep.schema import last_epoch
    from batchf1.training.engines import framework_of

    device = framework_of(run).configure(run)
    print(f"{run.label} on {device}")  # noqa: T201
    trainer = framework_of(run).trainer(run)
    table = rows.table([run], device, trainer.train([run], verbose=2), trainer.expected)
    last = last_epoch(table).set_index(["split", "strategy"])
    columns = {"f1": "F1", "reference_pooled": "pooled", "reference_full_pass": "full pass"}
    shown = last[list(columns)].rename(columns=columns)
    shown["F1 - pooled"] = shown["F1"] - shown["pooled"]
    print(f"\nF1 after epoch {run.training.epochs}\n{shown.to_string(float_format='%.6f')}")  # noqa: T201


def _compare(one: Run, other: Run) -> None:
    """Train the run in two engines, and print the largest difference of each log."""
    from batchf1.training.engines import framework_of

    same = framework_of(one) is framework_of(other)  # two cannot share a process
    rule = f"must be another engine of {framework_of(one).name} {framework_of(one).version()}"
    check(same, "--against", rule, other.training.engine)
    device = framework_of(one).configure(one)
    print(f"{one.label} on {device}: {one.training.engine} against {other.training.engine}")  # noqa: T201
    logs = []
    for run in (one, other):
        (passes,) = framework_of(run).trainer(run).train([run])
        logs.append([each.logs for each in passes])
    for name in sorted(set(logs[0][0]) & set(logs[1][0])):
        pairs = zip(*([each[name] for each in of_engine] for of_engine in logs), strict=True)
        print(f"{max(abs(a - b) for a, b in pairs):8.1e}  {name}")  # noqa: T201
