"""docs/claims.md: its verdicts and logs are those of the tables."""

import re

import pandas as pd
import pytest

from batchf1.figures import discrepancy, original_log
from batchf1.forensics.answer import investigate
from batchf1.metrics.counts import Counts
from batchf1.theory.expectation import expect
from helpers.tables_of_costs import grown_bytes


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs/claims.md").read_text()


@pytest.fixture(scope="module")
def text(page):
    return " ".join(page.split())


def test_every_claim_has_a_verdict(text):
    for number in range(1, 11):
        assert re.search(rf"\| C{number} \|[^|]+\| (holds|fails|reproduced)", text), number


def test_what_the_claims_rest_on_is_there(repository, text):
    for stem in re.findall(r"`(figures/[a-z_]+)(?:\.csv)?`", text):
        assert (repository / f"{stem}.csv").exists(), stem


def forensics(log):
    """What the article's log tells, from its digits."""
    found = investigate(log.read_text()).candidates
    pairs = {(c.train.tp, c.train.errors) for c in found}
    sizes = sorted({c.batch_size for c in found}, key=[c.batch_size for c in found].index)
    assert len(pairs) == 1
    ((tp, errors),) = pairs
    return (
        f"only {tp} true positives and {errors} errors print the article's training F1, and that "
        f"854 batches of {sizes[0]} with {100 * found[0].train.prevalence:.1f} % positives fit best"
    )


def test_what_the_original_log_tells(repository, text):
    assert forensics(repository / "docs/article_log.txt") in text


def test_the_logs_are_those_of_the_tables(repository, page):
    for name in ("original_log", "original_log_fashion_mnist"):
        table = pd.read_csv(repository / f"figures/{name}.csv")
        for keras in (original_log.ARTICLE, "2.2.4"):
            for line in original_log.line(table, keras).splitlines():
                assert f"    {line}\n" in page, line


def compatible(folder, name):
    """How many of the article's numbers lie where one more run would, in the worse Keras."""
    table = pd.read_csv(folder / f"{name}.csv").query("keras != 'article'")
    table = table[table["seed"] == table["seed"].min()]
    return (table["compatible"].astype(str) == "True").groupby(table["keras"]).sum().min()


def test_how_many_of_the_articles_numbers_are_compatible(repository, text):
    for name in ("original_log", "original_log_fashion_mnist"):
        assert compatible(repository / "figures", name) == 8
    assert "the article's eight numbers all lie where one more run would (95 %)" in text


def verdicts(folder):
    """What the table of claims says of C1, C5, C7 and C8."""
    example = expect(Counts(61, 10, 19, 210), 100)
    yield (
        "no random cut: shuffled, the same 300 samples would log "
        f"{example.expected_f1:.3f}, give or take {example.sd:.3f}, where {example.true_f1:.3f} is "
        "true"
    )
    found = discrepancy.summary(pd.read_csv(folder / "discrepancy.csv"))
    found = found[(found["keras"] == "2.2.4") & (found["batch_size"] == 50)].set_index("cause")
    yield f"off by up to {found.loc['summed_counts', 'largest']:.1f} % in Keras 2.2.4"
    moving = found.loc[discrepancy.MOVING, "largest"]
    yield f"up to {moving:.0f} % in Keras 2.2.4, batches of 50"
    rest = found.drop(index=discrepancy.MOVING)["largest"].max()
    yield f"validation agrees to {rest:.1f} %"


def test_the_verdicts_are_those_of_the_tables(repository, text):
    for words in verdicts(repository / "figures"):
        assert words in text, words


def test_the_verdict_on_memory(repository, text):
    grown = grown_bytes(repository / "figures")
    assert max(grown[name] for name in ("reconstructed", "streaming", "epoch_end")) < 1
    assert grown["epoch_end_arrays"] > 300
    assert "it keeps less than a byte per row, where predicting arrays takes about 400" in text
