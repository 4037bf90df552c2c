"""docs/explorer.html in headless Chromium: its numbers, and the pictures of them."""

import json
import math
import re
from collections import Counter

import numpy as np
import pytest

from batchf1.cli.main import main
from batchf1.errors import InputError
from batchf1.forensics.log_names import plain
from batchf1.forensics.log_numbers import half_unit
from batchf1.metrics.counts import Counts
from batchf1.theory.expectation import expect
from batchf1.theory.limits import large_data
from batchf1.theory.search import compatible_f1
from helpers.explorer import FIELDS, LOG, METRICS, RATES, READY, shown
from helpers.slow import slow

COUNTS = ("tp", "fp", "fn", "tn")
ZERO = {"0": 0.0, "1": 1.0, "skip": math.nan}


# The file


def test_page_is_what_its_sources_make(build):
    text = build.PAGE.read_text(encoding="utf-8")
    assert text == build.built(build.address())
    assert len(text.encode()) < 200_000
    assert not re.search(r"(src|href)=\"(https?:)?//", build.built(""))


def test_links_are_full_addresses_or_none(build):
    assert "<a href" not in build.built("").split("<script")[0]
    linked = build.built("https://example.org/f1")
    links = re.findall('<a href="([^"]*)"', linked.split("<script")[0])
    assert "https://example.org/f1/docs/theory.html" in links
    for link in links:
        page = build.HERE.parents[1] / link.removeprefix("https://example.org/f1/")
        assert page.with_suffix(".md").exists()


def test_modules_share_one_scope(build):
    start = r"^(?:export )?(?:async )?(?:const|let|function\*?|class) (\w+)"
    sources = [(build.HERE / f"{name}.js").read_text() for name in build.MODULES]
    names = Counter(name for text in sources for name in re.findall(start, text, re.MULTILINE))
    assert [name for name, times in names.items() if times > 1] == []
    assert {f"{name}.js" for name in build.MODULES} == {f.name for f in build.HERE.glob("*.js")}


# The theory


