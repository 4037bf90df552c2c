"""`python -m batchf1.cli.train [override ...]`: train one run and compare the strategies."""

from __future__ import annotations

import os
import sys

from batchf1.cli import console
from batchf1.study.grid import compose

USAGE = """usage: python -m batchf1.cli.train [key=value ...]

Train one run with Hydra overrides, for example
  python -m batchf1.cli.train dataset=diamonds dataset.prevalence=0.01 training.batch_size=64 seed=3

It prints what Keras prints, then each strategy's F1 of the last epoch beside its references:
pooled (the predictions that the batches saw) and full pass (with the epoch's last weights).

The settings and their defaults:
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; exit status 2 for settings that do not fit."""
    overrides = sys.argv[1:] if arguments is None else arguments
    command = _help if {"-h", "--help"} & set(overrides) else lambda: _train(overrides)
    with console.while_read():
        return console.status("batchf1.cli.train", command)


def _help() -> None:
    from omegaconf import OmegaConf

    print(USAGE + OmegaConf.to_yaml(OmegaConf.create(compose().resolved)))  # noqa: T201


def _train(overrides: list[str]) -> None:
    run = compose(overrides)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from batchf1.study import rows
    from batchf1.study.schema import last_epoch

    device = run.framework.configure(run)
    print(f"{run.label} on {device}")  # noqa: T201
    trainer = run.framework.trainer(run)
    table = rows.table(run, device, trainer.train(run, verbose=2), trainer.expected)
    last = last_epoch(table).set_index(["split", "strategy"])
    columns = {"f1": "F1", "reference_pooled": "pooled", "reference_full_pass": "full pass"}
    shown = last[list(columns)].rename(columns=columns)
    shown["F1 - pooled"] = shown["F1"] - shown["pooled"]
    print(f"\nF1 after epoch {run.training.epochs}\n{shown.to_string(float_format='%.6f')}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
