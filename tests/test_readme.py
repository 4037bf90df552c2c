"""README.md and README.ja.md: both have the same, and what they show works."""

import itertools
import re

import keras
import numpy as np
import pytest
from sklearn.metrics import f1_score

from batchf1.cli import main as cli
from batchf1.records import report
from helpers.other_backends import printed

PAGES = ["README.md", "README.ja.md"]
VERDICTS = {"holds": "成立", "reproduced": "再現", "fails": "不成立"}


@pytest.fixture(scope="module", params=PAGES)
def page(request, repository):
    return (repository / request.param).read_text()


@pytest.fixture(scope="module")
def both(repository):
    return [(repository / name).read_text() for name in PAGES]


# What both have alike


def code(text):
    """The blocks of code, without comments."""
    lines = re.findall(r"^    (.*)$", text, re.MULTILINE)
    return [line.partition("    #")[0].rstrip() for line in lines]


def links(text):
    return sorted(re.findall(r"\]\(([^)]+)\)", text))


def in_english(links):
    """Links without those to the other page, and to figures without the language."""
    return {link.replace("_ja.", ".") for link in links if not link.startswith("README")}


def test_both_have_the_same_code_and_links(both):
    english, japanese = both
    assert code(english) == code(japanese)
    assert len(code(english)) >= 7
    assert in_english(links(english)) == in_english(links(japanese))


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
    """As a reader would run them, with a model and data of their own, and labels of shape (n,)."""
    (snippet,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    rng = np.random.default_rng(0)
    x, y = rng.random((64, 3)), rng.integers(0, 2, 64)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, "sigmoid")])
    exec(snippet, {"model": model, "x": x, "y": y, "x_val": x, "y_val": y})
    for key in re.findall(r"`(\w*f1_streaming)`", page):
        assert 0 <= model.history.history[key][-1] <= 1


def test_what_expect_prints(page, capsys):
    (call,) = re.findall(r"\$ batchf1 (expect .*)", page)
    assert cli.main(call.split()) == 0
    printed = capsys.readouterr().out.splitlines()
    after = code(page)[code(page).index(f"$ batchf1 {call}") + 1 :][:3]
    assert [line for line in printed if line in after] == after


def test_a_number_that_links_a_line_of_a_table_is_in_that_line(page, repository):
    pairs = re.findall(r"\[([^]]+)\]\((figures/\w+\.csv)#L(\d+)\)", page)
    assert len(pairs) > 10
    for text, path, line in pairs:
        (shown,) = re.findall(r"[+-]?\d[\d.e-]*", text)
        cells = (repository / path).read_text().splitlines()[int(line) - 1].split(",")
        values = [float(cell) for cell in cells if re.fullmatch(r"-?\d[\d.e-]*", cell)]
        wanted = float(shown) / (100 if text.endswith("%") or "%" in text else 1)
        digits = 1e-3 if "." in shown and len(shown.partition(".")[2]) == 3 else 1e-2
        near = [v for v in values if abs(v - wanted) <= min(digits / 2, abs(wanted) / 2) + 1e-12]
        assert near, (text, path, line)


@pytest.mark.slow
def test_the_lines_for_pytorch_give_the_f1_of_all_samples(repository):
    row = re.search(
        r"^\| .*torchmetrics.*\|$", (repository / "README.md").read_text(), re.MULTILINE
    )
    create, update, compute, reset = re.findall("`([^`]+)`", row[0].split(" | ")[-1])
    labels, scores = [1, 0, 1, 1, 1, 0], [0.9, 0.8, 0.2, 0.1, 0.7, 0.3]
    program = f"""
import torch, torchmetrics
{create}
for _ in range(2):
    for i in range(0, 6, 4):
        labels, scores = torch.tensor({labels})[i : i + 4], torch.tensor({scores})[i : i + 4]
        {update}
    print(float({compute}))
    {reset}
"""
    logged = [float(line) for line in printed("torch", repository, "-c", program).split()]
    assert logged == [pytest.approx(f1_score(labels, np.array(scores) > 0.5), abs=1e-6)] * 2
