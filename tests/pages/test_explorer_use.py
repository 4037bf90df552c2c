"""docs/explorer.html in headless Chromium: controls, address, wrong input, and for everyone."""

import re
from urllib.parse import urlencode

import pytest

from batchf1.metrics.counts import Counts
from batchf1.metrics.factories import f_beta
from batchf1.theory.expectation import expect
from helpers.explorer import NO_WAY_BACK, READY, shown, state_of

# Controls, address, wrong input


@pytest.mark.slow
def test_every_control_moves_the_state(page, visit):
    visit(**NO_WAY_BACK)
    texts = {"positives": "5", "precision": "0.8", "recall": "0.7", "samples": "20000"}
    texts |= {"batch": "64", "beta": "2"}
    for name, text in texts.items():
        page.fill(f"#{name}", text)
    assert state_of(page).items() >= texts.items()
    found = expect(Counts(700, 175, 300, 18825), 64, metric=f_beta(2))
    assert shown(page) == (round(found.expected_f1, 4), round(found.true_f1, 4))
    page.check("input[value=counts]")
    texts = {"tp": "700", "fp": "175", "fn": "300", "tn": "18825"}
    assert state_of(page).items() >= texts.items()
    texts = {"tp": "123", "fp": "124", "fn": "125", "tn": "126", "logged": "0.5"}
    for name, text in texts.items():
        page.fill(f"#{name}", text)
    assert state_of(page).items() >= texts.items()
    page.fill("#fp", "123")
    page.fill("#fn", "123")
    page.fill("#tn", "123")
    page.check("input[value=rates]")
    texts = {"positives": "50", "precision": "0.5", "recall": "0.5", "samples": "492"}
    assert state_of(page).items() >= texts.items()
    chosen = {"metric": "jaccard", "zero": "1", "averaging": "size_weighted"}
    for name, option in chosen.items():
        page.select_option(f"#{name}", option)
    assert state_of(page).items() >= chosen.items()
    assert page.is_hidden("#beta")
    assert "beta" not in state_of(page)
    page.click("#reset")
    assert state_of(page)["positives"] == "1.4"


def test_frameworks(page, visit):
    visit(**NO_WAY_BACK)
    for name in ("tf-keras", "torchmetrics", "lightning", "keras3"):
        page.check(f"input[value={name}]")
        assert page.locator(".code[data-framework]:visible").count() == 1
        assert page.is_visible(f"#code-{name}")
    assert state_of(page)["framework"] == "keras3"


@pytest.mark.slow
def test_sliders_by_keyboard(page, visit):
    visit(**NO_WAY_BACK)
    for name in ("positives", "precision", "recall", "samples", "batch"):
        before = float(page.input_value(f"#{name}"))
        page.focus(f"[data-of={name}]")
        page.keyboard.press("ArrowRight")
        after = float(page.input_value(f"#{name}"))
        assert after > before
        assert page.get_attribute(f"[data-of={name}]", "aria-valuetext") == f"{after:g}"
    assert float(state_of(page)["batch"]) == after


@pytest.mark.slow
def test_address_brings_the_same_picture(page, visit, browser, build):
    visit(positives="3", batch="20", zero="skip", metric="jaccard", logged="0.6", seed="7")
    for name, text in (
        ("positives", "3"),
        ("zero", "skip"),
        ("metric", "jaccard"),
        ("logged", "0.6"),
    ):
        assert page.input_value(f"#{name}") == text
    read = "ids => ids.map(id => document.getElementById(id).outerHTML)"
    ids = ["batches", "split", "curve", "back-text", "command", "logged-value"]
    seen, address = page.evaluate(read, ids), page.url
    other = browser.new_page(viewport={"width": 1280, "height": 900})
    other.goto(address)
    other.wait_for_selector(READY)
    assert other.evaluate(read, ids) == seen
    other.evaluate("location.hash = '#batch=100'")  # by hand, in an open page
    other.wait_for_function("document.getElementById('batch').value === '100'")
    assert other.input_value("#positives") == "1.4"
    other.close()


