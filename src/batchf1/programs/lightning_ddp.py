"""Lightning on two processes of this machine: DDP over gloo."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import lightning
import torch.distributed as dist
from lightning.pytorch.strategies import DDPStrategy
from torchmetrics.functional.classification import binary_f1_score

from batchf1.programs.example import BATCHES
from batchf1.programs.in_lightning import WHOLE, Module, loader, trainer, whole
from batchf1.programs.protocol import Case, emit, format_batches

RANKS = 2
PATIENCE = timedelta(seconds=60)


def value(module: Any, scores: Any, labels: Any, sync_dist: bool) -> None:
    """Log the F1 of this batch as a number."""
    module.log("f1", binary_f1_score(scores, labels), sync_dist=sync_dist)


def measured(n: int) -> Iterator[Case]:
    """Yield F1 logged in each way; for an odd number of samples, only in the right way."""
    if n % RANKS == 0:
        (logged, *_), seen = _validated(partial(value, sync_dist=True), n)
        yield Case('`self.log("f1", f1, sync_dist=True)`', logged, format_batches(*seen), WHOLE)
        each, seen = _validated(partial(value, sync_dist=False), n)
        for rank, logged in enumerate(each):
            written = f'`self.log("f1", f1, sync_dist=False)`, process {rank}'
            yield Case(written, logged, format_batches(seen[rank]), WHOLE)
    (logged, *_), seen = _validated(whole, n)
    odd = n % RANKS != 0
    written = f"{WHOLE}, of an odd number of samples" if odd else WHOLE
    yield Case(written, logged, format_batches(*seen), ODD if odd else "")


ODD = "`validate` on one device; or leave the last sample out"


def _validated(step: Any, n: int) -> tuple[list[float], list[list[list[int]]]]:
    """Return the value that each process logs, and its batches."""
    module = Module(step)
    strategy = DDPStrategy(process_group_backend="gloo", timeout=PATIENCE)
    (logs,) = trainer(devices=RANKS, strategy=strategy).validate(module, loader(n), verbose=False)
    found: list[Any] = [None] * RANKS
    dist.all_gather_object(found, (logs["f1"], module.seen))
    logged, seen = zip(*found, strict=True)
    return list(logged), list(seen)


if __name__ == "__main__":
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo"}
    # each process runs this program; the first speaks
    speaker = os.environ.get("LOCAL_RANK", "0") == "0"
    cuts = BATCHES | {"4/4/1": 9}
    if speaker:
        emit("Lightning, DDP on 2 processes", lightning.__version__, measured, cuts)
    else:
        for samples in cuts.values():
            list(measured(samples))
    dist.destroy_process_group()
