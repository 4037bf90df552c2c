"""Numbers of docs/audit.md: what a recorder costs, from benchmarks/recorder.csv."""

from pathlib import Path

from templates.common import benchmark, claim


def context(root: Path) -> dict[str, object]:
    """Return the measured row, and by how much a step becomes longer, in %."""
    (row,) = benchmark(root, "recorder").to_dict("records")
    more = {end: 100 * (row[f"ratio_{end}"] - 1) for end in ("median", "low", "high")}
    claim(row["rows"] == 10_000_000, "ten million rows were recorded", row["rows"])
    claim(more["high"] < 3, "recording adds less than 3 % to a step", more["high"])
    return {"recorder": row, "more": more}
