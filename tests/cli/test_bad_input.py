"""Bad input: one line with the thing, the rule and the value; no traceback; files as they were."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from batchf1.cli import main as cli
from batchf1.errors import InputError
from batchf1.records import tables
from batchf1.studies.experiments import experiments
from batchf1.sweep.grid import runs
from helpers.slow import one_in
from helpers.tables_of_runs import rows

STUDY = """
question: q
overrides: [dataset.n_samples=200]
grid:
  dataset.prevalence: [0.5]
  seed: [0, 1]
"""
SHARD = "workflow shard s.yaml --shard 0 --shards 2 --store store --output out.parquet"
TABLE = "workflow table error_vs_batch_size rows.parquet --output out.csv"
EXAMPLE = "workflow table worked_example s.yaml --output out.csv"
STEPS = ("shard", "collect", "table", "draw", "cost", "atlas", "keras224")
COUNTS = "expect --tp 3 --fp 1 --fn 2 --tn 94"
PREFER = "compare --precision .9 --recall .6 --precision .5 --recall .9"


def study(old="", new="", more=""):
    """The study with one text in the place of another, or with one more line."""
    assert old in STUDY
    return STUDY.replace(old, new) + more


def grid(line):
    return study("  seed: [0, 1]\n", f"  {line}\n")


def batches(text):
    return f"question: q\nbatches: {text}\n"


def of_study():
    """The whole table of the study."""
    parts = []
    for run in runs("s.yaml"):
        for epoch in range(1, 1 + run.training.epochs):
            for strategy in run.strategies:
                about = {"run_id": run.run_id, "epoch": epoch, "strategy": strategy}
                parts.append(rows().assign(**about))
    return pd.concat(parts, ignore_index=True)


# what the study file holds -> what is said of it
STUDIES = {
    "NaN for a whole number": (grid("seed: [.nan]"), "Value 'nan' of type 'float' could not"),
    "more samples than can be counted": (
        grid("dataset.validation_fraction: [1.0e+300]"),
        "must give splits of at most 2147483647 samples; got 2",
    ),
    "a layer too large": (
        grid("model.hidden: [[1000000000000]]"),
        "model.hidden must have layers of at least 1 and at most 1048576 units; got "
        "[1000000000000]",
    ),
    "too many threads": (grid("training.threads: [99999]"), "at most 1024; got 99999"),
    "no strategy": (grid("strategies: [[]]"), "strategies must have at least one of"),
    "a value in two types": (grid("seed: [1, '1']"), "grid cannot give a run twice; got run"),
    "a data set twice": (grid("dataset: [diamonds, diamonds]"), "cannot give a run twice"),
    "a grid over the study's name": (
        grid("study: [a, b]"),
        "grid.study cannot be varied, as it is the name of the file",
    ),
    "a key fixed and varied": (
        grid("dataset.n_samples: [300]"),
        "overrides cannot set the study or a key of the grid; got dataset.n_samples",
    ),
    "no shards": (study(more="shards: 0"), "shards must be at least 1; got 0"),
    "seeds twice": (study(more="seeds: 5"), "seeds cannot be combined with grid.seed; got 5"),
    "seeds too large": (grid("seed: [0, 9223372036854775808]"), "at most 9223372036854775807"),
    "a negative rule": (
        study(more="exclude: {class_below: -1}"),
        "exclude.class_below must be at least 0; got -1",
    ),
    "a key twice": (study(more="question: again"), "found duplicate key question"),
    "not YAML": ("grid: [unclosed", "expected ',' or ']'"),
    "a list": ("- a\n- b\n", "must hold keys and values; got ListConfig"),
    "code": ("!!python/object:os.system x", "could not determine a constructor for the tag"),
    "a missing interpolation": (grid("seed: ['${x}']"), "Interpolation key 'x' not found"),
    "a loop": ("question: q\ngrid: &a {seed: *a}", "maximum recursion depth exceeded"),
    "no text": (b"\xff\xfe\x00\x80", "'utf-8' codec can't decode byte 0xff"),
    "a folder": (Path, "s.yaml must be a readable file; got Is a directory"),
}
EXAMPLES = {
    "no batches": (batches("[]"), "batches must have at least one batch; got none"),
    "a count too many": (batches("[{tp: 1, fp: 0, fn: 0, tn: 0, x: 3}]"), "'x': 3}"),
    "a negative count": (batches("[{tp: -1, fp: 0, fn: 0, tn: 5}]"), "got {'tp': -1"),
    "a batch without samples": (batches("[{tp: 0, fp: 0, fn: 0, tn: 0}]"), "together 1 to 2**53"),
}
# what rows.parquet holds -> what is said of it
TABLES = {
    "nothing": (
        b"",
        "rows.parquet must be a whole parquet file; got ArrowInvalid: Parquet file si",
    ),
    "a missing column": (rows().drop(columns="fp"), "every column of its schema; got none named"),
    "a value out of range": (rows(f1=1.5), "rows.parquet: column f1 must be 0 to 1; got [1.5]"),
}
# the shards that are collected: tables, each good in itself -> what is said of them
SHARDS = {
    "rows of another study": (lambda: [of_study(), rows()], "must hold runs of the study only"),
    "runs missing": (lambda: [of_study()[:40]], "must have every run in a shard; got none for"),
    "a row missing": (
        lambda: [of_study()[:-1]],
        "diamonds n=200 prevalence=0.5 batch=32 seed=1 must have 40 rows in the shards; got 39",
    ),
    "a shard twice": (lambda: [of_study()] * 2, "must have 40 rows in the shards; got 80"),
    "a row twice, another missing": (
        lambda: [of_study()[:-1], of_study()[-2:-1]],
        "out.parquet must have one row for each run_id, epoch, split, strategy; got",
    ),
    "runs in another order": (
        lambda: [of_study()[::-1]],
        "0.parquet must have its runs in the order of the study's grid; got another",
    ),
}
# command line -> what is said of it, where nothing but the words is wrong; of `workflow` those
# that begin with one of its steps
COMMANDS = {
    "dance": "COMMAND must be one of bound, forensics, scan, audit,",
    "expct": "; got expct; did you mean expect?",
    "expect --btch-size 3": "unrecognized arguments: --btch-size 3; did you mean --batch-size?",
    "shard s.yaml": "required: --shard, --shards, --store, --output",
    "workflow": "required: STEP",
    "fetch fashion": "dataset must be one of ['diamonds', 'fashion_mnist',",
    "shard s.yaml --shard 2 --shards 2 --store store --output o": "must lie in 0..1; got 2",
    f"{SHARD} --fast": "unrecognized arguments: --fast",
    "table ../cli rows.parquet --output o": "figure must be one of [",
    "table theory rows.parquet s.yaml --output o": (
        "figure theory must be made from ['source']; got"
    ),
    "table original_log rows.parquet no.txt --output o": "figure original_log must have rows",
    "table theory s.yaml --output o": "s.yaml must be a whole parquet file",
    "draw worked_example s.csv --output o.bmp": "o.bmp must end in one of ('.pdf', '.png')",
    "draw worked_example text.csv --output o.png": "f1 must be of type number; got ['seven']",
    "draw scaling binary --output o.png": "must be the CSV of figure scaling; got 'utf-8' codec",
    "draw scaling folder --output o.png": "folder must be a readable file; got Is a directory",
    "cost s.yaml --store store --output o": "at overrides; Key 'overrides' not in 'CostStudy'",
    "keras224 empty/folder": "empty/folder cannot be written; got File exists",
    "forensics no.txt": "LOG must be a readable text file; got no.txt (No such file",
    "forensics empty": "log must have an F1 of an epoch, such as `val_f1: 0.47` on a progress line",
    "forensics log.txt --batch-size 0": (
        "batch size must be a whole number from 1 to 10000000; got 0"
    ),
    "forensics log.txt --averaging daily": (
        "--averaging must be one of per_batch, size_weighted; got daily"
    ),
    f"{COUNTS} --batch-size 101": "batch_size must be at most the number of samples, 100; got 101",
    "compare": "--precision must be given twice, once for each classifier; got []",
    f"{PREFER}": "--prevalence must be given",
}
# overrides of `batchf1 train`
TRAIN = {
    "+training.foo=3": "config: training.foo cannot be set; the settings are ['backend', '",
    "+foo=3": "config: foo cannot be set; the settings are ['dataset'",
    "~seed": "config: seed must have a value; got none",
    "dataset=null": "Got NoneType; got dataset=null",
    "study=../elsewhere": "study must consist of letters, digits, _ and -; got ../elsewhere",
    "seed=${x}": "Interpolation key 'x' not found",
}


@pytest.fixture
def folder(tmp_path, monkeypatch, repository):
    """A folder with what the command lines name, everything in it good or plainly named."""
    monkeypatch.chdir(tmp_path)
    put(Path("s.yaml"), STUDY)
    put(Path("rows.parquet"), rows())
    put(Path("empty"), b"")
    put(Path("binary"), b"\xff\xfe\x00\x80")
    put(Path("folder"), Path)
    shutil.copy(repository / "docs/article_log.txt", "log.txt")
    shutil.copy(repository / "figures/worked_example.csv", "s.csv")
    put(Path("text.csv"), Path("s.csv").read_text().replace(",0.75\n", ",seven\n"))
    return tmp_path


def put(path, content):
    """Let a path hold text, bytes, a table, a folder (`Path`) or nothing (None)."""
    path.unlink(missing_ok=True)
    if content is Path:
        path.mkdir()
    elif isinstance(content, pd.DataFrame):
        content.to_parquet(path)
    elif isinstance(content, str):
        path.write_text(content)
    elif content is not None:
        path.write_bytes(content)


def contents():
    return {p: p.read_bytes() if p.is_file() else None for p in Path().rglob("*")}


def refused(capfd, arguments, words, main=cli.main):
    """Run a command that must be refused: one line with the words, and nothing else happens."""
    before = contents()
    try:
        status = main(arguments)
    except SystemExit as left:  # argparse
        status = left.code
    said = capfd.readouterr()
    assert status == 2
    assert words in said.err
    assert said.err.startswith("batchf1")
    assert said.err.count("\n") == 1, said.err
    assert "Traceback" not in said.err
    assert not said.out
    assert contents() == before


def cases(command, table):
    return [pytest.param(command, *case, id=name) for name, case in table.items()]


@pytest.mark.parametrize(
    ("command", "text", "words"), [*cases(SHARD, STUDIES), *cases(EXAMPLE, EXAMPLES)]
)
def test_a_bad_experiment(folder, capfd, command, text, words):
    put(Path("s.yaml"), text)
    refused(capfd, command.split(), words)


@pytest.mark.parametrize("case", TABLES)
def test_a_bad_table(folder, capfd, case):
    content, words = TABLES[case]
    put(Path("rows.parquet"), content)
    refused(capfd, TABLE.split(), words)


@pytest.mark.parametrize("case", one_in(2, SHARDS))
def test_shards_that_are_not_the_studys(folder, capfd, case):
    make, words = SHARDS[case]
    made = make()
    paths = [Path(f"{i}.parquet") for i, _ in enumerate(made)]
    for path, table in zip(paths, made, strict=True):
        put(path, table)
    refused(
        capfd, ["workflow", "collect", "s.yaml", *map(str, paths), "--output", "out.parquet"], words
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_command_line(folder, capfd, command):
    words = command.split()
    group = ["workflow"] if words and words[0] in STEPS else []
    refused(capfd, [*group, *words], COMMANDS[command])


@pytest.mark.parametrize("override", TRAIN)
def test_a_bad_override(folder, capfd, override):
    refused(capfd, ["train", override], TRAIN[override])


@pytest.mark.slow
def test_refusals_import_no_tensorflow(folder):
    ask = f"from batchf1.cli.main import main; assert main({TABLE.split()}) == 2"
    other = "assert main(['train', '+foo=3']) == 2"
    wrong = f"assert main({SHARD.replace('--shard 0', '--shard 7').split()}) == 2"
    put(Path("rows.parquet"), b"PAR1 half")
    code = f"{ask}; {other}; {wrong}; import sys; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n"
    assert done.stderr.count("\n") == 3


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.yaml": "f", "b.yaml": "f"}, "b.yaml: figures cannot make a figure of a.yaml; got f"),
        ({"a.yaml": "f", "a.yml": "g"}, "a.yml must end in .yaml, as all experiment files"),
        ({"a.yaml": "scaling"}, "a.yaml: figures cannot make a figure of benchmarks; got scaling"),
        ({"a.yaml": "../f"}, "a.yaml: figures must consist of letters, digits, _ and -; got ../f"),
        ({"a b.yaml": "f"}, "a b.yaml: the name must consist of letters, digits, _ and -; got a b"),
    ],
)
def test_experiments_that_do_not_go_together(tmp_path, files, words):
    for name, figure in files.items():
        put(tmp_path / name, f"{STUDY}figures: {{'{figure}': theory}}")
    with pytest.raises(InputError) as caught:
        experiments(tmp_path)
    assert words in str(caught.value).replace(f"{tmp_path}/", "")


def test_no_folder_of_experiments(tmp_path):
    with pytest.raises(InputError, match="nowhere must be a folder of experiments"):
        experiments(tmp_path / "nowhere")


def test_a_table_of_too_many_rows_is_refused_when_there_is_no_memory(folder, monkeypatch, capfd):
    def full(*arguments):
        raise MemoryError("Unable to allocate 7 PiB")

    monkeypatch.setattr(tables, "iter_chunks", full)
    assert cli.main(TABLE.split()) == 2
    said = "batchf1 workflow table: not enough memory: Unable to allocate 7 PiB\n"
    assert capfd.readouterr().err == said
