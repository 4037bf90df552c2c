"""Numbers of README.md and README.ja.md, from the tables of `figures/` and `benchmarks/`."""

from pathlib import Path

import pandas as pd

from templates.claims import shuffled_example
from templates.common import benchmark, claim, figure, only
from templates.discrepancy import differences
from templates.regret import CLASS_WEIGHT, LINES, SEARCH, THRESHOLD, first, read, rows
from templates.reproduce import context as of_the_studies
from templates.rule_of_thumb import OFF, few

SPLITS = ("train", "validation")


def context(root: Path) -> dict[str, object]:
    """Compute the numbers of the findings, and check what they conclude."""
    without = (1 - 0.02) ** 32
    claim(0.45 < without < 0.55, "half of all batches of 32 hold no positive", without)
    atlas = figure(root, "atlas").groupby("metric")["verdict"].first()
    calibration = figure(root, "calibration")
    return {
        "few": few(),
        "off": OFF,
        "n_metrics": len(atlas),
        "n_safe": (atlas == "safe").sum(),
        "calibration": calibration[calibration["batch_size"].isna()].iloc[0],
        "shuffled": shuffled_example(),
        "rest": differences(root)["rest"],
        "census": _census(root),
        **_sweep(root),
        **_decisions(root),
        **of_the_studies(root),
    }


def _census(root: Path) -> dict[str, int]:
    """Return how many public repositories name a metric that is not additive, and average one."""
    whole = benchmark(root, "census").query("framework == 'all'").set_index("level")["repositories"]
    return {"named": int(whole["named"]), "found": int(whole["sure or choice"])}


def _sweep(root: Path) -> dict[str, object]:
    batch, size = figure(root, "error_vs_batch_size"), figure(root, "error_vs_dataset_size")
    worst = batch.groupby(["split", "strategy"])["worst_error"].max()
    streaming = max(worst[split, "streaming"] for split in SPLITS)
    claim(streaming == 0, "the streaming metric is off by nothing", streaming)
    small, large = (_naive(size, batch_size=8, n_samples=n) for n in (1000, 44000))
    claim(abs(small["error"]) < abs(large["error"]), "more data does not help", large["error"])
    rise, moved = (large[name] - small[name] for name in ("true_f1", "f1"))
    claim(rise > 3 * abs(moved), "the true F1 rises and the logged one hardly moves", moved)
    return {
        "rare": _naive(batch, prevalence=0.02, batch_size=32),
        "rarer": _naive(batch, prevalence=0.005, batch_size=32),
        "even": _naive(batch, prevalence=0.5, batch_size=32),
        "small": small,
        "large": large,
        "rebuilt": max(worst[split, "reconstructed"] for split in SPLITS),
        "moved": worst["train", "epoch_end"],
    }


def _naive(table: pd.DataFrame, **where: float) -> pd.Series:
    return only(table, split="validation", strategy="batch_mean", **where)


def _decisions(root: Path) -> dict[str, object]:
    zero = rows(read(root))
    return {
        "search": first(zero, SEARCH),
        "threshold": first(zero, THRESHOLD),
        "weight": first(zero, CLASS_WEIGHT),
        "epoch": first(zero, LINES["epoch kept"]),
        "many": zero[zero["bin_low"] >= 3]["regret"].max(),
    }
