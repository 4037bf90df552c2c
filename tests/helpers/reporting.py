"""Training loops that report a metric: their data, their metrics, and what several of them do."""

import math

import numpy as np
from sklearn.metrics import f1_score, log_loss, matthews_corrcoef

from batchf1.auditing.recorder import Recorder

N, SIZE = 210, 32
RNG = np.random.default_rng(7)
Y = (RNG.random(N) < 0.2).astype(float)
Y[-(N % SIZE) :] = [0, 1] * (N % SIZE // 2)
P = np.clip((0.2 + np.arange(N) / 500) * Y + 0.6 * RNG.random(N), 0, 1)  # easier towards the end
Y_REAL = RNG.normal(size=N)
P_REAL = Y_REAL + RNG.normal(size=N)
KINDS = RNG.integers(0, 3, N)
GUESSES = np.where(RNG.random(N) < 0.6, KINDS, RNG.integers(0, 3, N))
MASKS = (RNG.random((N, 5, 5)) < RNG.random((N, 1, 1))).astype(float)
FOUND = np.where(RNG.random(MASKS.shape) < 0.8, MASKS, 0)
FEW = Y * (np.arange(N) >= SIZE)
"""Without a positive in the first batch."""
MACRO = f1_score(KINDS, GUESSES, average="macro")


def cut(y, p, size=SIZE):
    return [(y[i : i + size], p[i : i + size]) for i in range(0, len(y), size)]


def f1(y, p):
    return f1_score(y, p > 0.5, zero_division=0)


def mcc(y, p):
    return matthews_corrcoef(y, p > 0.5)


def perplexity(y, p):
    return math.exp(log_loss(y, p, labels=[0, 1]))


def by_inferred_size(metric, batches):
    return sum(len(y) * metric(y, p) for y, p in batches) / sum(len(y) for y, _ in batches)


def recorded(batches):
    recorder = Recorder()
    for batch in batches:
        recorder.record(*batch)
    return recorder
