"""`audit`: rules against a reference, counts against function calls, and invalid inputs."""

import json
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, mean_squared_error, roc_auc_score

from batchf1 import (
    F1,
    Counts,
    InputError,
    Ratio,
    audit,
    batch_counts,
    batch_mean,
    expect,
    f_beta,
    jaccard,
    precision,
)
from batchf1.auditing import counted as counting
from batchf1.auditing import random_batches, samples
from batchf1.metrics.classes import class_counts
from batchf1.theory.simulation import simulate


def cut(y, p, size):
    return [(y[i : i + size], p[i : i + size]) for i in range(0, len(y), size)]


def labels(n, share, seed=0):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < share).astype(int)
    return y, np.clip(0.4 * y + 0.6 * rng.random(n), 0, 1)


def reference(values, sizes, undefined, devices):
    """What each rule logs, in plain Python."""
    total, running, smooth = 0.0, [], values[0]
    for place, value in enumerate(values):
        total += value
        running.append(total / (place + 1))
        smooth = 0.98 * smooth + 0.02 * value if place else value
    defined = [v for v, gone in zip(values, undefined, strict=True) if not gone]
    ones = [1.0 if gone else v for v, gone in zip(values, undefined, strict=True)]
    each = [values[one::devices] for one in range(devices)]
    return {
        "per_batch": total / len(values),
        "size_weighted": sum(n * v for n, v in zip(sizes, values, strict=True)) / sum(sizes),
        "undefined_skipped": sum(defined) / len(defined) if defined else math.nan,
        "undefined_as_zero": sum(defined) / len(values),
        "undefined_as_one": sum(ones) / len(values),
        "undefined_as_nan": math.nan if any(undefined) else total / len(values),
        "over_samples": total / sum(sizes),
        "last_batch": values[-1],
        "mean_of_running": sum(running) / len(running),
        "running_average": smooth,
        "mean_of_devices": sum(sum(part) / len(part) for part in each) / devices,
    }


SIZES = st.lists(st.integers(1, 6), min_size=2, max_size=8)


@given(sizes=SIZES, data=st.data())
def test_every_rule_of_f1_by_hand(sizes, data):
    n = sum(sizes)
    y, p = (np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n))) for _ in range(2))
    ends = np.cumsum(sizes)
    batches = [(y[a - k : a], p[a - k : a]) for a, k in zip(ends, sizes, strict=True)]
    found = audit(F1, batches, devices=2, cuts=2)
    values = [f1_score(*batch, zero_division=0) for batch in batches]
    undefined = [not (a | b).any() for a, b in batches]
    wanted = reference(values, sizes, undefined, 2)
    wanted["pooled"] = f1_score(y, p, zero_division=0)
    wanted["mean_of_prefixes"] = np.mean([f1_score(y[:e], p[:e], zero_division=0) for e in ends])
    own = [np.concatenate([np.stack(batch) for batch in batches[r::2]], axis=1) for r in range(2)]
    wanted["devices_pooled"] = np.mean([f1_score(*part, zero_division=0) for part in own])
    assert found.values == pytest.approx(wanted, rel=1e-12, nan_ok=True)
    assert found.error == pytest.approx(wanted["per_batch"] - wanted["pooled"], abs=1e-12)


@pytest.mark.parametrize("rows", [64, 2**20])
@pytest.mark.parametrize(
    "metric", [F1, f_beta(2), precision(), jaccard(), Ratio((0, 0, 0, 1), (0, 1, 0, 1))]
)
def test_a_ratio_counted_is_the_ratio_called(monkeypatch, rows, metric):
    y, p = labels(500, 0.1)
    monkeypatch.setattr(samples, "ROWS", rows)
    monkeypatch.setattr(counting, "ROWS", rows)
    monkeypatch.setattr(counting, "CELLS", 20)

    def called(y, p):
        return float(metric(Counts(*(part[0] for part in batch_counts(y, p, len(y), 0.4))), np.nan))

    batches = cut(y, p, 7)
    counted = audit(metric, batches, threshold=0.4, devices=[0, 1] * 36, cuts=2)
    other = audit(called, batches, devices=2, cuts=2)
    same = set(counted.values) - {"per_batch", "size_weighted", "over_samples", "last_batch"}
    same -= {rule for rule in same if "mean_of" in rule or "running" in rule}  # NaN of the function
    assert {r: counted.values[r] for r in same} == pytest.approx(
        {r: other.values[r] for r in same}, rel=1e-12, nan_ok=True
    )
    assert counted.values["per_batch"] == counted.values["undefined_as_zero"]


