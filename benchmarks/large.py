"""The large study, killed once: `python benchmarks/large.py [SECONDS]` makes benchmarks/large.csv.

It is trained, collected and drawn by the workflow; after so many seconds everything is killed
(SIGKILL), and called again. Says what was kept, wall time, memory and bytes on disk.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from batchf1.records import tables
from batchf1.sweep.cells import all_runs, n_runs
from batchf1.sweep.grid import cells
from schemas import LARGE

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CORES = 2
COMMAND = ["snakemake", "--cores", str(CORES), "--config", f"shards={CORES}", "--", "large"]


def killed_after(seconds: float) -> None:
    """Start the study, and kill it with all its processes."""
    process = subprocess.Popen(COMMAND, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def kept(results: Path) -> int:
    """Return the number of runs in the cache."""
    files = sorted(results.glob("store/[!.]*.parquet"))
    return sum(len(tables.provenance_of(path)["runs"]) for path in files)


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files)


def peaks(pattern: str) -> int:
    """Return the largest peak memory, in MB, that Snakemake recorded for some jobs."""
    files = ROOT.glob(f"logs/{pattern}.tsv")
    return round(max(pd.read_csv(path, sep="\t")["max_rss"].max() for path in files))


def main(seconds: float) -> None:
    """Measure, and write the row."""
    results = ROOT / "results/large"
    for folder in (results, ROOT / "logs/large"):
        shutil.rmtree(folder, ignore_errors=True)
    killed_after(seconds)
    n_kept, began = kept(results), time.perf_counter()
    subprocess.run(COMMAND, cwd=ROOT, stderr=subprocess.DEVNULL, check=True)
    row = {
        "n_runs": n_runs(all_runs(cells(ROOT / "experiments/large.yaml"))),
        "cores": CORES,
        "killed_after_s": seconds,
        "kept_runs": n_kept,
        "seconds": round(seconds + time.perf_counter() - began),
        "shard_mb": peaks("large/shard-*"),
        "collect_mb": peaks("large/collect"),
        "table_mb": peaks("figures/calibration-table"),
        "store_files": len(list(results.glob("store/*.parquet"))),
        "store_bytes": size(results / "store"),
        "runs_bytes": size(results / "runs.parquet"),
    }
    tables.write_csv(tables.validate(pd.DataFrame([row]), LARGE, "large.csv"), HERE / "large.csv")
    print(pd.Series(row).to_string())  # noqa: T201


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 240.0)
