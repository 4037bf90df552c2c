"""docs/extend.md, run as it stands in an empty folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_page_leads_from_an_empty_folder_to_a_figure(repository, tmp_path):
    text = (repository / "docs" / "extend.md").read_text()
    commands = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    assert len(commands) == 7
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command in commands:
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=tmp_path,
            env=os.environ | {"PATH": paths},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    for kind in ("csv", "json", "pdf", "png"):
        assert (tmp_path / "figures" / f"mine.{kind}").stat().st_size > 100
    assert (tmp_path / "results" / "mine" / "runs.parquet").exists()


def test_the_snakefile_is_found(repository):
    program = shutil.which("batchf1", path=str(Path(sys.executable).parent))
    done = subprocess.run(
        [program, "workflow", "snakefile"], capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()) == repository / "Snakefile"
