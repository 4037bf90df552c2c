"""What each Keras logs, measured again, against docs/averaging.csv and docs/averaging.md."""

import re
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from batchf1.errors import InputError
from batchf1.programs import keras_metrics
from batchf1.programs.example import WEIGHTS
from batchf1.programs.keras_metrics import RETURNED
from batchf1.studies.frameworks import keras
from batchf1.studies.frameworks import page as pages
from batchf1.studies.frameworks.rows import FRAMEWORKS, RULES, MetricRow, read

NUMBERS = ("tp", "predicted_positives", "positives", "f1", "true_f1", "weighted_f1")


@pytest.fixture(scope="module")
def committed(repository):
    return read(repository / "docs/averaging.csv", MetricRow)


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs/averaging.md").read_text()


@pytest.fixture
def rows(committed, framework):
    return chosen(committed, framework=framework)


def chosen(rows, **where):
    found = [r for r in rows if all(getattr(r, name) == value for name, value in where.items())]
    assert found, where
    return found


def comparable(row):
    numbers = {name: pytest.approx(getattr(row, name), abs=1e-6) for name in NUMBERS}
    return asdict(row) | numbers | {"version": bool(row.version)}


def test_some_committed_rows_are_what_keras_logs(committed, monkeypatch):
    keras3 = pytest.importorskip("keras")
    monkeypatch.setattr(keras_metrics, "WEIGHTS", {"none": WEIGHTS["none"]})
    monkeypatch.setattr(keras_metrics, "CALLS", ("fit",))
    cases = keras_metrics.measured(keras3, keras3.ops, original=False)
    live = keras.judged(MetricRow("keras", keras3.__version__, **case) for case in cases)
    for row, here in zip(live, chosen(committed, **OF_FIT), strict=True):
        assert asdict(row) | {"version": True} == comparable(here)


OF_FIT = {"framework": "keras", "weights": "none", "call": "fit"}


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_committed_rows_are_what_the_framework_logs(framework, rows, request, monkeypatch):
    if framework == "keras224":
        monkeypatch.setenv("BATCHF1_KERAS224", str(request.getfixturevalue("keras224_folder")))
    live = keras.measure(framework)
    wanted = {"keras224": r"2\.2\.4", "tf_keras": r"2\.\d+\.\d+", "keras": r"3\.\d+\.\d+"}
    (version,) = {row.version for row in live}
    assert re.fullmatch(wanted[framework], version)
    assert len(live) == 160
    for row, here in zip(live, rows, strict=True):
        assert asdict(row) | {"version": bool(row.version)} == comparable(here)


# What the page says of the committed rows

EXACT = {
    "keras224": {"mean", "per_sample"},
    "tf_keras": {"sum", "per_sample"},
    "keras": {"sum", "per_sample"},
}
WEIGHTED_EXACT = {"keras224": set(), "tf_keras": {"per_sample"}, "keras": {"per_sample"}}
"""With a weight of 0 among the weights."""


def exact(rows):
    return {name for name in RETURNED if all(pages._right(r) for r in chosen(rows, returned=name))}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_which_recipe_is_exact_where(framework, rows):
    flat = EXACT[framework] if framework != "keras" else set()
    assert exact(chosen(rows, weights="none", labels="column")) == EXACT[framework]
    assert exact(chosen(rows, weights="none", labels="flat")) == flat
    assert exact(chosen(rows, weights="weighted_metrics")) == {"per_sample"}
    assert exact(chosen(rows, weights="weighted_metrics_zero")) == WEIGHTED_EXACT[framework]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_without_a_short_batch_every_count_is_exact(framework, rows):
    whole = chosen(rows, weights="none", labels="column", batches="4/4")
    assert exact(whole) == {"sum", "mean", "per_sample"}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_metrics_ignore_sample_weight(framework, rows):
    rows = chosen(rows, labels="column")
    weighted = (replace(row, weights="none") for row in chosen(rows, weights="metrics"))
    for row, other in zip(weighted, chosen(rows, weights="none"), strict=True):
        assert comparable(row) == comparable(replace(other, weighted_f1=row.weighted_f1))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_calls_and_splits_log_the_same(framework, rows):
    seen = {}
    for row in rows:
        same = replace(row, call="", split="", precision="")
        key = (row.weights, row.labels, row.returned, row.batches)
        assert comparable(same) == comparable(seen.setdefault(key, same))


