"""One run with one strategy in plain Keras: fit.py EXPERIMENT RUN_ID STRATEGY OUTPUT."""

import json
import sys
from pathlib import Path

import keras

from batchf1.config import registry
from batchf1.config.seeds import generator
from batchf1.sweep.grid import runs

experiment, run_id, name, output = sys.argv[1:]
run = next(run for run in runs(experiment) if run.run_id == run_id)
data = run.dataset.load(generator(*run.names, "data"))
strategy = registry.strategy(name)(run.training.threshold)

hidden = [keras.layers.Dense(units, activation="relu") for units in run.model.hidden]
inputs = keras.Input((data.train.x.shape[1],))
model = keras.Sequential([inputs, *hidden, keras.layers.Dense(1, activation="sigmoid")])
model.compile(
    keras.optimizers.Adam(run.model.learning_rate),
    "binary_crossentropy",
    metrics=strategy.metrics(),
)
history = model.fit(
    data.train.x,
    data.train.y,
    batch_size=run.training.batch_size,
    epochs=run.training.epochs,
    validation_data=tuple(data.validation),
    callbacks=strategy.callbacks(tuple(data.train), tuple(data.validation)),
    verbose=2,
).history
Path(output).write_text(json.dumps({key: list(map(float, v)) for key, v in history.items()}))
