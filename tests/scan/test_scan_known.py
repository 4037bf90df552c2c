"""The names of metrics, held to the atlas; rules, held to the audit and to the page."""

import inspect

import pytest

from batchf1.auditing.report import MEANING
from batchf1.scan import known
from batchf1.scan.findings import LEVELS
from batchf1.scan.rules.table import RULES


def atlas(repository):
    """Name of each metric of the atlas -> whether it may be averaged."""
    page = (repository / "docs/atlas.md").read_text()
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| ")][1:]
    return {row[1].strip().replace("²", "2"): row[2].strip() == "yes" for row in rows}


def test_every_metric_of_the_atlas_is_known_as_what_it_is(repository):
    metrics = atlas(repository)
    assert len(metrics) == 22
    assert {name for name, additive in metrics.items() if additive} == set(known.ADDITIVE)
    assert {name for name, additive in metrics.items() if not additive} == set(known.NOT_ADDITIVE)


def test_a_name_means_one_metric():
    texts = [*known.ADDITIVE.values(), *known.NOT_ADDITIVE.values()]
    names = [name for text in texts for name in text.split()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("f1_m", "F1"),
        ("val_F1Score", "F1"),
        ("MeanIoU", "Jaccard"),
        ("mIoU", "Jaccard"),
        ("dice_coef_necrotic", "F1"),
        ("macro_f1", "macro F1"),
        ("recall2", "recall"),
        ("r2_score", "R2"),
        ("rmse", "RMSE"),
        ("roc_auc", "ROC AUC"),
        ("micro_f1", None),
        ("accuracy", None),
        ("mapping", None),
        ("record", None),
        ("heat_map", None),
        ("", None),
    ],
)
def test_names_are_read_word_by_word(name, metric):
    assert known.metric_of(name) == metric


def test_each_rule_follows_a_rule_of_the_audit_or_none():
    assert {rule.follows for rule in RULES.values()} - {""} <= set(MEANING)
    assert all(rule.title and rule.instead for rule in RULES.values())


def test_the_page_has_a_section_for_each_rule_and_level(repository):
    page = (repository / "docs/scan.md").read_text()
    for name in RULES:
        assert f"\n### {name}" in page
    for level in LEVELS:
        assert f"`{level}`" in page


def test_functions_of_scikit_learn_exist():
    sklearn = pytest.importorskip("sklearn.metrics")
    assert all(inspect.isfunction(getattr(sklearn, name)) for name in known.SKLEARN)


def test_classes_of_keras_that_accumulate_exist():
    keras = pytest.importorskip("keras")
    held = {
        name for name in dir(keras.metrics) if name[:1].isupper() and known.is_metric_class(name)
    }
    assert {"Precision", "Recall", "F1Score", "MeanIoU", "AUC", "R2Score"} <= held
    assert not held & {"Mean", "MeanMetricWrapper", "Sum", "Metric", "BinaryAccuracy"}
