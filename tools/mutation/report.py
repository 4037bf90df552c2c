"""Results in `survivors.yaml`, beside reasons written by hand, and from there in a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mutation.config import PACKAGE

RESULTS, PAGE = Path("tools/mutation/survivors.yaml"), Path("docs/testing.md")
START, END = "<!-- written by make mutants: -->", "<!-- until here -->"
NOT_JUDGED = "not judged yet"
KEY = ("function", "old", "new")
SHOWN = 30
"""Characters around a change."""


def results(root: Path) -> dict[str, Any]:
    """By file: its `faults`, how many were `tried` and `found`, and what was not found."""
    path = root / RESULTS
    return yaml.safe_load(path.read_text()) or {} if path.exists() else {}


def update(root: Path, file: Path, total: int, tried: list[tuple[Any, Any]]) -> None:
    """Put the verdicts of a file's faults in place of its former ones, and keep the reasons."""
    known = results(root)
    reasons = {_key(s): s["why"] for entry in known.values() for s in entry["survivors"]}
    survivors = [fault for fault, verdict in tried if verdict.outcome == "survived"]
    known[str(file)] = {
        "faults": total,
        "tried": len(tried),
        "found": len(tried) - len(survivors),
        "hanging": sum(verdict.outcome == "hangs" for _, verdict in tried),
        "survivors": [
            dict(zip(KEY, fault, strict=False)) | {"why": reasons.get(fault[:3], "")}
            for fault in survivors
        ],
    }
    _write_results(root, known)


def _key(survivor: dict[str, str]) -> tuple[str, ...]:
    return tuple(survivor[part] for part in KEY)


def _write_results(root: Path, known: dict[str, Any]) -> None:
    text = yaml.safe_dump(known, sort_keys=False, width=96, allow_unicode=True)
    (root / RESULTS).write_text(text)


def forget(root: Path, but: list[Path]) -> None:
    """Drop the results of all other files: they have moved, or are no longer tried."""
    known = results(root)
    _write_results(root, {str(file): known[str(file)] for file in but if str(file) in known})


def write(root: Path) -> None:
    """Put the table and the list of survivors between the marks of the page."""
    page = (root / PAGE).read_text()
    before, after = page.split(START)[0], page.split(END)[1]
    (root / PAGE).write_text(f"{before}{START}\n\n{text(results(root))}\n{END}{after}")


def text(found: dict[str, Any]) -> str:
    """Return the part of the page that shows the results."""
    rows = ["| module | faults | tried | found | share |", "|---|---|---|---|---|"]
    total = {name: sum(r[name] for r in found.values()) for name in ("faults", "tried", "found")}
    for name, r in [*((_name(file), r) for file, r in found.items()), ("**all**", total)]:
        share = f"{100 * r['found'] / r['tried']:.0f} %"
        rows.append(f"| {name} | {r['faults']} | {r['tried']} | {r['found']} | {share} |")
    hanging = sum(r["hanging"] for r in found.values())
    if hanging:
        rows += ["", f"Found because the tests then hang: {hanging}."]
    for file, r in found.items():
        if r["survivors"]:
            rows += ["", f"### Not found in {_name(file)}", ""]
            rows += [_line(survivor) for survivor in r["survivors"]]
    return "\n".join(rows) + "\n"


def _name(file: str) -> str:
    return f"`{Path(file).relative_to(PACKAGE)}`"


def _line(survivor: dict[str, str]) -> str:
    old, new = shown(survivor["old"], survivor["new"])
    where = f"`{survivor['function']}`: " if survivor["function"] else ""
    return f"- {where}`{old}` → `{new}`: {survivor['why'] or NOT_JUDGED}"


def shown(old: str, new: str) -> tuple[str, str]:
    """Both lines, cut to whole words around what differs."""
    same = _common(old, new)
    tail = _common(old[same:][::-1], new[same:][::-1])
    return _cut(old, same, tail), _cut(new, same, tail)


def _common(one: str, other: str) -> int:
    """How many characters are the same at the start."""
    pairs = zip(f"{one}\n", f"{other}\r", strict=False)
    return next(i for i, (a, b) in enumerate(pairs) if a != b)


def _cut(line: str, same: int, tail: int) -> str:
    start = line.rfind(" ", 0, max(same - SHOWN, 0)) + 1
    end = line.find(" ", len(line) - max(tail - SHOWN, 0)) if tail > SHOWN else -1
    return f"{'… ' * (start > 0)}{line[start:] if end < 0 else line[start:end] + ' …'}"
