"""Settings of a study of cost: its cells, and the order in which they are measured."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from omegaconf import MISSING

from batchf1.config import registry, rules
from batchf1.config.limits import MAX_CELLS
from batchf1.config.rules import Rule, Rules, at_least, at_most, check_among, check_settings
from batchf1.config.seeds import generator
from batchf1.errors import check
from batchf1.records.files import digest

NONE = "none"
"""The strategy of a series that the others are compared with: no F1 at all."""
FORMS = {"epoch_end_arrays": "epoch_end"}
"""A form of a strategy -> its module; `epoch_end` itself reads a data set, batch by batch."""
ENGINES = {"plain": 1, "blocks": 64}
"""Engine -> batches that a call of Keras trains or validates, its `steps_per_execution`.

`plain` is `fit` as it comes. `blocks` makes the same steps with the same logs in a loop of
TensorFlow's, which reads one batch at a time, so that ten million rows take seconds.
"""
DEVICES = ("cpu", "gpu")
START, EPOCH, CALL, BATCH = 6.0, 0.03, 5e-4, 1e-4
"""Expected seconds of the start of a process, of an epoch beside its batches, of a call of Keras
from Python, and of a batch."""
PREDICT_BATCH = 32
"""Rows in a batch of `model.predict`, which the article leaves to Keras."""


HAS_NONE = Rule(f"must have {NONE}, which the others are compared with", lambda of: NONE in of)
GRID_RULES: Rules = {
    **dict.fromkeys(("models", "engines"), rules.UNIQUE),
    **dict.fromkeys(
        ("batch_sizes", "n_samples"),
        (rules.UNIQUE, Rule("must be at least 1", lambda values: min(values) >= 1)),
    ),
    "repetitions": (rules.COUNT, at_most(MAX_CELLS)),
    "strategies": Rule(HAS_NONE.text, lambda of: not of or NONE in of),
}
RULES: Rules = {
    "strategies": (rules.UNIQUE, HAS_NONE),
    "devices": rules.UNIQUE,
    "repetitions": rules.REPETITIONS,
    "most_calls": at_least(2),
    "n_features": rules.POSITIVE_COUNT,
    "threads": rules.COUNT,
    "prevalence": rules.FRACTION,
    "grids": Rule("must have at least one grid", bool),
}


@dataclass
class Grid:
    """Product of settings; `strategies` and `repetitions` default to the study's."""

    models: list[str] = MISSING
    engines: list[str] = MISSING
    batch_sizes: list[int] = MISSING
    n_samples: list[int] = MISSING
    """Rows of training data, and as many of validation; rounded up to whole batches."""
    strategies: list[str] = field(default_factory=list)
    repetitions: int = 0

    def __post_init__(self) -> None:
        check_settings(self, GRID_RULES, "grids.")
        check_among("grids.engines", self.engines, tuple(ENGINES))
        check_among("grids.strategies", self.strategies, strategies())


@dataclass
class CostStudy:
    """Study of cost, from `experiments/<name>.yaml`: a question and grids of measurements."""

    question: str = MISSING
    grids: list[Grid] = MISSING
    strategies: list[str] = MISSING
    """Each is measured alone; `none` is among them."""
    models: dict[str, list[int]] = MISSING
    """Name -> units of its hidden layers."""
    repetitions: int = MISSING
    """Fresh processes for each cell."""
    most_calls: int = MISSING
    """A cell that calls Keras from Python more often in an epoch is left out."""
    least_batches: int = 150
    """Epochs with the strategy and without one take turns until each has trained on so many; a
    process reports the medians."""
    n_features: int = 10
    prevalence: float = 0.5
    """Probability of a positive."""
    devices: list[str] = field(default_factory=lambda: list(DEVICES))
    """The GPU is left out where TensorFlow sees none."""
    threads: int = 0
    """Threads of a process; 0 leaves the number to TensorFlow."""
    figures: dict[str, str] = field(default_factory=dict)
    """Figure -> the module of `batchf1.figures` that makes it from the table."""

    def __post_init__(self) -> None:
        check_settings(self, RULES)
        check_among("strategies", self.strategies, strategies())
        check_among("devices", self.devices, DEVICES)
        for name, hidden in self.models.items():
            check(rules.LAYERS.holds(hidden), f"models.{name}", rules.LAYERS.text, hidden)
        for grid in self.grids:
            check_among("grids.models", grid.models, sorted(self.models))


