"""Every speed that docs/scaling.md states stands in a committed table of benchmarks/."""

import pandas as pd
import pytest

SENTENCES = (
    (
        "At {n:,} samples and batches of {size:,} a run takes {plain:.2g} s of plain Keras `fit`, "
        "{bare:.2g} s of a bare compiled loop without metrics, and {ours:.2g} s in an ensemble of "
        "32: {steps:.2g} s are its training steps, and {floor:.2g} s their multiplications alone."
    ),
    "A study of {n_runs:,} runs takes {seconds:.0f} s on {cores} cores, {a_run:.2g} s a run.",
    (
        "{n_runs:,} runs, 4 million rows, took {minutes:.0f} minutes on {cores} cores, from the "
        "call to the picture, killed (SIGKILL) after {killed_after_s:.0f} s, when {kept_runs:,} "
        "runs were kept, and called again. A shard took at most {shard_mb:,} MB of memory, "
        "collecting {collect_mb:,} MB, the table behind the picture {table_mb:,} MB. On disk the "
        "store has {store_files:,} files, {store_mb:.0f} MB, and the study's table "
        "{runs_mb:.0f} MB."
    ),
    (
        "The plain pipeline takes {seconds:.0f} s for {n_runs:,} runs, {a_run:.3g} s a run: "
        "{times:,g} times as long."
    ),
)


def of_the_engines(folder, n, size):
    table = pd.read_csv(folder / "engines.csv")
    rows = table[(table["n_samples"] == n) & (table["batch_size"] == size)]
    of = rows.set_index("engine")["later_s"]
    return SENTENCES[0].format(
        n=n,
        size=size,
        plain=of["plain"],
        bare=of["bare loop"],
        ours=of["ensemble"],
        steps=of["ensemble, steps alone"],
        floor=of["multiplications"],
    )


def of_the_pipelines(folder):
    """This project's studies, and the plain pipeline's largest beside its last."""
    table = pd.read_csv(folder / "pipelines.csv")
    table["a_run"] = table["seconds"] / table["n_runs"]
    ours = table[table["pipeline"] == "this project"].sort_values("n_runs").to_dict("records")
    plain = table[table["pipeline"] == "plain pipeline"].sort_values("n_runs").to_dict("records")
    yield from (SENTENCES[1].format(**row) for row in ours)
    times = float(f"{plain[-1]['a_run'] / ours[-1]['a_run']:.2g}")
    yield SENTENCES[3].format(**plain[-1], times=times)


@pytest.fixture
def docs(repository):
    return " ".join((repository / "docs/scaling.md").read_text().split())


@pytest.mark.parametrize("size", [8, 1024])
def test_the_speeds_of_the_engines(repository, docs, size):
    assert of_the_engines(repository / "benchmarks", 44_000, size) in docs


def test_the_speeds_of_the_pipelines(repository, docs):
    for sentence in of_the_pipelines(repository / "benchmarks"):
        assert sentence in docs


def of_the_large_study(folder):
    (row,) = pd.read_csv(folder / "large.csv").to_dict("records")
    megabytes = {f"{name}_mb": row[f"{name}_bytes"] / 1e6 for name in ("store", "runs")}
    return SENTENCES[2].format(**row, **megabytes, minutes=row["seconds"] / 60)


def test_the_large_study(repository, docs):
    assert of_the_large_study(repository / "benchmarks") in docs
