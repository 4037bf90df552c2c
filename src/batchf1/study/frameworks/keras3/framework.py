"""Today's Keras on TensorFlow, in two engines."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

from batchf1.study import plugins
from batchf1.study.frameworks.base import Framework, Seconds, Trainer

if TYPE_CHECKING:
    from batchf1.study.settings import Run


class Keras3(Framework):
    """`fused` compiles an epoch into one step; `plain` is Keras' ordinary `fit`."""

    name = "keras"
    averaging = "per_batch"
    engines: ClassVar = {"fused": Seconds(2e-5, 0.05, 5.0), "plain": Seconds(1e-3, 0.2, 2.0)}
    of_generators = ("plain",)
    loses_prefetched = True
    pretraining = "fused"
    module = "batchf1.study.frameworks.keras3.run"

    def version(self) -> str:
        """See `Framework`."""
        return version("keras")

    def configure(self, run: Run) -> str:
        """See `Framework`."""
        from batchf1.study.frameworks import devices

        return devices.configure(run.training.device, run.training.threads)

    def trainer(self, run: Run) -> Trainer:
        """See `Framework`."""
        import keras

        from batchf1.study.frameworks.keras3.run import Keras3Trainer

        keras.backend.clear_session()  # TensorFlow still keeps some 50 MB a shape
        return Keras3Trainer(run)

    def modules(self, run: Run) -> set[str]:
        """See `Framework`."""
        strategies = {plugins.module(plugins.STRATEGIES, name) for name in run.strategies}
        return super().modules(run) | strategies
