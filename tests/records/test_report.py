"""The texts of the report; tests/workflow/test_workflow.py looks at the page."""

import warnings

import pytest

from batchf1.cli import main as cli
from batchf1.records import report


def html(text):
    from docutils.core import publish_parts

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        settings = {"halt_level": 2, "report_level": 2}
        return publish_parts(text, writer_name="html", settings_overrides=settings)["body"]


def test_the_claims_are_those_of_the_page(repository):
    claims = report.claims(repository / "docs/claims.md")
    assert [claim.number for claim in claims] == [f"C{i}" for i in range(1, 11)]
    assert "0.643939" in claims[0].claim
    assert claims[0].verdict.startswith("holds")
    assert claims[5].rests_on == "[averaging.md](docs/averaging.md)"
    (own,) = report.own_claims(repository / "docs/claims.md")
    assert (own.number, own.verdict[:5]) == ("O1", "holds")
    assert "[upstream.md](docs/upstream.md)" in own.rests_on


def test_the_claims_are_a_whole_table(repository, tmp_path):
    output = tmp_path / "claims.rst"
    pages = str(repository / "docs/claims.md")
    assert cli.main(["workflow", "claims", pages, "--output", str(output)]) == 0
    page = html(output.read_text(encoding="utf-8"))
    assert page.count("<tr") == 12
    assert "](" not in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("| C7 |", "| C8 |"), "must have a row for each of"),
        (("| O1 |", "| O2 |"), "A claim of ours must have a row for each of ['O1']; got []"),
    ],
)
def test_a_page_without_the_claims_is_refused(repository, tmp_path, capsys, change, words):
    text = (repository / "docs/claims.md").read_text()
    assert change[0] in text
    (tmp_path / "claims.md").write_text(text.replace(*change))
    arguments = [
        "workflow",
        "claims",
        str(tmp_path / "claims.md"),
        "--output",
        str(tmp_path / "c.rst"),
    ]
    assert cli.main(arguments) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "c.rst").exists()


def test_a_caption_means_what_it_says(tmp_path):
    path = tmp_path / "deep/c.rst"
    signs = r"|a - b|, n_samples * 2_ `x` \alpha"
    report.write_caption(path, f"Up {signs}", f"Shown: {signs}", "Commit c.", f"Seen: {signs}")
    page = html(path.read_text(encoding="utf-8"))
    assert page.count("|a - b|, n_samples * 2_ `x` \\alpha") == 3
    assert "<strong>Up" in page
    assert "<em>Commit c.</em>" in page


def test_markdown_becomes_plain_text_with_code():
    said = report.from_markdown("see `figures/a_b` and [doc_x.md](docs/doc_x.md), [a_b](docs/c.md)")
    assert said == r"see ``figures/a_b`` and ``docs/doc_x.md``, a\_b"
