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
import yaml

from batchf1.records import tables
from batchf1.study.grid import runs

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


def part(experiment: Path, seeds: int, folder: Path) -> Path:
    """The experiment with the first of its seeds only."""
    settings = yaml.safe_load(experiment.read_text())
    settings["grid"]["seed"] = settings["grid"]["seed"][:seeds]
    path = folder / experiment.name
    path.write_text(yaml.safe_dump(settings))
    return path


def main() -> None:
    """Time this project on growing parts of the sub-grid and both on the whole; write the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", type=Path, default=HERE / "subgrid.yaml")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--output", type=Path, default=HERE / "pipelines.csv")
    parsed = parser.parse_args()
    seeds = len(yaml.safe_load(parsed.experiment.read_text())["grid"]["seed"])
    cases = [
        *(("this project", ours, k + 1) for k in range(seeds)),
        ("plain pipeline", plain, seeds),
    ]
    rows = []
    for name, command, k in cases:
        with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
            experiment, where = part(parsed.experiment, k, Path(first)), Path(second)
            cost = timed(command(experiment, where, parsed.cores), where)
            n_runs = len(runs(experiment))
        rows.append({"pipeline": name, "n_runs": n_runs, "cores": parsed.cores} | cost)
        print(rows[-1], flush=True)  # noqa: T201
    table = pd.DataFrame(rows)
    tables.write_csv(table, parsed.output)
    slow, fast = rows[-1], rows[-2]
    ratios = {key: slow[key] / fast[key] for key in ("seconds", "cpu_seconds", "peak_mb")}
    print("plain pipeline / this project:", {k: round(v, 2) for k, v in ratios.items()})  # noqa: T201


if __name__ == "__main__":
    main()
