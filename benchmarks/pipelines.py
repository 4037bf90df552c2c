"""Time of a run in studies of the sub-grid: in this project's workflow, and in a plain pipeline.

Wall time from the call to the table, with start and compiling, and peak memory (of the process
tree, sampled); then the ratio of studies of equally many runs. A study has all cells of the
sub-grid and as many seeds as its runs need; the plain pipeline trains runs that are `spread` over
these.
"""

import argparse
import json
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
import yaml

from batchf1.errors import check
from batchf1.records import tables
from batchf1.sweep.grid import cells, runs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def timed(command: list[str], folder: Path) -> dict[str, float]:
    """Return wall and processor seconds, and peak memory in MB, proportional, of the tree."""
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


def part(experiment: Path, n_runs: int, folder: Path) -> Path:
    """Write the experiment with as many seeds per cell, from 0 on, as give that many runs."""
    settings = yaml.safe_load(experiment.read_text())
    settings["seeds"] = -(-n_runs // len(cells(experiment)))
    path = folder / experiment.name
    path.write_text(yaml.safe_dump(settings))
    return path


def spread(n: int, length: int) -> list[int]:
    """Return evenly spaced indices of a list of this length, with first and last if n is above 1.

    2 and 4 runs of the sub-grid's 8 cells thus have both data sizes, and 2 and all 4 prevalences.
    """
    check(1 <= n <= length, "runs", f"must be 1 to {length}", n)
    return [round(i * (length - 1) / max(n - 1, 1)) for i in range(n)]


def ours(experiment: Path, n_runs: int, folder: Path, cores: int) -> list[str]:
    """Return the command of this project's workflow, in a folder with this experiment only."""
    n_cells = len(cells(experiment))
    check(n_runs % n_cells == 0, "--ours", f"must be multiples of the {n_cells} cells", n_runs)
    (folder / "experiments").mkdir()
    part(experiment, n_runs, folder / "experiments")
    target = f"results/{experiment.stem}/runs.parquet"
    settings = ["--config", f"shards={cores}", "--directory", str(folder), target]
    return [*_snakemake(ROOT / "Snakefile", cores), *settings]


def plain(experiment: Path, n_runs: int, folder: Path, cores: int) -> list[str]:
    """Return the command of the plain pipeline."""
    study = part(experiment, n_runs, folder)
    every = runs(study)
    chosen = [every[i] for i in spread(n_runs, len(every))]
    settings = {"experiment": str(study), "strategies": list(chosen[0].strategies)}
    path = folder / "config.json"
    path.write_text(json.dumps(settings | {"runs": [run.run_id for run in chosen]}))
    workflow = _snakemake(HERE / "plain_pipeline/Snakefile", cores)
    return [*workflow, "--configfile", str(path), "--directory", str(folder)]


def _snakemake(snakefile: Path, cores: int) -> list[str]:
    call = [sys.executable, "-m", "snakemake", "--cores", str(cores)]
    return [*call, "--snakefile", str(snakefile)]


PIPELINES = {"this project": ours, "plain pipeline": plain}


def measure(name: str, experiment: Path, n_runs: int, cores: int) -> dict[str, object]:
    """Return a row: time and memory of a study of that many runs, in an empty folder."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        cost = timed(PIPELINES[name](experiment, n_runs, folder, cores), folder)
    a_run = float(f"{cost['seconds'] / n_runs:.4g}")
    return {"pipeline": name, "n_runs": n_runs, "cores": cores, **cost, "seconds_a_run": a_run}


def main() -> None:
    """Time growing studies of this project, then of the plain pipeline; write the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", type=Path, default=HERE / "subgrid.yaml")
    parser.add_argument("--ours", type=int, nargs="+", default=[8, 240, 2400], metavar="RUNS")
    parser.add_argument("--plain", type=int, nargs="+", default=[8], metavar="RUNS")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--output", type=Path, default=HERE / "pipelines.csv")
    parsed = parser.parse_args()
    rows = []
    for name, sizes in zip(PIPELINES, (parsed.ours, parsed.plain), strict=True):
        for n_runs in sizes:
            rows.append(measure(name, parsed.experiment, n_runs, parsed.cores))
            print(rows[-1], flush=True)  # noqa: T201
    table = pd.DataFrame(rows)
    tables.write_csv(table, parsed.output)
    print(compared(table))  # noqa: T201


def compared(table: pd.DataFrame) -> str:
    """Return a line for each number of runs of both pipelines: the plain one's time over ours."""
    both = table.pivot_table(index="n_runs", columns="pipeline").dropna()
    ratios = {
        name: both[name]["plain pipeline"] / both[name]["this project"]
        for name in ("seconds", "cpu_seconds")
    }
    return "\n".join(
        f"{n} runs, plain pipeline / this project: {ratios['seconds'][n]:.4g} in wall time, "
        f"{ratios['cpu_seconds'][n]:.4g} in processor time"
        for n in both.index
    )


if __name__ == "__main__":
    main()