def test_only_keras_3_raises_and_only_for_weighted_scalars(committed):
    for framework in FRAMEWORKS:
        for row in chosen(committed, framework=framework):
            scalar = row.returned != "per_sample" and row.weights.startswith("weighted_metrics")
            assert row.raises == ("ValueError" if framework == "keras" and scalar else "")


def test_an_f1_above_1(committed):
    def above(framework):
        return {
            (row.weights.removesuffix("_zero"), row.labels)
            for row in chosen(committed, framework=framework, returned="f1")
            if row.f1 is not None and row.f1 > 1
        }

    assert above("keras224") == {("weighted_metrics", "column")}
    assert above("tf_keras") == set()
    assert above("keras") == {("none", "flat")}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_rule_is_known_but_for_shapes_that_do_not_fit(framework, rows):
    for row in rows:
        broken = framework == "keras" and row.labels == "flat"
        assert (row.rule == "other") == broken
        assert bool(row.rule) != bool(row.raises)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("n", keras.BATCHES.values())
def test_the_true_values_are_those_of_scikit_learn(weights, n, committed):
    given = WEIGHTS[weights][1]
    given = None if given is None else given[:n]
    y, d = keras.LABELS[:n], keras.SCORES[:n]
    for row in chosen(committed, weights=weights):
        if keras.BATCHES[row.batches] == n:
            assert row.true_f1 == pytest.approx(f1_score(y, d), abs=1e-6)
            weighted = f1_score(y, d, sample_weight=given)
            assert row.weighted_f1 == pytest.approx(weighted, abs=1e-6)


@pytest.mark.parametrize("returned", RETURNED)
def test_the_rules_can_be_told_apart(returned):
    for weights, (_, given) in WEIGHTS.items():
        given = np.ones(10) if given is None else given.astype(float)
        values = [keras.by_rules(v, given) for v in keras.spread(returned, 10).values()]
        distinct = {tuple(np.round([v[rule] for v in values], 6)) for rule in RULES}
        assert len(distinct) == (2 if weights == "none" else 4), weights


def test_the_tables_are_those_of_the_csv(page, committed):
    _, _, rest = page.partition(pages.BEGIN)
    tables, end, _ = rest.partition(pages.END)
    assert end
    assert tables.strip() == pages.render(committed).strip()


def test_a_call_that_differs_is_named(committed):
    odd = [
        replace(row, exact="no", f1=0.5)
        if (row.framework, row.call, row.weights) == ("tf_keras", "generator", "none")
        else row
        for row in committed
    ]
    assert "fit, train: exact; fit, validation: exact; generator, train: wrong" in pages.render(odd)


def test_write_replaces_the_tables_and_nothing_else(committed, page, repository, tmp_path):
    head, tail = page.partition(pages.BEGIN)[0], page.partition(pages.END)[2]
    (tmp_path / "averaging.md").write_text(f"{head}{pages.BEGIN}\n{pages.END}{tail}")
    pages.write(committed, tmp_path)
    assert (tmp_path / "averaging.md").read_text() == page
    written = (tmp_path / "averaging.csv").read_text()
    assert written == (repository / "docs/averaging.csv").read_text()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_page_without_markers_is_refused(committed, tmp_path):
    with pytest.raises(InputError, match="averaging.md must be a readable file; got No such"):
        pages.write(committed, tmp_path)
    (tmp_path / "averaging.md").write_text("no markers")
    with pytest.raises(InputError, match="needs the lines"):
        pages.write(committed, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["averaging.md"]


def test_an_unknown_or_missing_framework_is_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="framework must be one of"):
        keras.measure("torch")
    monkeypatch.setenv("BATCHF1_KERAS224", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="keras224 must run .* workflow keras224"):
        keras.measure("keras224")


def test_no_framework_is_imported_before_it_is_measured():
    heavy = "{'tensorflow', 'keras', 'pandas'}"
    code = f"import batchf1.studies.frameworks.keras, sys; print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.strip()
