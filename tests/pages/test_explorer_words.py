"""The explorer and `batchf1 expect`: the same verdicts, nearest counts and forms of numbers."""

from argparse import ArgumentTypeError

import pytest

from batchf1.cli.main import main
from batchf1.cli.numbers import number
from helpers.explorer import NO_WAY_BACK, READY, shown, state_of
from helpers.slow import slow

LINK = " What to write instead"


def said(page, capsys):
    """The verdict of the page, and all that the command of the page prints."""
    assert main(page.inner_text("#command").split()[1:]) == 0
    return page.inner_text("#verdict").removesuffix(LINK), capsys.readouterr().out.splitlines()


SPREAD = {"entry": "counts", "tp": "15", "fp": "3", "fn": "2", "tn": "80", **NO_WAY_BACK}


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ({"positives": "50", "batch": "500"}, "The log may be read here, for this classifier: "),
        # its expectation is near the truth, its epochs are not
        (SPREAD | {"batch": "50"}, "Do not read one epoch's log here: for this classifier 95 % of"),
        slow(
            SPREAD | {"batch": "50", "zero": "skip"}, "Do not read one epoch's log here: for this"
        ),
    ],
)
def test_the_verdict_is_that_of_the_command(page, visit, capsys, state, verdict):
    visit(**NO_WAY_BACK | state)
    found, printed = said(page, capsys)
    assert found == printed[-1]
    assert found.startswith(verdict)


def test_a_wrong_log_is_wrong_in_both(page, visit, capsys):
    visit(**NO_WAY_BACK)
    found, printed = said(page, capsys)
    assert found.startswith("Yes, it is wrong: 0.46 too low, 50 % of the true value. Do not read")
    assert printed[-1].startswith("Do not read the log here, 46.5 points off: log counts or stream")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            {"positives": "5", "precision": "0.85", "recall": "0.85", "samples": "300"},
            "precision 0.867, 13 of 15 (asked 0.85); recall 0.867, 13 of 15 (asked 0.85)",
        ),
        slow(
            {"positives": "1,1%", "precision": "50%", "recall": "0,5", "samples": "500"},
            "prevalence 0.012, 6 of 500 (asked 0.011)",  # 5.5, and halves go to the even number
        ),
        slow({"positives": "0.21", "precision": "1", "recall": "1", "samples": "1000000"}, ""),
    ],
)
def test_rates_are_those_of_the_nearest_counts(page, visit, capsys, state, words):
    visit(**NO_WAY_BACK | state | {"batch": "20"})
    _, printed = said(page, capsys)
    lines = [line for line in printed if line.startswith("nearest counts")]
    assert lines == ([f"nearest counts       {words}"] if words else [])
    assert page.inner_text("#nearest") == (f"Nearest whole counts: {words}." if words else "")
    assert page.is_visible("#nearest") == bool(words)
    page.check("input[value=counts]")
    counts = {name: f"{int(state_of(page)[name]):,}" for name in ("tp", "fp", "fn", "tn")}
    assert f"counts               {', '.join(map(' '.join, counts.items()))}" in printed
    assert page.is_hidden("#nearest")


TEXTS = [
    *("0.5", ".5", "5.", "1,4", "0,935", "00,100", "+1,25", "-0,5", "1e-2", "1,5E-3", " 7 "),
    *("50%", "50 %", "1.1%", "1,1 %", "2.9%", "0,07%", "1e1%", "100000,123", "1e999%", "1e-400"),
    *("1,400", "12,345", "-1,400", "+999,000", "1,400%", "1,400e0"),
    *("", "%", "x", "1.2.3", "1,2,3", "1.400,5", "1,400.5", "1,234,567", "50%%", "% 5", "0x10"),
    *("nan", "inf", "Infinity", "1e400", "1_000", "--1", "1e", "e5", ",", ".", "\u0665", "5 5"),
]


def read(text):
    try:
        return {"value": number(text)}
    except ArgumentTypeError as refusal:
        return {"rule": str(refusal).partition("; got ")[0]}


def test_numbers_are_read_alike(page, visit):
    visit(**NO_WAY_BACK)
    found = page.evaluate("texts => texts.map(text => batchf1.parseNumber(text))", TEXTS)
    assert dict(zip(TEXTS, found, strict=True)) == {text: read(text) for text in TEXTS}
    assert {text for text in TEXTS if "mean both" in read(text).get("rule", "")} == {
        *("1,400", "12,345", "-1,400", "+999,000", "1,400%", "1,400e0")
    }


@pytest.mark.slow
def test_percent_signs_and_decimal_commas_in_the_fields(page, visit):
    visit(**NO_WAY_BACK | {"positives": "1.4"})
    plain = shown(page)
    for name, text in {"positives": "1,4 %", "precision": "93,5%", "recall": "0,935"}.items():
        page.fill(f"#{name}", text)
    assert shown(page) == plain
    assert page.is_hidden("#error")
    assert page.input_value("[data-of=precision]") == "935"  # the slider follows
    page.fill("#logged", "0.47")
    page.wait_for_selector(READY)
    answer = page.inner_text("#back-text")
    assert answer.startswith("The true F1 lies between")
    page.fill("#logged", "47 %")
    page.wait_for_selector(READY)
    assert page.inner_text("#back-text") == answer
