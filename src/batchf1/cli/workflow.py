"""`batchf1 workflow`: the steps that Snakemake and `make` call."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add the group and its commands to the parser."""
    group = commands.add_parser("workflow", help="the steps that Snakemake and make call")
    parsers = group.add_subparsers(required=True, metavar="STEP")
    for step in (_add_shard, _add_collect, _add_measured, _add_cuts, _add_flat_labels):
        step(parsers)
    for step in (_add_table, _add_draw, _add_claims, _add_keras224, _add_probe):
        step(parsers)
    for step in (_add_environment, _add_elsewhere, _add_frameworks, _add_snakefile):
        step(parsers)


def _add_shard(parsers: Any) -> None:
    parser = parsers.add_parser("shard", help="train one shard of a study")
    _experiment(parser)
    parser.add_argument("--shard", type=int, required=True, help="number of the shard, from 0")
    parser.add_argument("--shards", type=int, required=True, help="how many there are")
    parser.add_argument("--store", type=Path, required=True, help="folder that keeps finished runs")
    parser.add_argument("--output", type=Path, required=True, help="table of the shard's rows")
    _huge(parser)
    parser.set_defaults(command=_shard, prog=parser.prog)


def _shard(parsed: argparse.Namespace) -> None:
    from batchf1.studies.experiments import plan
    from batchf1.sweep.shard import execute

    part = parsed.shard, parsed.shards
    execute(plan(parsed.experiment, parsed.huge), *part, parsed.store, parsed.output)


def _add_collect(parsers: Any) -> None:
    parser = parsers.add_parser("collect", help="put the shards of a study into one table")
    _experiment(parser)
    parser.add_argument("shards", type=Path, nargs="+", help="tables of the shards")
    parser.add_argument("--output", type=Path, required=True, help="the study's table")
    _huge(parser)
    parser.set_defaults(command=_collect, prog=parser.prog)


def _collect(parsed: argparse.Namespace) -> None:
    from batchf1.studies.experiments import plan
    from batchf1.sweep.collect import collect

    collect(plan(parsed.experiment, parsed.huge), parsed.shards, parsed.output)


def _add_measured(parsers: Any) -> None:
    for name, command, what in (
        ("cost", _cost, "what each strategy costs"),
        ("atlas", _atlas, "which metrics may be averaged"),
        ("segmentation", _segmentation, "four numbers that are called Dice"),
    ):
        parser = parsers.add_parser(name, help=f"measure {what}")
        _experiment(parser)
        parser.add_argument("--store", type=Path, required=True, help="folder of measurements")
        parser.add_argument("--output", type=Path, required=True, help="table of them all")
        parser.set_defaults(command=command, prog=parser.prog)


def _write(parsed: argparse.Namespace, execute: Any, schema: Any) -> None:
    """Measure what the store lacks, and write the table of all."""
    from batchf1.records import provenance, tables

    made = execute(parsed.experiment, parsed.store)
    tables.write(made.table, parsed.output, schema, provenance.collect(**made.origin))


def _cost(parsed: argparse.Namespace) -> None:
    from batchf1.studies.cost.rows import COST
    from batchf1.studies.cost.run import execute

    _write(parsed, execute, COST)


def _atlas(parsed: argparse.Namespace) -> None:
    from batchf1.studies.atlas.rows import ATLAS
    from batchf1.studies.atlas.run import execute

    _write(parsed, execute, ATLAS)


def _segmentation(parsed: argparse.Namespace) -> None:
    from batchf1.studies.segmentation.run import execute
    from batchf1.studies.segmentation.schema import LOGS

    _write(parsed, execute, LOGS)


def _add_cuts(parsers: Any) -> None:
    parser = parsers.add_parser("cuts", help="cut validation sets in ways that are not random")
    _experiment(parser)
    parser.add_argument("--output", type=Path, required=True, help="table of the study")
    parser.set_defaults(command=_cuts, prog=parser.prog)


def _cuts(parsed: argparse.Namespace) -> None:
    from batchf1.records import provenance, tables
    from batchf1.studies.cuts.run import execute
    from batchf1.studies.cuts.schema import CUT_TABLE

    table, record = execute(parsed.experiment)
    tables.write(table, parsed.output, CUT_TABLE, provenance.collect(**record))


def _add_flat_labels(parsers: Any) -> None:
    parser = parsers.add_parser("flat_labels", help="measure what labels of shape (n,) log")
    _experiment(parser)
    parser.add_argument("--output", type=Path, required=True, help="table of the logs")
    parser.add_argument("--choices", type=Path, required=True, help="table of the choices by them")
    parser.set_defaults(command=_flat_labels, prog=parser.prog)


def _flat_labels(parsed: argparse.Namespace) -> None:
    from batchf1.records import provenance, tables
    from batchf1.studies.flat_labels import schema
    from batchf1.studies.flat_labels.run import execute

    made = execute(parsed.experiment)
    record = provenance.collect(**made.record)
    tables.write(made.logs, parsed.output, schema.LOGS, record)
    tables.write(made.choices, parsed.choices, schema.CHOICES, record)


def _add_table(parsers: Any) -> None:
    parser = parsers.add_parser("table", help="write the numbers behind a figure")
    _figure(parser)
    parser.add_argument("source", type=Path, nargs="+", help="the study's table or file")
    parser.add_argument(
        "--metric", metavar="NAME", help="metric to show, where the runs have several"
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="figures/<figure>.csv; its provenance goes into the .json of the same name",
    )
    parser.set_defaults(command=_table, prog=parser.prog)


