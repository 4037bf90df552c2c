"""docs/explorer.html in headless Chromium, opened from disk."""

import importlib.util
import json
import math
import re
import shutil
from collections import Counter
from urllib.parse import urlencode

import numpy as np
import pytest

from batchf1.cli.main import main
from batchf1.metrics.counts import Counts
from batchf1.metrics.ratios import f_beta, jaccard, precision, recall
from batchf1.theory.expectation import expect
from batchf1.theory.search import compatible_f1

METRICS = {
    "f1": f_beta(1),
    "f0.5": f_beta(0.5),
    "f2": f_beta(2),
    "jaccard": jaccard(),
    "precision": precision(),
    "recall": recall(),
}
FIELDS = ("true_f1", "expected_f1", "sd", "error", "error_empty", "error_curvature")
ZERO = {"0": 0.0, "1": 1.0, "skip": math.nan}
READY = "html[data-ready]"
NO_WAY_BACK = {"logged": ""}
"""The way back takes longest, and most tests need none."""


@pytest.fixture(scope="module")
def build(repository):
    path = repository / "docs" / "explorer" / "build.py"
    spec = importlib.util.spec_from_file_location("explorer_build", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def browser():
    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    if program is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """A page of desk size; whatever it throws or asks a server for fails the test."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    faults, asked = [], []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text))
    page.on("request", lambda request: asked.append(request.url.partition("#")[0]))
    yield page
    page.close()
    assert not faults
    assert {url.partition(":")[0] for url in asked} <= {"file"}
    assert len(set(asked)) == 1


@pytest.fixture
def visit(page, build):
    def visit(**state):
        opened = page.url.startswith("file:")
        page.goto(f"{build.PAGE.as_uri()}#{urlencode(state)}")
        if opened:
            page.reload()  # a change of the address alone loads nothing
        page.wait_for_selector(READY)

    return visit


def state_of(page):
    page.wait_for_selector(READY)
    return dict(page.evaluate("[...new URLSearchParams(location.hash.slice(1))]"))


def shown(page):
    """What stands in the headline: logged and true value."""
    page.wait_for_selector(READY)
    return tuple(float(page.inner_text(f"#{name}-value")) for name in ("logged", "true"))


# The file


def test_page_is_what_its_sources_make(build):
    text = build.PAGE.read_text(encoding="utf-8")
    assert text == build.built()
    assert len(text.encode()) < 200_000
    assert not re.search(r"(src|href)=\"(https?:)?//", text)


def test_modules_share_one_scope(build):
    start = r"^(?:export )?(?:async )?(?:const|let|function\*?|class) (\w+)"
    sources = [(build.HERE / f"{name}.js").read_text() for name in build.MODULES]
    names = Counter(name for text in sources for name in re.findall(start, text, re.MULTILINE))
    assert [name for name, times in names.items() if times > 1] == []
    assert {f"{name}.js" for name in build.MODULES} == {f.name for f in build.HERE.glob("*.js")}


# The theory


def cases(rng, groups=50, each=10):
    """Questions that cover all metrics, rules and conventions, ten pools to each."""
    for i in range(groups):
        size = int(10 ** rng.uniform(0, 3.6124))
        n = np.rint(size * (1e6 / size) ** rng.uniform(0, 1, each)).astype(int)
        positives = np.rint(n * 10 ** rng.uniform(-4, -0.7, each)).astype(int)
        tp = rng.integers(0, positives + 1)
        fp = np.minimum(n - positives, rng.integers(0, 3 * positives + 2))
        counts = Counts(tp, fp, positives - tp, n - positives - fp)
        name = list(METRICS)[i % len(METRICS)]
        yield counts, size, ("per_batch", "size_weighted")[i // 6 % 2], "01s"[i // 12 % 3], name


def test_500_answers_are_those_of_expect(page, visit):
    wanted, asked = [], []
    for counts, size, averaging, zero, name in cases(np.random.default_rng(0)):
        value = ZERO["skip" if zero == "s" else zero]
        found = expect(counts, size, averaging, value, METRICS[name])
        wanted.append(np.stack([getattr(found, field) for field in FIELDS], axis=1))
        tables = np.stack(counts, axis=1).tolist()
        asked += [[table, size, averaging, zero, name] for table in tables]
    visit()
    found = page.evaluate(
        """asked => asked.map(([counts, size, averaging, zero, name]) => {
          const given = batchf1.read({...batchf1.fromHash("").state, entry: "counts", batch: "1",
            tp: String(counts[0]), fp: String(counts[1]), fn: String(counts[2]),
            tn: String(counts[3]), metric: name[0] === "f" ? "f-beta" : name,
            beta: name.slice(1)});
          const skipped = zero === "s" ? NaN : Number(zero);
          const {true: truth, expected, sd, error, empty, curvature} =
            batchf1.expect(counts, size, averaging, skipped, given.ratio);
          return [truth, expected, sd, error, empty, curvature].map(x => isNaN(x) ? null : x);
        })""",
        asked,
    )
    found, wanted = np.array(found, np.float64), np.concatenate(wanted)
    assert found.shape == (500, 6)
    sd, others = FIELDS.index("sd"), [0, 1, 3, 4, 5]
    np.testing.assert_allclose(found[:, others], wanted[:, others], rtol=0, atol=1e-9)
    # of a spread that is 0 rounding leaves a root, in the page and in Python
    certain = np.fmax(found[:, sd], wanted[:, sd]) < 5e-9
    assert certain.sum() < 150
    np.testing.assert_allclose(found[~certain, sd], wanted[~certain, sd], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(np.isnan(found[:, sd]), np.isnan(wanted[:, sd]))


WAYS_BACK = [
    (0.47, 50, 0.014, 14300, 0.005, "per_batch", "0"),
    (0.47, 50, 0.014, 14310, 0.005, "size_weighted", "0"),
    (0.9, 32, 0.05, 1000, 0.005, "per_batch", "1"),
    (0.8, 16, 0.1, 330, 0.0005, "size_weighted", "skip"),
]
BACK = """([logged, within, positives, total, size, averaging, zero, chance]) =>
  batchf1.compatible(logged, within, positives, total,
    {size, averaging, zero: zero === null ? NaN : zero}, chance)"""


def back(page, logged, size, prevalence, n, within, averaging, zero, chance):
    zero = None if zero == "skip" else ZERO[zero]
    asked = [logged, within, round(n * prevalence), n, size, averaging, zero, chance]
    return page.evaluate(BACK, asked)


def test_way_back_is_that_of_compatible_f1(page, visit):
    visit()
    for case in WAYS_BACK:
        *rest, averaging, zero = case
        wanted = compatible_f1(*rest, averaging, ZERO[zero])
        assert back(page, *case, 0)["range"] == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("zero", ["0", "1", "skip"])
def test_way_back_holds_every_classifier_that_may_have_logged_it(page, visit, zero):
    """All counts with 12 positives among 240 samples, by the exact expectation and spread."""
    visit()
    logged, size, within, positives, n = {"0": 0.5, "1": 0.8, "skip": 0.7}[zero], 20, 0.005, 12, 240
    tp, fp = (part.ravel() for part in np.mgrid[: positives + 1, : n - positives + 1])
    found = expect(
        Counts(tp, fp, positives - tp, n - positives - fp), size, "per_batch", ZERO[zero]
    )
    near = np.abs(found.expected_f1 - logged) <= within + 2 * found.sd
    low, high = back(page, logged, size, positives / n, n, within, "per_batch", zero, 2)["range"]
    # interpolation lies between whole counts, so that it may go one count beyond
    assert low <= found.true_f1[near].min() + 1e-9
    assert high >= found.true_f1[near].max() - 1e-9
    assert high - low < np.ptp(found.true_f1[near]) + 0.1


def test_log_that_no_classifier_gives(page, visit):
    visit(logged="0.9")
    most = expect(Counts(200, 0, 0, 14100), 50).expected_f1
    assert f"expected to log is {most:.3f}" in page.inner_text("#back-text")


# What it shows


@pytest.mark.parametrize(
    ("state", "metric"),
    [
        ({}, "f1"),
        ({"batch": "33", "averaging": "size_weighted", "zero": "1", "beta": "2"}, "f2"),
        ({"metric": "precision", "zero": "skip", "samples": "9000"}, "precision"),
        ({"metric": "recall", "entry": "counts", "tp": "30", "tn": "900"}, "recall"),
        ({"entry": "counts", "tp": "0", "fp": "0", "fn": "0", "tn": "70"}, "f1"),
    ],
)
def test_headline_is_what_the_command_says(page, visit, capsys, state, metric):
    visit(**state)
    command = page.inner_text("#command").split()
    assert command[:2] == ["batchf1", "expect"]
    main([*command[1:], "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["metric"] == metric
    assert shown(page) == tuple(round(answer[key], 4) for key in ("expected_f1", "true_f1"))
    spread = page.inner_text("#spread-text")
    assert spread == (f"± {1.96 * answer['sd']:.4f} in 95 % of epochs" if answer["sd"] else "")
    sizes = math.ceil(answer["n_samples"] / answer["batch_size"])
    assert page.inner_text("#bar-text") == f"{sizes}/{sizes} - val_{metric}:"
    parts = page.get_attribute("#split", "aria-label")
    for field in ("error_empty", "error_curvature", "error"):
        assert f"{abs(answer[field]):.3f}" in parts


def test_first_picture_is_of_the_article(page, visit):
    visit()
    logged, true = shown(page)
    assert abs(logged - 0.4728) < 0.01
    assert abs(true - 0.9353) < 0.001
    assert "Yes, it is wrong" in page.inner_text("#verdict")
    assert "50 % of the true value" in page.inner_text("#verdict")


def test_nothing_to_average(page, visit):
    visit(entry="counts", tp="0", fp="0", fn="0", tn="70", zero="skip")
    assert "nothing to average" in page.inner_text("#verdict")
    assert page.inner_text("#logged-value") == "undefined"


def test_bars_are_of_the_simulated_epoch(page, visit):
    visit(samples="2000", positives="5", **NO_WAY_BACK)
    text, bars = page.inner_text("#batches-text"), page.inner_html("#batches")
    empty, all_batches = map(int, re.match(r"(\d+) of (\d+) batches", text).groups())
    assert all_batches == 40
    assert page.locator("#batches .empty").count() == empty > 0
    assert page.locator("#batches .counted").count() == empty
    logged = float(re.search(r"This epoch logs ([\d.]+);", text).group(1))
    for swatch in page.locator(".key i").all():  # the key shows what it explains
        assert swatch.bounding_box()["width"] >= 14
    heights = page.eval_on_selector_all(
        "#batches .bar", "all => all.map(x => +x.getAttribute('height'))"
    )
    assert sum(heights) / (170 - 36) / 40 == pytest.approx(logged, abs=0.002)
    page.reload()
    page.wait_for_selector(READY)
    assert page.inner_html("#batches") == bars  # the same state, the same picture
    page.click("#again")
    page.wait_for_selector(READY)
    assert page.inner_html("#batches") != bars
    page.select_option("#zero", "skip")
    page.wait_for_selector(READY)
    assert page.locator("#batches .counted").count() == 0


def test_curve_and_its_table(page, visit):
    visit(**NO_WAY_BACK)
    rows = page.eval_on_selector_all(
        "#curve-table tbody tr", "rows => rows.map(row => [...row.cells].map(x => x.textContent))"
    )
    counts, table = Counts(187, 13, 13, 14087), {row[0]: row[1:] for row in rows}
    for size in (1, 8, 50, 1024, 4096):
        found = expect(counts, size)
        logged, error = table[f"{size:,}"]
        assert float(logged) == round(found.expected_f1, 4)
        assert float(error.replace("\u2212", "-")) == round(found.error, 3)
    own = page.locator("#curve .own")
    assert own.count() == 1
    path = [
        float(x) for x in re.findall(r"[ML]([\d.]+)", page.get_attribute("#curve .logged", "d"))
    ]
    assert float(own.get_attribute("cx")) in path


# Controls, address, wrong input


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


WRONG = [
    ({"precision": "1.7"}, "precision: lies above 0 and up to 1; got 1.7"),
    ({"recall": "zero"}, "recall: is a number such as 0.5; got zero"),
    ({"positives": "170"}, "positives: lies above 0 and up to 100 %; got 170 %"),
    ({"positives": ""}, "positives: is a number such as 0.5; got nothing"),
    ({"samples": "10.5"}, "samples: is a whole number from 1 to 1,000,000; got 10.5"),
    ({"samples": "100"}, "positives: whole counts must give it within 1 %"),
    (
        {"precision": "0.001", "positives": "50"},
        "precision: gives more false alarms than there are",
    ),
    ({"batch": "20000"}, "batch: is a whole number from 1 to the number of samples, 14,300; got"),
    ({"beta": "0"}, "beta: lies above 0 and up to 100; got 0"),
    ({"entry": "counts", "tp": "-1"}, "tp: is a whole number from 0 to 1,000,000; got -1"),
    ({"entry": "counts", "tn": "1000000"}, "tn: tp + fp + fn + tn add up to 1 to 1,000,000; got"),
    ({"zero": "2"}, "zero: is one of 0, 1, skip; got 2"),
    ({"metric": "auc"}, "metric: is one of f-beta, jaccard, precision, recall; got auc"),
    ({"seed": "x"}, "seed: is a number such as 0.5; got x"),
    ({"bach": "5"}, "address: knows entry, positives,"),
    ({"precision": "<b>1</b>"}, "precision: is a number such as 0.5; got <b>1</b>"),
]


STARTS = "text => document.getElementById('error').textContent.startsWith(text)"


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
        field = message.partition(":")[0]
        if page.locator(f"#{field}:not(select)").count():
            assert page.get_attribute(f"#{field}", "aria-invalid") == "true"
    visit(precision="7")  # also as the first thing that is opened
    assert page.is_visible("#error")
    assert shown(page)[0] > 0
    page.fill("#precision", "0.7")
    page.wait_for_selector(READY)
    assert page.is_hidden("#error")
    page.fill("#logged", "47 %")
    page.wait_for_selector(READY)
    assert page.inner_text("#back-text") == "logged: is a number such as 0.5; got 47 %"


# For everyone


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


def test_dark_and_still(browser, build):
    for scheme, ground in (("light", "rgb(251, 251, 249)"), ("dark", "rgb(22, 22, 22)")):
        page = browser.new_page(color_scheme=scheme, reduced_motion="reduce")
        page.goto(build.PAGE.as_uri())
        colour = "getComputedStyle(document.body).backgroundColor"
        assert page.evaluate(colour) == ground
        assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
        page.close()
