"""Descriptions of the tables of this folder that no figure shows."""

from batchf1.records.columns import Schema, count, number, share, text

LARGE = Schema(
    "The row is the large study, killed once and called again, by `benchmarks/large.py`.",
    {
        "n_runs": count("runs of the study", 1),
        "cores": count("cores that were used", 1),
        "killed_after_s": number("time after which everything was killed", 0, unit="s"),
        "kept_runs": count("runs that were in the cache then"),
        "seconds": count("wall time, start to end", 1, "s"),
        "shard_mb": count("peak memory of training a shard", 1, "MB"),
        "collect_mb": count("peak memory of merging the shards", 1, "MB"),
        "table_mb": count("peak memory of making the figure's table", 1, "MB"),
        "store_files": count("files in the cache", 1),
        "store_bytes": count("size of the cache", 1, "bytes"),
        "runs_bytes": count("size of `runs.parquet`", 1, "bytes"),
    },
)
PIPELINES = Schema(
    "A row is a study of so many runs, from start to table, from `benchmarks/pipelines.py`.",
    {
        "pipeline": text("what ran the study", ("plain pipeline", "this project")),
        "n_runs": count("runs of the study", 1),
        "cores": count("cores that were used", 1),
        "seconds": number("wall time", 0, unit="s"),
        "cpu_seconds": number("processor time", 0, unit="s"),
        "peak_mb": count("peak memory of all processes", 0, "MB"),
        "seconds_a_run": number("seconds divided by n_runs", 0, unit="s"),
    },
    key=("pipeline", "n_runs"),
)
RECORDER = Schema(
    "The row is what a recorder adds to `fit`, and its cost of many rows, by "
    "`benchmarks/recorder.py`.",
    {
        "batch_size": count("batch size", 1, "samples"),
        "batches": count("batches of an epoch", 1),
        "epochs": count("epochs", 1),
        "batch_s": number("a batch that is not recorded, median", 0, unit="s"),
        "ratio_median": number("time of recorded batches over others, median", 0),
        "ratio_low": number("lower end of its 95 % interval", 0),
        "ratio_high": number("upper end of its 95 % interval", 0),
        "check_s": number("a check after an epoch, median", 0, unit="s"),
        "rows": count("rows that are recorded in the second part", 1, "samples"),
        "record_rows_s": number("recording them", 0, unit="s"),
        "check_rows_s": number("checking them", 0, unit="s"),
        "kept_bytes_a_row": number("memory that the records keep, a row", 0, unit="bytes"),
        "check_bytes_a_row": number("memory that a check adds, a row", 0, unit="bytes"),
    },
)
SUMS = Schema(
    "A row is what a metric adds to training in batches of one size, by `benchmarks/sums.py`.",
    {
        "task": text("what is fitted", ("binary", "numbers", "pixels", "softmax")),
        "metric": text("metric"),
        "by": text("strategy, or metrics of Keras", ("streaming", "reconstructed", "keras")),
        "batch_size": count("batch size", 1, "samples"),
        "steps": count("training steps of a block", 1),
        "rounds": count("rounds, each a block with the metric and one without", 1),
        "step_ms": number("a step without a metric, median", 0, unit="ms"),
        "ratio_median": number("time of a block over one without a metric, median", 0),
        "ratio_low": number("lower end of its 95 % interval", 0),
        "ratio_high": number("upper end of its 95 % interval", 0),
    },
    key=("task", "metric", "by", "batch_size"),
)
JOBS = Schema(
    "A row is a job of a study, measured on 2 cores by `benchmarks/jobs.py`.",
    {
        "study": text("name of the study"),
        "job": text("shard of the study, or the step that measures it"),
        "runs": count("runs that it trains", missing="it trains no runs"),
        "seconds": number("wall time", 0, unit="s", missing="not measured"),
        "cpu_seconds": number("processor time", 0, unit="s", missing="not measured"),
        "peak_mb": number("peak memory", 0, unit="MB", missing="not measured"),
    },
    key=("study", "job"),
)
LOGS = Schema(
    "A row is a group of simulated logs whose true F1 is known, by `make benchmark-logs`.",
    {
        "by": text("what the logs are grouped by"),
        "group": text("group"),
        "logs": count("logs", 1),
        "answered": share("logs whose true F1 has an interval"),
        "covered": share("of these, intervals with the true F1"),
        "width_median": number("median width of the intervals", 0),
        "bound_above": share("logs whose lower bound is above the true F1"),
        "size_first": share("logs whose batch size is named first"),
        "seconds_median": number("median processor time of a log", 0, unit="s"),
    },
    key=("by", "group"),
)
GPU = Schema(
    "A row is a strategy's F1 in trainings on a GPU and on the CPU, by `make gpu-check`.",
    {
        "backend": text("backend of Keras", ("tensorflow", "jax", "torch")),
        "backend_version": text("its version"),
        "keras_version": text("version of Keras"),
        "batch_size": count("batch size of training and validation", 1, "samples"),
        "labels": text("shape of the labels: (n,) or (n, 1)", ("flat", "column")),
        "class_weight": number("weight of a positive in the loss", 0),
        "strategy": text("how the epoch's F1 is computed"),
        "n_logs": count("logs of two runs on the GPU that were held against their counts", 1),
        "worst_error": number(
            "largest difference of a log from its batches' counts, any device", 0
        ),
        "f1": share("F1 in the last validation of the second run"),
        "epoch_s": number("an epoch of it with validation and a prediction", 0, unit="s"),
        "f1_cpu": share("the same on the CPU"),
        "epoch_s_cpu": number("the same on the CPU", 0, unit="s"),
        "device": text("name of the GPU, as nvidia-smi says"),
        "driver": text("version of its driver, likewise"),
        "commit": text("commit of this repository"),
    },
    key=("backend", "batch_size", "labels", "class_weight", "strategy"),
)
CENSUS = Schema(
    "A row is a count of what the scan found in public repositories, by `make census`.",
    {
        "framework": text("framework that the files import; `own loop`: PyTorch"),
        "rule": text("rule of the scan (docs/scan.md), or `any`"),
        "level": text(
            "level of the findings, or which files are counted: all that were `scanned` or `read`, "
            "`not parsed`, or `named`, with the name of a metric that is not additive"
        ),
        "occurrences": count("findings", missing="files are counted"),
        "files": count("files", missing="repositories are counted"),
        "repositories": count("repositories with such a file", missing="files are counted"),
        "share_of_files": share("of the framework's `named` files", missing="no findings"),
        "share_of_repositories": share(
            "of the repositories with such a file", missing="no findings"
        ),
    },
    key=("framework", "rule", "level"),
)
_CHECKS = {
    "kind": text("finding, or file without a finding", ("finding", "file")),
    "framework": text("framework of the rule, or that the file imports"),
    "rule": text("rule of the scan", missing="a file"),
    "level": text("level of the finding", ("sure", "choice"), missing="a file"),
    "verdict": text("whether the scan is right about it", ("right", "wrong", "unclear")),
    "checked": count("places", 1),
}
_CHECKED = ("kind", "framework", "rule", "level", "verdict")
CENSUS_CHECKS = Schema(
    "A row is a number of places of the census that were read by hand.", _CHECKS, key=_CHECKED
)
SCAN_UNSEEN = Schema(
    "A row is a number of places that were read by hand, of `benchmarks/scan_unseen.yaml`.",
    _CHECKS,
    key=_CHECKED,
)
SCAN_EVAL = Schema(
    "A row is a fold of the repositories with labels, by `make scan-eval`.",
    {
        "unit": text("what is counted", ("occurrence", "file")),
        "fold": count("fold, by the hash of the repository's name"),
        "tp": count("mistakes that are found"),
        "fp": count("findings that are no mistake"),
        "fn": count("mistakes that are not found"),
        "precision": share("tp / (tp + fp)"),
        "recall": share("tp / (tp + fn)"),
    },
    key=("unit", "fold"),
)
SCAN_FILES = Schema(
    "A row is a public file with labels, which `make scan-eval` reads.",
    {
        "id": text("name of the file among the labels"),
        "repo": text("repository"),
        "commit": text("its commit"),
        "path": text("path in it"),
    },
    key=("id",),
)
SCAN_LABELS = Schema(
    "A row is a place in such a file, with what it is.",
    {
        "id": text("name of the file"),
        "framework": text("framework"),
        "kind": text("how the metric gets to the framework"),
        "label": text("what the place is", ("right", "wrong", "unclear")),
        "line": count("line of the code, cells joined; 0 of a file as a whole"),
        "symbol": text("code of the metric", missing="a line without a name"),
    },
)
