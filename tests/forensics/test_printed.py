"""Printed values as numbers: how far training may have moved, and shares of errors not printed."""

import numpy as np
import pytest

from batchf1.forensics.printed import read


def rows(*rates):
    """Epochs whose precision and recall are both these, so that the harmonic mean is, too."""
    return [dict.fromkeys(("recall", "precision", "f1"), str(rate)) for rate in rates]


def test_a_mean_over_an_epoch_is_off_by_the_square_of_how_far_the_log_odds_move():
    """Log odds of 0.5 are 0, those of 0.75 log 3; the first epoch is assumed to move by 2."""
    accuracy = {"accuracy": "0.9"}
    epochs = [row | accuracy for row in rows(0.5, 0.75, 0.75, 0.5)]
    [(found, _)] = read(epochs, training=True)
    assert found.moved == pytest.approx(0.005 * np.array([2**2, np.log(3) ** 2, 0, np.log(3) ** 2]))
    [(found, _)] = read(epochs, training=False)
    assert not found.moved.any()


def test_rates_that_are_near_0_or_1_move_no_further():
    [(found, _)] = read([row | {"accuracy": "0.9"} for row in rows(0.001, 0.005, 0.01)], True)
    assert found.moved[1:] == pytest.approx([0, 0], abs=1e-15)
    [(found, _)] = read([row | {"accuracy": "0.9"} for row in rows(0.99, 0.995, 1.0)], True)
    assert found.moved[1:] == pytest.approx([0, 0], abs=1e-15)


def test_where_no_accuracy_is_printed_the_cells_of_the_errors_lie_side_by_side():
    """Cells go from 0.3 to 60 % of the samples, and each grows by one factor."""
    cells = read(rows(0.4, 0.5), training=False)
    assert all(len(epochs.errors) == 1 for epochs, _ in cells)  # the last epoch alone
    middle = np.concatenate([epochs.errors for epochs, _ in cells])
    half = np.concatenate([epochs.half_errors for epochs, _ in cells])
    assert (middle - half)[0] == pytest.approx(0.003)
    assert (middle + half)[-1] == pytest.approx(0.6)
    assert (middle + half)[:-1] == pytest.approx((middle - half)[1:])
    assert np.diff(np.log(half)) == pytest.approx(np.diff(np.log(half))[0])
    assert [width for _, width in cells] == pytest.approx(np.log(2 * half))
