"""docs/explorer.html in headless Chromium: controls, address, wrong input, and for everyone."""

from urllib.parse import urlencode

import pytest

from batchf1.metrics.counts import Counts
from batchf1.metrics.factories import f_beta
from batchf1.theory.expectation import expect
from helpers.explorer import LOG, RATES, READY, shown, state_of
from helpers.slow import slow

# Questions and controls


def test_it_asks_before_it_answers(page, visit):
    visit()
    assert page.inner_text("#verdict").startswith("Enter what your log says")
    for name in ("numbers", "strip", "pictures", "error", "more", "by-command"):
        assert page.is_hidden(f"#{name}")
    page.fill("#logged", "0,4728")
    page.fill("#batch", "50")
    page.wait_for_selector(READY)
    assert page.inner_text("#verdict") == "Still to enter: the share of positives."
    page.fill("#positives", "1,4%")
    assert page.inner_text("#true-value") == "0.85 and 0.96"  # at once
    assert page.is_visible("#pictures")
    page.fill("#samples", "14300")
    assert "chance of one epoch is being added" in page.inner_text("#verdict")
    page.wait_for_selector(READY)
    assert page.inner_text("#true-value") == "0.75 and 1.00"
    assert page.locator("#strip .may-chance").count() == 1
    page.click("#clear")
    assert state_of(page) == {}
    assert page.inner_text("#verdict").startswith("Enter what your log says")
    page.click("#article")
    assert state_of(page) == LOG


def test_knowing_more_keeps_the_picture(page, visit):
    visit(LOG)
    drawn = page.get_attribute("#batches .bar", "d")
    page.click("#know")
    page.wait_for_selector(READY)
    assert page.get_attribute("#know", "aria-expanded") == "true"
    assert (
        state_of(page).items() >= {"entry": "rates", "batch": "50", "precision": "0.9398"}.items()
    )
    assert page.get_attribute("#batches .bar", "d")[:40] == drawn[:40]
    assert shown(page) == (pytest.approx(0.4728, abs=1e-4), pytest.approx(0.9398, abs=1e-4))
    page.click("#know")
    page.wait_for_selector(READY)
    assert state_of(page).items() >= LOG.items()
    assert page.inner_text("#true-value") == "0.85 and 0.96"


@pytest.mark.slow
def test_every_control_moves_the_state(page, visit):
    visit(RATES)
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
    texts = {"tp": "123", "fp": "123", "fn": "123", "tn": "123"}
    for name, text in texts.items():
        page.fill(f"#{name}", text)
    assert state_of(page).items() >= texts.items()
    page.check("input[value=rates]")
    texts = {"positives": "50", "precision": "0.5", "recall": "0.5", "samples": "492"}
    assert state_of(page).items() >= texts.items()
    page.click("summary >> nth=0")
    chosen = {"metric": "jaccard", "zero": "1", "averaging": "size_weighted"}
    for name, option in chosen.items():
        page.select_option(f"#{name}", option)
    assert state_of(page).items() >= chosen.items()
    assert page.is_hidden("#beta")


def test_frameworks(page, visit):
    visit()
    for name in ("tf-keras", "torchmetrics", "lightning", "keras3"):
        page.check(f"input[value={name}]")
        assert page.locator(".code[data-framework]:visible").count() == 1
        assert page.is_visible(f"#code-{name}")
    assert state_of(page) == {}


@pytest.mark.slow
def test_sliders_by_keyboard(page, visit):
    """A slider never refuses, and the last picture then changes its number."""
    visit(RATES)
    for name in ("samples", "positives", "precision", "recall", "batch"):
        before = float(page.input_value(f"#{name}"))
        page.focus(f"[data-of={name}]")
        page.keyboard.press("ArrowRight")
        after = float(page.input_value(f"#{name}"))
        assert after > before
        assert page.get_attribute(f"[data-of={name}]", "aria-valuetext") == f"{after:g}"
        over = state_of(page).get("over", "batch")
        assert over == ("batch" if name == "samples" else name)
        for end in ("Home", "End"):
            page.keyboard.press(end)
            page.wait_for_selector(READY)
            assert page.is_hidden("#error")
            assert page.locator("#curve .own").count() == 1


