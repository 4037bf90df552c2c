"""Names that experiment files and overrides had before, accepted for one release."""

from __future__ import annotations

import re
from pathlib import Path

from omegaconf import DictConfig

from batchf1.errors import announce_renamed, check

RENAMED = {"aside": "on_demand", "beside": "extra_inputs", "leave_out": "exclude"}
"""Old key of an experiment file -> its name now; the old ones go with the next release."""
OLD_GROUP = re.compile(r"^([+~]*)program(?=[.=@]|$)")
"""The group `input_pipeline` by its old name, at the start of an override or a grid's key."""


def new_group(key: str) -> str:
    """Return an override or a grid's key with today's name of its group."""
    new = OLD_GROUP.sub(r"\1input_pipeline", key)
    if new != key:
        announce_renamed(key.partition("=")[0].lstrip("+~"), new.partition("=")[0].lstrip("+~"))
    return new


def with_new_names(path: Path, written: DictConfig) -> DictConfig:
    """Return the keys of an experiment file by their names now, without its kind."""
    for old, new in RENAMED.items():
        if old in written:
            check(
                new not in written, f"{path}: {old}", f"cannot be combined with {new}", written[old]
            )
            announce_renamed(f"{path}: {old}", new)
            written[new] = written.pop(old)
    if isinstance(written.get("grid"), DictConfig):
        written["grid"] = {new_group(str(key)): value for key, value in written["grid"].items()}
    written.pop("kind", None)
    return written
