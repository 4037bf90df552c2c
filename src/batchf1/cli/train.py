"""`batchf1 train`: train one run and compare the strategies."""

from __future__ import annotations

import argparse
import os
from typing import Any

DESCRIPTION = """Train one run with Hydra overrides, for example

  batchf1 train dataset=diamonds dataset.prevalence=0.01 training.batch_size=64 seed=3

It prints what Keras prints, then each strategy's F1 of the last epoch beside its references:
pooled (the predictions that the batches saw) and full pass (with the epoch's last weights).
Without overrides it trains with the settings that --settings shows.
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
    parser.add_argument("--settings", action="store_true", help="show the settings, train nothing")
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed: argparse.Namespace) -> None:
    """Train, or show the settings."""
    from batchf1.study.grid import compose

    composed = compose(parsed.overrides)
    if parsed.settings:
        from omegaconf import OmegaConf

        print(OmegaConf.to_yaml(OmegaConf.create(composed.resolved)), end="")  # noqa: T201
    else:
        _train(composed)


def _train(run: Any) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from batchf1.study import rows
    from batchf1.study.schema import last_epoch

    device = run.framework.configure(run)
    print(f"{run.label} on {device}")  # noqa: T201
    trainer = run.framework.trainer(run)
    table = rows.table([run], device, trainer.train([run], verbose=2), trainer.expected)
    last = last_epoch(table).set_index(["split", "strategy"])
    columns = {"f1": "F1", "reference_pooled": "pooled", "reference_full_pass": "full pass"}
    shown = last[list(columns)].rename(columns=columns)
    shown["F1 - pooled"] = shown["F1"] - shown["pooled"]
    print(f"\nF1 after epoch {run.training.epochs}\n{shown.to_string(float_format='%.6f')}")  # noqa: T201
