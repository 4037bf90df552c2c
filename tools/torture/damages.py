"""Flipped bits and cuts, in a kept group of runs and in the study's table."""

from collections import Counter

from batchf1.errors import InputError
from batchf1.records import tables
from batchf1.sweep import schema


def counts(copy, n_flips, chance):
    """Count the outcomes of reading files with one flipped bit, and files that were cut."""
    store = next((copy.folder / "results/mini/store").glob("*.parquet"))
    files = {"kept runs": store, "table of the study": copy.folder / "results/mini/runs.parquet"}
    found = {}
    for name, path in files.items():
        whole, content = read(path), path.read_bytes()
        for how, damage in (("one bit flipped", flipped), ("cut", cut)):
            n = n_flips if damage is flipped else n_flips // 10
            damaged = (damage(content, chance) for _ in range(n))
            found[f"{name}, {how}"] = Counter(outcome(path, each, whole) for each in damaged)
        path.write_bytes(content)
    return found


def flipped(content, chance):
    """Flip one bit of the content."""
    place, bit = chance.randrange(len(content)), chance.randrange(8)
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def cut(content, chance):
    """Cut the content at random."""
    return content[: chance.randrange(len(content))]


def read(path):
    """Read the provenance and the rows of a file."""
    return tables.provenance_of(path), tables.read(path, schema.RUNS)


def outcome(path, content, whole):
    """`refused`, `the same`, `record lost` (made again, too), `unseen` for a change, or `crash`."""
    path.write_bytes(content)
    try:
        record, rows = read(path)
    except InputError:
        return "refused"
    except Exception:
        return "crash"
    if not rows.equals(whole[1]) or record not in (whole[0], {}):
        return "unseen"
    return "the same" if record else "record lost"
