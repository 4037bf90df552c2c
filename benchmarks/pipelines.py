"""The sub-grid by this project's workflow and by the plain pipeline, side by side.

Prints wall time and peak memory (of the process tree, sampled) of each and their ratio.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pandas as pd
import psutil

from batchf1 import tables
from batchf1.config import runs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def timed(command: list[str], folder: Path) -> dict[str, float]:
    """Wall and processor seconds, and peak memory in MB (proportional, summed over the tree)."""
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    start, used = time.perf_counter(), _processor_seconds()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env=os.environ | {"PATH": tools}
        )
        peak = [0.0]
        watcher = threading.Thread(target=_watch, args=(process, peak))
        watcher.start()
        code = process.wait()
        watcher.join()
    seconds = time.perf_counter() - start
    if code:
        sys.exit((folder / "log").read_text()[-3000:])
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(_processor_seconds() - used, 1),
        "peak_mb": round(peak[0]),
    }


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(process: subprocess.Popen, peak: list[float]) -> None:
    while process.poll() is None:
        try:
            root = psutil.Process(process.pid)
            tree = [root, *root.children(recursive=True)]
            peak[0] = max(peak[0], sum(map(_megabytes, tree)))
        except psutil.Error:
            pass
        time.sleep(0.5)


def _megabytes(process: psutil.Process) -> float:
    try:
        memory = process.memory_full_info()
        return float(getattr(memory, "pss", memory.rss)) / 2**20
    except psutil.Error:
        return 0.0


def ours(experiment: Path, folder: Path, cores: int) -> list[str]:
    """The command of this project's workflow, in a folder with the experiment alone."""
    (folder / "experiments").mkdir()
    (folder / "experiments" / experiment.name).write_text(experiment.read_text())
    target = f"results/{experiment.stem}/runs.parquet"
    workflow = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    return [sys.executable, "-m", "snakemake", "--cores", str(cores), *workflow, target]


def plain(experiment: Path, folder: Path, cores: int) -> list[str]:
    """The command of the plain pipeline."""
    workflow = ["--snakefile", str(HERE / "plain_pipeline/Snakefile"), "--directory", str(folder)]
    settings = ["--config", f"experiment={experiment.resolve()}"]
    return [sys.executable, "-m", "snakemake", "--cores", str(cores), *workflow, *settings]


def main() -> None:
    """Time both and write their rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", type=Path, default=HERE / "subgrid.yaml")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--output", type=Path, default=HERE / "pipelines.csv")
    parsed = parser.parse_args()
    n_runs = len(runs(parsed.experiment))
    rows = []
    for name, command in (("this project", ours), ("plain pipeline", plain)):
        with tempfile.TemporaryDirectory() as folder:
            where = Path(folder)
            cost = timed(command(parsed.experiment, where, parsed.cores), where)
        rows.append({"pipeline": name, "n_runs": n_runs, "cores": parsed.cores} | cost)
        print(rows[-1], flush=True)  # noqa: T201
    table = pd.DataFrame(rows)
    for column in ("seconds", "cpu_seconds", "peak_mb"):
        table[f"{column}_ratio"] = (table[column] / table[column].iloc[0]).round(2)
    tables.write_csv(table, parsed.output)
    print(table.to_string(index=False))  # noqa: T201


if __name__ == "__main__":
    main()
