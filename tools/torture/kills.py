"""SIGKILL at random moments: of a shard, of Snakemake alone, of all; then the call once more."""

import os
import signal
import time
from collections import Counter

import psutil

TABLE = "results/mini/runs.parquet"
VICTIMS = ("shard", "snakemake", "group")
LONGEST = 20
"""Seconds after which a call is killed at the latest."""


def counts(copy, n_kills, chance):
    """How often the study's table was the same after a kill; `copy` ends with the whole study."""
    whole = fresh(copy)
    found = Counter()
    for _ in range(n_kills):
        reset(copy)
        killed(copy, chance.choice(VICTIMS), chance.uniform(2, LONGEST))
        found["the same" if fresh(copy).equals(whole) else "different"] += 1
    return found


def fresh(copy):
    """Make the study's table by a whole call."""
    done = copy.snakemake(TABLE)
    if done.returncode:
        raise RuntimeError(done.stdout)
    return copy.table()


def reset(copy):
    """Forget all that was made."""
    for path in copy.folder.glob("results/mini/**/*.parquet"):
        path.unlink()


def killed(copy, victim, seconds):
    """Start a call, and kill a part of it."""
    process = copy.start("snakemake", "--cores", "2", TABLE)
    time.sleep(seconds)
    if process.poll() is None:
        kill(process, victim)
    if victim == "shard":
        process.communicate()


def kill(process, victim):
    """SIGKILL a training process, Snakemake, which leaves orphans, or the whole group."""
    if victim == "snakemake":
        process.kill()
    elif victim == "group":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        children = psutil.Process(process.pid).children(recursive=True)
        for child in [each for each in children if is_shard(each)][:1]:
            child.kill()


def is_shard(process):
    """Whether a process is the Python of a shard."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return "shard" in words and "python" in words[0]
