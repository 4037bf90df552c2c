"""README.md and README.ja.md: every number stands in a committed table, and both say the same."""

import itertools
import re
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import yaml

from batchf1.cli import main as cli
from batchf1.metrics.counts import Counts
from batchf1.records import report
from batchf1.study.atlas.study import AtlasStudy
from batchf1.study.decisions.study import DecisionStudy
from batchf1.study.experiments import experiments
from batchf1.study.grid import Study
from batchf1.study.pieces import n_runs, whole
from batchf1.study.plan import plan
from batchf1.theory.expectation import expect
from batchf1.theory.limits import rare_positives
from helpers import figure_of_decisions as decisions

PAGES = ["README.md", "README.ja.md"]
SENTENCES = yaml.safe_load(Path(__file__).with_name("readme.yaml").read_text())
VERDICTS = {"holds": "成立", "reproduced": "再現", "fails": "不成立"}


@pytest.fixture(scope="module", params=PAGES)
def page(request, repository):
    return (repository / request.param).read_text()


@pytest.fixture(scope="module")
def both(repository):
    return [(repository / name).read_text() for name in PAGES]


def joined(text):
    """Without white space: Japanese has none where a line breaks."""
    return "".join(text.split())


def of_the_sweep(folder):
    batch = pd.read_csv(folder / "error_vs_batch_size.csv")
    size = pd.read_csv(folder / "error_vs_dataset_size.csv")

    def cell(table, **where):
        where = {"split": "validation", "strategy": "batch_mean"} | where
        for key, value in where.items():
            table = table[table[key] == value]
        assert len(table) == 1
        return table.iloc[0]

    worst = batch.groupby(["split", "strategy"])["worst_error"].max()
    splits = ("train", "validation")
    assert all(worst[split, "streaming"] == 0 for split in splits)
    return {
        "rare": cell(batch, prevalence=0.02, batch_size=32),
        "rarer": cell(batch, prevalence=0.005, batch_size=32),
        "even": cell(batch, prevalence=0.5, batch_size=32),
        "small": cell(size, batch_size=8, n_samples=1000),
        "large": cell(size, batch_size=8, n_samples=44000),
        "rebuilt": max(worst[split, "reconstructed"] for split in splits),
        "moved": worst["train", "epoch_end"],
    }


def of_the_theory(folder):
    calibration = pd.read_csv(folder / "calibration.csv")
    every = calibration[calibration["batch_size"].isna()].iloc[0]
    skills = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]
    few = (k for k in range(1, 20) if all(rare_positives(k, s, s).error < -0.05 for s in skills))
    verdicts = pd.read_csv(folder / "atlas.csv").groupby("metric")["verdict"].first()
    return {
        "n_passes": every["n_passes"],
        "mean": every["mean"],
        "deviation": every["deviation"],
        "few": max(few),
        "n_metrics": len(verdicts),
        "n_safe": (verdicts == "safe").sum(),
    }


def of_the_decisions(folder):
    zero = decisions.rows(decisions.read(folder))
    lost = {name: decisions.first(zero, key) for name, key in decisions.LINES.items()}
    return {
        "search": lost["search over 32 candidates"],
        "threshold": lost["threshold"],
        "weight": lost["class weight 1 to 20"],
        "epoch": lost["epoch kept"],
        "many": zero[zero["bin_low"] >= 3]["regret"].max(),
    }


def of_the_studies(repository):
    """How many networks each target trains."""
    trained = Counter()
    for name, study in experiments(repository / "experiments").items():
        if isinstance(study, Study | DecisionStudy):
            grid = plan(repository / f"experiments/{name}.yaml").cells
            if grid[0].first.dataset.name != "fashion_mnist":
                trained[name if study.aside else "bundled"] += n_runs(whole(grid))
        elif isinstance(study, AtlasStudy):
            trained["bundled"] += len(study.tasks) * study.seeds
    (large,) = pd.read_csv(repository / "benchmarks/large.csv").to_dict("records")
    return {f"n_{name}": n for name, n in trained.items()} | {"minutes": large["seconds"] / 60}


