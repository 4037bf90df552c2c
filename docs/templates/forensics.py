"""What docs/forensics.md quotes of the code, and the log of Keras 2.2.4 that it shows."""

import math
from pathlib import Path

from batchf1.forensics.log import PRINTERS, Printer
from batchf1.forensics.sizes import SIZES, rarity
from templates.article import found_in_log
from templates.common import benchmark, claim

LOG = "tests/helpers/keras224_fit.txt"
"""What Keras 2.2.4 printed."""
EACH_ONCE = {"per_batch": "each once", None: "not told"}
UP_TO = 256
"""Every batch size up to this one is tried."""


def context(root: Path) -> dict[str, object]:
    """Read what the code tries, in its own order."""
    shown = (root / LOG).read_text(encoding="utf-8").replace("=" * 30, "=" * 5).splitlines()
    best = found_in_log(root).candidates[0]
    n = best.validation.n_samples
    claim(n == 7117, "the article's validation samples are 7,117", n)
    claim(set(range(1, UP_TO + 1)) <= set(SIZES), "every size up to 256 is tried")
    return {
        "log": [shown[0], *shown[-3:]],
        "printers": [_cells(printer) for printer in PRINTERS],
        "up_to": UP_TO,
        "n_larger": sum(size > UP_TO for size in SIZES),
        "largest": max(SIZES),
        "rarity": {size: rarity(size) for size in (32, 64, 50, 75, 48, 47)},
        "times_less_likely": math.exp((rarity(47) - rarity(32)) / 2),
        "n_validation": n,
        **_estimates(root),
    }


def _estimates(root: Path) -> dict[str, object]:
    """Return how often estimates of simulated logs were right, by group."""
    table = benchmark(root, "logs").set_index(["by", "group"], drop=False)
    whole, many = table.loc[("all", "all")], table.loc[("positives", "5 or more")]
    claim(0.93 <= whole["covered"] <= 0.98, "95 % intervals hold in 93 to 98 %", whole["covered"])
    claim(whole["bound_above"] <= 0.025, "the bound fails in 2.5 % at most", whole["bound_above"])
    claim(many["width_median"] < 0.05, "from five positives a batch on it is narrow", many)
    return {"estimates": table.to_dict("records"), "estimated": whole, "many_positives": many}


def _cells(printer: Printer) -> str:
    """Return which Keras printed a line, and how that averages."""
    return f"{printer.name} | {EACH_ONCE[printer.averaging]}"
