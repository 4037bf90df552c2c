"""The figure for lectures: a bar a batch, the mean and the truth, in two languages."""

import re

import numpy as np
import pandas as pd
import pytest

from batchf1.errors import InputError
from batchf1.figures import one_epoch, one_epoch_ja, style
from batchf1.metrics.counts import Counts
from batchf1.studies.simulated_epoch import SimulatedEpoch
from batchf1.theory.expectation import expect
from helpers import pictures

# two batches of 4: F1 1 and 0; together 2 / (2 + 1)
TWO = pd.DataFrame(
    {"batch": [1, 2], "tp": [1, 0], "fp": [0, 1], "fn": 0, "tn": [3, 3], "f1": [1, 0]}
)
COUNTS = {"tp": 34, "fp": 8, "fn": 7, "tn": 1999}


def test_the_batches_hold_all_samples_of_the_epoch():
    epoch = SimulatedEpoch("q", COUNTS, 32, 20)
    batches = epoch.batches()
    assert (batches.n == 32).all()
    assert {name: part.sum() for name, part in batches._asdict().items()} == COUNTS
    again, other = (SimulatedEpoch("q", COUNTS, 32, seed).batches() for seed in (20, 21))
    assert (again.tp == batches.tp).all()
    assert (other.tp != batches.tp).any()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"batch_size": 30}, "batch_size must divide the 2048 samples; got 30"),
        ({"batch_size": 0}, "batch_size must divide"),
        ({"seed": -1}, "seed must be at least 0; got -1"),
        ({"counts": {"tp": 1}}, r"counts\[0\] must have"),
    ],
)
def test_an_epoch_that_cannot_be_is_refused(change, said):
    with pytest.raises(InputError, match=said):
        SimulatedEpoch(**{"question": "q", "counts": COUNTS, "batch_size": 32, "seed": 1} | change)


@pytest.mark.parametrize("module", [one_epoch, one_epoch_ja])
def test_what_is_drawn(module):
    figure, (headline, caption) = pictures.laid_out(module.draw, TWO)
    (ax,) = figure.axes
    assert [bar.get_height() for bar in ax.patches] == [one_epoch.STUB, 1]
    assert [line.get_ydata()[0] for line in ax.lines] == pytest.approx([0.5, 2 / 3])
    said = " ".join(text.get_text() for text in ax.texts)
    assert re.findall(r"0\.\d+", headline + said).count("0.50") == 2
    assert "0.67" in headline
    assert "4" in caption


def test_the_committed_epoch_logs_what_is_expected(repository):
    table = pd.read_csv(repository / "figures/one_epoch.csv")
    total = Counts(*(int(table[cell].sum()) for cell in Counts._fields))
    expected = expect(total, 32)
    assert f"{table['f1'].mean():.2f}" == f"{expected.expected_f1:.2f}" == "0.39"
    assert f"{expected.true_f1:.2f}" == "0.82"
    pd.testing.assert_frame_equal(table, pd.read_csv(repository / "figures/one_epoch_ja.csv"))
    np.testing.assert_array_equal(
        table, one_epoch.table(repository / "experiments/one_epoch.yaml").to_numpy()
    )


def test_without_the_font_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(one_epoch_ja, "FONT", "no_such_package")
    with style.apply_style(), pytest.raises(InputError, match="needs matplotlib-fontja: pip"):
        one_epoch_ja.draw(TWO)


def test_no_batches_are_nothing_to_show():
    assert pictures.laid_out(one_epoch.draw, TWO.head(0))[1][0] == "Nothing to show"
