"""What is said of an answer: what it takes for granted, and why nothing fits."""

import pytest

from batchf1.forensics.answer import investigate
from helpers.logs import ARTICLE, fit_on_arrays
from helpers.slow import slow


def test_premises_say_what_was_read_and_what_assumed():
    def said(text, **settings):
        return " ".join(investigate(text, batch_sizes=[32], **settings).undetermined)

    unknown = said(fit_on_arrays("0.8700"))
    assert "no more than Keras 2.0 to 2.3, or tf.keras up to TensorFlow 1.12" in unknown
    assert "(size_weighted), as up to Keras 2.2: taken for granted" in unknown
    assert "a progress bar that counts" not in unknown
    assert "not larger than training" not in unknown
    known = fit_on_arrays("0.8700", unit="sample")
    assert "The log is of tf.keras of TensorFlow 1.13 to 2.1: each batch counts once" in said(known)
    assert "but size_weighted was asked for" in said(known, averaging="size_weighted")
    steps = said(ARTICLE)
    assert "a progress bar that counts steps (Keras up to 2.3 counts samples" in steps
    assert "validation not larger than training" in steps
    assert "errors that follow from the epoch's accuracy" in steps
    assert "it differs from the epoch before" in said(fit_on_arrays("0.8700", "0.84,0.85"))
    assert "only roughly" in said(fit_on_arrays("0.8700", "0.85"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("val_acc: 0.9982", "val_acc: 0.1000", "naive validation F1"),
        slow("f1: 0.5160", "f1: 0.0300", "at no batch size tried is the naive training F1"),
        slow("0.93532336", "0.9353233612345678", "print the validation F1"),
    ],
)
def test_where_nothing_fits_a_sentence_says_why(old, new, words):
    answer = investigate(ARTICLE.replace(old, new), max_tp=20_000)
    assert answer.candidates == []
    assert answer.left_out == 0
    assert answer.undetermined[0].startswith("Nothing fits")
    assert words in answer.undetermined[0]
