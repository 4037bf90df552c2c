"""docs/strategies.md: the table of strategies, beside the measured costs."""

import pytest

from helpers.figure_of_decisions import LINES, first, read, rows
from helpers.tables_of_costs import grown_bytes, smallest_cells

ROWS = {
    "batch_mean": "`batch_mean` (`BatchMean`) | F1 function in `metrics` (the naive one) | "
    "wrong | wrong",
    "reconstructed": "`reconstructed` (`Reconstructed`) | log three counts, rebuild F1 in a "
    "callback (the article's C5) | exact | exact",
    "streaming": "`streaming` (`Streaming`) | stateful metric that keeps its own counts | "
    "exact | exact",
    "epoch_end": "`epoch_end` (`EpochEnd`), data set | predict at the end of the epoch, count | "
    "F1 of the final weights, another quantity | exact",
    "epoch_end_arrays": "`epoch_end`, arrays | predict, scikit-learn's F1 (C4) | as above | exact",
}


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs/strategies.md").read_text()


def time(cell):
    """The ratio of an epoch's time, with its range where several processes measured it."""
    low, high = (f"{cell[f'epoch_ratio_{end}']:.2f}" for end in ("min", "max"))
    return f"x {cell['epoch_ratio']:.2f}" + (f" ({low} to {high})" if low != high else "")


@pytest.mark.parametrize("name", ROWS)
def test_each_strategy_has_its_costs(repository, page, name):
    measured = smallest_cells(repository / "figures").loc[name]
    grown = grown_bytes(repository / "figures")[name]  # a row, so MB a million rows
    memory = f"{grown:.0f} MB" if grown > 10 else f"{grown:.1f} MB"
    passes = "yes" if measured["extra_passes"] else "no"
    assert f"| {ROWS[name]} | {passes} | {memory} | {time(measured)} |" in page


def test_the_noise_of_the_measurement(repository, page):
    none = smallest_cells(repository / "figures").loc["none"]
    assert f"No strategy divided by none gives {time(none)}" in " ".join(page.split())


def test_what_choosing_by_the_naive_one_costs(repository, page):
    zero = rows(read(repository / "figures"))
    worst = max(first(zero, line).regret for line in LINES.values())
    assert f"lowers test F1 by {worst:.2f} on average" in " ".join(page.split())
