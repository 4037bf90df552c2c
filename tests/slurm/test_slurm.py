"""The miniature study through profiles/slurm, on a real SLURM of one node."""

import cluster
import pandas as pd
import pytest

from batchf1.records import tables
from batchf1.sweep import schema
from helpers.miniature import RUNS, STUDY, Copy

LACKING = cluster.lacking()
pytestmark = [pytest.mark.slurm]
if LACKING:
    pytestmark.append(pytest.mark.skip(reason=LACKING))  # not skipif, which says it once a test
OF_THIS_CLUSTER = (
    "--slurm-status-command=squeue",  # it keeps no accounts, which sacct would read
    "--slurm-init-seconds-before-status-checks=5",
)


@pytest.fixture(scope="module", autouse=True)
def slurm():
    try:
        with cluster.one_node():
            yield
    except cluster.RefusedError as why:
        pytest.fail(str(why), pytrace=False)


@pytest.fixture(scope="module")
def local(repository, tmp_path_factory):
    return trained(repository, tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def clustered(repository, tmp_path_factory, slurm):
    profile = ("--profile", "profiles/slurm", *OF_THIS_CLUSTER)
    return trained(repository, tmp_path_factory.mktemp("cluster"), *profile)


def trained(repository, folder, *arguments):
    """A copy of the repository after its workflow, and what Snakemake said."""
    copy = Copy(repository, folder)
    copy.write("experiments/mini.yaml", f"{STUDY}shards: 2\n")
    done = copy.snakemake(*arguments)
    assert done.returncode == 0, done.stdout
    return copy, done.stdout


def test_every_job_but_the_local_ones_went_through_slurm(clustered):
    copy, said = clustered
    submitted = said.count("has been submitted with SLURM jobid")
    assert submitted == len(list(copy.folder.rglob("logs/**/*.tsv"))) > 4
    assert cluster.states() == {"COMPLETED": submitted}


def test_the_table_is_the_local_one_row_for_row(local, clustered):
    mine, theirs = (tables.read(copy.folder / RUNS, schema.RUNS) for copy, _ in (local, clustered))
    assert len(mine) == 128
    pd.testing.assert_frame_equal(mine, theirs, check_exact=True)


def test_the_numbers_behind_the_figures_are_the_local_ones(local, clustered):
    for figure in ("mini", "worked_example"):
        mine, theirs = (c.folder / f"figures/{figure}.csv" for c, _ in (local, clustered))
        assert mine.read_bytes() == theirs.read_bytes()


def test_a_second_call_has_nothing_to_do(clustered):
    copy, _ = clustered
    assert "Nothing to be done" in copy.snakemake("--profile", "profiles/slurm").stdout
