"""The public names: documented, with examples that run, and imported only when asked for."""

import doctest
import importlib
import inspect
import subprocess
import sys

import pytest

import batchf1
import batchf1.keras
import batchf1.torch
from batchf1.errors import InputError

NAMES = [(batchf1, name) for name in batchf1.__all__]
NAMES += [(batchf1.keras, name) for name in batchf1.keras.__all__]
NAMES += [(batchf1.torch, "Recorder")]  # the other one where Lightning is: tests/torch_loop
DOCUMENTED = [(place, name) for place, name in NAMES if name != "F1"]  # a value, not a function


@pytest.mark.parametrize(("place", "name"), DOCUMENTED)
def test_a_public_name_has_a_docstring_with_an_example_that_runs(place, name):
    thing = getattr(place, name)
    globs = vars(importlib.import_module(thing.__module__)).copy()
    tests = doctest.DocTestFinder(recurse=False).find(thing, name, globs=globs)
    assert sum(len(test.examples) for test in tests) >= 1, inspect.getdoc(thing)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in tests:
        runner.run(test)
    assert runner.summarize().failed == 0


def test_names_are_listed_and_others_are_refused():
    assert set(batchf1.__all__) <= set(dir(batchf1))
    assert batchf1.__all__ == sorted(batchf1.__all__, key=lambda name: (not name.isupper(), name))
    with pytest.raises(AttributeError, match="module 'batchf1' has no attribute 'nope'"):
        _ = batchf1.nope


@pytest.mark.slow
def test_subpackages_come_when_they_are_asked_for():
    program = (
        "import sys, batchf1\n"
        "assert not {'keras', 'tensorflow', 'torch', 'scipy'} & set(sys.modules)\n"
        "assert {'keras', 'torch'} <= set(dir(batchf1))\n"
        "assert batchf1.torch.Recorder.__name__ == 'Recorder'\n"
        "assert 'keras' not in sys.modules\n"
        "assert batchf1.keras.Audit.__name__ == 'Audit'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_api_in_five_lines():
    from batchf1 import Counts, expect, f_beta
    from batchf1.keras import Reconstructed

    counts = Counts(tp=160, fp=40, fn=40, tn=9760)
    assert expect(counts, batch_size=32).error == pytest.approx(-0.4256, abs=1e-4)
    low, high = expect(counts, batch_size=32, metric=f_beta(2)).interval95
    assert 0 < low < high < 0.8
    s = Reconstructed(metric=f_beta(2))
    assert [len(s.metrics()), len(s.callbacks())] == [3, 1]
    assert batchf1.F1(counts) == 0.8
    assert batchf1.InputError is InputError