NUMBER = "must be a number such as 0.5, 0,5 or 50%"
WRONG = [
    ({"precision": "1.7"}, "precision must be above 0 and at most 1; got 1.7"),
    ({"recall": "zero"}, f"recall {NUMBER}; got zero"),
    ({"positives": "170"}, "positives must be above 0 and at most 100 %; got 170 %"),
    ({"positives": ""}, f"positives {NUMBER}; got nothing"),
    ({"samples": "10.5"}, "samples must be a whole number from 1 to 1,000,000; got 10.5"),
    ({"samples": "1400%"}, "samples must be a whole number from 1 to 1,000,000; got 1400%"),
    ({"samples": "14,300"}, "samples must be 14300 or 14.300, as the comma can mean both; got"),
    ({"samples": "30"}, "positives must leave a positive among 30 samples (take more, or enter"),
    ({"recall": "0.001"}, "recall must leave a true positive among 14,300 samples (take more, or"),
    (
        {"precision": "0.001", "positives": "50"},
        "precision cannot be so low: it gives more false alarms than there are",
    ),
    ({"batch": "20000"}, "batch must be a whole number from 1 to the number of samples, 14,300;"),
    ({"beta": "0"}, "beta must be above 0 and at most 100; got 0"),
    ({"entry": "counts", "tp": "-1"}, "tp must be a whole number from 0 to 1,000,000; got -1"),
    ({"entry": "counts", "tn": "1000000"}, "tp + fp + fn + tn must add up to 1 to 1,000,000; got"),
    ({"zero": "2"}, "zero must be one of 0, 1, skip; got 2"),
    ({"metric": "auc"}, "metric must be one of f-beta, jaccard, precision, recall; got auc"),
    ({"metric": "constructor"}, "metric must be one of f-beta, jaccard, precision, recall; got"),
    ({"seed": "x"}, f"seed {NUMBER}; got x"),
    ({"bach": "5"}, "address must set only entry, positives,"),
    ({"precision": "<b>1</b>"}, f"precision {NUMBER}; got <b>1</b>"),
]


@pytest.mark.parametrize("name", ["constructor", "__proto__"])
def test_names_that_every_object_has_are_no_settings(page, visit, name):
    visit(**{name: "1"}, **NO_WAY_BACK)
    assert page.inner_text("#error").startswith("address must set only entry, positives,")
    assert f"got {name}." in page.inner_text("#error")
    assert shown(page)[0] > 0


def test_wrong_input_gets_one_line(page, visit):
    visit(**NO_WAY_BACK)
    for state, message in WRONG:
        page.evaluate("hash => { location.hash = hash; }", urlencode(state))
        page.wait_for_function(
            "text => document.getElementById('error').textContent.startsWith(text)", arg=message
        )
        assert page.is_visible("#error")
        assert "\n" not in page.inner_text("#error")
        assert page.locator("#curve path").count() == 1  # there still is a picture
        field = re.split(" (must|cannot) ", message)[0].split()[-1]
        if page.locator(f"#{field}:not(select)").count():
            assert page.get_attribute(f"#{field}", "aria-invalid") == "true"
    visit(precision="7")  # also as the first thing that is opened
    assert page.is_visible("#error")
    assert shown(page)[0] > 0
    page.fill("#precision", "0.7")
    page.wait_for_selector(READY)
    assert page.is_hidden("#error")
    page.fill("#logged", "47 points")
    page.wait_for_selector(READY)
    assert page.inner_text("#back-text") == f"logged {NUMBER}; got 47 points"


# For everyone


@pytest.mark.slow
def test_copy_buttons(page, visit, build):
    visit(framework="tf-keras", **NO_WAY_BACK)
    page.evaluate("""() => { window.copied = []; Object.defineProperty(navigator, 'clipboard',
        {value: {writeText: text => (copied.push(text), Promise.resolve())}}); }""")
    page.click("[data-copy=code-tf-keras]")
    page.click("[data-copy=command]")
    page.click("#copy-link")
    page.wait_for_function("copied.length === 3")
    code, command, link = page.evaluate("copied")
    assert code == (build.HERE / "snippets" / "tf-keras.txt").read_text().strip()
    assert command == page.inner_text("#command")
    assert link == page.url
    assert page.inner_text("#said") == "Copied."