@pytest.fixture(scope="module")
def numbers(repository):
    folder = repository / "figures"
    found = of_the_sweep(folder) | of_the_theory(folder) | of_the_decisions(folder)
    shuffled = {"shuffled": expect(Counts(61, 10, 19, 210), 100)}
    return found | of_the_studies(repository) | shuffled


@pytest.mark.parametrize("name", SENTENCES)
@pytest.mark.parametrize("language", PAGES)
def test_each_number_is_that_of_its_table(repository, numbers, name, language):
    text = joined((repository / language).read_text())
    for sentence in SENTENCES[name][language]:
        assert joined(sentence.format(**numbers)) in text, sentence.format(**numbers)


@pytest.mark.parametrize("part", ["n_bundled", "n_large", "n_decisions", "minutes"])
def test_the_page_on_reproducing_has_the_same(repository, numbers, part):
    page = (repository / "docs/reproduce.md").read_text()
    assert f"{numbers[part]:,.0f}" in page


# What both have alike


def code(text):
    """The blocks of code, without comments."""
    lines = re.findall(r"^    (.*)$", text, re.MULTILINE)
    return [line.partition("    #")[0].rstrip() for line in lines]


def links(text):
    return sorted(re.findall(r"\]\(([^)]+)\)", text))


def test_both_have_the_same_code_and_links(both):
    english, japanese = both
    assert code(english) == code(japanese)
    assert len(code(english)) >= 7
    assert set(links(english)) - {"README.ja.md"} == set(links(japanese)) - {"README.md"}


def claims(text):
    return re.findall(r"^\| (C\d+) \| (.*) \| (.*) \|$", text, re.MULTILINE)


def test_both_have_the_verdicts_of_the_page_on_claims(repository, both):
    found = report.claims(repository / "docs/claims.md")
    english, japanese = map(claims, both)
    assert [row[:2] for row in english] == [row[:2] for row in found]
    for claim, here, there in zip(found, english, japanese, strict=True):
        verdict = re.match(r"\w+", claim.verdict)[0]
        assert here[2].startswith(verdict)
        assert there[0] == claim.number
        assert VERDICTS[verdict] in there[2]
        assert ("不成立" in there[2]) == (verdict == "fails")  # which contains the other word


def test_the_numbers_of_the_claims_are_in_both(both):
    english, japanese = ([re.findall(r"\d+\.\d+|\d+ %", row[1]) for row in claims(t)] for t in both)
    assert list(map(sorted, english)) == list(map(sorted, japanese))


def test_japanese_lines_break_where_a_space_does_no_harm(repository):
    """GitHub shows a line break as a space, which would split a word or a phrase."""
    text = re.sub(r"^```.*?^```$", "", (repository / "README.ja.md").read_text(), flags=re.M | re.S)
    prose = re.compile(r"(?!    |[|#])\s*\S")
    goes_on = re.compile(r"(?!    |[|#-])\s*\S")
    broken = [
        line
        for line, following in itertools.pairwise(text.splitlines())
        if prose.match(line) and goes_on.match(following)
    ]
    assert len(broken) > 20
    assert [line for line in broken if not line.endswith(("。", "、"))] == []


# Each page


def test_it_is_short(page):
    assert len(page.splitlines()) <= 150


def test_every_file_that_it_names_is_there(page, repository):
    named = [link for link in links(page) if not link.startswith("http")]
    assert len(named) > 20
    for path in named:
        assert (repository / path.partition("#")[0]).exists(), path


def test_its_five_lines_train(page):
    """As a reader would run them, with a model and data of their own."""
    (snippet,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    rng = np.random.default_rng(0)
    x, y = rng.random((64, 3)), rng.integers(0, 2, 64)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, "sigmoid")])
    exec(snippet, {"model": model, "x": x, "y": y, "x_val": x, "y_val": y})
    for key in re.findall(r"`(\w*f1_reconstructed)`", page):
        assert 0 <= model.history.history[key][-1] <= 1


def test_what_expect_prints(page, capsys):
    (call,) = re.findall(r"\$ batchf1 (expect .*)", page)
    assert cli.main(call.split()) == 0
    printed = capsys.readouterr().out.splitlines()
    after = code(page)[code(page).index(f"$ batchf1 {call}") + 1 :][:2]
    assert [line for line in printed if line in after] == after
