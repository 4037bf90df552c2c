"""Audits of metrics that are functions of sums, of any shape, weighted and masked."""

import numpy as np
import pytest
import sklearn.metrics as sk

import batchf1
from batchf1 import audit, f_beta
from batchf1.auditing.recorder import Recorder
from batchf1.errors import InputError

RNG = np.random.default_rng(5)
KAPPA, F3 = batchf1.kappa("quadratic", 3), f_beta(1, "macro", 3)
SIZES = (slice(0, 32), slice(32, 64), slice(64, 70))


def batches(*parts):
    return [tuple(part[rows] for part in parts) for rows in SIZES]


@pytest.mark.parametrize(
    ("metric", "scorer"),
    [
        (batchf1.r2(), sk.r2_score),
        (batchf1.rmse(), sk.root_mean_squared_error),
        (batchf1.explained_variance(), sk.explained_variance_score),
    ],
)
def test_metrics_of_numbers(metric, scorer):
    y = RNG.normal(size=70)
    p, w = y + RNG.normal(size=70), RNG.random(70)
    each = [scorer(*pair) for pair in batches(y, p)]
    result = audit(metric, batches(y, p), float(np.mean(each)))
    assert (result.rule, result.metric) == ("per_batch", metric.name)
    assert result.pooled == pytest.approx(scorer(y, p), abs=1e-12)
    assert result.values["last_batch"] == pytest.approx(each[-1], abs=1e-12)
    prefixes = [scorer(y[:n], p[:n]) for n in (32, 64, 70)]
    assert result.values["mean_of_prefixes"] == pytest.approx(np.mean(prefixes), abs=1e-12)
    assert f"log what {metric.name} adds up, and compute it once of the sums" in result.advice
    assert audit(metric, batches(y, p), scorer(y, p)).rule == "pooled"
    weighted = audit(metric, batches(y, p, w))
    assert weighted.pooled == pytest.approx(scorer(y, p, sample_weight=w), abs=1e-12)
    assert not weighted.additive


def test_the_mean_squared_error_is_additive():
    y, p = RNG.normal(size=(2, 70))
    found = audit(batchf1.mse(), batches(y, p))
    assert found.additive
    assert str(found).endswith("\nadditive on these samples: yes")


def test_scores_of_any_scale_and_threshold():
    y, p = RNG.integers(0, 2, 70), RNG.random(70)
    for scores, options in (
        (p, {"threshold": 0.3}),
        (np.log(p / (1 - p)), {"threshold": 0.3, "from_logits": True}),
    ):
        found = audit(batchf1.mcc(), batches(y, scores), **options)
        assert found.pooled == pytest.approx(sk.matthews_corrcoef(y, p > 0.3), abs=1e-12)