@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
def test_classes_from_scores_labels_and_one_hot(average):
    rng = np.random.default_rng(3)
    y, scores = rng.integers(0, 4, 90), rng.random((90, 4))
    metric = f_beta(1, average)
    counts = class_counts(y, scores, 8)
    wanted = float(batch_mean(counts, metric=metric))
    guesses, one_hot = scores.argmax(axis=1), np.eye(4)[y]
    found = [
        audit(metric, cut(a, b, 8), cuts=2)
        for a, b in [
            (y, scores),
            (one_hot, scores),
            (y[:, None], guesses),
            (y, np.eye(4)[guesses]),
            (y.astype(float), guesses.astype("float32")),
        ]
    ]
    assert [one.values["per_batch"] for one in found] == pytest.approx([wanted] * 5, rel=1e-12)
    assert found[0].pooled == pytest.approx(f1_score(y, guesses, average=average), rel=1e-12)
    assert found[0].additive == (average == "micro")


def test_classes_are_the_labels_that_there_are():
    y, guesses = np.array(["a", "c", "c", "x"]), np.array(["a", "c", "x", "x"])
    found = audit(f_beta(1, "macro"), cut(y, guesses, 2), cuts=2)
    assert found.pooled == pytest.approx(f1_score(y, guesses, average="macro"), rel=1e-12)
    more = audit(f_beta(1, "macro", 4), [([0, 1], [0, 1])], cuts=2)
    assert more.pooled == 0.5


def test_random_cuts_of_a_ratio_are_those_of_theory():
    y, p = labels(300, 0.05)
    found = audit(F1, cut(y, p, 16))
    wanted = expect(Counts(*(int(part.sum()) for part in batch_counts(y, p, 300))), 16)
    assert (found.expected, found.sd, found.cuts) == (wanted.expected_f1, wanted.sd, 0)
    called = audit(lambda a, b: f1_score(a, b > 0.5, zero_division=0), cut(y, p, 16), cuts=25)
    assert called.cuts == 25
    assert called.expected == pytest.approx(found.expected, abs=4 * found.sd / np.sqrt(25))
    assert called.sd == pytest.approx(found.sd, rel=0.4)


def test_random_cuts_of_uneven_batches_keep_their_sizes():
    y, p = labels(300, 0.1)
    uneven = [(y[:100], p[:100]), *cut(y[100:], p[100:], 10)]
    found = audit(F1, uneven, cuts=200, seed=1)
    other = audit(F1, uneven[::-1], cuts=200, seed=2)
    assert found.cuts == 200
    assert f"sd {found.sd:.6f} (200 cuts tried, seed 1)\n" in str(found)
    assert found.expected == pytest.approx(other.expected, abs=5 * found.sd / np.sqrt(200))
    assert str(found) == str(audit(F1, iter(uneven), cuts=200, seed=1))


def test_fewer_random_cuts_where_they_would_take_long(monkeypatch):
    monkeypatch.setattr(random_batches, "CUT_CALLS", 60)
    y, p = labels(50, 0.5)
    uneven = [(y[:20], p[:20]), *cut(y[20:], p[20:], 10)]  # in 4 batches
    assert audit(mean_squared_error, uneven).cuts == 15
    assert audit(mean_squared_error, uneven, cuts=10).cuts == 10
    assert audit(mean_squared_error, cut(y, p, 2)).cuts == 5
    assert audit(F1, uneven).cuts == 20
    monkeypatch.setattr(random_batches, "CUT_ROWS", 400)
    assert audit(F1, uneven).cuts == 8
    assert audit(mean_squared_error, uneven).cuts == 8


def test_random_cuts_of_classes_are_like_those_simulated():
    rng = np.random.default_rng(3)
    y, scores = rng.integers(0, 3, 120), rng.random((120, 3))
    found = audit(f_beta(1, "macro"), cut(y, scores, 8), cuts=100)
    wanted = simulate(class_counts(y, scores, 1), 8, metric=f_beta(1, "macro"), cuts=300)
    assert found.expected == pytest.approx(wanted.expected_f1, abs=4 * wanted.standard_error)
    assert found.sd == pytest.approx(wanted.sd, rel=0.3)


def test_why_the_mean_is_off():
    y, p = labels(3200, 0.01, seed=1)
    rare = audit(F1, cut(y, p, 32))
    assert rare.cause == "bias"
    assert "bias, which random batches share" in rare.advice
    order = np.argsort(-y - 0.1 * (p > 0.5), kind="stable")
    sorted_out = audit(F1, cut(y[order], p[order], 320))
    assert sorted_out.cause == "order"
    y, p = labels(3200, 0.5)
    assert audit(F1, cut(y, p, 800)).cause == "noise"
    assert audit(F1, [(y, p)]).cause is None


def test_one_batch_averages_nothing():
    y, p = labels(60, 0.5)
    found = audit(F1, [(y, p)])
    assert (found.error, found.expected, found.sd) == (0, found.pooled, 0)
    assert (found.additive, found.ok) == (False, True)
    assert found.advice == "Fine: there is one batch, so nothing is averaged."
    assert audit(mean_squared_error, [(y, p)]).additive


