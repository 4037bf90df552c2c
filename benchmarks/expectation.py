"""Time of an expectation, single and vectorised: `python benchmarks/expectation.py [POOLS]`.

Pools like those of a sweep's passes: training sets and validation sets of a fifth, prevalences and
counts of any classifier. Both ways take turns in one process; their times are medians.
"""

import sys
from statistics import median
from time import perf_counter

import numpy as np

from batchf1.metrics.counts import Counts
from batchf1.theory.expectation import expect, expected_f1

BATCHES = (8, 32, 256, 1024)
SAMPLES = (1_000, 2_000, 5_000, 10_010, 20_000, 44_000)
TURNS = 3
SINGLE = 25


def pools(number: int, batch_size: int) -> Counts:
    """Return counts of `number` pools of at least a batch, the same at each call."""
    draw = np.random.default_rng(0)
    n = np.maximum(draw.choice(SAMPLES, number) // draw.choice([1, 5], number), batch_size)
    prevalence = np.exp(draw.uniform(np.log(0.005), np.log(0.5), number))
    positives = np.maximum(np.rint(n * prevalence), 1).astype(int)
    tp = np.rint(positives * draw.uniform(0.2, 1, number)).astype(int)
    precision = draw.uniform(0.3, 1, number)
    fp = np.minimum(np.rint(tp * (1 / precision - 1)).astype(int), n - positives)
    return Counts(tp, fp, positives - tp, n - positives - fp)


def main(number: int) -> None:
    """Measure and print microseconds per pool."""
    for find in (expect, expected_f1):
        for batch_size in BATCHES:
            many = pools(number, batch_size)
            few = [Counts(*map(int, cells)) for cells in zip(*many, strict=True)][:SINGLE]
            times: list[tuple[float, float]] = []
            for _ in range(TURNS):
                start = perf_counter()
                for counts in few:
                    find(counts, batch_size)
                middle = perf_counter()
                find(many, batch_size)
                times.append(((middle - start) / len(few), (perf_counter() - middle) / number))
            one, all_ = (1e6 * median(column) for column in zip(*times, strict=True))
            said = f"{one:.0f} us one by one, {all_:.1f} in one call, ratio {one / all_:.1f}"
            print(f"{find.__name__} of a pool in batches of {batch_size}: {said}")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