def test_batches_where_it_is_undefined_are_left_out_or_count_as_0_or_1():
    y, p = [1, 0, 1, 0, 1], [0.9, 0.2, 0.8, 0.1, 0.7]  # all right, with one positive only
    each = [(y[:2], p[:2]), ([0, 0], [0.1, 0.2]), (y[2:], p[2:])]
    values = audit(Informedness(), [tuple(map(np.array, pair)) for pair in each]).values
    assert values["per_batch"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert values["undefined_skipped"] == 1
    assert values["undefined_as_zero"] == pytest.approx(2 / 3)
    assert values["undefined_as_one"] == 1
    assert np.isnan(values["undefined_as_nan"])


class Informedness(batchf1.SumMetric):
    """A metric of one's own, which is 0/0 without a positive."""

    name, undefined = "informedness", 0.5

    def value(self, sums, xp):
        tp, positives, predicted, n = sums
        return tp / positives - (predicted - tp) / (n - positives)


def test_agreement_of_classes_labels_and_scores():
    y, x = RNG.integers(0, 3, 70), RNG.random((70, 3))
    p = x.argmax(axis=1)
    metric = batchf1.kappa("quadratic", 3)
    right = sk.cohen_kappa_score(y, p, weights="quadratic")
    for outputs in (x, p):
        assert audit(metric, batches(y, outputs)).pooled == pytest.approx(right, abs=1e-12)


def test_shapes_weights_and_masks():
    x, y = RNG.random((70, 4, 4)), RNG.integers(0, 2, (70, 4, 4))
    mask = RNG.random(y.shape) < 0.7
    flat = [(a[m], b[m] > 0.5) for a, b, m in zip(y, x, mask, strict=True)]
    f1 = f_beta(1)
    assert audit(f1, batches(y, x)).pooled == pytest.approx(sk.f1_score(y.ravel(), x.ravel() > 0.5))
    masked = audit(f1, batches(y, x, mask))
    assert masked.pooled == pytest.approx(sk.f1_score(y[mask], x[mask] > 0.5), abs=1e-12)
    ignored = audit(f1, batches(np.where(mask, y, 255), x), ignore_class=255)
    assert ignored.values == pytest.approx(masked.values)
    of_images = audit(f1, batches(y, x, mask), per="image")
    assert of_images.pooled == pytest.approx(np.mean([sk.f1_score(*pair) for pair in flat]))
    assert of_images.additive
    softmax = np.stack([1 - x, x], axis=-1)
    assert audit(f1, batches(y, softmax), of_class=1).pooled == audit(f1, batches(y, x)).pooled


def test_a_recorder_keeps_weights():
    x, y, w = RNG.random((70, 6)), RNG.integers(0, 2, (70, 6)), RNG.random((70, 6))
    recorder = Recorder(action="ignore")
    for batch in batches(y, x, w):
        recorder.record(*batch)
    right = sk.matthews_corrcoef(y.ravel(), x.ravel() > 0.5, sample_weight=w.ravel())
    assert recorder.check("mcc", right, batchf1.mcc(), per="pixel").rule == "pooled"
    recorder.reset()
    recorder.record(y, x, w)
    with pytest.raises(InputError, match="sample_weight must be given in all batches or in none"):
        recorder.record(y, x)


@pytest.mark.parametrize(("per", "metric"), [("pixel", f_beta(1)), (None, KAPPA), ("image", F3)])
def test_a_bad_element_is_named_with_its_sample(per, metric):
    several = metric.n_classes is not None
    y, x = np.zeros((3, 20), int), np.full((3, 20, 3) if several else (3, 20), 0.5)
    y[1, -1] = 7
    words = rf"^{metric.name} needs labels 0 .*; got label \[0 0 0 ... 0 0 7\] with output \[+0.5 "
    with pytest.raises(InputError, match=words) as refused:
        audit(metric, [(y, x)], per=per)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda y, x: audit(batchf1.mcc(), []), "batches must have at least one batch; got none"),
        (lambda y, x: audit(batchf1.mcc(), [(2 * y, x)]), "mcc needs labels 0 or 1 .*; got label"),
        (lambda y, x: audit(batchf1.r2(), [(y, x)], threshold=0.3), "threshold must be combined"),
        (lambda y, x: audit(sk.r2_score, [(y, x)], per="pixel"), "options must be combined with"),
        (lambda y, x: audit(batchf1.r2(), [(y, x * np.nan)]), "r2 needs labels and .* all finite"),
        (lambda y, x: audit(batchf1.r2(), [(y, x), (y, x, x)]), "weights must be in all batches"),
        (lambda y, x: audit(KAPPA, [(y, y + 2)]), "y_pred must be classes from 0 to 2, or scores"),
        (lambda y, x: audit(batchf1.r2(), [(y,)]), "batch 0 must be .y_true, y_pred. or"),
    ],
)
def test_bad_input_gets_one_line(call, words):
    y = np.array([0, 1, 1, 1])
    with pytest.raises(InputError, match=words):
        call(y, np.array([0.1, 0.2, 0.7, 0.9]))
