"""Framework Keras 3: one run in ordinary `fit`, or many in one compiled program."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

from batchf1.config import registry
from batchf1.training import backends
from batchf1.training.base import CostEstimate, Framework, Trainer
from batchf1.training.keras3.limits import MAX_TOGETHER

if TYPE_CHECKING:
    from batchf1.config.settings import Run


ENSEMBLE = "ensemble"


class Keras3(Framework):
    """Keras 3: engine `ensemble` compiles many runs on TensorFlow, `plain` is ordinary `fit`."""

    name = "keras"
    averaging = "per_batch"
    engines: ClassVar = {
        ENSEMBLE: CostEstimate(5e-7, 2e-3, 2.0, sample=1e-7),
        "plain": CostEstimate(6e-4, 0.06, 0.5),
    }
    of_generators = of_backends = of_flat_labels = ("plain",)
    metrics = None
    loses_prefetched = True
    pretraining = ENSEMBLE
    module = "batchf1.training.keras3.plain"

    def version(self) -> str:
        """See `Framework`."""
        return version("keras")

    def configure(self, run: Run) -> str:
        """See `Framework` and `backends.configure`."""
        t = run.training
        return backends.configure(t.backend, t.device, t.threads)

    def trainer(self, run: Run) -> Trainer:
        """See `Framework`."""
        if run.training.engine == ENSEMBLE:
            from batchf1.training.keras3.ensemble import EnsembleTrainer

            return EnsembleTrainer(run)
        import keras

        from batchf1.training.keras3.plain import PlainTrainer

        keras.backend.clear_session()  # TensorFlow still keeps some 50 MB a shape
        return PlainTrainer(run)

    def group_size(self, run: Run) -> int:
        """See `Framework`."""
        return MAX_TOGETHER if run.training.engine == ENSEMBLE else 1

    def modules(self, run: Run) -> set[str]:
        """See `Framework`."""
        strategies = {registry.module(registry.STRATEGIES, name) for name in run.strategies}
        return super().modules(run) | strategies
