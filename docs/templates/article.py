"""What the digits of the article's log give away, for the pages that quote it."""

from functools import cache
from pathlib import Path

from batchf1.forensics.answer import investigate
from batchf1.forensics.fit import Answer


def found_in_log(root: Path) -> Answer:
    """Investigate the article's log, once."""
    return _investigated((root / "docs/article_log.txt").read_text(encoding="utf-8"))


@cache
def _investigated(log: str) -> Answer:
    return investigate(log)
