"""`audit` and `Recorder` on labels (n,) with predictions (n, 1): the rule `broadcast`."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from batchf1 import F1, InputError, audit, batch_counts, batch_mean, f_beta, jaccard
from batchf1.auditing.answer import as_broadcast
from batchf1.auditing.metric_warnings import BatchAveragedMetricWarning, MetricWarner
from batchf1.auditing.recorder import Recorder
from batchf1.cli import main as cli
from batchf1.metrics.flat_labels import flat_value
from batchf1.metrics.ratios import ACCURACY, PRECISION, RECALL

N, SIZE = 90, 16
RNG = np.random.default_rng(4)
Y = (RNG.random(N) < 0.3).astype(float)
P = np.clip(0.45 * Y + 0.6 * RNG.random(N), 0, 1)
COUNTS = batch_counts(Y, P, SIZE)
SIZES = [16, 16, 16, 16, 16, 10]


def cut(y, p, size=SIZE):
    return [(y[i : i + size], p[i : i + size]) for i in range(0, len(y), size)]


FLAT, COLUMN = cut(Y, P[:, None]), cut(Y[:, None], P[:, None])


# Functions, as people write them


def f1(y, p):
    p = p > 0.5
    return 2 * (y * p).sum() / max(y.sum() + p.sum(), 1)


def article(y, p):
    p = np.where(p > 0.5, 1.0, 0.0)
    tp = np.sum(y * p)
    precision, recall = tp / (np.sum(p) + 1e-7), tp / (np.sum(y) + 1e-7)
    return 2 * precision * recall / (precision + recall + 1e-7)


def by_cells(y, p):
    p = p > 0.5
    tp, fp, fn = (y * p).sum(), ((1 - y) * p).sum(), (y * ~p).sum()
    return 2 * tp / max(2 * tp + fp + fn, 1)


def accuracy(y, p):
    return np.mean(y == (p > 0.5))


def mae(y, p):
    return np.abs(y - p).mean()


def rms(y, p):
    return np.sqrt(np.square(y - p).mean())


def flattening(y, p):
    return f1(y.ravel(), p.ravel())


def of_columns(y, p):
    return f1(y, p[:, 0])


def expanding(y, p):
    return f1(y.reshape(-1, 1), p)


def by_sklearn(y, p):
    return f1_score(y, p > 0.5)


def logged(metric, batches=FLAT, weights=None):
    return float(np.average([metric(*batch) for batch in batches], weights=weights))


FORMULAS = {
    f1: "2PQ/(P+Q)",
    article: "2PQ/(P+Q)",
    by_cells: "2PQ/(B(P+Q))",
    accuracy: "",
    mae: "",
    rms: "",
}


@pytest.mark.parametrize("metric", FORMULAS)
@pytest.mark.parametrize("side", ["labels", "predictions"])
def test_a_function_that_lets_them_broadcast(metric, side):
    batches = FLAT if side == "labels" else cut(Y[:, None], P)
    found, column = audit(metric, batches, logged(metric, batches)), audit(metric, COLUMN)
    assert (found.rule, found.formula, found.ok) == ("broadcast", FORMULAS[metric], False)
    assert found.pooled == pytest.approx(metric(Y, P), rel=1e-12)
    rest = {r: v for r, v in found.values.items() if not r.startswith("broadcast")}
    assert rest == pytest.approx(column.values, rel=1e-12)
    assert found.error == pytest.approx(logged(metric, batches) - metric(Y, P), rel=1e-9)
    assert set(found.values) - set(rest) == {"broadcast", "broadcast_by_size"}
    written = "y[:, None]" if side == "labels" else "y[:, 0]"
    fix = f"give labels the shape of the predictions, {written}"
    mean = metric not in (accuracy, mae)
    leaves = f", which leaves a mean over batches, or {column.remedy}"
    assert found.remedy == fix + (leaves if mean else "")
    assert found.remedy in found.advice


def test_a_function_of_logits():
    def decide(y, p):
        return f1(y, p > 0)

    batches = cut(Y, 2 * P[:, None] - 1)
    found = audit(decide, batches, logged(decide, batches))
    assert (found.rule, found.formula) == ("broadcast", "2PQ/(P+Q)")


def test_a_function_that_refuses_columns_of_labels():
    def strict(y, p):
        if y.ndim > 1:
            raise ValueError("labels must be flat")
        return f1(y, p)

    found = audit(strict, FLAT, logged(strict))
    assert found.rule == "broadcast"
    assert found.pooled == pytest.approx(f1(Y, P), rel=1e-12)
    assert found.values["per_batch"] == pytest.approx(logged(f1, cut(Y, P)), rel=1e-12)


def test_a_log_that_is_known_to_broadcast():
    """A callback of Keras knows it from the loop itself, and has a column of labels."""
    value, function = logged(article), audit(article, FLAT, logged(article))
    found = as_broadcast(audit(F1, COLUMN, value), value, "2PQ/(P+Q)", "y[:, None]")
    assert (found.rule, found.rules, found.formula) == ("broadcast", ("broadcast",), "2PQ/(P+Q)")
    assert found.values == audit(F1, COLUMN).values | {"broadcast": value}
    assert found.error == pytest.approx(function.error, rel=1e-6)
    assert found.remedy == function.remedy.replace("call article", "call f1")
    assert found.advice == function.advice.replace("call article", "call f1")


@pytest.mark.parametrize("metric", [f1, accuracy])
def test_means_by_size(metric):
    found = audit(metric, FLAT, logged(metric, weights=SIZES))
    assert found.rule == "broadcast_by_size"
    even = audit(metric, FLAT[:5], logged(metric, FLAT[:5]))
    assert (even.rule, "broadcast_by_size" in even.values) == ("broadcast", False)


@pytest.mark.parametrize("metric", [f1, accuracy, mae])
def test_without_a_log_the_shapes_are_named(metric):
    found = audit(metric, FLAT)
    assert (found.rule, found.rules, found.ok) == ("broadcast", (), False)
    assert found.advice.startswith(f"Do not log {metric.__name__} of these shapes: it is the mean")
    assert found.error == pytest.approx(logged(metric) - metric(Y, P), rel=1e-9)
    whole = audit(metric, [(Y, P[:, None])])
    assert (whole.ok, whole.undecided) == (False, False)
    assert whole.remedy == "give labels the shape of the predictions, y[:, None]"
    assert audit(accuracy, COLUMN).ok


@pytest.mark.parametrize("metric", [flattening, of_columns, expanding, by_sklearn])
def test_a_function_that_brings_them_to_one_shape(metric):
    found = audit(metric, FLAT, logged(metric))
    assert (found.rule, found.remedy) == ("per_batch", found.remedy)
    assert not [rule for rule in found.values if rule.startswith("broadcast")]
    assert found.pooled == pytest.approx(f1(Y, P), rel=1e-12)
    assert found.values["per_batch"] == pytest.approx(float(batch_mean(COUNTS)), rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_model_that_predicts_one_class(value):
    """The order of its predictions shows nothing; that of others does."""
    flat = cut(Y, np.full((N, 1), value))
    found = audit(of_columns, flat, logged(of_columns, flat))
    assert found.values["pooled"] == f1(Y, np.full(N, value))
    assert "broadcast" not in found.values
    naive = audit(f1, flat, logged(f1, flat))
    assert ("broadcast" in naive.values) == bool(value)
    assert naive.pooled == f1(Y, np.full(N, value))


def test_labels_that_are_alike_in_each_batch():
    y = np.repeat([0.0, 1.0], SIZE)
    p = np.linspace(0, 1, 2 * SIZE)[:, None] ** 2
    assert audit(f1, cut(y, p)).rule == "broadcast"
    assert audit(of_columns, cut(y, p)).rule is None
    assert (
        audit(f1, cut(1 + 0 * y, p)).rule is None
    )  # nothing shows which of the two shapes is meant


def test_batches_of_one_sample():
    for metric in (f1, accuracy, F1):
        found = audit(metric, cut(Y, P[:, None], 1))
        assert "broadcast" not in found.values
    for metric in (f1, F1):
        assert "broadcast" in audit(metric, cut(Y, P[:, None], 2)).values


def test_what_does_not_fit_in_memory_is_undefined():
    def large(y, p):
        if np.broadcast(y, p).size > N:
            raise MemoryError
        return f1(y, p)

    assert audit(large, FLAT).rule is None


# Metrics of counts


@pytest.mark.parametrize("metric", [F1, f_beta(2), PRECISION, RECALL, jaccard()])
@pytest.mark.parametrize("written", ["margins", "cells"])
def test_a_ratio_by_either_form(metric, written):
    value = float(flat_value(COUNTS, metric, written).mean())
    found = audit(metric, FLAT, value)
    name = {"margins": "broadcast", "cells": "broadcast_cells"}[written]
    assert found.rule == name
    assert bool(found.formula) == (metric in (F1, PRECISION, RECALL))
    assert found.error == pytest.approx(value - found.pooled, rel=1e-12)
    assert found.remedy == (
        "give labels the shape of the predictions, y[:, None], which leaves a mean over batches, "
        f"or log TP, FP, FN and TN, and compute {metric.name} once of their sums"
    )
    by_size = float(np.average(flat_value(COUNTS, metric, written), weights=SIZES))
    assert audit(metric, FLAT, by_size).rule == f"{name}_by_size"


def test_a_ratio_is_what_functions_log():
    for metric, function in ((F1, article), (ACCURACY, accuracy)):
        assert audit(metric, FLAT, logged(function)).rule == "broadcast"
    assert audit(F1, FLAT, logged(by_cells)).rule == "broadcast_cells"


def test_a_ratio_of_these_shapes_may_be_right():
    """The shapes alone do not show how the loop computed its number."""
    shaped = audit(F1, FLAT)
    assert (shaped.rule, shaped.error) == (None, audit(F1, COLUMN).error)
    for rule in ("pooled", "per_batch"):
        assert audit(F1, FLAT, shaped.values[rule]).rule == rule
    assert audit(ACCURACY, FLAT).ok
    for batches in (COLUMN, cut(Y, P)):
        assert "broadcast" not in audit(F1, batches).values


def test_the_table_has_one_width():
    lines = str(audit(F1, FLAT, logged(article))).splitlines()
    rows = [line for line in lines if line.startswith(("rule ", "broadcast"))]
    assert len(rows) == 5
    assert {len(line[:37].rstrip()) for line in rows} == {37}
    assert [line.split()[0] for line in rows if line.endswith("<- logged")] == ["broadcast"]


# A recorder, and the command


def recorded(action="warn"):
    recorder = Recorder(action)
    for y, p in FLAT:
        recorder.record(y.astype("float32"), p.astype("float32"))
    return recorder


def test_a_loop_with_a_function_of_its_own():
    with pytest.warns(BatchAveragedMetricWarning) as said:
        recorded().check("val_f1", np.float32(logged(article)), article)
    assert [str(one.message) for one in said] == [
        f"val_f1: logged {logged(article):.6g}, the mean over batches of 2PQ/(P+Q) (P: positives, "
        "Q: predicted positives), which compares every prediction with every label (broadcast), "
        f"where the metric of all samples is {f1(Y, P):.6g}: give labels the shape of the "
        "predictions, y[:, None], which leaves a mean over batches, or keep labels and "
        "predictions, and call article once on all of them"
    ]
    with pytest.raises(
        InputError, match=r"cells \(broadcast_cells_by_size\), .* y\[:, None\], which"
    ):
        recorded("raise").check("val_f1", f"{logged(by_cells, weights=SIZES):.6f}", F1)


@pytest.mark.parametrize("metric", [article, accuracy])
def test_a_callback_gives_the_remedy_of_the_rule(metric):
    """Lightning's, whose own remedy is that of a mean over batches."""
    own = {"remedy": "update an object", "weigh": "log the batch_size"}
    warner = MetricWarner("LightningAudit", "raise", None, **own, log="batchf1.torch")
    found = audit(metric, FLAT, logged(metric, weights=SIZES))
    with pytest.raises(InputError) as refused:
        warner.report(0, {"val": found}, ["val"])
    assert str(refused.value).endswith(f"{found.pooled:.6g}: {found.remedy}")
    assert "y[:, None]" in found.remedy


@pytest.mark.parametrize("metric", [flattening, of_columns, by_sklearn, F1])
def test_a_loop_whose_number_is_right(metric):
    assert recorded("raise").check("val_f1", f"{f1(Y, P):.5f}", metric).ok


def test_the_command(tmp_path, capsys):
    path = tmp_path / "scores.npz"
    np.savez(path, y_true=Y, y_pred=P[:, None])
    arguments = [
        "audit",
        str(path),
        "--batch-size",
        str(SIZE),
        "--logged",
        f"{logged(article):.4f}",
    ]
    assert cli.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "  <- logged" in next(x for x in printed.splitlines() if x.startswith("broadcast "))
    assert printed.splitlines()[0].startswith(
        f"Do not read {logged(article):.4f}: it is the mean over batches of 2PQ/(P+Q)"
    )
    assert cli.main([*arguments, "--fail-above", "0.01"]) == 1
