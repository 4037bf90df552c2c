"""docs/explorer.html in headless Chromium: its numbers, and the pictures of them."""

import json
import math
import re
from collections import Counter

import numpy as np
import pytest

from batchf1.cli.main import main
from batchf1.metrics.counts import Counts
from batchf1.theory.expectation import expect
from batchf1.theory.search import compatible_f1
from helpers.explorer import FIELDS, METRICS, NO_WAY_BACK, READY, shown
from helpers.slow import slow

ZERO = {"0": 0.0, "1": 1.0, "skip": math.nan}


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


@pytest.mark.slow
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
        slow({"batch": "33", "averaging": "size_weighted", "zero": "1", "beta": "2"}, "f2"),
        slow({"metric": "precision", "zero": "skip", "samples": "9000"}, "precision"),
        slow({"metric": "recall", "entry": "counts", "tp": "30", "tn": "900"}, "recall"),
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


@pytest.mark.slow
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


@pytest.mark.slow
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
