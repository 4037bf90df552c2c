"""Precision and recall of `batchf1 scan` on labelled public files.

`make scan-eval REPOS=FOLDER` reads the labels in benchmarks/scan_labels, or in LABELS, and the
repositories in FOLDER, each at its commit in files.csv, in a folder OWNER/NAME or OWNER+NAME. Five
folds of repositories, by their hashed names. The rules are written by hand, and nothing is fitted
for a fold: the spread of the folds says how much the numbers depend on the repositories, and not
how the rules do on files that nobody has looked at.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from batchf1.scan.findings import Finding
from batchf1.scan.scanner import scan
from batchf1.scan.sources import read

FOLDS = 5
LEVELS = ("sure", "choice")


class Counts(NamedTuple):
    """True and false positives, and false negatives."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def plus(self, other: Counts) -> Counts:
        """Add counts."""
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))

    @property
    def precision(self) -> float:
        """Share of the findings that are right."""
        return self.tp / max(1, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """Share of the mistakes that are found."""
        return self.tp / max(1, self.tp + self.fn)

    def __str__(self) -> str:
        shares = f"{self.precision:.3f} {self.recall:.3f}"
        return f"{shares}   {self.tp:4} {self.fp:4} {self.fn:4}"


class Label(NamedTuple):
    """What one line of a file is."""

    label: str
    line: int
    symbol: str


def fold_of(repository: str) -> int:
    """Return the fold of a repository, from its name alone."""
    return hashlib.sha256(repository.encode()).digest()[0] % FOLDS


def flat_line(finding: Finding) -> int:
    """Return the line as the labels count it: cells of code joined, a line before each."""
    if finding.cell is None:
        return finding.line
    source = read(finding.path)
    for place, (start, cell) in enumerate(source.cells, 1):
        if cell == finding.cell:
            return start + place + finding.line - 1
    raise ValueError(finding)


def compare(findings: list[Finding], labels: list[Label]) -> tuple[Counts, list[str]]:
    """Match findings with labels by line, and by symbol where a line has several."""
    left = [(flat_line(one), one) for one in findings if one.level in LEVELS]
    misses = []
    tp = 0
    wrong = [one for one in labels if one.label == "wrong"]
    for label in sorted(wrong, key=lambda one: one.symbol not in {f.symbol for _, f in left}):
        same = [one for one in left if one[0] == label.line]
        if same:
            left.remove(min(same, key=lambda one: one[1].symbol != label.symbol))
            tp += 1
        else:
            misses.append(f"missed  {label.line} {label.symbol}")
    unclear = {one.line for one in labels if one.label == "unclear"}
    false = [one for line, one in left if line not in unclear]
    misses += [f"false   {one.line} {one.symbol} {one.rule} {one.message}" for one in false]
    return Counts(tp, len(false), len(wrong) - tp), misses


def of_file(counts: Counts) -> Counts:
    """Return the counts with a file as the unit."""
    flagged, wrong = bool(counts.tp + counts.fp), bool(counts.tp + counts.fn)
    hit = bool(counts.tp)
    return Counts(int(hit), int(flagged and not wrong), int(wrong and not hit))


def main() -> int:
    """Print the counts of each fold and of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repositories", type=Path)
    parser.add_argument("--labels", type=Path, default=Path(__file__).parent / "scan_labels")
    parser.add_argument("--output", type=Path, help="table of the folds; needs every file")
    parser.add_argument("--verbose", action="store_true", help="print what was missed")
    parsed = parser.parse_args()
    labels = defaultdict(list)
    for row in _rows(parsed.labels / "labels.csv"):
        labels[row["id"]].append(Label(row["label"], int(row["line"]), row["symbol"]))
    occurrences, files = defaultdict(Counts), defaultdict(Counts)
    absent, seconds = [], 0.0
    for row in _rows(parsed.labels / "files.csv"):
        folder = _folder(parsed.repositories, row["repo"])
        path = folder / row["path"]
        if not path.is_file():
            absent.append(f"{row['repo']} {row['path']}")
            continue
        start = time.process_time()
        report = scan([str(path)], within=[str(folder)])
        seconds += time.process_time() - start
        counts, misses = compare(report.findings, labels[row["id"]])
        fold = fold_of(row["repo"])
        occurrences[fold] = occurrences[fold].plus(counts)
        files[fold] = files[fold].plus(of_file(counts))
        for miss in misses if parsed.verbose else ():
            print(row["id"], path, miss)  # noqa: T201
    _print(occurrences, files)
    print(f"{len(absent)} files absent, {seconds:.1f} s of processor for the others")  # noqa: T201
    for one in absent:
        print("absent:", one, file=sys.stderr)  # noqa: T201
    if parsed.output and not absent:
        _write(parsed.output, {"occurrence": occurrences, "file": files})
    return int(bool(parsed.output and absent))


def _print(occurrences: dict[int, Counts], files: dict[int, Counts]) -> None:
    head = "precision recall tp fp fn"
    print(f"fold   occurrences: {head}   files: {head}")  # noqa: T201
    for fold in range(FOLDS):
        print(f"{fold}      {occurrences[fold]}     {files[fold]}")  # noqa: T201
    print(f"all    {total(occurrences)}     {total(files)}")  # noqa: T201
    for name, counts in (("occurrences", occurrences), ("files", files)):
        texts = [f"{share} {_spread(counts, share)}" for share in ("precision", "recall")]
        print(f"{name} by fold: {', '.join(texts)}")  # noqa: T201


def total(counts: dict[int, Counts]) -> Counts:
    """Add the folds."""
    return Counts(*(sum(column) for column in zip(*counts.values(), strict=True)))


def _spread(counts: dict[int, Counts], share: str) -> str:
    shares = [getattr(counts[fold], share) for fold in range(FOLDS)]
    return f"{min(shares):.3f} at least, {sum(shares) / FOLDS:.3f} in the mean"


def _write(path: Path, units: dict[str, dict[int, Counts]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["unit", "fold", *Counts._fields, "precision", "recall"])
        for unit, counts in units.items():
            for fold in range(FOLDS):
                one = counts[fold]
                writer.writerow([unit, fold, *one, round(one.precision, 4), round(one.recall, 4)])


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _folder(repositories: Path, name: str) -> Path:
    folder = repositories / name
    return folder if folder.is_dir() else repositories / name.replace("/", "+")


if __name__ == "__main__":
    sys.exit(main())
