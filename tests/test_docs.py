"""The pages of docs/templates: committed as written anew, and refused where they are false."""

import math
import re
import shutil

import pandas as pd
import pytest
from jinja2 import UndefinedError, meta

import write
from batchf1.errors import InputError
from helpers.slow import slow

PAGES = {write.page_of(template).name: template for template in write.templates()}


@pytest.fixture
def copy(repository, tmp_path):
    """The tables, to be changed."""
    for folder in ("figures", "experiments", "benchmarks", "docs"):
        shutil.copytree(
            repository / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.p*")
        )
    return tmp_path


DEAR = {"README", "claims", "decisions", "discrepancy", "forensics", "reproduce", "scaling"}
"""Modules of pages that plan large studies or read the article's log."""


def each(names):
    return [slow(name) if name.partition(".")[0] in DEAR else name for name in names]


@pytest.mark.parametrize("name", each(PAGES))
def test_a_page_is_what_its_template_and_the_tables_give(name):
    template = PAGES[name]
    page = write.page_of(template).read_text(encoding="utf-8")
    assert page == write.rendered(template), "python docs/write.py writes it anew"


def names_in(template):
    source, environment = template.read_text(encoding="utf-8"), write.environment()
    return meta.find_undeclared_variables(environment.parse(source)) - {*environment.globals}


@pytest.mark.parametrize("module", each(sorted({n.partition(".")[0] for n in PAGES})))
def test_nothing_is_computed_that_no_page_has(module):
    templates = [t for t in PAGES.values() if t.name.partition(".")[0] == module]
    named = set().union(*map(names_in, templates))
    assert named == set(write.context_of(templates[0]))


def test_a_name_that_nothing_computes_is_an_error():
    template = write.environment().from_string("{{ nobody }}")
    with pytest.raises(UndefinedError, match="nobody"):
        template.render(write.context_of(PAGES["atlas.md"]))


@pytest.mark.parametrize("text", ["{{ none }}", "{{ nan|fmt('.2f') }}", "{{ nan|percent }}"])
def test_a_missing_value_is_refused(text):
    with pytest.raises(InputError, match="of the template must"):
        write.environment().from_string(text).render(nan=math.nan)


def changed(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_number_follows_its_table(copy):
    changed(copy / "experiments/cuts.yaml", "n_samples: 2000", "n_samples: 2001")
    assert "Ten folds of 2,001 diamonds" in write.rendered(PAGES["cuts.md"], copy)


@pytest.mark.parametrize(
    ("page", "table", "column", "change", "sentence"),
    [
        ("atlas.md", "atlas", "verdict", lambda old: "too low", "are safe"),
        ("cost.md", "cost", "epoch_ratio", lambda old: 2 * old, "no strategy beside none"),
        ("cuts.md", "cuts", "error", lambda old: -abs(old), "by quality of cut the sign turns"),
        ("cuts.md", "cuts", "undefined", lambda old: old + 0.1, "no published fold is undefined"),
        slow("decisions.md", "decisions", "recall_chosen", lambda old: old / 2, "higher recall"),
        slow("decisions.md", "decisions", "regret_exact", lambda old: old + 1, "the interval"),
        slow("decisions.md", "flat_labels", "most_positives", lambda old: old / 2, "lowest thresh"),
        ("flat_labels.md", "flat_labels", "change", lambda old: 1e-6, "log the same number"),
        ("segmentation.md", "segmentation", "preferred", lambda old: 1 - old, "prefers its model"),
        slow(
            "discrepancy.md",
            "discrepancy",
            "percent",
            lambda old: 100 * old,
            "printed decimals make less",
        ),
        slow(
            "original_log.md",
            "original_log",
            "compatible",
            lambda old: False,
            "all eight lie within",
        ),
    ],
)
def test_a_sentence_that_is_false_stops_the_page(copy, page, table, column, change, sentence):
    path = copy / f"figures/{table}.csv"
    rows = pd.read_csv(path, keep_default_na=False, na_values=[""])
    rows.assign(**{column: rows[column].map(change)}).to_csv(path, index=False)
    words = f"^the sentence .*{sentence}.* must be true of the tables; got .*$"
    with pytest.raises(InputError, match=words):
        write.context_of(PAGES[page], copy)


def test_a_log_of_another_value_stops_the_claims(copy):
    path = copy / "docs/averaging.csv"
    rows = pd.read_csv(path)
    flat = (rows["framework"] == "keras") & (rows["labels"] == "flat") & (rows["returned"] == "f1")
    assert flat.sum() == 8
    rows.loc[flat, "f1"] = 1.66
    rows.to_csv(path, index=False)
    with pytest.raises(InputError, match="^the sentence 'keras logs 1.6666667' must be true"):
        write.context_of(PAGES["claims.md"], copy)


def test_a_false_page_is_named_in_one_line(monkeypatch, capsys):
    def false(template):
        raise InputError("the sentence 'a': must be true")

    monkeypatch.setattr(write, "rendered", false)
    assert write.main(["--check"]) == 2
    first = write.page_of(write.templates()[0]).relative_to(write.ROOT)
    assert capsys.readouterr().err == f"{first}: the sentence 'a': must be true\n"


def test_check_names_the_pages_that_differ_and_leaves_them(monkeypatch, tmp_path, capsys):
    template = PAGES["cuts.md"]
    monkeypatch.setattr(write, "templates", lambda: [template])
    monkeypatch.setattr(write, "ROOT", tmp_path)
    monkeypatch.setattr(write, "page_of", lambda _: tmp_path / "cuts.md")
    monkeypatch.setattr(write, "rendered", lambda _: "new")
    (tmp_path / "cuts.md").write_text("old")
    assert write.main(["--check"]) == 1
    assert capsys.readouterr().out == "stale: cuts.md\n"
    assert (tmp_path / "cuts.md").read_text() == "old"
    assert write.main([]) == 0
    assert (tmp_path / "cuts.md").read_text() == "new"
    assert write.main(["--check"]) == 0


def test_the_atlas_has_a_line_for_each_metric(repository):
    from batchf1.studies.atlas.metrics import METRICS

    lines = (repository / "docs/atlas.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith("| ")][1:]
    assert [row.split(" | ")[0] for row in rows] == [
        f"| {m.name.replace('R2', 'R²')}" for m in METRICS
    ]
    assert all(len(row.split("|")[-2]) > 20 for row in rows)  # with a reason


def test_what_the_claims_rest_on_is_there(repository):
    text = (repository / "docs/claims.md").read_text()
    stems = set(re.findall(r"`(figures/[a-z_]+)(?:\.csv)?`", text))
    assert len(stems) >= 6
    assert [stem for stem in stems if not (repository / f"{stem}.csv").exists()] == []
