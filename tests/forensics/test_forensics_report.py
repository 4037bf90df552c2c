"""What is said of an answer: what it takes for granted, and why nothing fits."""

import pytest

from batchf1.forensics.answer import investigate
from batchf1.forensics.digits import Print
from batchf1.forensics.fit import Answer, Candidate, Evidence, SplitFit
from batchf1.forensics.log import parse
from batchf1.forensics.log_values import Log, SplitLog
from batchf1.forensics.report import undetermined
from batchf1.forensics.sizes import SIZES
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


# --- of candidates made up here ----------------------------------------------------------------

BOTH = SplitLog(None, "0.5", "0.9")
NO_TRUTH = SplitLog(None, "0.5", None)
ONE = Print("2tp/(2tp+e)", "float32", (0,))
OTHER = Print("2pr/(p+r)", "float64", (0,))


def fit(tp=9, errors=2, n=640, n_low=640, n_high=640, prints=(ONE,)):
    return SplitFit(n, n_low, n_high, tp, errors, prints=prints)


def sentences(candidates, left_out=0, sizes=(32,), train=BOTH, validation=BOTH):
    """Return the sentences on a log of 20 steps that states nothing else."""
    log = Log(20, False, train, validation)
    parts = [
        Evidence(name, part, log, 1000, None)
        for name, part in (("training", train), ("validation", validation))
    ]
    return undetermined(parts, Answer(candidates, left_out, [], log, list(sizes), "per_batch"))


def test_what_all_candidates_share_is_determined_among_those_tried_or_listed():
    """Candidates that are not listed may differ."""
    one = [Candidate(32, fit(), fit(8, 0), 0.0)]
    tried = sentences(one)
    assert tried[:6] == [
        "The batch size is determined, among those tried: 32.",
        "The training counts are determined, among those tried (up to 1,000 true positives): "
        "TP 9, FP + FN 2.",
        "The training set of the best candidate has 640 samples.",
        "The validation counts are determined, among those tried (up to 1,000 true positives): "
        "TP 8, FP + FN 0.",
        "The validation set of the best candidate has 640 samples.",
        "The formula of the true F1 is determined, among those tried: 2tp/(2tp+e) in float32.",
    ]
    listed = sentences(one, left_out=1200)
    assert listed[:6] == [line.replace("tried", "listed") for line in tried[:6]]
    assert listed[6] == "1,200 more combinations fit and are not listed."
    assert listed[7:] == tried[6:]


def test_what_candidates_differ_in_is_listed():
    rows = [(16, 5, 2, 0.0), (16, 3, 0, 0.7), (32, 4, 9, 1.5), (64, 4, 9, 2.0)]
    found = [
        Candidate(size, fit(tp, errors, n_low=609, n_high=671), fit(prints=(ONE, OTHER)), score)
        for size, tp, errors, score in rows
    ]
    assert sentences(found)[:4] == [
        "The batch size is not determined: 3 fit: 16; 32; 64.",
        "Batches of 32 score 1.5 worse than 16; 4 is as much as two standard deviations, "
        "9 as three.",
        "The training counts are not determined: 3 pairs are listed, from TP 3, FP + FN 0 to "
        "TP 5, FP + FN 2.",
        "The training set is not determined: with batches of 16 the best candidate allows 609 to "
        "671 samples (the last batch may be short or dropped).",
    ]


@pytest.mark.parametrize(
    ("many", "shown"),
    [(8, "1; 2; 3; 4; 5; 6; 7; 8."), (9, "1; 2; 3; 4; 5; 6; 7; 8; ....")],
)
def test_at_most_eight_are_shown(many, shown):
    first = sentences([Candidate(size, fit(), fit(), 0.0) for size in range(1, many + 1)])[0]
    assert first == f"The batch size is not determined: {many} fit: {shown}"


@pytest.mark.parametrize(
    ("train", "validation", "moves", "splits"),
    [
        (BOTH, NO_TRUTH, True, True),
        (NO_TRUTH, BOTH, False, True),
        (BOTH._replace(exact_f1="1.0"), NO_TRUTH, True, False),  # without errors
    ],
)
def test_premises_are_those_of_the_splits_that_count(train, validation, moves, splits):
    shown = sentences([Candidate(32, fit(), fit(), 0.0)], train=train, validation=validation)
    assert any("is of weights that still move" in line for line in shown) == moves
    assert any("With more than 64 errors" in line for line in shown) == splits


def test_a_log_that_says_nothing_else_is_of_any_keras_2_and_counts_steps():
    bar = "20/20 [==] - 1s 9ms/step - loss: 0.1 - f1: 0.5 - val_f1: 0.5"
    assert parse(f"{bar}\nf1_train 0.9\nf1_val 0.9") == Log(20, False, BOTH, BOTH)
    shown = " ".join(sentences([Candidate(32, fit(), fit(), 0.0)]))
    assert "tells no more than Keras 2. Each batch counts once in the mean (per_batch)" in shown
    assert "not larger than training, and a progress bar that counts steps" in shown
    assert "only roughly: no accuracy says how many errors the epoch itself made" in shown


def test_the_batch_sizes_tried_are_named():
    found = [Candidate(32, fit(), fit(), 0.0)]
    every = next(line for line in sentences(found, sizes=SIZES) if "sizes tried" in line)
    assert every.startswith("Batch sizes tried: 1 to 256, and 300, 320, 350, ")
    assert "Batch sizes tried: 8, 300, as asked." in sentences(found, sizes=[8, 300])
