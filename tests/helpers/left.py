"""Part files that killed processes leave behind."""

import subprocess
import sys

from batchf1.records import files


def dead_process():
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left_by_the_dead(path):
    """Return the path of the part file or folder of a killed process."""
    return part(path, dead_process())


def part(path, pid):
    """Return the path of the part file or folder that a process writes."""
    return path.with_name(f".{path.name}.{files.HOST}.{pid}.part{path.suffix}")
