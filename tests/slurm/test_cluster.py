"""When no SLURM is started; `make test` runs these everywhere."""

import os

import cluster
import psutil
import pytest


@pytest.fixture
def conf(tmp_path, monkeypatch):
    """A place for slurm.conf, on a machine without a SLURM process."""
    monkeypatch.setattr(cluster, "CONF", tmp_path / "slurm.conf")
    monkeypatch.setattr(psutil, "process_iter", lambda attributes: [])
    return cluster.CONF


def test_missing_programs_are_named_by_their_packages(monkeypatch):
    monkeypatch.setattr(cluster, "NEEDED", {"no-such-daemon": "slurmd", "sh": "dash"})
    assert cluster.lacking().endswith("apt-get install slurmd")


def test_root_is_asked_for(monkeypatch):
    monkeypatch.setattr(cluster, "NEEDED", {})
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert cluster.lacking() == "starting a SLURM needs root"


def test_a_foreign_configuration_is_refused_and_stays(conf):
    conf.write_text("ClusterName=theirs\n")
    with pytest.raises(cluster.RefusedError, match="it stays as it is"), cluster.one_node():
        pass
    assert conf.read_text() == "ClusterName=theirs\n"


def test_what_a_killed_test_left_is_no_hindrance(conf):
    conf.write_text(cluster.MARK)
    cluster.refuse_another()


def test_the_configuration_goes_with_the_cluster(conf, tmp_path):
    with pytest.raises(ValueError, match="mishap"), cluster.configured("name", tmp_path):
        assert conf.read_text().startswith(cluster.MARK)
        raise ValueError("mishap")
    assert not conf.exists()
    assert conf.parent.is_dir()
