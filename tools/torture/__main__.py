"""Torture a miniature, and write the counts into docs/testing.md.

`python -m torture [--kills N] [--flips N] [--feeds N] [--seed N]`, in `tools`, with `tests` on the
path. The exit status is 1 where a table came out different, a change went unseen, or something
ended in a traceback.
"""

import argparse
import random
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from batchf1.sweep.grid import CONF
from helpers.miniature import Copy
from torture import damages, feeds, kills

PAGE = CONF.parent / "docs/testing.md"
START, END = "<!-- written by make torture: -->\n", "<!-- end of make torture -->\n"
BAD = ("crash", "different", "unseen")
"""Outcomes that must not be."""


def main():
    """Run all, write the page, and say whether anything bad was seen."""
    parser = argparse.ArgumentParser(prog="torture")
    for name, default in (("kills", 6), ("flips", 1500), ("feeds", 600), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    with TemporaryDirectory() as folder:
        copy = Copy(CONF.parent, Path(folder))
        rows = {"kill -9, then called again": kills.counts(copy, given.kills, chance)}
        rows |= damages.counts(copy, given.flips, chance)
        rows["study file with a wrong line"] = feeds.counts(given.feeds, chance, Path(folder))
    write(table(rows))
    sys.exit(any(counts[bad] for counts in rows.values() for bad in BAD))


def table(rows):
    """Return a Markdown table: what was done, how often, and the outcomes."""
    lines = ["| what was done | times | what came of it |", "|---|---|---|"]
    for name, counts in rows.items():
        said = ", ".join(f"{n:,} {outcome}" for outcome, n in sorted(counts.items()))
        lines.append(f"| {name} | {Counter.total(counts):,} | {said} |")
    return "\n".join(lines) + "\n"


def write(text):
    """Put a table between the marks of the page."""
    before, _, rest = PAGE.read_text().partition(START)
    PAGE.write_text(f"{before}{START}\n{text}\n{END}{rest.partition(END)[2]}")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
