"""Use an installed package as a user would: `make release-check` does so in an empty environment.

The numbers are those of the README, and of the docstring of `audit`.
"""

import os
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import batchf1
from batchf1 import F1, Counts, audit, expect, f_beta

COUNTS = Counts(tp=160, fp=40, fn=40, tn=9760)
BATCHES = [([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1]), ([1, 0, 0, 0], [0.7, 0.1, 0.2, 0.3])]
EXTRAS = ("hydra", "keras", "pandas", "sklearn", "tensorflow")


def check() -> None:
    """Raise `AssertionError` where another package is found, or a number is wrong."""
    assert Path(batchf1.__file__).is_relative_to(sys.prefix), batchf1.__file__
    installed = [name for name in EXTRAS if find_spec(name)]
    assert not installed, f"not a light install: {installed}"
    expected = expect(COUNTS, batch_size=32)
    assert f"{expected.expected_f1:.6f}" == "0.374397", expected
    assert f"{expected.error:.6f}" == "-0.425603", expected
    low, high = expect(COUNTS, batch_size=32, metric=f_beta(2)).interval95
    assert 0.35 < low < high < 0.41, (low, high)
    audited = audit(F1, BATCHES, logged="0.75")
    assert audited.rule == "per_batch", audited


def main() -> None:
    """Compare the tag, where one is set, with the version, and check the package."""
    tag, installed = os.environ.get("TAG"), version("batchf1")
    assert tag in (None, "", f"v{installed}"), f"tag {tag} is not v{installed}"
    check()
    sys.stdout.write(f"batchf1 {installed} is installed and gives the README's numbers.\n")


if __name__ == "__main__":
    main()
