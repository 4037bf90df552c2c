"""docs/upstream.md: the program prints what stands under it, and a fix as described is one."""

import re

import keras
import numpy as np
import pytest
from keras import losses
from keras.src.losses.loss import squeeze_or_expand_to_same_rank


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs/upstream.md").read_text()


@pytest.fixture(scope="module")
def program(page):
    printed = []
    names = {"print": lambda *parts: printed.append(" ".join(map(str, parts)))}
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], names)
    return names, printed


def test_it_prints_what_is_shown(page, program):
    names, _ = program
    shown = re.findall(r"^    (\(6.*)$", page, re.MULTILINE)
    assert len(shown) == 3
    assert numbers(shown) == pytest.approx(numbers(program[1]), rel=1e-6)
    assert list(names["labels"].shape) == [6]


def numbers(lines):
    return [float(part) for line in lines for part in re.findall(r"\d+(?:\.\d+)?", line)]


def test_the_places_are_those_of_the_installed_keras(page):
    places = {
        path.replace("/", "."): None for path in re.findall(r"`(keras/src/[\w/]+)\.py`", page)
    }
    assert len(places) == 5
    assert keras.metrics.MeanMetricWrapper.__module__ in places
    assert squeeze_or_expand_to_same_rank.__module__ in places
    assert any("LossFunctionWrapper" in base.__name__ for base in losses.MeanSquaredError.__mro__)


def test_the_fix_makes_both_the_same(program):
    f1, y, p = (program[0][name] for name in ("f1", "y", "p"))

    class Fixed(keras.metrics.MeanMetricWrapper):
        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(*squeeze_or_expand_to_same_rank(y_true, y_pred), sample_weight)

    values = []
    for labels in (y[:, None], y):
        metric = Fixed(f1)
        metric.update_state(keras.ops.convert_to_tensor(labels), keras.ops.convert_to_tensor(p))
        values.append(float(metric.result()))
    assert values == pytest.approx([2 / 3, 2 / 3])
    sparse = keras.ops.convert_to_tensor(np.zeros(4)), keras.ops.convert_to_tensor(np.zeros((4, 3)))
    assert [len(part.shape) for part in squeeze_or_expand_to_same_rank(*sparse)] == [1, 2]
