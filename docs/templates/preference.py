"""Numbers of the theory in docs/decisions.md: which of two classifiers the log prefers."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import norm

from batchf1.theory.precision_recall_plane import exchange_rate, logged_f1
from batchf1.theory.preference import compare
from templates.common import claim, table_rows

RARE = 1e-6
"""A prevalence at which a batch's positives are as good as a Poisson number."""
CLASSIFIERS = ((0.9, 0.9), (0.7, 0.7), (0.9, 0.5), (0.5, 0.9))
SKIP = float("nan")
SIZES = [8, 32, 128, 512]


def context() -> dict[str, object]:
    """Compute the tables, and check the approximations that the page states."""
    _check_example()
    _check_small_batches()
    _check_large_batches()
    return {
        "exchange_rates": table_rows(_exchange_rates()),
        "thresholds": table_rows(_thresholds()),
        "disagreements": table_rows(_disagreements()),
        "larger_batches": table_rows(_larger_batches()),
        "worst": _worst(),
        "perfect": (perfect := float(logged_f1(1, 1, 0.005, 32))),
        "enough": _enough(perfect),
        "factors": [_factor_of_empty(positives) for positives in (3, 10)],
    }


def _size(positives: float, prevalence: float = RARE) -> int:
    return round(positives / prevalence)


def _exchange_rates() -> Iterator[list[str]]:
    for positives in (0.1, 0.3, 1, 3, 10, 30):
        yield [f"{positives:g}", *_rates(RARE, _size(positives))]
    yield ["true F1", *_rates(RARE)]


def _rates(*where: float) -> list[str]:
    counted = [exchange_rate(*rates, *where) for rates in CLASSIFIERS]
    others = [exchange_rate(*CLASSIFIERS[0], *where, zero_division=z) for z in (1, SKIP)]
    return [f"{rate:.3g}" for rate in counted + others]


def _thresholds() -> Iterator[list[str]]:
    """Yield F1 lost by the threshold with the highest logged F1, for two normal laws of scores."""
    place = np.linspace(-1, 7, 8001)
    for distance in (2, 3):
        recall, alarms = norm.sf(place - distance), norm.sf(place)
        precision = 0.01 * recall / (0.01 * recall + 0.99 * alarms)
        true = 2 * precision * recall / (precision + recall)
        for positives in (0.1, 0.3, 1, 3, 10):
            row, best = [f"{distance}", f"{positives:g}"], int(true.argmax())
            row.append(f"{true[best]:.3f} ({precision[best]:.2f}, {recall[best]:.2f})")
            for undefined in (0, 1, SKIP):
                logged = logged_f1(precision, recall, 0.01, _size(positives, 0.01), undefined)
                taken = int(np.nanargmax(logged))
                lost = true[best] - true[taken]
                row.append(f"{lost:.3f} ({precision[taken]:.2f}, {recall[taken]:.2f})")
            yield row


def _furthest(prevalence: float, batch_size: int, undefined: float) -> tuple[float, float, float]:
    """Return the most true F1 that the log gives up between two classifiers, and which they are.

    At one F1 it logs least at precision 1, and most at recall 1.
    """
    recall, precision = np.linspace(0.001, 1, 2001), np.linspace(max(prevalence, 1e-4), 1, 20001)
    of_first = logged_f1(1, recall, prevalence, batch_size, undefined)
    of_second = logged_f1(precision, 1, prevalence, batch_size, undefined)
    equal = np.interp(of_first, of_second, precision)
    lost = 2 * recall / (1 + recall) - 2 * equal / (1 + equal)
    worst = int(lost.argmax())
    return lost[worst], recall[worst], equal[worst]


def _disagreements() -> Iterator[list[str]]:
    for positives in (0.01, 0.1, 0.3, 1, 3, 10, 30):
        lost = (_furthest(RARE, _size(positives), z)[0] for z in (0, SKIP))
        yield [f"{positives:g}", *(f"{f1:.3f}" for f1 in lost)]


def _worst() -> dict[str, float]:
    """Return the pair of classifiers that loses most where empty batches are left out."""
    cases = [(p, b) for b in (4, 5, 6) for p in (0.18, 0.2, 0.22)]
    (lost, recall, precision), prevalence, batch_size = max(
        (_furthest(p, b, SKIP), p, b) for p, b in cases
    )
    found = {"lost": lost, "recall": recall, "precision": precision}
    return found | {"prevalence": prevalence, "batch_size": batch_size}


def _larger_batches() -> Iterator[list[str]]:
    for prevalence in (0.005, 0.02):
        for undefined in (0, SKIP):
            logged = logged_f1(0.8, 0.8, prevalence, SIZES, undefined)
            rule = "left out" if np.isnan(undefined) else f"{undefined}"
            yield [f"{100 * prevalence:g} %", rule, *(f"{value:.3f}" for value in logged)]


def _enough(perfect: float) -> float:
    """Return the F1 that logs as much in batches of 512 as a perfect classifier in those of 32."""
    rate = np.linspace(0.005, 1, 1000)
    return float(rate[logged_f1(rate, rate, 0.005, 512) >= perfect].min())


def _factor_of_empty(positives: float) -> float:
    """Return by what empty batches counted as 0 multiply the exchange rate, as approximated."""
    where = (0.9, 0.9, RARE, _size(positives))
    factor = float(1 + 2 * positives * np.exp(-1.1 * positives))
    off = abs(exchange_rate(*where) / exchange_rate(*where, SKIP) - factor)
    claim(
        off < (0.02 if positives < 10 else 1e-4), "empty batches multiply by 1 + D e^-lambda", off
    )
    return factor


def _check_example() -> None:
    found = compare((0.9, 0.6), (0.3, 0.9), 0.01, 32)
    choices = (found.true_choice, found.logged_choice)
    claim(choices == (1, 2), "the log prefers the worse classifier of the example", choices)


def _check_small_batches() -> None:
    share = np.linspace(0.001, 1, 1000)  # of true positives among the relevant samples
    for relevant, most in ((0.5, 0.005), (1, 0.02)):
        found = exchange_rate(share, 1, share * relevant * RARE, _size(1))
        rule = 3 / (relevant * share) + (1 + share) / (2 * share) - 0.9
        off = np.abs(rule / found - 1).max()
        claim(
            off < most, f"within {most:.1%} where a batch expects {relevant} relevant samples", off
        )


def _check_large_batches() -> None:
    for rates in CLASSIFIERS:
        true = exchange_rate(*rates, RARE)
        for positives in (30, 100):
            bottom = positives * (1 + rates[1] / rates[0])
            rule = 1 + (true - 1) * (1 + 1 / bottom)
            off = abs(exchange_rate(*rates, RARE, _size(positives)) - rule) * bottom**2
            claim(off < 9, "left-out batches approach the true rate as D grows", off)
