"""Rows of a study of cuts: one for each cut, classifier and prevalence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from batchf1.config.seeds import generator
from batchf1.datasets.diamond_halves import Half, halves
from batchf1.datasets.diamonds import Diamonds
from batchf1.metrics.counts import Counts, as_counts
from batchf1.studies.cuts.config import CutStudy, Folds, Groups
from batchf1.studies.cuts.rows import CLASSIFIERS, fitted, grouped_counts, row

Rows = Iterator[dict[str, object]]
FOLDS = {"plain folds": KFold, "stratified folds": StratifiedKFold}


def rows_of(study: CutStudy) -> pd.DataFrame:
    """Return the rows of groups, of folds and of the published folds; deterministic."""
    with threadpool_limits(1):  # the order of a sum depends on their number
        rows = [*_groups(study.groups), *_folds(study.folds), _published(study.published)]
    return pd.DataFrame(rows)


def _groups(groups: Groups) -> Rows:
    for above, classifier in product(groups.above, CLASSIFIERS):
        passes: dict[str, list[Counts]] = {}
        for seed in range(groups.seeds):
            rng = generator("cuts", "groups", seed)
            train, held_out = halves(above, rng)
            predicted = fitted(train.x, train.y, classifier)(held_out.x)
            for cut, group in _cuts(held_out, groups, rng):
                passes.setdefault(cut, []).append(grouped_counts(held_out.y, predicted, group))
        for cut, counts in passes.items():
            yield row(counts, family="groups", cut=cut, classifier=classifier, above=above)


def _cuts(half: Half, groups: Groups, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each cut with the batch index of every sample; ties are in random order."""
    batch = np.arange(len(half.y)) // groups.batch_size
    shuffled = rng.permutation(len(half.y))
    yield "shuffled", batch[shuffled]
    for name in groups.by:
        yield name, half.values(name)
    for name in groups.sorted_by:
        order = shuffled[np.argsort(half.values(name)[shuffled], kind="stable")]
        yield f"sorted by {name}", batch[np.argsort(order)]


def _folds(folds: Folds) -> Rows:
    for prevalence, classifier, cut in product(folds.prevalences, CLASSIFIERS, FOLDS):
        passes = []
        for seed in range(folds.seeds):
            x, y = _drawn(folds, prevalence, seed)
            splits = FOLDS[cut](folds.n_folds, shuffle=True, random_state=seed)
            passes.append(_validated(x, y, classifier, splits))
        yield row(passes, family="folds", cut=cut, classifier=classifier, above=folds.above)


def _drawn(folds: Folds, prevalence: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features and labels of a data set, in random order."""
    rng = generator("cuts", "folds", prevalence, seed)
    n = folds.n_samples
    diamonds = Diamonds(n, prevalence, validation_fraction=1 / n, cut=folds.above)
    n_positive = diamonds.n_positive(n)
    drawn = diamonds.draw(rng, n_positive, n - n_positive)
    y = np.repeat([1, 0], [len(part) for part in drawn])
    order = rng.permutation(n)
    return np.concatenate(drawn)[order].astype(np.float64), y[order]


def _validated(x: np.ndarray, y: np.ndarray, classifier: str, folds: KFold) -> Counts:
    """Return the counts of each fold, predicted by a model of the others."""
    predicted, fold = np.empty_like(y), np.empty_like(y)
    for i, (train, test) in enumerate(folds.split(x, y)):
        predicted[test], fold[test] = fitted(x[train], y[train], classifier)(x[test]), i
    return grouped_counts(y, predicted, fold)


def _published(folds: list[dict[str, int]]) -> dict[str, object]:
    cells = {cell: [fold[cell] for fold in folds] for cell in Counts._fields}
    counts = as_counts(**cells)
    return row([counts], family="published", cut="stratified folds", classifier="unknown")
