"""Settings of a study of segmentation: drawn images, two networks, and batches of images."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from itertools import product
from typing import ClassVar

from omegaconf import MISSING

from batchf1.config import rules
from batchf1.config.rules import Rule, Rules, check_settings
from batchf1.errors import check
from batchf1.records.files import digest

LARGE, SMALL = MODELS = ("large", "small")
"""The objects on which a network is trained; both are validated on all."""

TUPLES = ("radius", "radius_large", "radius_small", "batch_sizes")

RULES: Rules = {
    "batch_sizes": (
        rules.UNIQUE,
        Rule(
            "must be increasing and at least 1",
            lambda sizes: sizes[0] >= 1 and sizes == sorted(sizes),
        ),
    ),
    "side": Rule("must be a multiple of 4, at least 8", lambda side: side >= 8 and side % 4 == 0),
    **dict.fromkeys(("radius", "radius_large", "radius_small"), rules.RANGE),
    "empty": rules.FRACTION,
    **dict.fromkeys(("seeds", "cuts"), rules.REPETITIONS),
    "epochs": rules.EPOCHS,
    **dict.fromkeys(
        ("n_train", "n_validation", "training_batch_size", "filters"), rules.POSITIVE_COUNT
    ),
    **dict.fromkeys(("contrast", "noise", "learning_rate"), rules.POSITIVE),
    "threads": rules.COUNT,
}


@dataclass
class SegmentationStudy:
    """Study of segmentation, from `experiments/<name>.yaml`."""

    SECONDS_A_RUN: ClassVar = 15.0
    """Measured, of one core."""

    question: str = MISSING
    seeds: int = MISSING
    """Pairs of networks; each pair has its own images, initial weights and order."""
    side: int = MISSING
    """Pixels of an image in each direction."""
    n_train: int = MISSING
    n_validation: int = MISSING
    empty: float = MISSING
    """Share of images without an object, in expectation."""
    radius: list[float] = MISSING
    """Least and greatest of an object of validation, in pixels; uniform in its logarithm."""
    radius_large: list[float] = MISSING
    """Likewise, of the training of the network for large objects."""
    radius_small: list[float] = MISSING
    """Likewise, for small ones."""
    contrast: float = MISSING
    """Brightness of an object, in standard deviations of the texture behind it."""
    noise: float = MISSING
    """Standard deviation of each pixel's own noise, likewise."""
    filters: int = MISSING
    """Channels of the first level of the network; twice and four times as many in the next ones."""
    learning_rate: float = MISSING
    epochs: int = MISSING
    training_batch_size: int = MISSING
    batch_sizes: list[int] = MISSING
    """Batch sizes of validation, rising."""
    cuts: int = MISSING
    """Random cuts into batches from which the spread of a log is estimated."""
    threads: int = 1
    """Threads of TensorFlow; 0 leaves the number to it."""
    figures: dict[str, str] = field(default_factory=dict)
    """Figure -> the module of `batchf1.figures` that makes it from the table."""

    def __post_init__(self) -> None:
        check_settings(self, RULES)
        rule = f"must be at least the largest batch size, {self.batch_sizes[-1]}"
        good = self.n_validation >= self.batch_sizes[-1]
        check(good, "n_validation", rule, self.n_validation)

    @property
    def n_runs(self) -> int:
        """Number of networks."""
        return len(MODELS) * self.seeds


@dataclass(frozen=True)
class Cell:
    """Settings of one network and of all measurements on it."""

    study: str
    seed: int
    model: str
    side: int
    n_train: int
    n_validation: int
    empty: float
    radius: tuple[float, ...]
    radius_large: tuple[float, ...]
    radius_small: tuple[float, ...]
    contrast: float
    noise: float
    filters: int
    learning_rate: float
    epochs: int
    training_batch_size: int
    batch_sizes: tuple[int, ...]
    cuts: int
    threads: int

    @property
    def cell_id(self) -> str:
        """Twelve hexadecimal digits that depend on every setting."""
        return digest(asdict(self))

    @property
    def names(self) -> tuple[object, ...]:
        """Names that seed the random numbers: the same for the two networks of a pair."""
        return (self.study, self.seed)

    @property
    def trained_radius(self) -> tuple[float, ...]:
        """Least and greatest radius of an object of the training."""
        return self.radius_large if self.model == LARGE else self.radius_small


def cells(name: str, study: SegmentationStudy) -> list[Cell]:
    """Return the cells of a study, seed by seed."""
    shared = asdict(study)
    for key in ("question", "seeds", "figures"):
        del shared[key]
    shared |= {key: tuple(shared[key]) for key in TUPLES}
    return [
        Cell(study=name, seed=seed, model=model, **shared)
        for seed, model in product(range(study.seeds), MODELS)
    ]
