"""Metrics by name: what each name means, what tables call it, and which names are refused."""

import importlib
import sys
from pathlib import Path

import pytest

from batchf1.config import metric_names
from batchf1.errors import InputError, PluginError
from batchf1.metrics.agreement import balanced_accuracy, kappa, mcc
from batchf1.metrics.factories import f_beta, jaccard, precision, recall
from batchf1.metrics.moments import r2
from batchf1.metrics.ratios import F1, ClassAveraged, Ratio
from batchf1.sweep.composition import metric_list
from batchf1.sweep.grid import Study, compose, load_study
from batchf1.training.engines import pretraining_of

FALLOUT = Ratio((0, 1, 0, 0), (0, 1, 0, 1), "fallout")
MODULE = """
from batchf1 import ClassAveraged, Ratio, mse
from batchf1.metrics.sums import SumMetric

FALLOUT = Ratio((0, 1, 0, 0), (0, 1, 0, 1), "fallout")
TWIN = Ratio((1, 0, 0, 0), (4, 1, 1, 0), "fallout")
SAME = Ratio((5, 0, 0, 0), (5, 1, 4, 0), "f2")
MACRO = ClassAveraged(FALLOUT, "macro")
SPACED = FALLOUT._replace(name="false alarms")
WRONG = Ratio((2, 0, 0, 0), (1, 1, 1, 0), "wrong")
NUMBER = 3


class Informedness(SumMetric):
    name, lowest = "informedness", -1.0

    def value(self, sums, xp):
        tp, positives, predicted, n = sums
        return tp / positives - (predicted - tp) / (n - positives)


INFORMEDNESS, ERRORS = Informedness(), mse()
"""
ID = "2cbf0e8231f0"
"""`run_id` of the default run, before runs had metrics."""


@pytest.fixture
def my_module(tmp_path, monkeypatch):
    """A module in the working directory, which is not on the path."""
    monkeypatch.chdir(tmp_path)
    others = [part for part in sys.path if part not in ("", ".")]
    others = [part for part in others if not Path(part, "my_module.py").exists()]
    monkeypatch.setattr(sys, "path", others)
    (tmp_path / "my_module.py").write_text(MODULE)
    sys.modules.pop("my_module", None)
    importlib.invalidate_caches()
    yield tmp_path / "my_module.py"
    sys.modules.pop("my_module", None)


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("f1", F1),
        ("f_beta(1)", F1),
        ("f2", f_beta(2)),
        ("f_beta(2)", f_beta(2)),
        ("f_beta(0.5)", f_beta(0.5)),
        ("precision", precision()),
        ("recall", recall()),
        ("jaccard", jaccard()),
        ("mcc", mcc()),
        ("kappa", kappa()),
        ("balanced_accuracy", balanced_accuracy()),
        ("my_module.FALLOUT", FALLOUT),
    ],
)
def test_a_name_gives_its_metric_and_the_name_that_tables_have(my_module, name, metric):
    assert metric_names.binary(name) == metric
    (in_table,) = metric_names.canonical([name])
    assert in_table == (name if "." in name and name[0] == "m" else metric.name)
    assert metric_names.canonical([in_table]) == [in_table]
    assert metric_names.binary(in_table) == metric


def test_a_function_of_counts_of_ones_own_is_found(my_module):
    metric = metric_names.binary("my_module.INFORMEDNESS")
    assert metric([1, 1, 0, 0], [1, 0, 0, 0]) == 0.5
    assert metric_names.canonical(["my_module.INFORMEDNESS"]) == ["my_module.INFORMEDNESS"]


def test_a_metric_of_numbers_is_refused(my_module):
    with pytest.raises(InputError, match="must be a function of the counts .*; got mse$"):
        metric_names.binary("my_module.ERRORS")
    assert metric_names.named("r2", "") == r2()
    with pytest.raises(InputError, match="must be a function of the counts .*; got r2$"):
        metric_names.binary("r2")


def test_averages_over_classes_are_for_commands_alone(my_module):
    assert metric_names.named("f_beta(2)-macro", "") == ClassAveraged(f_beta(2), "macro")
    assert metric_names.named("my_module.MACRO", "") == ClassAveraged(FALLOUT, "macro")


def test_ones_own_that_is_one_of_the_package_has_its_name(my_module):
    assert metric_names.canonical(["my_module.SAME", "f1"]) == ["f2", "f1"]
    assert metric_names.modules(["f2", "f0.5", "my_module.FALLOUT"]) == {"my_module"}


