"""Numbers of docs/reproduce.md: how many networks each target trains, and how long it takes."""

from pathlib import Path

from batchf1.studies.segmentation.config import SegmentationStudy
from batchf1.sweep.grid import load_study
from templates.common import benchmark
from templates.networks import n_bundled, n_trained

NAMED = ("large", "decisions", "original_log_search", "original_log_epochs", "backends")
"""Studies that are made only by their name."""


def context(root: Path) -> dict[str, object]:
    """Count the runs of each study."""
    (large,) = benchmark(root, "large").to_dict("records")
    dice = load_study(root / "experiments/segmentation.yaml", SegmentationStudy)
    return {
        "n_bundled": n_bundled(root),
        "n": {name: n_trained(root, name) for name in NAMED} | {"segmentation": dice.n_runs},
        "minutes": large["seconds"] / 60,
    }
