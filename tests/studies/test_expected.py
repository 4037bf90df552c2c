"""Expected seconds of studies: what is said before they run, held against what was measured."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.errors import InputError
from batchf1.studies.cost.config import START, measurements
from batchf1.studies.expected import Work, elapsed, line, of_shards, of_study, seconds_of
from batchf1.studies.experiments import load, plan
from batchf1.sweep.sharding import assign_shards, training_cost
from helpers.training import run


@given(st.lists(st.integers(0, 50), max_size=6), st.integers(1, 3))
def test_elapsed_is_near_the_shortest_schedule(jobs, n_cores):
    schedules = itertools.product(range(n_cores), repeat=len(jobs))
    shortest = min(
        max(sum(np.multiply(jobs, np.equal(schedule, i))) for i in range(n_cores))
        for schedule in schedules
    )
    # Graham (1969): longest first is at most 4/3 - 1/(3m) of the shortest
    assert shortest <= elapsed(jobs, n_cores) <= (4 / 3 - 1 / (3 * n_cores)) * shortest + 1e-9


def test_the_line_of_a_study():
    work = Work(1200, [100.0, 60.0, 50.0])
    text = "study mine: 1,200 runs, about 110 s on 2 cores"
    assert line("mine", work, 2, 110, False) == text
    assert line("mine", work, 2, 109, False) == f"{text}; more than warn_after, 109 s"
    kept = "study mine: 1,200 runs, about 210 s on 1 core, less what results/mine/store has of them"
    assert line("mine", work, 1, 210, True) == kept


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30 min", 1800), ("1.5h", 5400), ("90 s", 90), (45, 45), ("0.5 h", 1800)],
)
def test_times(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["soon", "-3", "3 days", "", None, "1 2 s"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(InputError, match=r"^--config warn_after must be a time such as 90 s, 30 m"):
        seconds_of(text)


@pytest.fixture(scope="module")
def measured(repository):
    return pd.read_csv(repository / "benchmarks/jobs.csv")


@pytest.mark.slow
def test_studies_take_about_the_seconds_that_were_measured(measured, repository):
    shards = measured[measured["job"].str.startswith("shard-")]
    assert len(shards) == 9
    for study, rows in shards.groupby("study"):
        cells = plan(repository / f"experiments/{study}.yaml").cells
        parts = assign_shards(cells, len(rows))
        work = of_shards(parts)
        assert work.n_runs == rows["runs"].sum()
        ratio = elapsed(work.jobs, 2) / elapsed(list(rows["seconds"]), 2)
        assert 0.7 < ratio < 1.5, study


def test_the_large_study_takes_about_the_seconds_that_were_measured(repository):
    (large,) = pd.read_csv(repository / "benchmarks/large.csv").itertuples()
    parts = assign_shards(plan(repository / "experiments/large.yaml").cells, large.cores)
    work = of_shards(parts)
    assert work.n_runs == large.n_runs
    assert elapsed(work.jobs, large.cores) == pytest.approx(large.seconds, rel=0.1)


def test_other_jobs_take_about_the_processor_seconds_that_were_measured(measured, repository):
    jobs = measured[~measured["job"].str.startswith("shard-")]
    assert set(jobs["study"]) == {"atlas", "cuts", "flat_labels"}
    for job in jobs.itertuples():
        work = of_study(job.study, load(repository / f"experiments/{job.study}.yaml"))
        assert work.n_runs == job.runs
        assert work.jobs == [pytest.approx(job.cpu_seconds, rel=0.05)]


@pytest.mark.slow
def test_runs_take_about_the_seconds_that_were_measured_but_for_the_machine(repository):
    engines = pd.read_csv(repository / "benchmarks/engines.csv")
    rows = engines[engines["engine"].isin(["ensemble", "plain"])]
    assert len(rows) == 12
    ratios = []
    for row in rows.itertuples():
        settings = {"dataset__n_samples": row.n_samples, "training__batch_size": row.batch_size}
        settings |= {"training__epochs": row.epochs, "training__engine": row.engine}
        ratios.append(training_cost(run(**settings)) / row.later_s)
    machine = np.median(ratios)  # engines.csv and jobs.csv may be of two
    assert 0.4 < machine < 2.5
    assert all(0.6 < ratio / machine < 1.8 for ratio in ratios), ratios


def test_epochs_of_a_study_of_cost_take_about_the_seconds_that_were_measured(repository):
    rows = pd.read_csv(repository / "figures/cost.csv").query("row == 'cell'")
    cells = measurements("cost", load(repository / "experiments/cost.yaml"), ["cpu"])
    for cell in cells:
        named = (rows["strategy"] == cell.strategy) & (rows["engine"] == cell.engine)
        found = rows[named & (rows["n_samples"] == cell.n_samples)]
        epoch = (cell.seconds - START) / (2 * cell.epochs)
        assert 0.6 < epoch / found["epoch_seconds"].median() < 1.6, cell
