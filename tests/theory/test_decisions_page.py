"""Every number of the theory in docs/decisions.md comes out of the code."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from batchf1.theory.plane import exchange_rate, logged_f1
from batchf1.theory.preference import prefer

PAGE = Path(__file__).parents[2] / "docs" / "decisions.md"
RARE = 1e-6
"""A prevalence at which a batch's positives are as good as a Poisson number."""
CLASSIFIERS = ((0.9, 0.9), (0.7, 0.7), (0.9, 0.5), (0.5, 0.9))
SKIP = float("nan")


def size(positives, prevalence=RARE):
    return round(positives / prevalence)


def exchange_rates():
    for positives in (0.1, 0.3, 1, 3, 10, 30):
        yield [f"{positives:g}", *of_classifiers(RARE, size(positives))]
    yield ["true F1", *of_classifiers(RARE)]


def of_classifiers(*where):
    counted = [exchange_rate(*rates, *where) for rates in CLASSIFIERS]
    others = [exchange_rate(*CLASSIFIERS[0], *where, zero_division=z) for z in (1, SKIP)]
    return [f"{rate:.3g}" for rate in counted + others]


def thresholds():
    """F1 lost by the threshold with the highest logged F1, on two normal laws of scores."""
    place = np.linspace(-1, 7, 8001)
    for distance in (2, 3):
        recall, alarms = norm.sf(place - distance), norm.sf(place)
        precision = 0.01 * recall / (0.01 * recall + 0.99 * alarms)
        true = 2 * precision * recall / (precision + recall)
        for positives in (0.1, 0.3, 1, 3, 10):
            row, best = [f"{distance}", f"{positives:g}"], int(true.argmax())
            row.append(f"{true[best]:.3f} ({precision[best]:.2f}, {recall[best]:.2f})")
            for undefined in (0, 1, SKIP):
                logged = logged_f1(precision, recall, 0.01, size(positives, 0.01), undefined)
                taken = int(np.nanargmax(logged))
                lost = true[best] - true[taken]
                row.append(f"{lost:.3f} ({precision[taken]:.2f}, {recall[taken]:.2f})")
            yield row


def furthest(prevalence, batch_size, zero_division):
    """The most true F1 that the log ever gives up between two classifiers, and which they are.

    At one F1 it logs least at precision 1, and most at recall 1.
    """
    recall, precision = np.linspace(0.001, 1, 2001), np.linspace(max(prevalence, 1e-4), 1, 20001)
    of_first = logged_f1(1, recall, prevalence, batch_size, zero_division)
    of_second = logged_f1(precision, 1, prevalence, batch_size, zero_division)
    equal = np.interp(of_first, of_second, precision)
    lost = 2 * recall / (1 + recall) - 2 * equal / (1 + equal)
    worst = int(lost.argmax())
    return lost[worst], recall[worst], equal[worst]


def disagreements():
    for positives in (0.01, 0.1, 0.3, 1, 3, 10, 30):
        where = (RARE, size(positives))
        yield [f"{positives:g}", *(f"{furthest(*where, z)[0]:.3f}" for z in (0, SKIP))]


def larger_batches():
    for prevalence in (0.005, 0.02):
        for undefined in (0, SKIP):
            logged = logged_f1(0.8, 0.8, prevalence, [8, 32, 128, 512], undefined)
            rule = "left out" if np.isnan(undefined) else f"{undefined}"
            yield [f"{100 * prevalence:g} %", rule, *(f"{value:.3f}" for value in logged)]


TABLES = {
    "positives per batch | (.9, .9)": exchange_rates,
    "distance | positives per batch": thresholds,
    "positives per batch | counted 0": disagreements,
    "prevalence | empty batches": larger_batches,
}


def rows(heading):
    """Cells of the table of the page whose head begins so."""
    text = PAGE.read_text().split(f"| {heading}")[1]
    table = text.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in table]


@pytest.mark.parametrize("heading", TABLES)
def test_a_table_of_the_page(heading):
    assert rows(heading) == list(TABLES[heading]())


@pytest.fixture
def page():
    return " ".join(PAGE.read_text().split())


def test_how_far_choices_without_empty_batches_can_be_off(page):
    found = max((furthest(p, b, SKIP), p, b) for b in (4, 5, 6) for p in (0.18, 0.2, 0.22))
    (lost, recall, precision), prevalence, batch_size = found
    assert (
        f"The most that we found is {lost:.3f}, in batches of {batch_size} at a prevalence of "
        f"{prevalence:g}: precision 1 with recall {recall:.2f} is put behind precision "
        f"{precision:.2f} with recall 1."
    ) in page


def test_how_bad_a_classifier_in_large_batches_beats_a_perfect_one_in_small(page):
    rate = np.linspace(0.005, 1, 1000)
    perfect = float(logged_f1(1, 1, 0.005, 32))
    enough = rate[logged_f1(rate, rate, 0.005, 512) >= perfect].min()
    assert (
        f"At 0.5 % positives a perfect classifier validated in batches of 32 logs {perfect:.2f}, "
        f"and one of F1 {enough:.2f} validated in batches of 512 as much"
    ) in page


@pytest.mark.parametrize(("relevant", "off"), [(0.5, 0.005), (1, 0.02)])
def test_the_exchange_rate_of_small_batches(page, relevant, off):
    share = np.linspace(0.001, 1, 1000)  # of true positives among the relevant samples
    found = exchange_rate(share, 1, share * relevant * RARE, size(1))
    true = 2 * share / (1 + share)
    rule = 3 / (relevant * share) + 1 / true - 0.9
    assert np.abs(rule / found - 1).max() < off
    assert "within 0.5 % where a batch expects 0.5 relevant samples, 2 % where it expects 1" in page


def test_the_exchange_rate_of_large_batches(page):
    assert "1 + (2/F - 2)(1 + 1/D)" in page
    for rates in CLASSIFIERS:
        true = exchange_rate(*rates, RARE)
        for positives in (30, 100):
            bottom = positives * (1 + rates[1] / rates[0])
            rule = 1 + (true - 1) * (1 + 1 / bottom)
            assert abs(exchange_rate(*rates, RARE, size(positives)) - rule) < 9 / bottom**2


@pytest.mark.parametrize(("positives", "said", "off"), [(3, "1.2", 0.02), (10, "1.0003", 1e-4)])
def test_what_empty_batches_add(page, positives, said, off):
    where = (0.9, 0.9, RARE, size(positives))
    factor = 1 + 2 * positives * np.exp(-1.1 * positives)
    assert exchange_rate(*where) / exchange_rate(*where, SKIP) == pytest.approx(factor, abs=off)
    assert f"{factor:.{len(said) - 2}f}" == said
    assert f"by {said} at {positives}" in page


def test_the_choice_is_wrong_as_the_page_begins(page):
    found = prefer((0.9, 0.6), (0.3, 0.9), 0.01, 32)
    assert (found.true_choice, found.logged_choice) == (1, 2)
    asked = "--precision .9 --recall .6 --precision .3 --recall .9 --prevalence .01"
    assert f"batchf1 prefer {asked} --batch-size 32" in page
