"""Numbers of docs/scan.md, from the census of public repositories."""

from pathlib import Path

import pandas as pd
import yaml
from scipy.stats import binomtest

from templates.common import benchmark, claim, experiment, only, table_rows

FRAMEWORKS = ("Keras", "Lightning", "own loop", "fastai", "ignite")


def context(root: Path) -> dict[str, object]:
    """Read the counts of the census, and compute the shares of what was read by hand."""
    census = experiment(root, "census")
    table, checks = benchmark(root, "census"), benchmark(root, "census_checks")
    whole = {row["level"]: row for _, row in table[table["framework"] == "all"].iterrows()}
    listed = sum(len(one["repositories"]) for one in census["searches"])
    claim(whole["scanned"]["repositories"] == listed, "every repository was scanned")
    findings, files = (checks[checks["kind"] == kind] for kind in ("finding", "file"))
    false = findings[findings["verdict"] == "wrong"]
    claim(set(false["framework"]) == {"own loop"}, "wrong findings are all in loops")
    claim(false["checked"].sum() == 5 + 2 + 6, "5, 2 and 6 findings are wrong")
    return {
        "scanned": listed,
        "date": census["found"],
        "files": int(whole["read"]["files"]),
        "unparsed": int(whole["not parsed"]["files"]),
        "named": _integers(whole["named"]),
        "sure": _integers(whole["sure"]),
        "either": _integers(whole["sure or choice"]),
        "frameworks": table_rows([_framework(table, name) for name in FRAMEWORKS]),
        "flat": int(table.loc[table["rule"] == "BF105", "files"].sum()),
        "functions": int(table.loc[table["rule"] == "BF101", "occurrences"].sum()),
        "n_findings": findings["checked"].sum(),
        "n_files": files["checked"].sum(),
        "wrong": false["checked"].sum(),
        "missed": files.loc[files["verdict"] == "wrong", "checked"].sum(),
        "checks": table_rows([*_shares("findings", findings), *_shares("files without", files)]),
        **_evaluated(root),
        "unseen": _unseen(root),
    }


def _evaluated(root: Path) -> dict[str, object]:
    """Return the folds of the labelled repositories."""
    folds, files = benchmark(root, "scan_eval"), benchmark(root, "scan_labels/files")
    places = folds[folds["unit"] == "occurrence"]
    claim((places[["precision", "recall"]] == 1).all(axis=None), "none was missed")
    cells = {
        (row["unit"], row["fold"]): ", ".join(str(row[key]) for key in ("tp", "fp", "fn"))
        for _, row in folds.iterrows()
    }
    rows = [[str(k), cells["occurrence", k], cells["file", k]] for k in places["fold"]]
    shares = ("precision", "recall")
    return {
        "folds": table_rows(rows),
        "least": {key: f"{places[key].min():.3f}" for key in shares},
        "mean": {key: f"{places[key].mean():.3f}" for key in shares},
        "evaluated": {
            "files": len(files),
            "repositories": files["repo"].nunique(),
            "mistakes": int(places[["tp", "fn"]].sum().sum()),
        },
    }


def _unseen(root: Path) -> dict[str, object]:
    """Return the shares of what was read in the repositories that were not seen before."""
    listed = yaml.safe_load((root / "benchmarks/scan_unseen.yaml").read_text(encoding="utf-8"))
    checks = benchmark(root, "scan_unseen")
    found: dict[str, object] = {
        "repositories": sum(len(one["repositories"]) for one in listed["searches"]),
        "choices": int(checks.loc[checks["level"] == "choice", "checked"].sum()),
    }
    for kind, name in (("finding", "findings"), ("file", "files")):
        rows = checks[checks["kind"] == kind]
        right, _, _, _, interval = _verdicts(rows)
        found |= {name: int(rows["checked"].sum()), f"right_{name}": right}
        found[f"{name}_interval"] = interval
    return found


def _integers(row: pd.Series) -> dict[str, object]:
    return {**row, **{key: int(row[key]) for key in ("files", "repositories")}}


def _framework(table: pd.DataFrame, name: str) -> list[str]:
    rows = {
        level: _integers(only(table, framework=name, rule="any", level=level))
        for level in ("read", "named", "sure", "choice", "sure or choice")
    }
    places = (
        f"{rows[level]['occurrences']:.0f}, {rows[level]['files']}, {rows[level]['repositories']}"
        for level in ("sure", "choice")
    )
    either, named = rows["sure or choice"]["repositories"], rows["named"]["repositories"]
    counts = (f"{rows[level]['files']:,}" for level in ("read", "named"))
    return [name, *counts, *places, f"{either} of {named}"]


def _shares(what: str, checks: pd.DataFrame) -> list[list[str]]:
    """Return a row of verdicts for all, then for each framework."""
    groups = [("all", checks), *checks.groupby("framework", sort=False)]
    return [[what, str(name), *_verdicts(rows)] for name, rows in groups]


def _verdicts(checks: pd.DataFrame) -> list[str]:
    counts = checks.groupby("verdict")["checked"].sum()
    right, wrong, unclear = (int(counts.get(one, 0)) for one in ("right", "wrong", "unclear"))
    share = binomtest(right, right + wrong)
    interval = share.proportion_ci(method="wilson")
    return [
        *map(str, (right, wrong, unclear)),
        f"{share.statistic:.2f}",
        f"{interval.low:.2f} to {interval.high:.2f}",
    ]
