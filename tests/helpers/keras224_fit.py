"""What `fit` on arrays prints in Keras 2.2.4, and the counts behind it: FOLDER [METRIC ...].

On standard output one JSON object for each training: the log, and for each split its counts.
"""

import contextlib
import io
import json
import sys
from pathlib import Path

from batchf1.training.keras224 import software as keras224

keras224.activate(Path(sys.argv[1]))

import keras  # noqa: E402
import numpy as np  # noqa: E402
from sklearn.metrics import confusion_matrix, f1_score  # noqa: E402

from batchf1.training.keras224 import article  # noqa: E402


def f1(y_true, y_pred):
    """The article's metric under the name that its log has."""
    return article.f1_batch_mean(y_true, y_pred)


def draw(random, n):
    """8 features, two of which tell the positives, a tenth of all."""
    y = (random.random(n) < 0.1).astype(np.float32)
    x = random.normal(size=(n, 8)).astype(np.float32)
    x[:, :2] += 2.5 * y[:, None]
    return x, y


def train(seed, metrics):
    """A training of 3,000 samples, validated on 500, in batches of 32."""
    random = np.random.default_rng(seed)
    data = {"train": draw(random, 3000), "test": draw(random, 500)}
    np.random.seed(seed)  # noqa: NPY002  Keras 2.2.4 draws its first weights and order from it
    model = keras.models.Sequential()
    model.add(keras.layers.Dense(32, activation="relu", input_shape=(8,)))
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    model.compile(keras.optimizers.Adam(0.005), "binary_crossentropy", metrics=[*metrics, f1])
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        model.fit(*data["train"], batch_size=32, epochs=3, validation_data=data["test"])
    counts = {}
    for name, (x, y) in data.items():
        decided = model.predict(x).ravel() > 0.5
        tn, fp, fn, tp = confusion_matrix(y, decided).ravel().tolist()
        counts[name] = {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
        printed.write(f"f1score_{name} {f1_score(y, decided)}\n")
    return {"log": printed.getvalue(), **counts}


for number, names in enumerate(sys.argv[2:]):
    found = train(number, [name for name in names.split(",") if name])
    sys.stdout.write(json.dumps(found) + "\n")