def test_additive_on_this_cut_alone_is_not_additive():
    """The cut 4/4/2 of docs/averaging.md, on which the mean by size is F1 by chance."""
    tp, predicted, positive = (1, 1, 2), (2, 1, 2), (2, 1, 2)
    batches = []
    for hits, called, real, size in zip(tp, predicted, positive, (4, 4, 2), strict=True):
        y, p = np.zeros(size), np.zeros(size)
        y[:real] = 1
        p[real - hits : real - hits + called] = 1
        batches.append((y, p))
    found = audit(F1, batches, "0.80", cuts=2)
    assert found.pooled == pytest.approx(0.8, rel=1e-12)
    assert (found.rule, found.additive, found.ok) == ("pooled", False, True)
    assert {"pooled", "size_weighted", "mean_of_prefixes"} >= set(found.rules) >= {"size_weighted"}
    assert found.advice == (
        "Fine: 0.80 is the metric of all samples, which these batches cannot tell from "
        "size_weighted: look at another cut, too."
    )
    assert audit(F1, batches, 0.8333333, cuts=2).rule == "per_batch"


def test_weights_by_size_repair_an_additive_metric():
    y, p = labels(50, 0.5)
    batches = cut(y, p, 16)
    logged = np.mean([mean_squared_error(*batch) for batch in batches])
    found = audit(mean_squared_error, batches, logged, cuts=2)
    assert (found.rule, found.additive, found.ok) == ("per_batch", True, False)
    assert found.advice.endswith("; weigh the batches by their size.")


@pytest.mark.parametrize(
    ("logged", "rules"),
    [
        (0.75, {"per_batch", "size_weighted"}),
        (0.7501, set()),
        ("0.7501", set()),
        ("0.75", {"per_batch", "size_weighted"}),
        ("75%", {"per_batch", "size_weighted"}),
        ("0.67", {"pooled"}),
        ("0.7", {"pooled", "per_batch", "size_weighted"}),
        ("nan", set()),
    ],
)
def test_logged_to_the_digits_given(logged, rules):
    batches = [([1, 0, 1, 0], [1, 1, 0, 0]), ([1, 0, 0, 0], [1, 0, 0, 0])]
    found = audit(F1, batches, logged)
    assert {"pooled", "per_batch", "size_weighted"} & set(found.rules) == rules
    assert found.rule == next(iter(found.rules), None)
    if not rules:
        assert found.advice.startswith(f"No rule known gives {logged} on these batches")


def test_a_logged_nan_is_a_rule_of_undefined_batches():
    y = np.array([1, 0, 1, 1, 0, 1])
    p = np.array([0.9, 0.2, 0.4, 0.7, 0.3, 0.1])
    found = audit(roc_auc_score, cut(y, p, 2), math.nan, cuts=2)
    assert found.rule == "per_batch"
    assert found.values["undefined_skipped"] == 0.75 + 0.25 * (p[5] > p[4]) - 0.25
    assert math.isnan(found.error)
    json.dumps(found.to_dict(), allow_nan=False)


def test_float32_sums_of_many_batches_are_known_less_well():
    y, p = labels(8000, 0.2)
    batches = cut(y, p, 2)
    found = audit(F1, batches)
    logged = found.values["per_batch"] * (1 + 3e-6)
    assert audit(F1, batches, logged).rule == "per_batch"
    assert audit(F1, cut(y, p, 20), found.values["per_batch"]).rule is None
    assert audit(F1, batches, logged * (1 + 1e-5)).rule is None


def test_infinite_values_warn_of_nothing():
    y, p = labels(40, 0.5)
    found = audit(lambda a, _: np.inf if a[0] else -np.inf, cut(y, p, 4), cuts=2)
    assert not found.ok
    json.dumps(found.to_dict(), allow_nan=False)


def test_as_text_and_as_json():
    batches = [([1, 0, 1, 0], [1, 1, 0, 0]), ([1, 0, 0, 0], [1, 0, 0, 0])]
    found = audit(F1, batches, "0.75")
    lines = str(found).splitlines()
    assert lines[:4] == [
        found.advice,
        "f1 of 8 samples in 2 batches",
        "rule                        logs         error",
        "pooled                  0.666667",
    ]
    alike = ("size_weighted", "undefined_skipped", "undefined_as_zero", "undefined_as_one")
    assert lines[4] == (
        "per_batch               0.750000     +0.083333  <- logged  also by "
        f"{', '.join(alike)}, undefined_as_nan"
    )
    named = [
        rule for line in lines[3:-3] for rule in found.values if rule in re.split(r"[, ]+", line)
    ]
    assert sorted(named) == sorted(found.values)  # each once
    assert lines[-3:] == [
        "logged                      0.75 by per_batch or size_weighted",
        f"per_batch on random cuts: {found.expected:.6f}, sd {found.sd:.6f} (exact)",
        "additive on these samples: no",
    ]
    assert found.advice == (
        "Do not read 0.75: it is the mean over batches (per_batch or size_weighted), +0.08333 off "
        "the metric of all samples, chance of this cut, where another cut gives another value; log "
        "TP, FP, FN and TN, and compute f1 once of their sums."
    )
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["rules"] == list(found.rules)
    assert plain["values"] == found.values
    assert "counts of each class" in audit(f_beta(1, "macro"), batches, cuts=2).advice


