"""Settings of a study of metrics: networks to train, and batches to average over."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import ClassVar

from omegaconf import MISSING

from batchf1.config import rules
from batchf1.config.rules import Rules, check_among, check_settings
from batchf1.errors import check
from batchf1.records.files import digest

TASKS = ("heavy", "grade", "price")
"""Is a diamond heavy (0, 1), which grade of cut has it (0 to 4), what does it cost (1,000 $)?"""
N_AVAILABLE = 53_775


RULES: Rules = {
    **dict.fromkeys(("tasks", "batch_sizes"), rules.UNIQUE),
    "epochs": rules.EPOCHS,
    **dict.fromkeys(("seeds", "cuts"), rules.REPETITIONS),
    **dict.fromkeys(("n_train", "training_batch_size"), rules.POSITIVE_COUNT),
    "threads": rules.COUNT,
    "hidden": rules.LAYERS,
    **dict.fromkeys(("heavy_above", "learning_rate"), rules.POSITIVE),
}


@dataclass
class AtlasStudy:
    """Study of metrics, from `experiments/<name>.yaml`: a question, networks and batches."""

    SECONDS_A_RUN: ClassVar = 3.9
    """Measured, of one core: `benchmarks/jobs.csv`."""

    question: str = MISSING
    tasks: list[str] = field(default_factory=lambda: list(TASKS))
    heavy_above: float = MISSING
    """Carat; a heavier diamond is a positive."""
    seeds: int = MISSING
    """Networks of each task; each has its own split, weights and order."""
    n_train: int = MISSING
    n_validation: int = MISSING
    """A multiple of every batch size, so that no last batch is short."""
    batch_sizes: list[int] = MISSING
    """Batch sizes of validation, rising."""
    cuts: int = MISSING
    """Random cuts of each validation set into batches, for each batch size."""
    hidden: list[int] = MISSING
    """Units of the hidden layers."""
    learning_rate: float = MISSING
    epochs: int = MISSING
    training_batch_size: int = MISSING
    threads: int = 1
    """Threads of TensorFlow; 0 leaves the number to it."""
    figures: dict[str, str] = field(default_factory=dict)
    """Figure -> the module of `batchf1.figures` that makes it from the table."""

    @property
    def n_runs(self) -> int:
        """Number of networks."""
        return len(self.tasks) * self.seeds

    def __post_init__(self) -> None:
        check_settings(self, RULES)
        check_among("tasks", self.tasks, TASKS)
        self._check_sizes()

    def _check_sizes(self) -> None:
        sizes, n = self.batch_sizes, self.n_validation
        rule = "must be increasing and at least 2, as a correlation needs two samples"
        check(sizes[0] >= 2 and sizes == sorted(sizes), "batch_sizes", rule, sizes)
        multiple = n >= 1 and all(n % size == 0 for size in sizes)
        rule = f"must be a multiple of each of the batch sizes {sizes}"
        check(multiple, "n_validation", rule, n)
        rule = f"must leave n_train and n_validation together at most {N_AVAILABLE}"
        check(self.n_train + n <= N_AVAILABLE, "n_validation", rule, self.n_train + n)


@dataclass(frozen=True)
class Cell:
    """Settings of one network and of all measurements on it."""

    study: str
    task: str
    seed: int
    heavy_above: float
    n_train: int
    n_validation: int
    batch_sizes: tuple[int, ...]
    cuts: int
    hidden: tuple[int, ...]
    learning_rate: float
    epochs: int
    training_batch_size: int
    threads: int

    @property
    def cell_id(self) -> str:
        """Twelve hexadecimal digits that depend on every setting."""
        return digest(asdict(self))

    @property
    def names(self) -> tuple[object, ...]:
        """Names that seed the random numbers; the settings of the network are not among them."""
        return (self.study, self.task, self.seed)


def cells(name: str, study: AtlasStudy) -> list[Cell]:
    """Return the cells of a study, task by task, with ascending seeds."""
    shared = asdict(study)
    for key in ("question", "tasks", "seeds", "figures"):
        del shared[key]
    shared |= {key: tuple(shared[key]) for key in ("batch_sizes", "hidden")}
    return [
        Cell(study=name, task=task, seed=seed, **shared)
        for task in study.tasks
        for seed in range(study.seeds)
    ]
