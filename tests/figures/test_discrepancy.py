"""docs/discrepancy.md and the README's verdicts on C6 to C8 say what the table says."""

import pandas as pd
import pytest

from batchf1.figures import discrepancy
from batchf1.forensics.answer import investigate
from batchf1.theory import last_batch


@pytest.fixture(scope="module")
def table(repository):
    return pd.read_csv(repository / "figures/discrepancy.csv")


@pytest.fixture(scope="module")
def page(repository):
    return " ".join((repository / "docs/discrepancy.md").read_text().split())


ORIGINAL = "2.2.4"
UNREPEATABLE = "within 5, no two runs alike"


def spread(low, high):
    """The smallest and largest difference in words, signed, in % of F1."""
    return "0" if max(-low, high) < 0.005 else f"{low:+.2f} to {high:+.2f}"


def rows(table):
    """The lines of the page's table."""
    found = discrepancy.summary(table)
    found["kind"] = found["keras"].where(found["keras"] == ORIGINAL, "3")
    keyed = found.set_index(["cause", "kind", "batch_size"])
    for cause, words in discrepancy.CAUSES.items():
        shown = " | ".join(
            UNREPEATABLE
            if kind == "3" and cause in discrepancy.UNREPEATABLE
            else spread(*keyed.loc[(cause, kind, size), ["low", "high"]])
            for kind in ("2.2.4", "3")
            for size in (50, 512)
        )
        yield f"| {words} | {shown} |"


def test_what_no_run_repeats_is_bounded_as_the_page_says(table):
    lost = table["cause"].isin(discrepancy.UNREPEATABLE) & (table["keras"] != ORIGINAL)
    assert set(table[lost]["bound"]) == {5}
    assert table[lost][["from_log", "points", "percent"]].isna().all(axis=None)
    assert table[~lost]["bound"].isna().all()


def test_the_pages_table(table, page):
    for line in rows(table):
        assert line in page, "\n".join(rows(table))


def article_counts(repository):
    best = investigate((repository / "docs/article_log.txt").read_text()).candidates[0]
    return best.validation.tp, best.validation.errors


def sentences(table, repository):
    """What the page concludes."""
    tp, errors = article_counts(repository)
    true = 2 * tp / (2 * tp + errors)

    def limit(batch_size, share):
        return 100 * last_batch.dropped(tp, errors, 7117, batch_size).quantile(share) / true

    yield (
        f"the 17 samples of the last batch move F1 by at most {limit(50, 0.95):.2f} % in 95 % of "
        f"all cuts, and by at most {limit(50, 0.999):.2f} % in 99.9 %"
    )
    needed = next(n for n in range(1, 3500) if limit(7117 - n, 0.95) >= 2)
    yield f"a last batch of {needed:,} of the 7,117 samples"
    found = discrepancy.summary(table).set_index(["cause", "keras", "batch_size"])
    moving = found.loc[(discrepancy.MOVING, "2.2.4", 50)]
    yield (
        "In batches of 50 the training log of Keras 2.2.4 differs by "
        f"{moving['mean_size']:.1f} % on average and by up to {moving['largest']:.1f} %"
    )
    others = table[
        (table["cause"] != discrepancy.MOVING)
        & (table["keras"] == ORIGINAL)
        & (table["batch_size"] == 50)
    ]
    yield f"no other cause makes more than {others['percent'].abs().max():.2f} % there"
    large = table[
        (table["cause"] != discrepancy.MOVING)
        & (table["keras"] == ORIGINAL)
        & (table["batch_size"] == 512)
    ]
    yield f"in batches of 512 up to {large['percent'].abs().max():.1f} %"


def test_the_pages_sentences(table, page, repository):
    for sentence in sentences(table, repository):
        assert sentence in page, sentence
