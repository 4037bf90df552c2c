"""Groups of `conf/` and their files."""

from __future__ import annotations

from batchf1.config import registry
from batchf1.records.provenance import PACKAGE

CONF = next(p for p in (PACKAGE.parents[1] / "conf", PACKAGE / "conf") if p.is_dir())
GROUPS = ("dataset", "model", "training", "input_pipeline")


def groups() -> dict[str, list[str]]:
    """Map each group to the names of its files; data sets need none."""
    of_group = {group: [path.stem for path in (CONF / group).glob("*.yaml")] for group in GROUPS}
    of_group["dataset"] += registry.names(registry.DATASETS)
    return {group: sorted(set(names)) for group, names in of_group.items()}
