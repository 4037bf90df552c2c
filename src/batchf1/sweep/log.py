"""Lines about the progress of some work, printed to standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

LOG_SECONDS = 10
"""Seconds between two lines."""


class Progress:
    """Progress of some work, logged to standard error every few seconds."""

    def __init__(
        self, name: str, costs: Sequence[float], sizes: Sequence[int] | None = None
    ) -> None:
        """Start the clock; `costs`: expected ones of the steps, in any unit, in order.

        `sizes`: what each counts for in the line, by default 1.
        """
        self.name, self.costs, self.n_done = name, costs, 0
        self.sizes = sizes or [1] * len(costs)
        self.done, self.left = 0, sum(self.sizes)
        self.began = self.last_logged = time.monotonic()

    def advance(self, more: str = "") -> None:
        """Count one more step as done; `more` is appended to the line."""
        self.done += self.sizes[self.n_done]
        self.left -= self.sizes[self.n_done]
        self.n_done += 1
        now = time.monotonic()
        if now - self.last_logged > LOG_SECONDS or self.left == 0:
            spent = sum(self.costs[: self.n_done])
            # steps that are expected to cost nothing are no measure of the others
            to_go = (now - self.began) * sum(self.costs[self.n_done :]) / spent if spent else 0.0
            self.last_logged = now
            left = f"{self.left} left, about {to_go:.0f} s to go"
            log(f"{self.name}: {self.done} done, {left}{more}")


def log(text: str) -> None:
    """Print a line to standard error."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201
