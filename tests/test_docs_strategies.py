"""docs/strategies.md: the table of strategies, beside the measured costs."""

import pandas as pd
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


def test_the_page_on_cost_has_the_same(repository):
    page = " ".join((repository / "docs/cost.md").read_text().split())
    cells = smallest_cells(repository / "figures")
    light = {n: f"{cells.loc[n, 'epoch_ratio']:.2f}" for n in ROWS if "end" not in n}
    assert (
        "`batch_mean` takes {batch_mean} times as long, `streaming` {streaming}, `reconstructed` "
        "{reconstructed}."
    ).format(**light) in page
    assert f"came out at {time(cells.loc['none']).removeprefix('x ')}" in page
    table = pd.read_csv(repository / "figures/cost.csv").query("row == 'cell'")
    blocks = table[table["n_rows"] > 1e7].set_index("strategy")["epoch_ratio"]
    low, high = blocks[list(light)].min(), blocks[list(light)].max()
    assert f"the three take {low:.2f} to {high:.2f} times as long" in page
    assert f"`epoch_end` on a data set {blocks['epoch_end']:.1f} times" in page


def test_the_control_without_a_strategy(repository):
    table = pd.read_csv(repository / "figures/cost.csv")
    none = table[(table["row"] == "cell") & (table["strategy"] == "none")]
    assert none["epoch_ratio"].between(0.7, 1.4).all()  # beside none again


def test_what_choosing_by_the_naive_one_costs(repository, page):
    zero = rows(read(repository / "figures"))
    worst = max(first(zero, line).regret for line in LINES.values())
    assert f"lowers test F1 by {worst:.2f} on average" in " ".join(page.split())
