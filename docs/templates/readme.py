"""Numbers of README.md and README.ja.md, from the tables of `figures/` and `benchmarks/`."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import yaml

from templates.claims import shuffled_example
from templates.common import benchmark, claim, figure, only
from templates.discrepancy import differences
from templates.regret import CLASS_WEIGHT, LINES, SEARCH, THRESHOLD, first, read, rows
from templates.reproduce import context as of_the_studies
from templates.rule_of_thumb import OFF, few

REPOSITORY = Path(__file__).parents[2]


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
        "line": line,
        **_addresses(),
        "census": _census(root),
        **_sweep(root),
        **_decisions(root),
        **of_the_studies(root),
    }


def line(name: str, row: pd.Series) -> str:
    """Return a link to the line of a figure's CSV that holds a row of `common.figure`."""
    return f"figures/{name}.csv#L{int(str(row.name)) + 2}"  # after the line of names, from 1


def _addresses() -> dict[str, object]:
    """Return where repository and site are, once pyproject.toml says so, and how to cite."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cff = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    return {
        "repository": project["urls"].get("Repository", "THIS-REPOSITORY"),
        "site": project["urls"].get("Documentation", ""),
        "citation": {
            "title": cff["title"],
            "author": cff["authors"][0]["name"],
            "version": cff["version"],
            "year": cff["date-released"].year,
        },
    }


def _census(root: Path) -> dict[str, int]:
    """Return how many public repositories name a metric that is not additive, and average one."""
    whole = benchmark(root, "census").query("framework == 'all'").set_index("level")["repositories"]
    return {"named": int(whole["named"]), "found": int(whole["sure or choice"])}


def _sweep(root: Path) -> dict[str, object]:
    batch, size = figure(root, "error_vs_batch_size"), figure(root, "error_vs_dataset_size")
    worst = {name: part.loc[part["worst_error"].idxmax()] for name, part in _parts(batch)}
    streaming = worst["streaming"]["worst_error"]
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
        "rebuilt": worst["reconstructed"],
        "moved": worst["epoch_end"],
    }


def _parts(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each strategy and its rows."""
    for name, part in table.groupby("strategy"):
        yield str(name), part


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
