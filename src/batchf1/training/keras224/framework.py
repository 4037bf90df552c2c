"""Framework Keras 2.2.4, which the article used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from batchf1.errors import check
from batchf1.training.base import CostEstimate, Framework, Trainer
from batchf1.training.keras224 import software

if TYPE_CHECKING:
    from batchf1.config.settings import Run


class Keras224(Framework):
    """Unmodified Keras 2.2.4 with the article's program, whose threshold is 0.5."""

    name = "keras"
    averaging = "size_weighted"
    engines: ClassVar = {"keras224": CostEstimate(4e-4, 0.05, 0.5)}
    of_generators = ("keras224",)
    strategies = ("batch_mean", "epoch_end", "reconstructed")
    pretraining = "keras224"
    module = "batchf1.training.keras224.run"

    def version(self) -> str:
        """See `Framework`."""
        return software.VERSION

    def versions(self, *packages: str) -> dict[str, str]:
        """See `Framework`; Keras' version is fixed: it is not importable before `activate`."""
        return super().versions(*packages) | {"keras": software.VERSION}

    def configure(self, run: Run) -> str:
        """See `Framework`; the devices and threads themselves are those of each session."""
        software.activate()
        from batchf1.training import devices

        return devices.kind(run.training.device)

    def trainer(self, run: Run) -> Trainer:
        """See `Framework`."""
        software.activate()
        import keras

        from batchf1.training.keras224.run import Keras224Trainer

        keras.backend.clear_session()
        return Keras224Trainer(run)

    def check(self, run: Run) -> None:
        """See `Framework`."""
        super().check(run)
        threshold = run.training.threshold
        check(threshold == 0.5, "training.threshold", "must be 0.5, as in the article", threshold)
        weight = run.training.class_weight
        check(weight == 1, "training.class_weight", "must be 1, as in the article", weight)
        size = run.training.validation_batch_size
        rule = "must be 0: Keras 2.2.4 validates in batches of the training's size"
        check(size == 0, "training.validation_batch_size", rule, size)
        rule = "must be 0 in the article's program"
        check(run.dataset.n_test == 0, "dataset.test_fraction", rule, run.dataset.test_fraction)

    def required_files(self) -> list[Path]:
        """Return the folder that `batchf1 workflow keras224` fills."""
        return [software.FOLDER]