def cases(rng, groups, each, largest):
    """Questions that cover all metrics, rules and conventions (36 together), some pools to each."""
    for i in range(groups):
        size = int(largest ** rng.uniform(0, 1))
        n = np.rint(size * (1e6 / size) ** rng.uniform(0, 1, each)).astype(int)
        positives = np.rint(n * 10 ** rng.uniform(-4, -0.7, each)).astype(int)
        tp = rng.integers(0, positives + 1)
        fp = np.minimum(n - positives, rng.integers(0, 3 * positives + 2))
        counts = Counts(tp, fp, positives - tp, n - positives - fp)
        name = list(METRICS)[i % len(METRICS)]
        yield counts, size, ("per_batch", "size_weighted")[i // 6 % 2], "01s"[i // 12 % 3], name


@pytest.mark.parametrize(("groups", "each", "largest"), [(36, 2, 500), slow(50, 10, 4096)])
def test_answers_are_those_of_expect(page, visit, groups, each, largest):
    wanted, asked = [], []
    questions = cases(np.random.default_rng(0), groups, each, largest)
    for counts, size, averaging, zero, name in questions:
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
            batchf1.expect({counts, size, averaging, zero: skipped, ratio: given.ratio});
          return [truth, expected, sd, error, empty, curvature].map(x => isNaN(x) ? null : x);
        })""",
        asked,
    )
    found, wanted = np.array(found, np.float64), np.concatenate(wanted)
    assert found.shape == (groups * each, 6)
    sd, others = FIELDS.index("sd"), [0, 1, 3, 4, 5]
    np.testing.assert_allclose(found[:, others], wanted[:, others], rtol=0, atol=1e-9)
    # of a spread that is 0 rounding leaves a root, in the page and in Python
    certain = np.fmax(found[:, sd], wanted[:, sd]) < 5e-9
    assert certain.mean() < 0.3
    np.testing.assert_allclose(found[~certain, sd], wanted[~certain, sd], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(np.isnan(found[:, sd]), np.isnan(wanted[:, sd]))


@pytest.mark.parametrize("number", [12, slow(60)])
def test_very_many_samples_are_the_limit_of_large_data(page, visit, number):
    rng, asked, wanted = np.random.default_rng(3), [], []
    for i in range(number):
        prevalence, precision, recall = 10 ** rng.uniform(-4, -0.5), *rng.uniform(0.4, 1, 2)
        size, zero = int(10 ** rng.uniform(0, 3)), (0.0, 1.0, math.nan)[i % 3]
        name, written = list(METRICS)[i // 3 % 3], ("margins", "cells")[i % 2]
        labels = ("column", "flat")[i // 6 % 2]
        found = large_data(
            prevalence, precision, recall, size, zero, METRICS[name], labels, written
        )
        wanted.append([getattr(found, field) for field in FIELDS if field != "sd"])
        tp = prevalence * recall
        fp = tp * (1 - precision) / precision
        counts = [tp, fp, prevalence - tp, 1 - prevalence - fp]
        rules = [None if math.isnan(zero) else zero, name, written if labels == "flat" else None]
        asked.append([counts, size, *rules])
    visit()
    found = page.evaluate(
        """asked => asked.map(([counts, size, zero, name, written]) => {
          const {ratio} = batchf1.read({...batchf1.fromHash("").state, entry: "counts", batch: "1",
            tp: "1", fp: "0", fn: "0", tn: "0", beta: name.slice(1)});
          const rules = {averaging: "per_batch", zero: zero ?? NaN, ratio, written};
          const {true: truth, expected, error, empty, curvature} =
            batchf1.expect({counts, size, endless: true, ...rules});
          return [truth, expected, error, empty, curvature];
        })""",
        asked,
    )
    scale = np.maximum(1, np.abs(wanted).max(axis=1, keepdims=True))
    np.testing.assert_allclose(found / scale, wanted / scale, rtol=0, atol=1e-9)


# The way back, from a log to the true F1

WAYS_BACK = [
    (0.47, 50, 0.014, None, 0.005, "per_batch", "0", 0),
    (0.47, 50, 0.014, 14310, 0.005, "size_weighted", "0", 0),
    (0.4728, 50, 0.014, 14300, 0.00005, "per_batch", "0", 2),
    (0.9, 32, 0.05, 1000, 0.005, "per_batch", "1", 0),
    (0.8, 16, 0.1, 330, 0.0005, "size_weighted", "skip", 0),
]
BACK = """([logged, within, positives, total, size, averaging, zero, chance]) =>
  batchf1.compatible(logged, within, positives, total,
    {size, averaging, zero: zero === null ? NaN : zero}, chance).range"""


def back(page, logged, size, prevalence, n, within, averaging, zero, chance):
    zero, n = None if zero == "skip" else ZERO[zero], n or 10**6 * size
    asked = [logged, within, round(n * prevalence), n, size, averaging, zero, chance]
    return page.evaluate(BACK, asked)


def ways_back(rng, number=60):
    for i in range(number):
        size, zero = int(10 ** rng.uniform(0, 3)), ("0", "skip", "1")[i % 3]
        n = int(size * (1e6 / size) ** rng.uniform(0, 1)) if i // 3 % 3 else None
        total = n or 10**6 * size
        prevalence = round(total * 10 ** rng.uniform(-3, -0.2)) / total
        if prevalence > 0:
            averaging = ("per_batch", "size_weighted")[i % 2]
            yield round(rng.uniform(0, 1), 3), size, prevalence, n, 0.0005, averaging, zero, 0


@pytest.mark.parametrize(
    "cases", [WAYS_BACK, slow([*ways_back(np.random.default_rng(0))])], ids=["few", "many"]
)
def test_way_back_is_that_of_compatible_f1(page, visit, cases):
    visit()
    reached = 0
    for case in cases:
        *rest, averaging, zero, chance = case
        try:
            wanted = compatible_f1(*rest, averaging, ZERO[zero], chance)
        except InputError:
            assert back(page, *case) is None, case
            continue
        assert back(page, *case) == pytest.approx(wanted, abs=1e-9), case
        reached += 1
    assert reached > len(cases) / 2


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
    low, high = back(page, logged, size, positives / n, n, within, "per_batch", zero, 2)
    # interpolation lies between whole counts, so that it may go one count beyond
    assert low <= found.true_f1[near].min() + 1e-9
    assert high >= found.true_f1[near].max() - 1e-9
    assert high - low < np.ptp(found.true_f1[near]) + 0.1


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (LOG, "Do not trust it: it is 0.38 to 0.49 too low."),
        slow(LOG | {"samples": "14300"}, "Do not trust it: it is 0.2"),
        slow(LOG | {"logged": "0,47", "positives": "1,4 %"}, "Do not trust it: it is 0.35 to 0.4"),
        slow(
            {"logged": "0.900", "positives": "50", "batch": "400"},
            "You may read it: whichever classifier logged this, the true F1 is within 0.01 of it.",
        ),
        slow(
            {"logged": "0.5", "positives": "5", "batch": "20", "zero": "1"},
            "Do not trust it: it may be off by 0.28.",
        ),
        # a prevalence that no whole number of positives has, and a batch larger than the data
        (LOG | {"positives": "0.5", "samples": "300", "batch": "20", "logged": "0.05"}, "Do not "),
        slow(LOG | {"samples": "40", "positives": "30", "logged": "0.5"}, "Do not trust it"),
    ],
)
def test_the_answer_is_that_of_bound(page, visit, capsys, state, verdict):
    visit(state)
    command = page.inner_text("#command").split()
    assert command[:2] == ["batchf1", "bound"]
    main([*command[1:], "--json"])
    answer = json.loads(capsys.readouterr().out)
    ends = answer["true_f1"] or answer["expectation"]
    said = page.inner_text("#true-value")
    assert said == f"{ends['low']:.2f} and {ends['high']:.2f}"
    assert page.inner_text("#verdict").startswith(verdict)
    if answer["true_f1"]:
        alone = answer["expectation"]
        without = f"Without the chance of one epoch: between {alone['low']:.2f} and"
        assert without in page.inner_text("#verdict")


def test_log_that_no_classifier_gives(page, visit):
    visit(LOG | {"logged": "0.9", "samples": "14300"})
    most = expect(Counts(200, 0, 0, 14100), 50).expected_f1
    assert f"is expected to log is {most:.3f}" in page.inner_text("#verdict")
    assert page.is_hidden("#pictures")


def test_digits_count_as_in_the_command(page, visit):
    texts = ["0.47", "0,470", "47%", "47 %", "1", "0", "4.7e-1", "0.4728", "99.75%", ".5"]
    visit()
    found = page.evaluate("texts => texts.map(text => batchf1.halfUnit(text))", texts)
    assert found == [half_unit(plain(text)) for text in texts]


@pytest.mark.parametrize("over", ["batch", slow("positives")])
def test_pictures_of_a_log_are_of_a_classifier_that_logs_it(page, visit, over):
    visit(LOG | {"over": over})
    words = page.inner_text("#example")
    precision, recall = map(float, re.findall(r"0\.\d+", words))
    found = large_data(0.014, precision, recall, 50)
    assert found.expected_f1 == pytest.approx(0.4728, abs=0.001)
    assert "With yours, " in page.get_attribute("#curve", "aria-label")
    assert ": 0.473. True value: 0.940" in page.get_attribute("#curve", "aria-label")


# What it shows


@pytest.mark.parametrize(
    ("state", "metric"),
    [
        (RATES, "f1"),
        slow(RATES | {"batch": "33", "averaging": "size_weighted", "zero": "1", "beta": "2"}, "f2"),
        slow(RATES | {"metric": "precision", "zero": "skip", "samples": "9000"}, "precision"),
        slow(RATES | {"metric": "recall", "samples": "", "batch": "30"}, "recall"),
        (RATES | {"samples": "", "zero": "skip"}, "f1"),
        slow(RATES | {"positives": "0.001", "samples": "5000"}, "f1"),  # no such counts
        slow(
            RATES | {"positives": "50", "precision": "0.01", "samples": ""}, "f1"
        ),  # nor such shares
        slow(RATES | {"samples": "30", "positives": "20"}, "f1"),  # fewer than a batch
        slow({"entry": "counts", "batch": "50", **dict(zip(COUNTS, "1200", strict=True))}, "f1"),
        ({"entry": "counts", "batch": "50", "tp": "0", "fp": "0", "fn": "0", "tn": "70"}, "f1"),
    ],
)
def test_headline_is_what_the_command_says(page, visit, capsys, state, metric):
    visit(state)
    command = page.inner_text("#command").split()
    assert command[:2] == ["batchf1", "expect"]
    main([*command[1:], "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["metric"] == metric
    assert shown(page) == tuple(round(answer[key], 4) for key in ("expected_f1", "true_f1"))
    spread = page.inner_text("#spread-text")
    assert spread == (f"± {1.96 * answer['sd']:.4f} in 95 % of epochs" if answer["sd"] else "")
    if answer["n_samples"]:
        sizes = math.ceil(answer["n_samples"] / answer["batch_size"])
        assert page.inner_text("#bar-text") == f"{sizes}/{sizes} - val_{metric}:"
    parts = page.get_attribute("#split", "aria-label")
    for field in ("error_empty", "error_curvature", "error"):
        assert f"{abs(answer[field]):.3f}" in parts


def test_nothing_to_average(page, visit):
    empty = {"entry": "counts", "batch": "50", "tp": "0", "fp": "0", "fn": "0", "tn": "70"}
    visit(empty | {"zero": "skip"})
    assert "nothing to average" in page.inner_text("#verdict")
    assert page.inner_text("#logged-value") == "undefined"


COUNT_BARS = "d => (document.querySelector(d)?.getAttribute('d').match(/M/g) ?? []).length"


@pytest.mark.slow
def test_bars_are_of_the_simulated_epoch(page, visit):
    visit(RATES | {"samples": "2000", "positives": "5", "recall": "0.6"})
    text, bars = page.inner_text("#batches-text"), page.inner_html("#batches")
    empty, all_batches = map(int, re.match(r"(\d+) of (\d+) batches", text).groups())
    missed = int(re.search(r"; (\d+) others score 0", text).group(1))
    assert all_batches == 40
    assert page.evaluate(COUNT_BARS, "#batches .empty") == empty > 0
    assert page.evaluate(COUNT_BARS, "#batches .missed") == missed > 0
    logged = float(re.search(r"This epoch logs ([\d.]+);", text).group(1))
    for swatch in page.locator(".key i").all():  # the key shows what it explains
        assert swatch.bounding_box()["width"] >= 14
    drawn = page.get_attribute("#batches .bar", "d")
    heights = [float(height) for height in re.findall(r"v([\d.]+)", drawn)]
    assert len(heights) == all_batches - empty - missed
    assert sum(heights) / (190 - 62) / 40 == pytest.approx(logged, abs=0.002)
    page.reload()
    page.wait_for_selector(READY)
    assert page.inner_html("#batches") == bars  # the same state, the same picture
    page.click("#again")
    page.wait_for_selector(READY)
    assert page.inner_html("#batches") != bars


@pytest.mark.slow
def test_curve_and_its_table(page, visit):
    visit(RATES)
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
