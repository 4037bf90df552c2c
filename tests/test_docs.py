"""The pages of docs/templates: committed as written anew, and refused where they are false."""

import math
import shutil

import pytest
from jinja2 import UndefinedError, meta

import write
from batchf1.errors import InputError

PAGES = {write.page_of(template).name: template for template in write.templates()}


@pytest.fixture
def copy(repository, tmp_path):
    """The tables, to be changed."""
    for folder in ("figures", "experiments", "benchmarks", "docs"):
        shutil.copytree(
            repository / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.p*")
        )
    return tmp_path


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_its_template_and_the_tables_give(name):
    template = PAGES[name]
    page = write.page_of(template).read_text(encoding="utf-8")
    assert page == write.rendered(template), "python docs/write.py writes it anew"


def names_in(template):
    source, environment = template.read_text(encoding="utf-8"), write.environment()
    return meta.find_undeclared_variables(environment.parse(source)) - {*environment.globals}


@pytest.mark.parametrize("module", {template.name.partition(".")[0] for template in PAGES.values()})
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
    with pytest.raises(InputError, match="of the template: must"):
        write.environment().from_string(text).render(nan=math.nan)


def changed(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_number_follows_its_table(copy):
    changed(copy / "experiments/cuts.yaml", "n_samples: 2000", "n_samples: 2001")
    assert "Ten folds of 2,001 diamonds" in write.rendered(PAGES["cuts.md"], copy)


def test_a_sentence_that_is_false_stops_the_page(copy):
    changed(copy / "figures/atlas.csv", "RMSE,8,", "RMSE,9,")
    changed(copy / "figures/atlas.csv", ",too low,", ",too high,")
    with pytest.raises(
        InputError, match="^the sentence .*too low.* must be true of the tables; got"
    ):
        write.rendered(PAGES["atlas.md"], copy)


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
    from batchf1.study.atlas.metrics import METRICS

    lines = (repository / "docs/atlas.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith("| ")][1:]
    assert [row.split(" | ")[0] for row in rows] == [
        f"| {m.name.replace('R2', 'R²')}" for m in METRICS
    ]
    assert all(len(row.split("|")[-2]) > 20 for row in rows)  # with a reason
