"""`batchf1 train` in a process of its own, and the folders of its jobs."""

import os
import shlex
import subprocess
import sys

import yaml

from batchf1.training import tensorflow_log

TINY = "dataset.n_samples=200 dataset.prevalence=0.3 training.epochs=2 model.hidden=[4]"
TINY += " strategies=[batch_mean,reconstructed] training.threads=1"


def in_a_process(line, folder, **environment):
    """Run the command in a process of its own: TensorFlow's threads are set once in a process."""
    settings = {key: value for key, value in os.environ.items() if key != tensorflow_log.LEVEL}
    return subprocess.run(
        [sys.executable, "-m", "batchf1.cli.main", "train", *shlex.split(line)],
        cwd=folder,
        env=settings | environment,
        capture_output=True,
        text=True,
    )


def job_folders(folder):
    return sorted(path for path in (folder / "out").iterdir() if path.is_dir())


def read(path):
    return yaml.safe_load(path.read_text())
