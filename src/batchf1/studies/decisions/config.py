"""Settings of a study of decisions: models to choose from, and validation passes."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from batchf1.config import rules
from batchf1.config.limits import check_size
from batchf1.config.rules import Rule, Rules, at_least, check_overrides, check_settings
from batchf1.errors import check

MULTIPLES = Rule(
    "must be increasing multiples of the first",
    lambda sizes: sizes[0] >= 1 and not any(n % sizes[0] for n in sizes) and sizes == sorted(sizes),
)
SPACE_RULES: Rules = {
    **dict.fromkeys(("learning_rate", "class_weight"), rules.RANGE),
    **dict.fromkeys(("hidden", "epochs", "batch_size"), rules.UNIQUE),
}
CONTROL_RULES: Rules = {
    "separation": rules.POSITIVE,
    "n_validation": rules.POSITIVE_COUNT,
    "n_thresholds": at_least(2),
}
RULES: Rules = {
    "tasks": Rule("must have at least one task", bool),
    **dict.fromkeys(("prevalences", "class_weights", "logistic_class_weights"), rules.UNIQUE),
    "validation_batch_sizes": (rules.UNIQUE, MULTIPLES),
    **dict.fromkeys(("seeds", "candidates", "shards"), rules.POSITIVE_COUNT),
    "n_thresholds": at_least(2),
}


@dataclass
class Space:
    """Ranges from which the settings of each candidate of the random search are drawn."""

    learning_rate: list[float] = MISSING
    """Least and greatest, uniform in their logarithm."""
    class_weight: list[float] = MISSING
    """Likewise."""
    hidden: list[list[int]] = MISSING
    epochs: list[int] = MISSING
    batch_size: list[int] = MISSING

    def __post_init__(self) -> None:
        check_settings(self, SPACE_RULES, "space.")


@dataclass
class Control:
    """Settings of the control: normal scores of each class with deviation 1, without training."""

    separation: float = MISSING
    """Of the classes' means, in deviations."""
    n_validation: int = MISSING
    n_thresholds: int = MISSING
    """As that of the study."""

    def __post_init__(self) -> None:
        check_settings(self, CONTROL_RULES, "control.")

    @property
    def thresholds(self) -> list[float]:
        """All thresholds, ascending."""
        return threshold_grid(self.n_thresholds)


@dataclass
class DecisionStudy:
    """Study of decisions, from `experiments/<name>.yaml`: models and validation passes."""

    question: str = MISSING
    overrides: list[str] = field(default_factory=list)
    """Hydra overrides that hold for every run."""
    tasks: dict[str, list[str]] = MISSING
    """What tables call a data set -> the overrides that choose it."""
    prevalences: list[float] = MISSING
    seeds: int = MISSING
    validation_batch_sizes: list[int] = MISSING
    """Rising; each a multiple of the first, in whose batches Keras validates."""
    n_thresholds: int = MISSING
    """A run whose positives weigh 1 is also looked at with thresholds 1/n, 2/n ... (n - 1)/n."""
    class_weights: list[float] = MISSING
    """Of the reference network, all else fixed."""
    logistic_class_weights: list[float] = MISSING
    """Of the network without a hidden layer."""
    candidates: int = MISSING
    """Of each search; a search has its own for each seed."""
    space: Space = MISSING
    control: Control = MISSING
    shards: int | None = None
    """Number of processes that the runs are dealt to; by default the machine's cores."""
    on_demand: bool = False
    """Whether the study is made only when it is asked for by its name."""
    figures: dict[str, str] = field(default_factory=dict)
    """Figure -> the module of `batchf1.figures` that makes it from the study's table."""
    extra_inputs: list[str] = field(default_factory=list)
    """Further files that the figures are made from, after the table."""

    def __post_init__(self) -> None:
        check_settings(self, RULES)
        sizes = self.validation_batch_sizes
        strange = sorted(set(self.space.batch_size) - set(sizes))
        rule = f"must be among validation_batch_sizes {sizes}, as each is also validated in its own"
        check(not strange, "space.batch_size", rule, strange)
        varied = ("study", "seed", "dataset", "dataset.prevalence")
        check_overrides(self.overrides, varied, "cannot set what the study varies")
        check_overrides(self.overrides, ["metrics"], "cannot set the metric: decisions are by F1")

    def check_size(self, huge: bool = False) -> None:
        """Raise `InputError` for too many cells or runs, as `limits.check_size` does."""
        n_tasks = len(self.tasks) * len(self.prevalences)
        n_fixed, n_drawn = self._n_weights, self.candidates * self.seeds
        check_size(n_tasks * (n_fixed + n_drawn), n_tasks * (n_fixed * self.seeds + n_drawn), huge)

    @property
    def _n_weights(self) -> int:
        return len(self.class_weights) + len(self.logistic_class_weights)

    @property
    def thresholds(self) -> list[float]:
        """All thresholds, ascending."""
        return threshold_grid(self.n_thresholds)


def threshold_grid(n: int) -> list[float]:
    """Return 1/n, 2/n ... (n - 1)/n."""
    return [i / n for i in range(1, n)]