@pytest.mark.slow
def test_copy_without_a_clipboard(page, visit):
    visit(**NO_WAY_BACK)
    page.evaluate("""() => { Object.defineProperty(navigator, 'clipboard', {value: undefined});
        document.execCommand = () => { window.taken = getSelection().toString() ||
            document.activeElement.value; return true; }; }""")
    page.click("[data-copy=command]")
    page.wait_for_function("window.taken")
    assert page.evaluate("taken") == page.inner_text("#command")
    page.wait_for_function("document.getElementById('said').textContent === 'Copied.'")


FOCUSED = """() => { const x = document.activeElement, style = getComputedStyle(x);
  return [x.id || x.dataset.of || x.dataset.copy || x.name || x.tagName,
    x.ariaLabel || (x.labels && x.labels[0]?.innerText) || x.innerText, style.outlineStyle]; }"""


@pytest.mark.slow
def test_keyboard_reaches_everything_and_names_it(page, visit):
    visit(**NO_WAY_BACK)
    reached, places = set(), page.locator("a, button, input, select, summary, pre").count()
    page.evaluate("document.activeElement.blur()")
    for _ in range(2 * places):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found[0] == "BODY":
            break
        reached.add(found[0])
        assert found[1].strip(), found
        assert found[2] != "none", found
    wanted = {"entry", "positives", "precision", "recall", "samples", "batch", "metric", "beta"}
    wanted |= {"zero", "averaging", "copy-link", "reset", "again", "logged", "framework"}
    assert wanted | {"code-keras3", "command", "SUMMARY", "A"} <= reached
    page.focus("#verdict a")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "repair-title"
    assert "framework=" in page.url  # the address keeps the state


@pytest.mark.slow
def test_screen_reader_finds_words_for_pictures(page, visit):
    visit(**NO_WAY_BACK)
    for name in ("batches", "split", "curve"):
        assert page.get_attribute(f"#{name}", "role") == "img"
        assert len(page.get_attribute(f"#{name}", "aria-label")) > 60
    assert page.get_attribute("#verdict", "aria-live") == "polite"
    assert page.get_attribute("#error", "role") == "alert"
    unnamed = """all => all.filter(x => !x.ariaLabel && !x.labels.length).map(x => x.outerHTML)"""
    assert page.eval_on_selector_all("input, select", unnamed) == []


OVERLAPS = """() => { const found = [];
  for (const svg of document.querySelectorAll('svg')) {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')];
    const boxes = texts.map(text => [text.textContent, text.getBoundingClientRect()]);
    boxes.forEach(([name, a], i) => {
      if (a.left < frame.left - 1 || a.right > frame.right + 1 || a.top < frame.top - 1
          || a.bottom > frame.bottom + 1) found.push(name + ' leaves ' + svg.id);
      for (const [other, b] of boxes.slice(i + 1))
        if (a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom)
          found.push(name + ' on ' + other);
    });
  } return found; }"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_overlaps_or_leaves_the_screen(page, visit, width):
    page.set_viewport_size({"width": width, "height": 844})
    visit()
    for state in (
        {"seed": "2"},
        {"zero": "1", "batch": "1", "precision": "0.1", "recall": "0.1"},
        {"zero": "skip", "batch": "3", "metric": "jaccard"},
        {"batch": "4096", "entry": "counts", "tp": "5000", "fn": "4000", "tn": "90000"},
        {"precision": "2"},
    ):
        page.evaluate("hash => { location.hash = hash; }", urlencode(state | NO_WAY_BACK))
        page.wait_for_timeout(30)
        page.wait_for_selector(READY)
        assert page.evaluate(OVERLAPS) == [], state
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_dark_and_still(browser, build):
    for scheme, ground in (("light", "rgb(251, 251, 249)"), ("dark", "rgb(22, 22, 22)")):
        page = browser.new_page(color_scheme=scheme, reduced_motion="reduce")
        page.goto(build.PAGE.as_uri())
        colour = "getComputedStyle(document.body).backgroundColor"
        assert page.evaluate(colour) == ground
        assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
        page.close()