@dataclass(frozen=True)
class Measurement:
    """Settings of one measurement."""

    study: str
    model: str
    hidden: tuple[int, ...]
    engine: str
    batch_size: int
    n_samples: int
    strategy: str
    repetition: int
    device: str
    threads: int
    n_features: int
    prevalence: float
    least_batches: int

    @property
    def cell_id(self) -> str:
        """Twelve hexadecimal digits that depend on every setting."""
        return digest(asdict(self))

    @property
    def series(self) -> tuple[object, ...]:
        """Settings that a measurement shares with the one without a strategy."""
        shape = (self.device, self.model, self.engine, self.batch_size, self.n_samples)
        return (*shape, self.repetition)

    @property
    def n_batches(self) -> int:
        """Number of batches of an epoch, and of its validation."""
        return -(-self.n_samples // self.batch_size)

    @property
    def n_rows(self) -> int:
        """Number of rows of an epoch, and of its validation: whole batches."""
        return self.n_batches * self.batch_size

    @property
    def epochs(self) -> int:
        """Number of measured epochs."""
        return max(1, -(-self.least_batches // self.n_batches))

    @property
    def plugin(self) -> str | None:
        """Module of the strategy; None where there is none."""
        return plugin_of(self.strategy)

    @property
    def in_arrays(self) -> bool:
        """True if the strategy holds the validation data in arrays."""
        return self.strategy == "epoch_end_arrays"

    @property
    def calls(self) -> int:
        """Number of calls of Keras from Python in an epoch, which dominates in large cells."""
        fit = 2 * -(-self.n_batches // ENGINES[self.engine])
        if self.plugin != "epoch_end":
            return fit
        return fit + (-(-self.n_rows // PREDICT_BATCH) if self.in_arrays else self.n_batches)

    @property
    def seconds(self) -> float:
        """Expected seconds: a fresh process, then each epoch with the strategy and without."""
        epoch = EPOCH + CALL * self.calls + 2 * BATCH * self.n_batches
        return START + 2 * self.epochs * epoch

    @property
    def label(self) -> str:
        """Description of the cell for messages."""
        return (
            f"cell {self.cell_id}: {self.strategy}, {self.engine}, model {self.model}, "
            f"batch={self.batch_size}, n={self.n_samples}, repetition {self.repetition}, "
            f"{self.device}"
        )


def plugin_of(strategy: str) -> str | None:
    """Return the module of a strategy in any form; None for `none`."""
    return None if strategy == NONE else FORMS.get(strategy, strategy)


def strategies() -> list[str]:
    """Return the names that can be measured: `none`, the strategies, and their other forms."""
    return [NONE, *registry.names(registry.STRATEGIES), *FORMS]


def measurements(name: str, study: CostStudy, devices: list[str]) -> list[Measurement]:
    """Return the measurements of a study in the order in which they are made.

    Repetition by repetition, in each the series shuffled, and in a series the strategies, so that a
    drift of the machine hits all alike; the seeds are hashed from the names.

    Parameters
    ----------
    name
        Name of the study.
    study
        Its settings.
    devices
        Those of the study that this machine has.

    Raises
    ------
    InputError
        Where `most_calls` leaves nothing.
    """
    cells = dict.fromkeys(_of_grids(name, study, devices))  # ordered, none twice
    series: dict[tuple[object, ...], list[Measurement]] = {}
    for cell in cells:
        if cell.calls <= study.most_calls:
            series.setdefault(cell.series, []).append(cell)
    check(bool(series), "most_calls", "must leave a cell", study.most_calls)
    ordered = []
    for repetition in sorted({group[0].repetition for group in series.values()}):
        mine = [group for group in series.values() if group[0].repetition == repetition]
        draw = generator(name, "order", repetition)
        for i in draw.permutation(len(mine)):
            ordered += [mine[i][j] for j in draw.permutation(len(mine[i]))]
    return ordered


def _of_grids(name: str, study: CostStudy, devices: list[str]) -> Iterator[Measurement]:
    for grid in study.grids:
        axes = (
            devices,
            grid.models,
            grid.engines,
            grid.batch_sizes,
            grid.n_samples,
            range(grid.repetitions or study.repetitions),
            grid.strategies or study.strategies,
        )
        for device, model, engine, batch_size, n, repetition, strategy in itertools.product(*axes):
            yield Measurement(
                study=name,
                model=model,
                hidden=tuple(study.models[model]),
                engine=engine,
                batch_size=batch_size,
                n_samples=n,
                strategy=strategy,
                repetition=repetition,
                device=device,
                threads=study.threads,
                n_features=study.n_features,
                prevalence=study.prevalence,
                least_batches=study.least_batches,
            )
