"""Numbers of docs/reproduce.md: how many networks each target trains, and how long it takes."""

from pathlib import Path

from templates.common import benchmark
from templates.networks import n_bundled, n_trained

NAMED = ("large", "decisions", "original_log_search", "original_log_epochs", "backends")
"""Studies that are made only by their name."""


def context(root: Path) -> dict[str, object]:
    """Count the runs of each study."""
    (large,) = benchmark(root, "large").to_dict("records")
    return {
        "n_bundled": n_bundled(root),
        "n": {name: n_trained(root, name) for name in NAMED},
        "minutes": large["seconds"] / 60,
    }
