"""The small scripts of benchmarks/ run, and print what they are about."""

import re
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("command", "things"),
    [
        (
            ["expectation.py", "30"],
            [
                f"{name} of a pool in batches of {size}"
                for name in ("expect", "expected_f1")
                for size in (8, 32, 256, 1024)
            ],
        ),
        (["memory.py", "2000", "32"], ["arrays", "predict", "scikit-learn"]),
        (
            ["overhead.py", "1"],
            ["no metric", "batch_mean", "streaming", "reconstructed", "three that count nothing"],
        ),
    ],
)
def test_a_script_prints_its_answers(repository, command, things):
    script, *arguments = command
    done = subprocess.run(
        [sys.executable, str(repository / "benchmarks" / script), *arguments],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = [re.fullmatch(r"([^:]+): (?:x )?-?([\d.]+) ?.*", s) for s in done.stdout.splitlines()]
    assert [line and line[1] for line in found] == things
