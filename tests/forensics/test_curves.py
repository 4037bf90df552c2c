"""The limit for large data, interpolated, against the limit itself."""

import numpy as np
import pytest

from batchf1.forensics.curves import limit_curves
from batchf1.theory.limits import large_data


@pytest.mark.parametrize("true_f1", [0.05, 0.7, 0.9975, 1.0])
def test_curves_are_the_limit_for_large_data(true_f1):
    sizes = [1, 2, 7, 32, 100, 300, 5000]
    curves = limit_curves(true_f1, sizes)
    for size in sizes:
        most = size * true_f1 / (2 - true_f1)  # every sample relevant
        for density in most * np.array([1e-3, 0.03, 0.2, 0.6, 0.95]):
            prevalence = density / true_f1 / size
            limit = large_data(prevalence, true_f1, true_f1, size)
            expected, sd = curves[size].at(density)
            assert expected == pytest.approx(limit.expected_f1, abs=1e-4, rel=1e-4)
            assert sd == pytest.approx(limit.sd_batch, abs=2e-4)
            if density < 2:  # further on the curve is flat
                assert curves[size].where(limit.expected_f1) == pytest.approx(density, rel=0.01)
