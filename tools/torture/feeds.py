"""A study's file with a line removed, doubled, or with another value."""

from collections import Counter

from batchf1.errors import InputError, PluginError
from batchf1.studies.experiments import plan
from helpers.miniature import STUDY

VALUES = (
    "-1",
    "0",
    "1e400",
    "nan",
    "null",
    "''",
    "[]",
    "{}",
    "true",
    "seven",
    "1000000000000",
    "é",
)


def counts(n_feeds, chance, folder):
    """How often a wrong file was refused in a line, or was a study after all."""
    path = folder / "wrong.yaml"
    return Counter(outcome(path, wrong(chance)) for _ in range(n_feeds))


def wrong(chance):
    """Return the study with one or two lines changed."""
    lines = STUDY.strip().splitlines()
    for _ in range(chance.choice((1, 2))):
        place = chance.randrange(len(lines))
        key = lines[place].partition(":")[0]
        value = f"{key}: {chance.choice(VALUES)}"
        in_list = f"{key}: [{chance.choice(VALUES)}, {chance.choice(VALUES)}]"
        lines[place : place + 1] = chance.choice(([], [lines[place]] * 2, [value], [in_list]))
    return "\n".join(lines) + "\n"


def outcome(path, text):
    """`refused` in a line that names the file, `a study`, or `crash`."""
    path.write_text(text)
    try:
        plan(path)
    except (InputError, PluginError) as error:
        return "refused" if "\n" not in str(error) and str(path) in str(error) else "crash"
    except Exception:
        return "crash"
    return "a study"
