"""The committed pictures: no flaw in their layout, those of their tables, and told in words."""

import re

import pytest
from PIL import Image

from batchf1.figures import style
from helpers import layout, pictures
from helpers.slow import one_in


def said_in(name):
    """Read the texts in the file of a picture."""
    with Image.open(pictures.FOLDER / f"{name}.png") as picture:
        return picture.text


@pytest.mark.parametrize("name", one_in(4, pictures.NAMES))
def test_a_picture_has_no_flaw_and_says_what_its_table_says(name):
    figure, (headline, caption) = pictures.committed(name)
    with style.apply_style():
        assert layout.flaws(figure) == []
    said = said_in(name)
    assert layout.wording(headline, caption) == []
    assert (said["Title"], said.get("Description", "")) == (headline, caption)


@pytest.mark.parametrize("name", pictures.NAMES)
def test_those_who_do_not_see_it_are_told_what_it_shows(name):
    alt = pictures.module(name).ALT
    assert 60 < len(alt) < 250
    assert alt.endswith(".")
    assert not re.search(r"\d\d|[\n\[\]]", alt), "numbers belong to a table, brackets to Markdown"


def test_each_figure_has_words_of_its_own():
    said = {pictures.module(name).ALT for name in pictures.NAMES}
    assert len(said) == len({pictures.module(name) for name in pictures.NAMES})


def test_no_two_figures_have_the_same_title():
    titles = [said_in(name)["Title"] for name in pictures.NAMES]
    assert len(set(titles)) == len(titles)
