"""What killed processes leave behind."""

import subprocess
import sys

from batchf1.records import files


def dead_process():
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left_by_the_dead(path):
    """Where a killed process left what was to become a file or folder."""
    return part(path, dead_process())


def part(path, pid):
    """Where a process writes what is to become a file or folder."""
    return path.with_name(f".{path.name}.{files.HOST}.{pid}.part{path.suffix}")
