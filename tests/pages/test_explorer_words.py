"""The explorer and `batchf1 expect`: the same verdicts, nearest counts and forms of numbers."""

import re
from argparse import ArgumentTypeError

import pytest

from batchf1.cli.main import main
from batchf1.cli.numbers import number
from helpers.explorer import LOG, RATES, READY, shown, state_of
from helpers.slow import slow

LINK = " What to write instead"


def said(page, capsys):
    """The verdict of the page, and all that the command of the page prints."""
    assert main(page.inner_text("#command").split()[1:]) == 0
    return page.inner_text("#verdict").removesuffix(LINK), capsys.readouterr().out.splitlines()


SPREAD = {"entry": "counts", "tp": "15", "fp": "3", "fn": "2", "tn": "80"}


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (RATES | {"positives": "50", "batch": "500"}, "The log may be read here, for this class"),
        slow(
            RATES | {"positives": "50", "batch": "500", "samples": ""},
            "The log may be read here, for this classifier: with very many samples",
        ),
        # its expectation is near the truth, its epochs are not
        (SPREAD | {"batch": "50"}, "Do not read one epoch's log here: for this classifier 95 % of"),
        slow(
            SPREAD | {"batch": "50", "zero": "skip"}, "Do not read one epoch's log here: for this"
        ),
    ],
)
def test_the_verdict_is_that_of_the_command(page, visit, capsys, state, verdict):
    visit(state)
    found, printed = said(page, capsys)
    assert found in printed
    assert found.startswith(verdict)


def test_a_wrong_log_is_wrong_in_both(page, visit, capsys):
    visit(RATES)
    found, printed = said(page, capsys)
    assert found.startswith(
        "The log is wrong here: 0.46 too low, 50 % of the true value. Do not read"
    )
    advice = "Do not read the log here, 46.5 points off: log counts or stream"
    assert any(line.startswith(advice) for line in printed)


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
    visit(RATES | {"batch": "20"} | state)
    _, printed = said(page, capsys)
    lines = [line for line in printed if line.startswith("nearest counts")]
    assert lines == ([f"nearest counts       {words}"] if words else [])
    nearest = f"Nearest that is possible: {words}." if words else ""
    assert page.inner_text("#nearest") == nearest
    assert page.is_visible("#nearest") == bool(words)
    page.check("input[value=counts]")
    counts = {name: f"{int(state_of(page)[name]):,}" for name in ("tp", "fp", "fn", "tn")}
    assert f"counts               {', '.join(map(' '.join, counts.items()))}" in printed
    assert page.is_hidden("#nearest")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"samples": "30"}, "batch size 30 (asked 50); prevalence 0.0333, 1 of 30 (asked 0.014)"),
        slow({"recall": "0.001"}, "precision 1, 1 of 1 (asked 0.935); recall 0.005, 1 of 200"),
        slow({"precision": "0.001", "positives": "50"}, "precision 0.483, 6,685 of 13,835 (asked"),
        ({"precision": "0.001", "positives": "50", "samples": ""}, "precision 0.483 (asked 0.001)"),
        slow(
            LOG | {"entry": "log", "samples": "70", "positives": "0.1"},
            "prevalence 0.0143, 1 of 70",
        ),
        slow(LOG | {"entry": "log", "samples": "40"}, "batch size 40 (asked 50); prevalence 0.025"),
    ],
)
def test_what_cannot_be_becomes_what_is_nearest(page, visit, state, words):
    visit(RATES | state)
    assert page.is_hidden("#error")
    assert page.inner_text("#nearest").startswith(f"Nearest that is possible: {words}")


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
        return str(refusal).partition("; got ")[0]


def rule(found, texts):
    """The value that the page reads, or its sentence for what is refused."""
    name = found.pop("rule", None)
    return found if name is None else texts[f"rule-{name}"].format(**found)


def test_numbers_are_read_alike(page, visit, build):
    visit()
    found = page.evaluate("texts => texts.map(text => batchf1.parseNumber(text))", TEXTS)
    found = [rule(one, build.texts()["en"]) for one in found]
    assert dict(zip(TEXTS, found, strict=True)) == {text: read(text) for text in TEXTS}
    assert {text for text in TEXTS if "mean both" in str(read(text))} == {
        *("1,400", "12,345", "-1,400", "+999,000", "1,400%", "1,400e0")
    }


@pytest.mark.slow
def test_percent_signs_and_decimal_commas_in_the_fields(page, visit):
    visit(RATES)
    plain = shown(page)
    for name, text in {"positives": "1,4 %", "precision": "93,5%", "recall": "0,935"}.items():
        page.fill(f"#{name}", text)
    assert shown(page) == plain
    assert page.is_hidden("#error")
    assert page.input_value("[data-of=precision]") == "935"  # the slider follows
    visit(LOG | {"logged": "0.47"})
    answer = page.inner_text("#true-value")
    page.fill("#logged", "47 %")
    page.wait_for_selector(READY)
    assert page.inner_text("#true-value") == answer


def places(text):
    return set(re.findall(r"\{(\w+)\}", text))


def test_every_text_is_there_in_both_languages(build):
    english, japanese = build.texts().values()
    assert list(english) == list(japanese)
    for name, text in english.items():
        assert places(text) == places(japanese[name]), name
        assert re.findall(r"<\w+", text) == re.findall(r"<\w+", japanese[name]), name
    sources = "".join(
        path.read_text() for path in (build.HERE, *build.HERE.glob("*.js")) if path.suffix
    )
    sources += (build.HERE / "page.html").read_text() + (build.HERE / "build.py").read_text()
    begun = set(re.findall(r"`([a-z-]+-)\$", sources))
    used = set(re.findall(r"[\"{]([a-z][a-z0-9-]*)[\"}]", sources))
    unused = [n for n in english if n not in used and not any(map(n.startswith, begun))]
    assert [name for name in unused if not name.startswith(("empty-", "key-"))] == []


JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


@pytest.mark.parametrize("state", [{}, slow(LOG), slow(RATES), slow(RATES | {"precision": "7"})])
def test_the_page_in_japanese(page, visit, state):
    visit(state | {"lang": "ja"})
    assert page.get_attribute("html", "lang") == "ja"
    assert JAPANESE.search(page.title())
    english = """() => [...document.querySelectorAll(
        'h1, h2, p, dt, legend, label, button, summary')]
      .filter(x => x.checkVisibility() && !x.closest('#frameworks, #language, .code'))
      .map(x => x.innerText.trim()).filter(x => x)"""
    plain = [text for text in page.evaluate(english) if not JAPANESE.search(text)]
    assert plain == []
    page.check("input[value=en]")
    page.wait_for_selector(READY)
    assert page.get_attribute("html", "lang") == "en"
    assert [text for text in page.evaluate(english) if JAPANESE.search(text)] == []


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_what_is_drawn_stands_out(build):
    """A contrast of 3 to 1 for marks and 4.5 for letters, WCAG 2.2, in light and dark."""
    light, dark = re.findall(r":root \{(.*?)\}", (build.HERE / "style.css").read_text(), re.S)
    for scheme in (light, dark):
        colours = dict(re.findall(r"--([\w-]+): (#\w{6})", scheme))
        brightness = {name: luminance(colour) + 0.05 for name, colour in colours.items()}
        for ground in ("card", "ground", "code"):
            for name in colours.keys() - {"card", "ground", "code", "line", "grid"}:
                ends = sorted([brightness[name], brightness[ground]])
                text = name in ("text", "quiet", "link", "logged-text", "wrong")
                assert ends[1] / ends[0] >= (4.5 if text else 3), (name, ground)