KNOWN = (
    r"must be f1 \(the default\), f0\.5, f_beta\(2\) or another beta, precision, recall, jaccard, "
    r"mcc, kappa, balanced_accuracy, or the import path of a Ratio or SumMetric, "
    r"my_module\.MINE; got "
)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["auc"], KNOWN + "auc$"),
        (["f1", "nowhere.METRIC"], KNOWN + "nowhere.METRIC$"),
        (["my_module.NONE"], "must be defined in my_module; got NONE$"),
        (
            ["my_module.NUMBER"],
            "must be the import path of a Ratio, ClassAveraged or SumMetric; got my_module.NUMBER$",
        ),
        (["my_module.MACRO"], "must be of a binary output, not an average .*; got my_module.MACRO"),
        (["recall-macro"], "must be of a binary output, not an average .*; got recall-macro$"),
        (
            ["my_module.SPACED"],
            "must give my_module.SPACED a name of letters.*; got 'false alarms'",
        ),
        ([], "must have at least one, and no two of one name; got none$"),
        (["f2", "f_beta(2)"], r"must have .* no two of one name; got \['f2', 'f2'\]$"),
        (
            ["my_module.FALLOUT", "my_module.TWIN"],
            r"must have .* no two of one name; got \['fallout', 'fallout'\]$",
        ),
    ],
)
def test_other_names_are_refused_in_a_line(my_module, names, words):
    with pytest.raises(InputError, match=f"^metrics {words}") as caught:
        metric_names.canonical(names)
    assert "\n" not in str(caught.value)


def test_a_ratio_that_breaks_its_rule_and_a_module_that_breaks(my_module):
    with pytest.raises(InputError, match="^metric must be a Ratio of 4 and 4 weights"):
        metric_names.canonical(["my_module.WRONG"])
    sys.modules.pop("my_module")
    my_module.write_text("1 / 0\n")
    importlib.invalidate_caches()
    with pytest.raises(PluginError, match="^metrics: my_module cannot be loaded: ZeroDivision"):
        metric_names.canonical(["my_module.OTHER"])


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("metrics=[f1,f_beta(2)]", "metrics=[f1,'f_beta(2)']"),
        ("metrics=['f_beta(2)']", "metrics=['f_beta(2)']"),
        ("metrics=f_beta(0.5),jaccard", "metrics=['f_beta(0.5)'],[jaccard]"),
        ("metrics=my_module.FALLOUT", "metrics=[my_module.FALLOUT]"),
        ("metrics=choice([f1],[f2])", "metrics=choice([f1],[f2])"),
        ("seed=range(3)", "seed=range(3)"),
    ],
)
def test_an_override_as_hydra_reads_it(override, read):
    assert metric_list(override) == read


def test_f1_alone_leaves_a_run_as_it_was():
    assert compose().run_id == ID
    assert compose(["metrics=[f_beta(1)]"]).run_id == ID
    others = [compose([f"metrics={given}"]) for given in ("[f_beta(2)]", "[f2]", "[f1,f2]")]
    assert others[0].run_id == others[1].run_id
    assert len({ID, *(run.run_id for run in others)}) == 3
    assert {run.names for run in others} == {compose().names}
    first = [pretraining_of(compose(["training.pretrain=1", f"metrics={m}"])) for m in ("f1", "f2")]
    assert first[0].run_id == first[1].run_id


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            ["training.engine=keras224", "strategies=[batch_mean]", "metrics=[f1,jaccard]"],
            r"metrics must be among \['f1'\] with engine keras224 \(ensemble and plain compute any "
            r"ratio of counts\); got jaccard",
        ),
        (["metrics=[auc]"], f"metrics {KNOWN}auc"),
    ],
)
def test_what_an_engine_cannot_compute_is_refused_as_the_run_is_composed(overrides, words):
    with pytest.raises(InputError, match=f"^{words}$"):
        compose(overrides)


FILE = "question: q\ngrid: {seed: [0]}\nfigures: {mine: theory}\n"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("metrics: [f1, auc]", f"metrics {KNOWN}auc"),
        ("overrides: ['metrics=[f2]']", "overrides cannot set what the key metrics lists; got"),
        ("metrics: [f2]\nfigure_metrics: {mine: f1}", r"figure_metrics.mine must be .*f2.*got f1"),
        ("metrics: [f1, f2]", "figure_metrics must choose one of f1, f2 .*; got none for mine$"),
        ("figure_metrics: {other: f1}", r"figure_metrics must be among \['mine'\]; got other"),
    ],
)
def test_a_study_refuses_metrics_that_it_cannot_have(tmp_path, more, words):
    path = tmp_path / "mine.yaml"
    path.write_text(FILE + more)
    with pytest.raises(InputError, match=words) as caught:
        load_study(path, Study)
    assert str(caught.value).startswith(f"{path}: ")
    path.write_text("question: q\ngrid: {metrics: [[f1], [f2]]}\n")
    with pytest.raises(InputError, match="grid.metrics cannot be varied: the key metrics"):
        load_study(path, Study)


def test_a_study_of_decisions_is_by_f1(repository):
    path = repository / "experiments" / "decisions.yaml"
    from batchf1.studies.decisions.config import DecisionStudy

    study = load_study(path, DecisionStudy)
    study.overrides.append("metrics=[f2]")
    with pytest.raises(InputError, match="overrides cannot set the metric: decisions are by F1"):
        study.__post_init__()
