"""Memory at the end of an epoch on arrays, by cause: `python benchmarks/memory.py ROWS BATCH`.

Prints, in bytes a row, how far the peak of the process rises with the arrays, then with
`model.predict` in batches of BATCH, then with scikit-learn's F1.
"""

import sys

import keras
import numpy as np
from sklearn.metrics import f1_score

from batchf1.studies.cost.measure import peak_bytes
from batchf1.studies.cost.source import Source

n, batch_size = map(int, sys.argv[1:])
source = Source(n_features=10, prevalence=0.5)
layers = [keras.layers.Dense(64, activation="relu"), keras.layers.Dense(1, activation="sigmoid")]
model = keras.Sequential([keras.Input((10,)), *layers])
model.compile("adam", "binary_crossentropy")

x, y = source.arrays(1, 64, "train")
model.predict(x, verbose=0)
f1_score(y.ravel(), y.ravel())
peaks = [peak_bytes()]
x, y = source.arrays(n // batch_size, batch_size, "validation")
peaks.append(peak_bytes())
scores = model.predict(x, verbose=0, batch_size=batch_size)
peaks.append(peak_bytes())
f1_score(y.ravel(), (scores.ravel() > 0.5).astype(np.float32))
peaks.append(peak_bytes())
for name, rise in zip(("arrays", "predict", "scikit-learn"), np.diff(peaks), strict=True):
    print(f"{name}: {rise / len(x):.0f} bytes a row")  # noqa: T201
