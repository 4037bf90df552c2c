"""Settings of a census: the public repositories that were scanned, and the tables of its counts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from omegaconf import MISSING

from batchf1.config.rules import NOT_EMPTY, Rules, check_settings
from batchf1.errors import check

COMMIT = re.compile(r"[0-9a-f]{40}")
NAME = re.compile(r"[\w.-]+/[\w.-]+")
RULES: Rules = {"searches": NOT_EMPTY}


@dataclass
class Search:
    """Repositories that a neutral word found.

    Attributes
    ----------
    name, file : str
        The word: a part of their names, or a file that they have.
    repositories : dict
        `owner/name` -> the commit that is scanned.
    """

    name: str = ""
    file: str = ""
    repositories: dict[str, str] = MISSING

    def __post_init__(self) -> None:
        both = f"name {self.name!r}, file {self.file!r}"
        check(bool(self.name) != bool(self.file), "searches", "must have a name or a file", both)
        for repository, commit in self.repositories.items():
            good = NAME.fullmatch(repository) and COMMIT.fullmatch(commit)
            rule = "must map owner/name to a commit of 40 hexadecimal digits"
            check(bool(good), "searches.repositories", rule, f"{repository}: {commit}")


@dataclass
class Census:
    """Census of public repositories, from `experiments/<name>.yaml`.

    Attributes
    ----------
    question : str
        What it asks.
    counts, checks : str
        Committed tables of what was found, by `make census`, and of what was read by hand.
    searches : list of Search
        The repositories; none is in two of them.
    found : str
        Day on which they were found.
    figures : dict
        Figure -> the module of `batchf1.figures` that makes it.
    """

    question: str = MISSING
    counts: str = MISSING
    checks: str = MISSING
    searches: list[Search] = MISSING
    found: str = ""
    figures: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_settings(self, RULES)
        names = [name for search in self.searches for name in search.repositories]
        twice = sorted({name for name in names if names.count(name) > 1})
        check(not twice, "searches.repositories", "cannot name one twice", ", ".join(twice))

    @property
    def extra_inputs(self) -> list[str]:
        """Files that the figures are made from, after this one."""
        return [self.counts, self.checks]

    @property
    def repositories(self) -> dict[str, str]:
        """Every repository -> its commit."""
        return {
            name: commit for search in self.searches for name, commit in search.repositories.items()
        }
