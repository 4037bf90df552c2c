"""What runs on GitHub: its rights, its pinned actions, and that no test is left out."""

import re
import subprocess
import sys
import tomllib

import pytest
import yaml

PINNED = re.compile(
    r"(?P<action>[\w-]+/[\w-]+)@(?P<commit>[0-9a-f]{40}) # (?P<version>v\d+\.\d+\.\d+)"
)


@pytest.fixture(scope="module")
def workflows(repository):
    """Name -> workflow; YAML reads the key `on` as True."""
    files = sorted((repository / ".github/workflows").glob("*.yml"))
    assert len(files) == 4
    return {path.stem: yaml.safe_load(path.read_text()) for path in files}


def _jobs(workflows):
    return [
        (name, job) for workflow in workflows.values() for name, job in workflow["jobs"].items()
    ]


def test_actions_are_pinned_by_commit_each_at_one_version(repository):
    versions = {}
    for path in (repository / ".github/workflows").glob("*.yml"):
        for used in re.findall(r"uses: (.*)", path.read_text()):
            if used.startswith("./"):
                assert (repository / used).is_file()
                continue
            pin = PINNED.fullmatch(used)
            assert pin, used
            versions.setdefault(pin["action"], set()).add((pin["commit"], pin["version"]))
    assert {"actions/checkout", "actions/setup-python"} <= set(versions)
    assert all(len(pins) == 1 for pins in versions.values()), versions


def test_only_jobs_that_publish_may_write_and_they_run_no_code_of_ours(workflows):
    assert all(workflow["permissions"] == {"contents": "read"} for workflow in workflows.values())
    writing = {name: job for name, job in _jobs(workflows) if "permissions" in job}
    assert set(writing) == {"deploy", "publish"}
    for job in writing.values():
        assert job["needs"]
        assert job["environment"]
        assert not any("run" in step for step in job["steps"])


def test_checkouts_leave_no_credentials(workflows):
    steps = [step for _, job in _jobs(workflows) for step in job.get("steps", [])]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_a_release_waits_for_tests_figures_and_its_check(workflows):
    release = workflows["release"]
    assert release[True] == {"push": {"tags": ["v*"]}}
    assert set(release["jobs"]["publish"]["needs"]) == set(release["jobs"]) - {"publish"}
    assert "schedule" in workflows["verify"][True]


def test_what_is_called_exists(repository, workflows):
    makefile = (repository / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)", makefile, re.MULTILINE)[1].split()
    steps = [step for _, job in _jobs(workflows) for step in job.get("steps", [])]
    called = [step["run"].split()[1] for step in steps if step.get("run", "").startswith("make ")]
    assert set(called) == {"docs", "lint", "release-check", "test-all", "verify"}
    assert set(called) <= set(targets)
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_parts_of_the_tests_are_all_tests(repository, workflows):
    parts = {
        part["part"]: part["tests"].split()
        for part in workflows["ci"]["jobs"]["tests"]["strategy"]["matrix"]["include"]
    }
    root, *ignored = parts.pop("workflow")
    named = [path for paths in parts.values() for path in paths]
    assert root == "tests"
    assert sorted(ignored) == sorted(f"--ignore={path}" for path in named)
    *_, light = workflows["ci"]["jobs"]["light"]["steps"]
    for path in [*named, *re.findall(r"tests/\S+", light["run"])]:
        assert (repository / path).exists(), path


def test_every_python_that_is_promised_is_tried(repository, workflows):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    low, high = map(int, re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"]).groups())
    promised = [f"3.{minor}" for minor in range(low, high)]
    for name in ("light", "tests"):
        assert workflows["ci"]["jobs"][name]["strategy"]["matrix"]["python"] == promised


def test_a_light_test_run_skips_what_is_not_installed_and_any_other_fails(repository, tmp_path):
    (tmp_path / "test_early.py").write_text("import not_there\n")
    (tmp_path / "test_late.py").write_text("def test_it():\n    import not_there\n")
    (tmp_path / "test_ours.py").write_text("def test_it():\n    import batchf1.not_there\n")
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", tmp_path]
    outcomes = {}
    for options in ((), ("--light",)):
        environment = {"PYTHONPATH": f"{repository / 'tests'}:{repository / 'src'}"}
        done = subprocess.run(
            [*command, "--continue-on-collection-errors", *options],
            capture_output=True,
            text=True,
            env=environment,
        )
        outcomes[options] = done.stdout.splitlines()[-1]
    assert "2 failed, 1 error" in outcomes[()]
    assert "1 failed, 2 skipped" in outcomes["--light",]
