"""Messages of docs/errors.md: each mistake is made, and what the package answers is quoted."""

import io
import shlex
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

import batchf1
from batchf1.auditing.recorder import Recorder
from batchf1.cli.main import main
from batchf1.errors import InputError
from batchf1.metrics.averaging import average
from batchf1.sweep.grid import cells
from templates.common import claim

NUMBER = 50
"""Of mistakes on the page."""

FILES = {
    "scores.csv": "y_true,y_pred\n1,0.9\n0,0.2\n1,0.6\n",
    "batches.csv": "y_true,y_pred,batch\n1,0.9,1\n0,0.2,1\n1,0.6,2\n",
    "other.csv": "truth,guess\n1,0.9\n",
    "logits.csv": "y_true,y_pred\n1,2.5\n0,-1.3\n",
    "percent.csv": "y_true,y_pred\n1,90%\n",
    "comma.csv": "y_true,y_pred\n1,0,9\n",
    "empty.csv": "y_true,y_pred\n",
    "classes.csv": "tp,fp,fn\n3,1,2\n",
    "steps.txt": "20/20 - 1s - loss: 0.61 - accuracy: 0.97\n",
    "scores.txt": "",
}
"""Name -> content of the files that the commands read."""

STUDY = "question: q\noverrides: [dataset.n_samples=200]\n"
"""An experiment file without its grid."""

COUNTS = "batchf1 expect --tp 3 --fp 1 --fn 2 --tn 94"
RATES = "batchf1 expect --prevalence 0.05 --precision 0.8 --recall 0.8"
TWO = "batchf1 compare --precision 0.9 --recall 0.6 --precision 0.5 --recall 0.9"

COMMANDS = {
    "`batchf1 expect`": [
        "batchf1 expect --tp 3 --fp 1 --fn 2 --batch-size 32",
        COUNTS,
        f"{COUNTS} --batch-size 101",
        f"{COUNTS} --batch-size 0",
        f"{COUNTS} --recall 0.6 --batch-size 32",
        f"{COUNTS} --n-samples 100 --batch-size 32",
        f"{COUNTS} --metric auc --batch-size 32",
        f"{COUNTS} --metric f1-macro --batch-size 32",
        "batchf1 expect --metric f1-macro --counts-file classes.csv --batch-size 32",
        "batchf1 expect --prevalence 0 --precision 0.8 --recall 0.8 --batch-size 32",
        f"{RATES} --tolerance 0.01",
        f"{RATES} --n-samples 10 --batch-size 5",
    ],
    "`batchf1 compare`": [
        "batchf1 compare --precision 0.9 --recall 0.6 --prevalence 0.1 --batch-size 32",
        f"{TWO} --batch-size 32",
    ],
    "`batchf1 audit`": [
        "batchf1 audit nothere.csv --batch-size 32",
        "batchf1 audit scores.txt --batch-size 32",
        "batchf1 audit other.csv --batch-size 32",
        "batchf1 audit scores.csv",
        "batchf1 audit batches.csv --batch-size 32",
        "batchf1 audit empty.csv --batch-size 32",
        "batchf1 audit percent.csv --batch-size 32",
        "batchf1 audit comma.csv --batch-size 32",
        "batchf1 audit logits.csv --batch-size 32",
        "batchf1 audit scores.csv --batch-size 2 --y-pred probability",
        "batchf1 audit scores.csv --batch-size 2 --logged high",
        "batchf1 audit scores.csv --batch-size 2 --threshold 50 --from-logits",
        "batchf1 audit scores.csv --batch-size 2 --metric my_metrics:f1",
    ],
    "`batchf1 forensics`": [
        "batchf1 forensics nothere.txt",
        "batchf1 forensics steps.txt",
    ],
}
"""Group -> command lines."""

EXPRESSIONS = {
    "`batchf1.metrics`": [
        "f_beta(0)",
        "f_beta(1, average='mean')",
        "batch_counts([1, 2], [0.9, 0.1], batch_size=2)",
        "batch_counts([1, 0], [0.9, nan], batch_size=2)",
        "batch_counts([1, 0], [0.9, 0.1, 0.4], batch_size=2)",
        "batch_counts([1, 0], [0.9, 0.1], batch_size=1.5)",
        "class_counts([0, 3], eye(3)[:2], batch_size=2)",
        "average([0.5, 0.7], [32, 8], 'weekly')",
    ],
    "`batchf1.theory`": [
        "expect(Counts(3, 1, 2, 94), batch_size=101)",
        "expect(Counts(3, -1, 2, 94), batch_size=32)",
        "expect((3, 1, 2, 94), batch_size=32)",
        "smallest_batch(Counts(3, 1, 2, 94), tolerance=0)",
    ],
    "`batchf1.audit` and `Recorder`": [
        "audit('f1', [([1, 0], [0.9, 0.1])])",
        "audit(F1, [])",
        "audit(F1, [([], [])])",
        "audit(F1, [([1, 0], [0.9])])",
        "audit(F1, [([1, 0], [2.5, -1.3])])",
        "Recorder().check('val_f1', F1, 0.5)",
    ],
}
"""Group -> expressions of Python."""

GRIDS = [
    "grid: {seed: [0, 1]}\nseeds: 5",
    "grid: {seed: []}",
    "grid: {training.batch_size: [1000]}",
]
"""Ends of the experiment file."""


class Mistake(NamedTuple):
    """What was typed, and the answer."""

    typed: str
    message: str


def context(root: Path) -> dict[str, object]:
    """Make the mistakes, in a folder of their own, and collect the messages."""
    with TemporaryDirectory() as folder, chdir(folder):
        for name, content in FILES.items():
            Path(name).write_text(content, encoding="utf-8")
        groups = {
            **_groups(COMMANDS, _of_command),
            **_groups(EXPRESSIONS, _of_expression),
            **_groups({"Experiment files": GRIDS}, _of_study),
        }
    number = sum(map(len, groups.values()))
    claim(number == NUMBER, "the page has the fifty commonest mistakes", number)
    messages = [mistake.message for group in groups.values() for mistake in group]
    claim(not any("\n" in message for message in messages), "each message is one line")
    return {"groups": groups, "files": FILES, "study": STUDY}


def _groups(typed: dict[str, list[str]], answer: Callable[[str], str]) -> dict[str, list[Mistake]]:
    return {name: [Mistake(line, answer(line)) for line in lines] for name, lines in typed.items()}


def _of_command(line: str) -> str:
    """Return what a command prints on standard error, without its end of line."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as printed:
        try:
            status = main(shlex.split(line)[1:])
        except SystemExit as left:  # argparse
            status = left.code
    claim(status == 2, f"{line} is refused with status 2", status)
    return printed.getvalue().rstrip("\n")


def _of_expression(text: str) -> str:
    names = {name: getattr(batchf1, name) for name in batchf1.__all__}
    names |= {"Recorder": Recorder, "average": average, "eye": np.eye, "nan": np.nan}
    return _refusal(text, lambda: eval(text, names))


def _of_study(end: str) -> str:
    Path("study.yaml").write_text(f"{STUDY}{end}\n", encoding="utf-8")
    return _refusal(end, lambda: cells("study.yaml"))


def _refusal(typed: str, call: Callable[[], object]) -> str:
    """Return the message of the `InputError` that a call must raise."""
    message = ""
    try:
        call()
    except InputError as error:
        message = str(error)
    claim(bool(message), f"{typed} is refused", "an answer")
    return message
