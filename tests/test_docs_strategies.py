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


@pytest.mark.parametrize("name", ROWS)
def test_each_strategy_has_its_costs(repository, page, name):
    measured = smallest_cells(repository / "figures").loc[name]
    passes = "yes" if measured["extra_passes"] else "no"
    start = f"| {ROWS[name]} | {passes} | "
    assert start in page
    cells = page[page.index(start) + len(start) :].splitlines()[0].split("|")
    memory, time = (float(cell.split()[i]) for cell, i in zip(cells, (0, 1), strict=False))
    # bytes a row are MB a million rows; a slope below 0 is the noise of a few MB between processes
    grown = max(grown_bytes(repository / "figures")[name], 0)
    assert abs(memory - grown) < max(1, 0.3 * memory)
    assert time / 1.7 < measured["epoch_ratio"] < 1.7 * time  # timings, so never twice the same


def test_the_control_without_a_strategy(repository):
    table = pd.read_csv(repository / "figures/cost.csv")
    none = table[(table["row"] == "cell") & (table["strategy"] == "none")]
    assert none["epoch_ratio"].between(0.7, 1.4).all()  # beside none again


def test_what_choosing_by_the_naive_one_costs(repository, page):
    zero = rows(read(repository / "figures"))
    worst = max(first(zero, line).regret for line in LINES.values())
    assert f"lowers test F1 by {worst:.2f} on average" in " ".join(page.split())
