"""The jobs of the last `make figures`: `python benchmarks/jobs.py` makes benchmarks/jobs.csv.

From Snakemake's benchmark files under logs/; on 2 cores, with nothing else running. The seconds
that a study is expected to take are held against them.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from batchf1.records import tables
from batchf1.studies.expected import MEASURED_WHOLE, of_shards, of_study
from batchf1.studies.experiments import experiments, plan
from batchf1.sweep.sharding import assign_shards

ROOT = Path(__file__).resolve().parents[1]


def rows() -> Iterator[dict[str, object]]:
    """Yield a row for each job whose benchmark file is there."""
    for name, study in experiments(ROOT / "experiments").items():
        paths = sorted((ROOT / f"logs/{name}").glob("shard-*.tsv"))
        if paths:
            cells = plan(ROOT / f"experiments/{name}.yaml").cells
            works = [of_shards([part]) for part in assign_shards(cells, len(paths))]
        elif isinstance(study, MEASURED_WHOLE):
            paths = sorted((ROOT / f"logs/{name}").glob(f"{name}.tsv"))
            works = [of_study(name, study)] * len(paths)
        for path, work in zip(paths, works if paths else [], strict=True):
            used = pd.read_csv(path, sep="\t").iloc[0]
            numbers = {"seconds": used["s"], "cpu_seconds": used["cpu_time"]}
            about = {"study": name, "job": path.stem, "runs": work.n_runs}
            yield about | numbers | {"peak_mb": round(used["max_rss"])}


if __name__ == "__main__":
    tables.write_csv(pd.DataFrame(rows()).round(1), ROOT / "benchmarks/jobs.csv")
