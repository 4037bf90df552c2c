"""Lightning in one process: F1 as logged by `self.log`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from typing import Any

import lightning
import torch
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import BinaryF1Score
from torchmetrics.functional.classification import binary_f1_score

from batchf1.programs import example
from batchf1.programs.protocol import Case, emit, format_batches


def value(module: Any, scores: Any, labels: Any) -> None:
    """Log the F1 of this batch as a number."""
    module.log("f1", binary_f1_score(scores, labels))


def constant(module: Any, scores: Any, labels: Any) -> None:
    """Log the F1 of this batch with `batch_size=1`, as if all batches had one size."""
    module.log("f1", binary_f1_score(scores, labels), batch_size=example.BATCH_SIZE)


def forward(module: Any, scores: Any, labels: Any) -> None:
    """Log the metric's return value, which is that of this batch."""
    module.log("f1", module.f1(scores, labels))


def computed(module: Any, scores: Any, labels: Any) -> None:
    """Log the metric's value over all batches so far."""
    module.f1.update(scores, labels)
    module.log("f1", module.f1.compute())


def computed_constant(module: Any, scores: Any, labels: Any) -> None:
    """Log the metric's value so far as if all batches had one size."""
    module.f1.update(scores, labels)
    module.log("f1", module.f1.compute(), batch_size=example.BATCH_SIZE)


def whole(module: Any, scores: Any, labels: Any) -> None:
    """Log the metric object."""
    module.f1(scores, labels)
    module.log("f1", module.f1)


def whole_epoch(module: Any, scores: Any, labels: Any) -> None:
    """Log the metric object at the end of the epoch only."""
    module.f1(scores, labels)
    module.log("f1", module.f1, on_step=False, on_epoch=True)


WHOLE = '`self.f1(p, y); self.log("f1", self.f1)`, the object'
EPOCH = '`self.f1(p, y); self.log("f1", self.f1, on_step=False, on_epoch=True)`'
VALIDATION = {
    '`self.log("f1", f1)` in `validation_step`': value,
    '`self.log("f1", f1, batch_size=4)`': constant,
    '`self.log("f1", self.f1(p, y))`, the forward value': forward,
    '`self.f1.update(p, y); self.log("f1", self.f1.compute())`': computed,
    '`self.f1.update(p, y); self.log("f1", self.f1.compute(), batch_size=4)`': computed_constant,
    WHOLE: whole,
}
TRAINING = {'`self.log("f1", f1)` in `training_step`': value, EPOCH: whole_epoch}


class Module(lightning.LightningModule):
    """Model whose scores are its input, and which logs F1 by a given function."""

    def __init__(self, step: Any) -> None:
        super().__init__()
        self.f1 = BinaryF1Score()
        self.step = step
        self.seen: list[list[int]] = []

    def validation_step(self, batch: Any) -> None:
        """Log F1."""
        samples, scores, labels = batch
        self.seen.append(samples.tolist())
        self.step(self, scores, labels)

    training_step = validation_step  # no loss: nothing is to be learnt

    def configure_optimizers(self) -> None:
        """Return None: nothing is optimised."""


def loader(n: int) -> Any:
    """Return a loader of the example's first `n` samples, each with its index."""
    samples = (
        torch.arange(n),
        torch.tensor(example.SCORES[:n]),
        torch.tensor(example.LABELS[:n]).int(),
    )
    return DataLoader(TensorDataset(*samples), batch_size=example.BATCH_SIZE)


def trainer(**options: Any) -> Any:
    """Return a trainer that writes no files and no output."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    quiet: dict[str, Any] = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
    }
    quiet |= {"enable_model_summary": False, "accelerator": "cpu", "max_epochs": 1}
    return lightning.Trainer(**quiet, **options)


def measured(n: int) -> Iterator[Case]:
    """Yield F1 logged in each way in validation, then in training."""
    for written, step in VALIDATION.items():
        module = Module(step)
        (logs,) = trainer().validate(module, loader(n), verbose=False)
        yield Case(
            written, logs["f1"], format_batches(module.seen), "" if written == WHOLE else WHOLE
        )
    for written, step in TRAINING.items():
        module, training = Module(step), trainer()
        training.fit(module, loader(n))
        logged = training.callback_metrics["f1"]
        yield Case(written, logged, format_batches(module.seen), "" if written == EPOCH else EPOCH)


if __name__ == "__main__":
    emit("Lightning", lightning.__version__, measured)
