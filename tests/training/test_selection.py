"""What a program takes, against the callbacks of Keras themselves, driven by hand."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.errors import InputError
from batchf1.training.selection import best, checkpoint, early_stopping

LEVELS = st.sampled_from([0.0, 0.25, 0.5, 0.5 + 1e-9, 1.0, float("nan")])
SEQUENCES = st.lists(LEVELS | st.floats(0, 1), min_size=1, max_size=14)
MODES = st.sampled_from(["max", "min"])


class Weights:
    """As much of a model as the callbacks ask for: its weights are the epoch."""

    def __init__(self):
        self.epoch, self.kept, self.stop_training = -1, -1, False

    def get_weights(self):
        return self.epoch

    def set_weights(self, epoch):
        self.epoch = epoch

    def save(self, *_, **__):
        self.kept = self.epoch


def trained(callback, values):
    """A model after training with the callback, which sees these values."""
    model = Weights()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.epoch = epoch
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"val_f1": value})
        if model.stop_training:
            break
    callback.on_train_end()
    return model


@given(SEQUENCES, MODES)
def test_the_checkpoint_is_that_of_keras(values, mode):
    path = "never_written.keras"
    callback = keras.callbacks.ModelCheckpoint(path, "val_f1", mode=mode, save_best_only=True)
    assert checkpoint(values, mode) == trained(callback, values).kept


@given(SEQUENCES, st.integers(0, 6), st.booleans(), MODES)
def test_early_stopping_is_that_of_keras(values, patience, restore, mode):
    callback = keras.callbacks.EarlyStopping(
        "val_f1", patience=patience, mode=mode, restore_best_weights=restore
    )
    found = early_stopping(values, patience, restore, mode)
    assert found == trained(callback, values).epoch


@given(st.lists(LEVELS, min_size=1, max_size=9), MODES)
def test_the_best_is_the_middle_of_the_tied(values, mode):
    known = [v for v in values if v == v]
    if not known:
        with pytest.raises(
            InputError, match=("^values must have at least one that is not NaN; got NaN")
        ):
            best(values, mode)
        return
    top = max(known) if mode == "max" else min(known)
    tied = [place for place, value in enumerate(values) if abs(value - top) < 1e-8]
    assert best(values, mode) == tied[(len(tied) - 1) // 2]


def test_rows_of_values_are_answered_row_by_row():
    values = np.random.default_rng(0).integers(0, 4, (3, 5, 8)) / 4
    for choose in (best, checkpoint, lambda v: early_stopping(v, 2, True)):
        alone = [[int(choose(row)) for row in rows] for rows in values]
        assert choose(values).tolist() == alone


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: best([]), r"values must have at least one value; got \(0,\)"),
        (lambda: checkpoint(0.5), r"values must have at least one value; got \(\)"),
        (lambda: checkpoint([0.5], "auto"), r"mode must be one of \('max', 'min'\); got auto"),
        (lambda: early_stopping([0.5], -1, True), "patience must be at least 0; got -1"),
    ],
)
def test_what_makes_no_sense_is_refused(ask, said):
    with pytest.raises(InputError, match=f"^{said}$"):
        ask()