@pytest.mark.slow
def test_address_brings_the_same_picture(page, visit, browser, build):
    state = RATES | {"positives": "3", "batch": "20", "zero": "skip", "metric": "jaccard"}
    visit(state | {"seed": "7"})
    for name in ("positives", "zero", "metric"):
        assert page.input_value(f"#{name}") == state[name]
    read = "ids => ids.map(id => document.getElementById(id).outerHTML)"
    ids = ["batches", "split", "curve", "strip", "command", "logged-value"]
    seen, address = page.evaluate(read, ids), page.url
    other = browser.new_page(viewport={"width": 1280, "height": 900})
    other.goto(address)
    other.wait_for_selector(READY)
    assert other.evaluate(read, ids) == seen
    other.evaluate("location.hash = '#batch=100'")  # by hand, in an open page
    other.wait_for_function("document.getElementById('batch').value === '100'")
    assert other.input_value("#positives") == ""
    other.close()


# Wrong input

NUMBER = "must be a number such as 0.5, 0,5 or 50%"
WRONG = [
    ({"precision": "1.7"}, "precision must be above 0 and at most 1; got 1.7"),
    ({"recall": "zero"}, f"recall {NUMBER}; got zero"),
    ({"positives": "170"}, "the share of positives must be above 0 and at most 100 %; got 170 %"),
    ({"samples": "10.5"}, "the number of samples must be a whole number from 1 to 1,000,000,000;"),
    ({"samples": "1400%"}, "the number of samples must be a whole number from 1 to 1,000,000,000;"),
    ({"samples": "14,300"}, "the number of samples must be 14300 or 14.300, as the comma can mean"),
    ({"batch": "0"}, "the batch size must be a whole number from 1 to 1,000,000,000; got 0"),
    ({"beta": "0"}, "beta must be above 0 and at most 100; got 0"),
    ({"entry": "counts", "tp": "-1"}, "TP must be a whole number from 0 to 1,000,000,000; got -1"),
    ({"entry": "counts", "tn": "1000000000"}, "tp + fp + fn + tn must be from 1 to 1,000,000,000;"),
    (LOG | {"entry": "log", "logged": "1.3"}, "the logged F1 must be from 0 to 1 (above 1, the"),
    (LOG | {"entry": "log", "logged": "47 points"}, f"the logged F1 {NUMBER}; got 47 points"),
    ({"zero": "2"}, "the value of 0/0 must be one of 0, 1, skip; got 2"),
    ({"metric": "auc"}, "metric must be one of f-beta, jaccard, precision, recall; got auc"),
    ({"metric": "constructor"}, "metric must be one of f-beta, jaccard, precision, recall; got"),
    ({"seed": "x"}, f"seed {NUMBER}; got x"),
    ({"bach": "5"}, "address must set only entry, logged,"),
    ({"precision": "<b>1</b>"}, f"precision {NUMBER}; got <b>1</b>"),
]


@pytest.mark.parametrize("name", [slow("constructor"), "__proto__"])
def test_names_that_every_object_has_are_no_settings(page, visit, name):
    visit(RATES | {name: "1"})
    assert page.inner_text("#error").startswith("address must set only entry, logged,")
    assert f"got {name}." in page.inner_text("#error")
    assert shown(page)[0] > 0


def test_wrong_input_gets_one_line(page, visit):
    counts = {"tp": "187", "fp": "13", "fn": "13", "tn": "14087"}
    visit(RATES)
    for state, message in WRONG:
        page.evaluate("hash => { location.hash = hash; }", urlencode(RATES | counts | state))
        page.wait_for_function(
            "text => document.getElementById('error').textContent.startsWith(text)", arg=message
        )
        assert page.is_visible("#error")
        assert "\n" not in page.inner_text("#error")
        assert page.locator("#curve path").count() == 2  # there still is a picture
        *_, field = state
        if page.locator(f"#{field}:not(select)").count():
            assert page.get_attribute(f"#{field}", "aria-invalid") == "true"
    visit(RATES | {"precision": "7"})  # also as the first thing that is opened
    assert page.is_visible("#error")
    assert page.is_hidden("#numbers")
    page.fill("#precision", "0.7")
    page.wait_for_selector(READY)
    assert page.is_hidden("#error")
    assert shown(page)[0] > 0


# For everyone