def _table(parsed: argparse.Namespace) -> None:
    from batchf1.figures import base as figures
    from batchf1.records import provenance_of_file, tables

    numbers = figures.table(parsed.figure, parsed.source, parsed.metric)
    tables.write_csv(numbers, parsed.output)
    provenance_of_file.write_record(parsed.output, parsed.figure, parsed.source, parsed.metric)


def _add_draw(parsers: Any) -> None:
    parser = parsers.add_parser("draw", help="draw a figure from its numbers")
    _figure(parser)
    parser.add_argument("source", type=Path, help="figures/<figure>.csv")
    parser.add_argument("--output", type=Path, required=True, nargs="+", help=".png and .pdf files")
    parser.add_argument("--caption", type=Path, help="caption for the report, reStructuredText")
    parser.set_defaults(command=_draw, prog=parser.prog)


def _draw(parsed: argparse.Namespace) -> None:
    from batchf1.figures import base as figures
    from batchf1.records import report

    words = figures.draw(parsed.figure, parsed.source, parsed.output)
    if parsed.caption:
        report.write_caption(parsed.caption, *words)


def _add_claims(parsers: Any) -> None:
    parser = parsers.add_parser("claims", help="put the verdicts on the claims into the report")
    parser.add_argument("page", type=Path, help="docs/claims.md, with the table of claims")
    parser.add_argument("--output", type=Path, required=True, help="reStructuredText")
    parser.set_defaults(command=_claims, prog=parser.prog)


def _claims(parsed: argparse.Namespace) -> None:
    from batchf1.records import report

    rows = [*report.claims(parsed.page), *report.own_claims(parsed.page)]
    report.write_claims(parsed.output, rows)


def _add_snakefile(parsers: Any) -> None:
    parser = parsers.add_parser(
        "snakefile", help="print the path of the workflow, for the Snakefile of another folder"
    )
    parser.set_defaults(command=_snakefile, prog=parser.prog)


def _snakefile(parsed: argparse.Namespace) -> None:
    from batchf1.records.provenance import PACKAGE

    roots = (PACKAGE.parents[1], PACKAGE)  # a clone, or what the wheel carries
    root = next(root for root in roots if (root / "Snakefile").is_file())
    print(root / "Snakefile")  # noqa: T201


def _add_keras224(parsers: Any) -> None:
    parser = parsers.add_parser("keras224", help="put the article's Keras into a folder")
    parser.add_argument("folder", type=Path, help="new folder; .keras224 is looked for by default")
    parser.set_defaults(command=_keras224, prog=parser.prog)


def _keras224(parsed: argparse.Namespace) -> None:
    from batchf1.training.keras224 import software

    software.install(parsed.folder)


def _add_probe(parsers: Any) -> None:
    parser = parsers.add_parser("probe", help="measure what each Keras does to a metric function")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("framework", nargs="?", help="print its rows as JSON")
    what.add_argument(
        "--write", type=Path, metavar="FOLDER", help="measure all; write averaging.csv and .md"
    )
    parser.set_defaults(command=_probe, prog=parser.prog)


def _probe(parsed: argparse.Namespace) -> None:
    import json
    from dataclasses import asdict

    from batchf1.studies.frameworks import keras, page
    from batchf1.studies.frameworks.rows import FRAMEWORKS

    if parsed.write is not None:
        page.write([row for name in FRAMEWORKS for row in keras.measure(name)], parsed.write)
    else:
        print(json.dumps([asdict(row) for row in keras.measure(parsed.framework)]))  # noqa: T201


def _add_environment(parsers: Any) -> None:
    parser = parsers.add_parser("environment", help="install another framework into a folder")
    parser.add_argument("name", help="which; .frameworks/<name> is looked for")
    parser.add_argument("folder", type=Path, help="new folder")
    parser.set_defaults(command=_environment, prog=parser.prog)


def _environment(parsed: argparse.Namespace) -> None:
    from batchf1.programs.environments import install

    install(parsed.name, parsed.folder)


def _add_elsewhere(parsers: Any) -> None:
    parser = parsers.add_parser("elsewhere", help="measure what another framework logs")
    parser.add_argument("program", help="which of its programs")
    parser.add_argument("--output", type=Path, required=True, help="table of its rows")
    parser.set_defaults(command=_elsewhere, prog=parser.prog)


def _elsewhere(parsed: argparse.Namespace) -> None:
    import pandas as pd

    from batchf1.records.tables import write_csv
    from batchf1.studies.frameworks.others import measure

    write_csv(pd.DataFrame(measure(parsed.program)), parsed.output)


def _add_frameworks(parsers: Any) -> None:
    parser = parsers.add_parser("frameworks", help="put what frameworks log into a page")
    parser.add_argument("tables", type=Path, nargs="+", help="tables of their rows")
    parser.add_argument(
        "--write", type=Path, required=True, metavar="FOLDER", help="of frameworks.csv and .md"
    )
    parser.set_defaults(command=_frameworks, prog=parser.prog)


def _frameworks(parsed: argparse.Namespace) -> None:
    from batchf1.studies.frameworks import others_page
    from batchf1.studies.frameworks.rows import LogRow, read

    others_page.write([row for path in parsed.tables for row in read(path, LogRow)], parsed.write)


def _experiment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("experiment", type=Path, help="experiments/<study>.yaml")


def _huge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--huge", action="store_true", help="allow more than 10 million runs")


def _figure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("figure", help="module of batchf1.figures, or the path of one of yours")