def test_batches_are_gone_through_once():
    y, p = labels(40, 0.5)
    assert audit(F1, iter(cut(y, p, 8))) == audit(F1, cut(y.tolist(), p.tolist(), 8))
    column = cut(y[:, None], p[:, None], 8)
    assert audit(F1, column) == audit(F1, cut(y, p, 8))


def test_a_right_number_that_nothing_else_gives():
    y, p = labels(40, 0.5)
    found = audit(F1, cut(y, p, 8), f"{audit(F1, [(y, p)]).pooled:.6f}")
    assert found.rules == ("pooled",)
    assert found.advice == f"Fine: {found.logged} is the metric of all samples."


def test_a_metric_that_raises_is_undefined_there():
    def strict(y, p):
        if not y.any():
            raise ValueError("no positive")
        return 1 / 0 if y.all() else float(np.mean(p))

    y, p = np.array([1, 0, 0, 0, 1, 1]), np.arange(6) / 10
    found = audit(strict, cut(y, p, 2), cuts=2)
    assert found.values["undefined_skipped"] == pytest.approx(0.05)
    assert found.values["undefined_as_one"] == pytest.approx((0.05 + 2) / 3)
    assert math.isnan(found.values["per_batch"])


GOOD = [([1, 0], [0.9, 0.2])]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((F1, []), "batches must have at least one batch; got none"),
        ((F1, [3]), "batch 0 must be a pair (y_true, y_pred) of arrays; got int"),
        (
            (F1, [([1, 0], [1])]),
            "batch 0 must have as many samples in y_true as in y_pred; got (2,) and (1,)",
        ),
        ((F1, [([], [])]), "batch 0 is empty; each batch needs at least one sample"),
        ((F1, [([1, 2], [1, 0])]), "y_true must be 0 or 1; got 2"),
        (
            (f_beta(1, "macro"), [(np.array([1, None]), [1, 0])]),
            "y_true and y_pred must have labels of one type; got several",
        ),
        ((F1, [([1, 0], [np.nan, 0])]), "y_pred must not contain NaN"),
        ((F1, [([1, 0], [[1, 0], [1, 0]])]), "y_pred must have shape (n,) or (n, 1); got (2, 2)"),
        (
            (mean_squared_error, [([1], [[1, 0]]), ([1], [1])]),
            "y_pred must have samples of one shape in all batches; got () and (2,)",
        ),
        ((3, GOOD), "metric must be a function, a Ratio or a ClassAveraged; got 3"),
        (
            (f1_score, GOOD),
            "metric must accept the samples of all batches at once; got Classification metrics",
        ),
        (
            (f_beta(1, "macro"), [([0, 1], [1.0, 0.7])]),
            "y_pred must be classes, as whole numbers or text, or scores with a column for each",
        ),
        (
            (f_beta(1, "macro", 3), [([0], [[0, 1]])]),
            "y_pred must have a column for each of 3 classes",
        ),
        (
            (f_beta(1, "macro"), [([[1, 1]], [[0, 1]])]),
            "y_true must have a single 1 in each row, and else 0 (multilabel=True allows several)",
        ),
        (
            (F1, GOOD, "high"),
            "logged must be a number, or its digits as text, such as 0.473 or 47.3%; got",
        ),
    ],
)
def test_what_makes_no_sense_gets_one_line(arguments, said):
    with pytest.raises(InputError) as caught:
        audit(*arguments)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cuts": 1}, "cuts must be a whole number >= 2; got 1"),
        ({"seed": -1}, "seed must be a whole number >= 0; got -1"),
        ({"threshold": np.nan}, "threshold must be finite; got nan"),
        ({"devices": 2}, "devices must be at most the number of batches, 1; got 2"),
        ({"devices": np.int64(0)}, "devices must be a whole number >= 1; got np.int64(0)"),
        (
            {"devices": [0, 1]},
            "devices must be a number, or the name of a device for each of the 1 batches; got",
        ),
    ],
)
def test_options_that_make_no_sense_get_one_line(options, said):
    with pytest.raises(InputError) as caught:
        audit(F1, GOOD, **options)
    assert str(caught.value).startswith(said)
