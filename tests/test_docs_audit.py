"""docs/audit.md: what it prints is printed, and every rule and column stands there."""

import re

import numpy as np
import pytest
from sklearn.metrics import f1_score

from batchf1 import F1, audit
from batchf1.auditing.metric_warnings import BatchAveragedMetricWarning
from batchf1.auditing.report import MEANING
from batchf1.cli import rows
from helpers.docs_of_loops import code_of, warning_of

COUNTS = [(1, 2, 2, 4), (1, 1, 1, 4), (2, 2, 2, 2)]
"""TP, predicted positives, positives and samples of the batches of docs/averaging.md."""


def f1(y_true, y_pred):
    return f1_score(y_true, y_pred > 0.5, zero_division=0)


def of_counts(tp, predicted, positives, size):
    place = np.arange(size)
    found = (place >= positives - tp) & (place < positives - tp + predicted)
    return (place < positives).astype(float), found.astype(float)


def test_the_example(repository):
    text = (repository / "docs/audit.md").read_text()
    shown = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    block = shown[shown.index("f1 of 10 samples in 3 batches") :][:9]
    printed = str(audit(f1, [of_counts(*counts) for counts in COUNTS], "0.833")).splitlines()
    advice = shown[shown.index("f1 of 10 samples in 3 batches") - 1]
    assert printed[0].startswith(advice.removesuffix("..."))
    lines = [line.removesuffix("...") for line in block if line != "..."]
    assert len(lines) >= 7
    assert all(any(one.startswith(line) for one in printed) for line in lines)


def test_every_rule_and_column_is_told(repository):
    text = (repository / "docs/audit.md").read_text()
    told = {rule for rule in MEANING if f"`{rule}`" in text.split("## The rules")[1]}
    assert told == set(MEANING)
    found = audit(f1, [of_counts(*counts) for counts in COUNTS], devices=2)
    flat = audit(F1, [(y, p[:, None]) for y, p in (of_counts(*counts) for counts in COUNTS)])
    assert {*found.values, *flat.values} == set(MEANING)
    assert all(f"`{name}`" in text for name in (*rows.TRUE, *rows.PREDICTED, rows.BATCH))


def test_labels_without_a_column(repository, capsys):
    page = (repository / "docs/audit.md").read_text()
    section = page.split("\n## Labels (n,)")[1].split("\n## ")[0]
    batches = [of_counts(*counts) for counts in COUNTS]
    names = {"audit": audit, "batches": batches}
    exec(code_of(page, "Labels (n,)"), names)
    shown = " ".join(" ".join(re.findall(r"^    (?!decided|return)(.*)$", section, re.M)).split())
    assert capsys.readouterr().out.strip() == shown
    assert f"`{names['found'].formula}`" in section


def test_a_loop_of_your_own(repository):
    page = (repository / "docs/audit.md").read_text()
    loader = [of_counts(*counts)[::-1] for counts in COUNTS]
    names = {"loader": loader, "epochs": 1, "model": lambda x: x}
    with pytest.warns(BatchAveragedMetricWarning) as told:
        exec(code_of(page, "In a loop of your own"), names)
    assert f"BatchAveragedMetricWarning: {told[0].message}" == warning_of(page, "In a loop of")
    assert names["found"].rule == "per_batch"
