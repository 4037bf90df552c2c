"""Small fits over classes whose scores are known beforehand, and scikit-learn's values of them."""

import keras
import numpy as np
from sklearn.metrics import fbeta_score, jaccard_score, precision_score, recall_score

from batchf1.keras import BatchMean, EpochEnd, Reconstructed, Streaming
from batchf1.metrics.factories import f_beta, jaccard, precision, recall
from helpers.fitting import B, compiled, data

KINDS = (BatchMean, EpochEnd, Reconstructed, Streaming)
C = 4
ONE_CLASS = ("vectors", "columns", "one-hot")
MULTILABEL = ("multilabel", "multilabel logits")
FORMS = ("binary", *ONE_CLASS, *MULTILABEL)
BINARY = [f_beta(2), precision(), recall(), jaccard()]
OVER_CLASSES = [
    f_beta(1, "macro", C),
    f_beta(2, "weighted", C),
    f_beta(0.5, "micro", C),
    precision("macro", C),
    recall("weighted", C),
    jaccard("macro", C),
    jaccard("micro", C),
]
SOME = [f_beta(1, "macro", C), f_beta(2, "micro", C)]
SCORERS = {"precision": precision_score, "recall": recall_score, "jaccard": jaccard_score}
LOSSES = dict.fromkeys(("vectors", "columns"), "sparse_categorical_crossentropy")
LOSSES["one-hot"] = "categorical_crossentropy"


def metrics_in(form):
    return BINARY if form == "binary" else OVER_CLASSES


def options_of(form):
    """What a strategy is told."""
    given = {"multilabel": form in MULTILABEL, "from_logits": form == "multilabel logits"}
    return given | ({} if form in ONE_CLASS else {"threshold": 0.3})


def samples(form, n=75, seed=0):
    """Scores and labels, float32 and one of several dtypes.

    Class 2 is in few batches, class 3 in no label, class 1 in few predictions; scores tie.
    """
    if form == "binary":
        return data(n, seed)
    rng = np.random.default_rng(seed)
    x = rng.choice((0.05, 0.1, 0.3, 0.31, 0.6, 0.9), (n, C)).astype("float32")
    x[:, 1] *= 0.5
    if form in MULTILABEL:
        y = (rng.random((n, C)) < (0.1 + 0.6 * x) * (0.7, 0.7, 0.04, 0)).astype("float32")
        return (np.log(x / (1 - x)) if "logits" in form else x), y
    y = np.where(rng.random(n) < 0.5, x.argmax(axis=1) % 2, rng.choice(3, n, p=(0.7, 0.26, 0.04)))
    shaped = {"vectors": y, "columns": y[:, None].astype("float32"), "one-hot": np.eye(C)[y]}
    return x, shaped[form]


def identity(n_columns, **options):
    """A model that hands its features on."""
    layer = keras.layers.Dense(n_columns, use_bias=False, kernel_initializer="identity", **options)
    return keras.Sequential([keras.Input((n_columns,)), layer])


def strategies(form, kinds=KINDS, metrics=None, **options):
    """Each kind with each metric; of binary outputs `reconstructed` needs names of its own."""
    options = options_of(form) | options
    pairs = [(kind, metric) for kind in kinds for metric in metrics or metrics_in(form)]
    of_kind = {BatchMean: {}, EpochEnd: {}, Streaming: {}}
    return [kind(metric=m, **options, **of_kind.get(kind, _named(form, m))) for kind, m in pairs]


def _named(form, metric):
    return {"name": f"rebuilt-{metric.name}"} if form == "binary" else {}


def model_for(form, metrics, model=None, **options):
    model = model or identity(1 if form == "binary" else C)
    loss = LOSSES.get(form, keras.losses.BinaryCrossentropy(from_logits="logits" in form))
    return compiled(metrics, model, loss, **options)


def decided(form, x):
    """Predictions, as scikit-learn takes them."""
    if form in ONE_CLASS:
        return x.argmax(axis=1)
    return x > x.dtype.type(np.log(0.3 / 0.7) if "logits" in form else 0.3)


def truth(metric, form, x, y, weights=None):
    """scikit-learn's value of all samples."""
    ratio, average, n_classes = metric if form != "binary" else (metric, "binary", None)
    options = {} if form == "binary" else {"labels": range(n_classes)}
    if ratio.name in SCORERS:
        scorer = SCORERS[ratio.name]
    else:
        scorer, options["beta"] = fbeta_score, float(ratio.name[1:])
    y = y.argmax(axis=1) if form == "one-hot" else y.ravel() if form not in MULTILABEL else y
    options |= {"average": average, "zero_division": 0.0, "sample_weight": weights}
    return float(scorer(y, decided(form, x), **options))


def expected(strategy, form, x, y, size=B):
    """What a strategy must log of batches of `size`."""
    if not isinstance(strategy, BatchMean):
        return truth(strategy.metric, form, x, y)
    starts = range(0, len(x), size)
    parts = [(x[i : i + size], y[i : i + size]) for i in starts]
    return np.mean([truth(strategy.metric, form, *part) for part in parts])
