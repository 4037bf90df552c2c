"""`batchf1 new`: write the smallest file that adds a study, data set, strategy or the like."""

from __future__ import annotations

import argparse
import keyword
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from batchf1.errors import check

DESCRIPTION = """Write the smallest file that adds something, and print the next two commands.

In a clone of batchf1 the file goes to its place in the repository, and the new part is called by
its name; in any other folder it goes there, and is called by its import path, such as
my_data.MyData. A study needs a Snakefile beside it, which is written too where there is none. No
file is replaced.
"""
EPILOG = """example:
  batchf1 new study mine

See docs/extend.md."""
PLUGINS = Path("src/batchf1/config/plugins.toml")
SECTIONS = {"dataset": "datasets", "strategy": "strategies", "figure": "figures"}
"""Kind -> section of the table of plug-ins."""
TEMPLATES = files("batchf1.cli") / "new_files"


class Kind(NamedTuple):
    """Part that can be added: where its file goes, and what to call next."""

    help: str
    here: str
    """File in a clone of batchf1."""
    outside: str
    """File in any other folder."""
    commands: tuple[str, str]
    """Next commands; `$path` is the name by which the part is called."""


KINDS = {
    "study": Kind(
        "a grid of settings, a table and a figure",
        "experiments/$name.yaml",
        "experiments/$name.yaml",
        ("snakemake --cores all $name --dry-run", "snakemake --cores all $name"),
    ),
    "dataset": Kind(
        "samples to train on",
        "src/batchf1/datasets/$name.py",
        "$name.py",
        (
            "batchf1 train dataset=$path dataset.prevalence=0.1 training.epochs=1",
            "batchf1 new study ${name}_study --dataset $path",
        ),
    ),
    "strategy": Kind(
        "a way to compute the F1 of an epoch",
        "src/batchf1/keras/$name.py",
        "$name.py",
        (
            "batchf1 train 'strategies=[batch_mean,$path]' training.epochs=1",
            "batchf1 train 'strategies=[$path]' training.epochs=1 --against plain",
        ),
    ),
    "metric": Kind(
        "a ratio of counts",
        "src/batchf1/metrics/$name.py",
        "$name.py",
        (
            "batchf1 expect --metric $path --tp 160 --fp 40 --fn 40 --tn 9760 --batch-size 32",
            "batchf1 train 'metrics=[f1,$path]' training.epochs=1",
        ),
    ),
    "figure": Kind(
        "numbers from a study's table, and a picture of them",
        "src/batchf1/figures/$name.py",
        "$name.py",
        (
            "batchf1 new study ${name}_study --figure $path",
            "snakemake --cores all ${name}_study",
        ),
    ),
}


def add(commands: Any) -> None:
    """Add the command's arguments to the parser."""
    parser = commands.add_parser(
        "new",
        help="write the smallest study, data set, strategy, metric or figure",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.add_argument(
        "kind",
        choices=KINDS,
        help="; ".join(f"{name}: {kind.help}" for name, kind in KINDS.items()),
    )
    parser.add_argument("name", metavar="NAME", help="a name in lower case, such as my_data")
    parser.add_argument(
        "--dataset", metavar="NAME", default="synthetic", help="data set of the study"
    )
    parser.add_argument(
        "--figure", metavar="NAME", default="error_vs_batch_size", help="figure of the study"
    )
    parser.set_defaults(command=run, prog=parser.prog)


def run(parsed: argparse.Namespace) -> None:
    """Write the file, and print it with the next commands."""
    name = parsed.name
    good = name.isidentifier() and name == name.lower() and not keyword.iskeyword(name)
    check(good, "NAME", "must be a Python name in lower case", name)
    kind, clone = KINDS[parsed.kind], Path("src/batchf1/__init__.py").is_file()
    words = _words(parsed, clone)
    text = {Path(Template(kind.here if clone else kind.outside).substitute(words)): parsed.kind}
    if parsed.kind == "study" and not Path("Snakefile").exists():
        text[Path("Snakefile")] = "snakefile"
    for path in text:
        check(not path.exists(), str(path), "cannot be replaced; choose another NAME", "a file")
    for path, template in text.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(template, words), encoding="utf-8")
        print(f"wrote {path}")  # noqa: T201
    if clone and parsed.kind in SECTIONS:
        _register(SECTIONS[parsed.kind], words)
        print(f"listed it in {PLUGINS}")  # noqa: T201
    print("next:")  # noqa: T201
    for command in kind.commands:
        print(f"  {Template(command).substitute(words)}")  # noqa: T201


def _register(section: str, words: Mapping[str, str]) -> None:
    """Add a line at the end of a section of the table of plug-ins."""
    end = "" if section == "figures" else f":{words['Name']}"
    folder = {"strategies": "keras"}.get(section, section)
    line = f'{words["name"]} = "batchf1.{folder}.{words["name"]}{end}"'
    before, head, after = PLUGINS.read_text(encoding="utf-8").partition(f"[{section}]\n")
    check(bool(head), str(PLUGINS), f"must have a section [{section}]", "none")
    lines, gap, rest = after.partition("\n\n")
    text = f"{before}{head}{lines.rstrip()}\n{line}{gap or chr(10)}{rest}"
    PLUGINS.write_text(text, encoding="utf-8")


def _words(parsed: argparse.Namespace, clone: bool) -> dict[str, str]:
    """Return what the templates and commands are filled with."""
    name = parsed.name
    words = {
        "name": name,
        "Name": "".join(part.capitalize() for part in name.split("_")),
        "NAME": name.upper(),
        "dataset": parsed.dataset,
        "figure": parsed.figure,
        "question": f"How large is the error on {parsed.dataset}?",
    }
    folder = {"metric": "batchf1.metrics."}.get(parsed.kind, "") if clone else ""
    words["module"] = f"{folder}{name}"
    ends = {"dataset": ".$Name", "strategy": ".$Name", "metric": ".$NAME"}
    called = "$name" if clone and parsed.kind != "metric" else "$module" + ends.get(parsed.kind, "")
    return words | {"path": Template(called).substitute(words)}


def _filled(template: str, words: Mapping[str, str]) -> str:
    text = (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(words)