@pytest.mark.slow
def test_copy_buttons(page, visit, build):
    visit(RATES | {"framework": "tf-keras"})
    page.evaluate("""() => { window.copied = []; Object.defineProperty(navigator, 'clipboard',
        {value: {writeText: text => (copied.push(text), Promise.resolve())}}); }""")
    page.click("[data-copy=code-tf-keras]")
    page.click("[data-copy=command]")
    page.wait_for_function("copied.length === 2")
    code, command = page.evaluate("copied")
    assert code == (build.HERE / "snippets" / "tf-keras.txt").read_text().strip()
    assert command == page.inner_text("#command")
    assert page.inner_text("#said") == "Copied."


@pytest.mark.parametrize("site", [slow(""), "https://example.org/f1"])
def test_the_link_that_is_copied_is_the_sites(browser, build, tmp_path, site):
    (tmp_path / "page.html").write_text(build.built(site), encoding="utf-8")
    page = browser.new_page()
    page.goto(f"{(tmp_path / 'page.html').as_uri()}#{urlencode(LOG)}")
    page.wait_for_selector(READY)
    assert page.is_visible("#copy-link") == bool(site)  # no other's browser opens this file
    if site:
        page.evaluate("document.execCommand = () => { window.taken = getSelection().toString(); }")
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        page.click("#copy-link")
        page.wait_for_function("window.taken")
        assert page.evaluate("taken") == f"{site}/docs/explorer.html#{urlencode(LOG)}"
    page.close()


@pytest.mark.slow
def test_copy_without_a_clipboard(page, visit):
    visit(RATES)
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
    visit(RATES)
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
    wanted |= {"flat", "know", "article", "clear", "again", "over", "framework", "lang"}
    assert wanted | {"code-keras3", "command", "SUMMARY", "A"} <= reached
    page.focus("#verdict a")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "repair-title"
    assert "entry=rates" in page.url  # the address keeps the state


@pytest.mark.slow
def test_screen_reader_finds_words_for_pictures(page, visit):
    visit(RATES)
    for name in ("strip", "batches", "split", "curve"):
        assert page.get_attribute(f"#{name}", "role") == "img"
        assert len(page.get_attribute(f"#{name}", "aria-label")) > 50
    assert page.inner_text("#said") == page.inner_text("#verdict")
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


SEEN = "() => document.querySelector('.result').getBoundingClientRect().toJSON()"


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_nothing_overlaps_or_leaves_the_screen(page, visit, width, lang):
    page.set_viewport_size({"width": width, "height": 844})
    visit()
    for state in (
        LOG | {"samples": "14300"},
        LOG | {"logged": "0.9"},
        RATES | {"seed": "2"},
        RATES | {"zero": "1", "batch": "1", "precision": "0.1", "recall": "0.1"},
        RATES | {"zero": "skip", "batch": "3", "metric": "jaccard", "over": "precision"},
        RATES | {"batch": "4096", "samples": "", "positives": "40", "over": "positives"},
        RATES | {"precision": "2"},
    ):
        hash_ = urlencode(state | {"lang": lang})
        page.evaluate("hash => { location.hash = hash; }", hash_)
        page.wait_for_timeout(30)
        page.wait_for_selector(READY)
        assert page.evaluate(OVERLAPS) == [], state
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_the_answer_stays_in_view(page, visit, width):
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(reduced_motion="reduce")  # it scrolls at once
    visit(LOG)
    page.click("#know")
    for name in ("logged", "positives", "batch", "precision", "recall", "metric"):
        if page.is_hidden(f"#{name}"):
            continue
        page.focus(f"#{name}")
        place, result = page.locator(f"#{name}").bounding_box(), page.evaluate(SEEN)
        assert result["top"] >= 0
        assert result["height"] < 844 / 3
        assert result["bottom"] <= place["y"]
        assert place["y"] + place["height"] <= 844


@pytest.mark.slow
def test_dark_and_still(browser, build):
    for scheme, ground in (("light", "rgb(251, 251, 249)"), ("dark", "rgb(22, 22, 22)")):
        page = browser.new_page(color_scheme=scheme, reduced_motion="reduce")
        page.goto(build.PAGE.as_uri())
        colour = "getComputedStyle(document.body).backgroundColor"
        assert page.evaluate(colour) == ground
        assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
        page.close()
