"""The contract of a data set: a module of this package that defines one subclass of `Dataset`.

Its `name`, in configs too, is the module's. Its fields are its settings, so
`dataset=<name> dataset.<field>=<value>` works without another file. A data set of, say, 1,797 rows
sets `n_available` to that number, and has defaults for which they suffice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from batchf1.errors import announce_renamed, check, missing, raise_input_error
from batchf1.records.files import is_installed

Features = NDArray[np.float32]
Item = TypeVar("Item", bound=np.generic)
MAX_SAMPLES = 2**31 - 1
"""Maximum of a split, whose indices have 32 bits."""


class Split(NamedTuple):
    """Features and labels of a split.

    Attributes
    ----------
    x : ndarray of float32, shape (n, d)
        Features.
    y : ndarray of float32, shape (n, 1)
        Labels, 0 or 1.
    """

    x: Features
    y: Features


@dataclass(frozen=True)
class Data:
    """Splits of a run; iterating yields those that exist, in the order of the attributes.

    Attributes
    ----------
    train, validation : Split
        Splits that every run has.
    test : Split or None
        Split that neither training nor selection uses; None unless `test_fraction` is above 0.
    """

    train: Split
    validation: Split
    test: Split | None = None

    @property
    def splits(self) -> dict[str, Split]:
        """Existing splits by name."""
        tested = {} if self.test is None else {"test": self.test}
        return {"train": self.train, "validation": self.validation, **tested}

    def __iter__(self) -> Iterator[Split]:
        return iter(self.splits.values())


@dataclass
class Dataset(ABC):
    """Base class of the data sets: common settings, and the division of samples into splits.

    A subclass is a dataclass with a `name`, whose fields have defaults that its samples suffice
    for; it implements `draw`, and sets `n_available` unless it can generate any number of samples.
    """

    name: ClassVar[str]
    """Name in configs; seeds and run ids depend on it."""
    n_available: ClassVar[int | None] = None
    """Number of samples of both classes; None where they are generated."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Installed packages that carry the samples, by their names on PyPI: a run without them is
    refused, and their versions belong to its provenance."""

    n_samples: int = 10_000
    """Size of the training split."""
    prevalence: float = 0.02
    """Share of positives in each split, within one sample."""
    validation_fraction: float = 0.2
    """Size of the validation split, as a share of `n_samples`."""
    test_fraction: float = 0.0
    """Size of the test split, likewise; 0 for none."""
    variant: str = ""
    """Name of the chosen file of `conf/dataset`, and of the data set in tables; composing a config
    sets it."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "ways" in vars(cls):
            announce_renamed(f"{cls.__name__}.ways", "how_to_get")
            cls.how_to_get = vars(cls)["ways"]  # type: ignore[attr-defined]

    def __post_init__(self) -> None:
        check(self.n_samples >= 1, "dataset.n_samples", "must be at least 1", self.n_samples)
        check(0 < self.prevalence < 1, "dataset.prevalence", "must lie in (0, 1)", self.prevalence)
        check(
            0 < self.validation_fraction < float("inf"),
            "dataset.validation_fraction",
            "must be above 0",
            self.validation_fraction,
        )
        fraction = self.test_fraction
        good = 0 <= fraction < float("inf")
        check(good, "dataset.test_fraction", "must be at least 0", fraction)
        self._check_sizes()

    def _check_sizes(self) -> None:
        names = ("n_samples", "validation_fraction", "test_fraction")
        for name, n in zip(names, self._sizes, strict=False):
            rule = f"must give splits of at most {MAX_SAMPLES} samples"
            check(n <= MAX_SAMPLES, f"dataset.{name}", rule, n)
        if self.n_available is not None:
            tested = f", {self.n_test} to test" if self.n_test else ""
            asked = f"a request for {self.n_samples} and {self.n_validation} to validate{tested}"
            good = sum(self._sizes) <= self.n_available
            check(
                good,
                f"dataset {self.name}",
                f"cannot give more than its {self.n_available} samples",
                asked,
            )

    @abstractmethod
    def draw(
        self, rng: np.random.Generator, n_positive: int, n_negative: int
    ) -> tuple[Features, Features]:
        """Draw random samples of both classes without replacement.

        Parameters
        ----------
        rng : numpy.random.Generator
            Only source of randomness: the same state gives the same samples.
        n_positive, n_negative : int
            Samples to draw of each class, for all splits together.

        Returns
        -------
        positives, negatives : ndarray of float32, shapes (n_positive, d) and (n_negative, d)
            Features; d depends on the subclass's own settings alone.

        Raises
        ------
        InputError
            If a class has fewer samples; `sample_rows` raises it.
        """

    def class_sizes(self) -> Mapping[str, int] | None:
        """Return the sizes of both classes without loading them, so that plans can be checked.

        Returns
        -------
        mapping or None
            Name of each class, for messages -> number of its samples, the positives first; None
            where they are generated or not counted.
        """
        return None

    def check_drawable(self) -> None:
        """Check, without loading the samples, that the splits can be drawn.

        Raises
        ------
        InputError
            If a package that carries the samples is missing, a split would lack a class, or a class
            has too few samples.
        """
        for package in self.packages:
            check(is_installed(package), f"dataset {self.label}", missing(package))
        if self.min_class_count < 1:
            raise_input_error(
                f"dataset {self.label}",
                "must have a positive and a negative in each split",
                f"n_samples={self.n_samples}, validation={self.n_validation}, "
                f"test={self.n_test}, prevalence={self.prevalence}",
            )
        sizes = self.class_sizes()
        for (name, size), n in zip(sizes.items() if sizes else (), self.n_drawn, strict=False):
            rule = f"cannot give more than its {size} samples"
            asked = f"a request for {n} (n_samples={self.n_samples}, prevalence={self.prevalence})"
            check(n <= size, f"dataset {self.label}, {name}", rule, asked)

    @property
    def label(self) -> str:
        """Name in tables and messages: the variant, or else the data set."""
        return self.variant or self.name

    @property
    def available(self) -> bool:
        """True if the files are on this machine, so that nothing has to be downloaded."""
        return True

    @property
    def n_validation(self) -> int:
        """Size of the validation split."""
        return round(self.n_samples * self.validation_fraction)

    @property
    def n_test(self) -> int:
        """Size of the test split; 0 for none."""
        return round(self.n_samples * self.test_fraction)

    @property
    def _sizes(self) -> list[int]:
        """Sizes of the splits that exist."""
        return [self.n_samples, self.n_validation, *[self.n_test] * (self.n_test > 0)]

    def n_positive(self, n: int) -> int:
        """Return the number of positives among n samples, the nearest to the prevalence."""
        return round(n * self.prevalence)

    @property
    def n_drawn(self) -> tuple[int, int]:
        """Numbers of positives and negatives of all splits together."""
        n_positive = sum(map(self.n_positive, self._sizes))
        return n_positive, sum(self._sizes) - n_positive

    @property
    def min_class_count(self) -> int:
        """Size of the smallest class of the splits."""
        positives = {n: self.n_positive(n) for n in self._sizes}
        return min(min(p, n - p) for n, p in positives.items())

    def load(self, rng: np.random.Generator) -> Data:
        """Draw the splits in random order, standardised by the training split.

        Parameters
        ----------
        rng : numpy.random.Generator
            Only source of randomness: the same state gives the same data.

        Returns
        -------
        Data
            Splits with mean 0 and deviation 1 of each feature in the training split, whose mean
            and deviation the others are standardised by, too; a constant feature becomes 0 there.

        Raises
        ------
        InputError
            As `check_drawable`.
        """
        self.check_drawable()
        n_positive = [self.n_positive(n) for n in self._sizes]
        n_negative = [n - p for n, p in zip(self._sizes, n_positive, strict=True)]
        drawn = self.draw(rng, *self.n_drawn)
        of_classes = zip(drawn, (n_positive, n_negative), strict=True)
        parts = [np.split(rows, np.cumsum(sizes)[:-1]) for rows, sizes in of_classes]
        splits = [_mixed(rng, *part) for part in zip(*parts, strict=True)]
        mean = splits[0].x.mean(axis=0)
        deviation = splits[0].x.std(axis=0, mean=mean[None])
        scale = np.where(deviation > 0, deviation, 1)
        return Data(*(Split((s.x - mean) / scale, s.y) for s in splits))


def _mixed(rng: np.random.Generator, positives: Features, negatives: Features) -> Split:
    order = rng.permutation(len(positives) + len(negatives))
    y = np.repeat(np.array([[1], [0]], np.float32), (len(positives), len(negatives)), axis=0)
    # `take` copies rows in a third of the time of an index
    x = np.concatenate([positives, negatives]).take(order, axis=0)
    return Split(x.astype(np.float32, copy=False), y.take(order, axis=0))


def sample_rows(rng: np.random.Generator, pool: NDArray[Item], n: int, what: str) -> NDArray[Item]:
    """Sample different rows of the pool, for the `draw` of a data set.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    pool : ndarray, shape (n_rows, ...)
        Rows to sample from, or their indices.
    n : int
        Rows to sample.
    what : str
        Name of the pool in the message of an error.

    Returns
    -------
    ndarray, shape (n, ...)
        Rows in random order.

    Raises
    ------
    InputError
        If the pool has fewer than `n` rows.
    """
    rule = f"cannot give more than its {len(pool)} samples"
    check(len(pool) >= n, what, rule, f"a request for {n}")
    return pool.take(rng.choice(len(pool), n, replace=False), axis=0)
