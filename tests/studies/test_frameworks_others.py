"""docs/frameworks.csv and docs/frameworks.md: against the frameworks, and against `audit`."""

import re
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from batchf1.errors import InputError
from batchf1.metrics.counts import batch_counts
from batchf1.metrics.flat_labels import flat_value
from batchf1.programs import environments, example
from batchf1.programs.environments import ENVIRONMENTS, PROGRAMS
from batchf1.records import provenance
from batchf1.studies.frameworks import others, others_page
from batchf1.studies.frameworks import page as pages
from batchf1.studies.frameworks.rows import LogRow, read
from helpers.left import left_by_the_dead


@pytest.fixture(scope="module")
def committed(repository):
    return read(repository / "docs/frameworks.csv", LogRow)


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs/frameworks.md").read_text()


def ways(rows):
    found = {}
    for row in rows:
        found.setdefault((row.framework, row.written), []).append(row)
    return found


@pytest.mark.parametrize(
    "program", [pytest.param(p, marks=[pytest.mark.slow] * ("keras" in p)) for p in PROGRAMS]
)
def test_the_committed_rows_are_what_the_framework_logs(program, repository, committed):
    name = PROGRAMS[program].environment
    if name is not None and not (repository / ".frameworks" / name).is_dir():
        pytest.skip(f"{name} is not installed: snakemake --cores all frameworks")
    live = others.measure(program, repository / ".frameworks")
    kept = [row for row in committed if row.framework == live[0].framework]
    assert len(live) == len(kept) > 0
    for row, here in zip(live, kept, strict=True):
        near = {"logged": pytest.approx(here.logged, abs=2e-6), "version": row.version}
        assert asdict(row) == asdict(here) | near


def test_rules_and_verdicts_follow_from_the_committed_numbers(committed):
    bare = [replace(row, rule="", right="", fits="") for row in committed]
    assert others.judged(bare) == committed


def test_the_true_values_are_those_of_scikit_learn(committed):
    for row in committed:
        n = others.samples(row.batches)
        wanted = f1_score(example.LABELS[:n], example.SCORES[:n])
        assert row.pooled == pytest.approx(wanted, abs=1e-6)


def test_what_is_right_has_the_true_value_on_every_cut(committed):
    for cuts in ways(committed).values():
        right = all(row.logged == pytest.approx(row.pooled, abs=1e-6) for row in cuts)
        assert {row.right for row in cuts} == {"yes" if right else "no"}
        assert all(bool(row.instead) != right for row in cuts)


def test_labels_of_shape_n_log_the_f1_of_all_pairs_of_a_batch(committed):
    rows = [row for row in committed if "labels of shape (n,)" in row.written]
    assert len(rows) == 3 * len(example.BATCHES)
    for row in rows:
        parts = [part for device in row.seen.split("|") for part in device.split("/")]
        batches = [[int(sample) for sample in part.split()] for part in parts]
        counts = [batch_counts(example.LABELS[b], example.SCORES[b], len(b)) for b in batches]
        assert row.logged == pytest.approx(np.mean([flat_value(c) for c in counts]), abs=1e-6)


def test_every_way_is_measured_on_both_cuts(committed):
    for (_, written), cuts in ways(committed).items():
        odd = "odd number" in written
        assert [row.batches for row in cuts] == (["4/4/1"] if odd else list(example.BATCHES))


def test_every_program_has_its_rows_and_a_right_way(committed):
    frameworks = dict.fromkeys(row.framework for row in committed)
    assert len(frameworks) == len(PROGRAMS)
    for framework in frameworks:
        assert "yes" in {row.right for row in committed if row.framework == framework}


def test_the_table_is_that_of_the_csv(page, committed):
    shown = page.partition(pages.BEGIN)[2].partition(pages.END)[0]
    assert shown.strip() == others_page.render(committed).strip()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_pins_are_whole_and_without_addresses(name):
    lines = environments.pins(name).read_text().splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line) for line in lines)
    names = [line.partition("==")[0].lower() for line in lines]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_installed_environment_holds_its_pins_and_nothing_else(name, repository):
    here = environments.python(name, repository / ".frameworks")
    if not here.exists():
        pytest.skip(f"{name} is not installed: snakemake --cores all frameworks")
    listed = [sys.executable, "-m", "pip", "--python", str(here), "list", "--format", "freeze"]
    said = subprocess.run(listed, capture_output=True, text=True, check=True).stdout

    def told(text):
        return {line.lower().replace("_", "-").partition("+")[0] for line in text.splitlines()}

    assert told(said) == told(environments.pins(name).read_text())


@pytest.mark.parametrize(
    ("step", "rule"),
    [
        ("venv", "cannot be made"),
        ("pip", r"needs the package index once \(jax.txt\)"),
        ("-P", r"must run `import jax` \(pins: jax.txt\)"),
    ],
)
def test_an_install_is_whole_or_not_at_all(step, rule, tmp_path, monkeypatch):
    fails_at = [step]

    def run(command, **_):
        (part,) = tmp_path.glob(".jax.*.part")
        (part / "bin").mkdir(exist_ok=True)
        failed = bool({*fails_at} & {*command})
        return subprocess.CompletedProcess(command, int(failed), "", "one\nERROR: no such\nlast")

    monkeypatch.setattr(environments.subprocess, "run", run)
    left_by_the_dead(tmp_path / "jax").mkdir()
    with pytest.raises(InputError, match=f"^environment jax {rule}; got ERROR: no such$"):
        environments.install("jax", tmp_path / "jax")
    assert not list(tmp_path.iterdir())
    fails_at.clear()
    environments.install("jax", tmp_path / "jax")
    assert [path.name for path in tmp_path.iterdir()] == ["jax"]


@pytest.mark.parametrize("program", PROGRAMS.values())
def test_what_a_program_is_made_from(program):
    module = f"batchf1.programs.{program.module}"
    found = {path.stem for path in provenance.sources(module)}
    assert {program.module, "protocol", "example"} <= found


def test_unknown_names_and_missing_environments_are_refused(tmp_path):
    with pytest.raises(InputError, match="program must be one of"):
        others.measure("theano", tmp_path)
    with pytest.raises(InputError, match="environment must be one of"):
        environments.install("theano", tmp_path)
    with pytest.raises(InputError, match="mxnet must run .* snakemake --cores all frameworks"):
        others.measure("mxnet", tmp_path)


def test_a_program_that_fails_is_refused_in_a_line(tmp_path):
    fake = environments.python("mxnet", tmp_path)
    fake.parent.mkdir(parents=True)
    fake.write_text("#!/bin/sh\necho one >&2\necho the reason >&2\nexit 3\n")
    fake.chmod(0o755)
    with pytest.raises(InputError, match="^mxnet must run to its end; got the reason$"):
        others.measure("mxnet", tmp_path)
