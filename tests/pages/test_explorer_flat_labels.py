"""docs/explorer.html with labels of shape (n,): the numbers of `expect`, and what it says."""

import json
import math
from urllib.parse import urlencode

import numpy as np
import pytest

from batchf1.cli.main import main
from batchf1.metrics.counts import Counts
from batchf1.theory.expectation import expect
from helpers.explorer import FIELDS, LOG, METRICS, RATES, READY, shown, state_of
from helpers.slow import slow

FLAT = RATES | {"labels": "flat"}
ASK = """asked => asked.map(([counts, size, averaging, zero, name, written]) => {
  const {ratio} = batchf1.read({...batchf1.fromHash("").state, entry: "counts", batch: "1", tp: "1",
    fp: "0", fn: "0", tn: "0", metric: name[0] === "f" ? "f-beta" : name, beta: name.slice(1)});
  const {true: truth, expected, sd, error, empty, curvature} =
    batchf1.expect({counts, size, averaging, zero: zero ?? NaN, ratio, written});
  return [truth, expected, sd, error, empty, curvature];
})"""


def cases(rng, number, largest):
    for i in range(number):
        name = list(METRICS)[i % 6]
        written = "cells" if name == "jaccard" else ("margins", "cells")[i // 6 % 2]
        zero = [0.0, 1.0] if name in ("precision", "recall") else [0.0, 1.0, math.nan]
        size = int(largest ** rng.uniform(0, 1))
        n = round(size * (3e5 / size) ** rng.uniform(0, 1))
        positives = round(n * 10 ** rng.uniform(-4, -0.7))
        tp = int(rng.integers(0, positives + 1))
        fp = int(min(n - positives, rng.integers(0, 3 * positives + 2)))
        counts = Counts(tp, fp, positives - tp, n - positives - fp)
        averaging = ("per_batch", "size_weighted")[i // 12 % 2]
        yield counts, size, averaging, zero[i // 24 % len(zero)], name, written


@pytest.mark.slow
@pytest.mark.parametrize(("number", "largest"), [(72, 400), (150, 1000)])
def test_answers_are_those_of_expect(page, visit, number, largest):
    wanted, asked = [], []
    questions = cases(np.random.default_rng(1), number, largest)
    for counts, size, averaging, zero, name, written in questions:
        found = expect(counts, size, averaging, zero, METRICS[name], "flat", written)
        wanted.append([getattr(found, field) for field in FIELDS])
        undefined = None if math.isnan(zero) else zero
        asked.append([list(counts), size, averaging, undefined, name, written])
    visit()
    found, wanted = np.array(page.evaluate(ASK, asked), np.float64), np.array(wanted)
    scale = np.maximum(1, np.abs(wanted[:, :2]).max(axis=1, keepdims=True))
    others = [0, 1, 3, 4, 5]
    np.testing.assert_allclose(found[:, others] / scale, wanted[:, others] / scale, atol=1e-9)
    # of a spread that is 0 rounding leaves a root
    sd, known = found[:, 2:3] / scale, wanted[:, 2:3] / scale
    certain = np.fmax(sd, known) < 1e-7
    assert certain.mean() < 0.3
    np.testing.assert_allclose(sd[~certain], known[~certain], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("state", "written", "words"),
    [
        ({"labels": "flat"}, "margins", "This is no F1, but about the number of positives in a"),
        ({"labels": "flat-cells", "zero": "skip"}, "cells", "This is no F1, but about the share"),
        slow(
            {"labels": "flat", "metric": "recall", "batch": "400"},
            "margins",
            "This is no Recall, but the number of predicted positives in a batch: Keras 3 compares",
        ),
    ],
)
def test_headline_is_what_the_command_says(page, visit, capsys, state, written, words):
    visit(RATES | state)
    command = page.inner_text("#command").split()
    main([*command[1:], "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert (answer["labels"], answer["written"]) == ("flat", written)
    assert shown(page) == tuple(round(answer[key], 4) for key in ("expected_f1", "true_f1"))
    assert page.inner_text("#verdict").startswith(words)
    assert "y[:, None]" in page.inner_text("#verdict")
    parts = page.get_attribute("#split", "aria-label")
    for field in ("error_empty", "error_curvature", "error"):
        assert f"{abs(answer[field]):.3f}" in parts
    assert "other batches" in parts


def test_the_switch_moves_numbers_pictures_and_repair(page, visit):
    visit(RATES)
    assert page.inner_html("#curve").count(">2</text>") == 0
    column = shown(page)
    assert "y[:, None]" not in page.inner_text("#code-keras3")
    page.check("#flat")
    assert state_of(page)["labels"] == "flat"
    assert shown(page)[0] == round(expect(Counts(187, 13, 13, 14087), 50, labels="flat")[1], 4)
    assert shown(page)[1] == column[1]
    first = page.inner_text("#code-keras3").splitlines()[0]
    assert first.startswith("y, y_val = y[:, None], y_val[:, None]  # ")
    assert page.inner_html("#curve").count(">2</text>") == 1  # the axis goes beyond 1
    page.select_option("#written", "flat-cells")
    assert state_of(page)["labels"] == "flat-cells"
    page.uncheck("#flat")
    assert shown(page) == column
    assert "y[:, None]" not in page.inner_text("#code-keras3")
    assert "flat" not in page.inner_text("#command")


@pytest.mark.parametrize("state", [{}, slow(LOG | {"logged": "1.33"})])
def test_a_log_of_flat_labels_has_no_way_back(page, visit, state):
    visit(state)
    page.check("#flat")
    page.wait_for_selector(READY)
    assert page.inner_text("#verdict").startswith(
        "No true F1 can be read from it: with labels (n,)"
    )
    assert page.is_hidden("#numbers")
    assert page.is_hidden("#error")
    assert page.is_hidden("#by-command")


def test_the_repair_runs_on_labels_of_shape_n(page, visit):
    keras = pytest.importorskip("keras")
    visit(FLAT)
    rng = np.random.default_rng(0)
    x, x_val = rng.normal(size=(96, 3)), rng.normal(size=(70, 3))
    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    given = {"model": model, "x": x, "y": 1.0 * (x[:, 0] > 1), "x_val": x_val}
    given["y_val"] = 1.0 * (x_val[:, 0] > 1)
    exec(compile(page.inner_text("#code-keras3"), "<snippet>", "exec"), given)
    assert given["y"].shape == (96, 1)
    found = model.predict(x_val, verbose=0) > 0.5
    hits, both = (found & (given["y_val"] > 0)).sum(), found.sum() + given["y_val"].sum()
    log = model.history.history["val_f1_streaming"][-1]
    assert log == pytest.approx(2 * hits / both, abs=1e-6)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"metric": "jaccard"}, "the labels must be (n, 1), or a function of TP, FP and FN, for"),
        (
            {"metric": "precision", "zero": "skip"},
            "the value of 0/0 must be 0 or 1 here for precision with labels (n,) (the command",
        ),
        ({"labels": "row"}, "the labels must be one of column, flat, flat-cells; got row"),
    ],
)
def test_what_has_no_answer_is_refused(page, visit, state, message):
    visit(FLAT | state)
    assert page.inner_text("#error").startswith(message)


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_overlaps_or_leaves_the_screen(page, visit, width):
    from test_explorer_use import OVERLAPS

    page.set_viewport_size({"width": width, "height": 844})
    visit(FLAT)
    for state in (
        {"labels": "flat"},
        {"labels": "flat-cells", "positives": "30"},
        {"labels": "flat", "positives": "60", "batch": "4000", "samples": "100000"},
    ):
        page.evaluate("hash => { location.hash = hash; }", urlencode(RATES | state))
        page.wait_for_timeout(30)
        page.wait_for_selector(READY)
        assert page.evaluate(OVERLAPS) == [], state
        assert page.evaluate("document.documentElement.scrollWidth") <= width
