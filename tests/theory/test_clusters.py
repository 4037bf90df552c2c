"""Batches of whole images: the expected mean against every division, and scikit-learn."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, jaccard_score

from batchf1.errors import InputError
from batchf1.metrics.counts import Counts, batch_counts
from batchf1.metrics.ratios import JACCARD
from batchf1.theory.clusters import (
    batch_mean_of,
    checked_clusters,
    clusters_of,
    expected_batch_mean,
    simulated_batch_mean,
)

RULES = ("per_batch", "size_weighted")
NAN = float("nan")
CONVENTIONS = (0, 1, NAN)


@st.composite
def image_sums(draw, most=5):
    """Sums of up to `most` images, small whole numbers; some images are empty."""
    bottom = draw(st.lists(st.integers(0, 9), min_size=1, max_size=most))
    top = [draw(st.integers(0, below)) for below in bottom]
    return top, bottom


def batches(order, size):
    return [order[i : i + size] for i in range(0, len(order), size)]


def mean_of(top, bottom, order, size, averaging, undefined):
    """The mean over the batches of one division, a fraction; None where all are left out."""
    values, weights = [], []
    for batch in batches(order, size):
        below = sum(bottom[i] for i in batch)
        if below == 0 and undefined != undefined:
            continue
        above = sum(top[i] for i in batch)
        values.append(Fraction(above, below) if below else Fraction(undefined))
        weights.append(len(batch) if averaging == "size_weighted" else 1)
    total = sum(weights)
    return sum(v * w for v, w in zip(values, weights, strict=True)) / total if total else None


def over_all_orders(top, bottom, *options):
    """The mean over every order of the images."""
    orders = itertools.permutations(range(len(top)))
    means = [mean_of(top, bottom, order, *options) for order in orders]
    return NAN if None in means else float(sum(means) / len(means))


@given(image_sums(), st.data())
def test_the_expectation_is_the_mean_over_all_divisions(sums, data):
    size = data.draw(st.integers(1, len(sums[0])))
    options = size, data.draw(st.sampled_from(RULES)), data.draw(st.sampled_from(CONVENTIONS))
    ours = expected_batch_mean(checked_clusters(*sums), *options)
    assert ours == pytest.approx(
        over_all_orders(*sums, *options), rel=1e-12, abs=1e-15, nan_ok=True
    )


@pytest.mark.parametrize("averaging", RULES)
@pytest.mark.parametrize("sums", [([1], [3]), ([1, 5, 0], [4, 6, 7])], ids=["one", "three"])
def test_among_many_empty_images_the_first_batch_with_another_counts(sums, averaging):
    sums = [part + [0] * (5 - len(part)) for part in sums]
    for size in (2, 3, 4):  # with a short batch of one image, of two, and of one
        ours = expected_batch_mean(checked_clusters(*sums), size, averaging, NAN)
        assert ours == pytest.approx(over_all_orders(*sums, size, averaging, NAN), rel=1e-12)


def test_what_is_taken_unless_something_else_is_said():
    images = checked_clusters([0, 3, 2], [0, 4, 6])
    assert images.top.dtype == images.bottom.dtype == np.float64
    for function in (expected_batch_mean, batch_mean_of):
        assert function(images, 1) == function(images, 1, "per_batch", 0)
        assert function(images, 1) < function(images, 1, zero_division=1)
    simulated = simulated_batch_mean(images, 1)
    assert (simulated.cuts, simulated.seed) == (1000, 0)
    assert simulated.expected_f1 == pytest.approx(expected_batch_mean(images, 1))


@given(image_sums(12), st.data())
def test_consecutive_batches_are_averaged_as_fractions(sums, data):
    size = data.draw(st.integers(1, len(sums[0])))
    options = size, data.draw(st.sampled_from(RULES)), data.draw(st.sampled_from(CONVENTIONS))
    theirs = mean_of(*sums, range(len(sums[0])), *options)
    ours = batch_mean_of(checked_clusters(*sums), *options)
    assert ours == pytest.approx(NAN if theirs is None else float(theirs), nan_ok=True)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(-9, 9)), min_size=1, max_size=40),
    st.sampled_from(CONVENTIONS),
)
def test_one_image_a_batch_is_the_mean_over_images_and_one_batch_the_pooled_value(
    images, undefined
):
    share, size = np.transpose(images)
    bottom = np.exp(size)  # no whole numbers, over eight orders of magnitude
    clusters = checked_clusters(share * bottom, bottom)
    for averaging in RULES:
        ends = (share.mean(), (share * bottom).sum() / bottom.sum())
        for batch_size, value in zip((1, len(images)), ends, strict=True):
            ours = expected_batch_mean(clusters, batch_size, averaging, undefined)
            assert ours == pytest.approx(value, rel=1e-12)


def masks(rng, n, pixels):
    """Masks and predictions of n images; every third mask is empty."""
    y = rng.random((n, pixels)) < rng.random((n, 1)) ** 4
    y[::3] = False
    wrong = rng.random((n, pixels)) < 0.3 * rng.random((n, 1)) ** 2
    wrong[::2] &= y[::2]  # nothing found in some empty images
    return y, y ^ wrong


@pytest.mark.parametrize(("metric", "theirs"), [(None, f1_score), (JACCARD, jaccard_score)])
def test_all_pairs_of_images_by_scikit_learn(metric, theirs):
    y, found = masks(np.random.default_rng(0), 9, 30)
    counts = batch_counts(y.ravel(), found.ravel(), 30)
    clusters = clusters_of(counts, metric) if metric else clusters_of(counts)
    images = [theirs(*image, zero_division=1) for image in zip(y, found, strict=True)]
    assert batch_mean_of(clusters, 1, zero_division=1) == pytest.approx(np.mean(images), abs=1e-12)
    assert batch_mean_of(clusters, 9) == pytest.approx(theirs(y.ravel(), found.ravel()), abs=1e-12)
    pairs = [list(pair) for pair in itertools.combinations(range(9), 2)]
    values = [theirs(y[p].ravel(), found[p].ravel(), zero_division=1) for p in pairs]
    # four pairs and an image alone, each as likely as any other
    expected = (4 * np.mean(values) + np.mean(images)) / 5
    assert expected_batch_mean(clusters, 2, zero_division=1) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("averaging", RULES)
@pytest.mark.parametrize("undefined", CONVENTIONS)
def test_random_cuts_of_many_images_agree_within_their_standard_error(averaging, undefined):
    y, found = masks(np.random.default_rng(1), 100, 200)
    clusters = clusters_of(batch_counts(y.ravel(), found.ravel(), 200))
    for size in (3, 16, 70):
        simulated = simulated_batch_mean(clusters, size, averaging, undefined, cuts=400, seed=3)
        expected = expected_batch_mean(clusters, size, averaging, undefined)
        assert abs(expected - simulated.expected_f1) < 4 * simulated.standard_error
        assert simulated.standard_error == pytest.approx(simulated.sd / 20)
        assert (simulated.cuts, simulated.seed) == (400, 3)
        assert simulated.true_f1 == pytest.approx(f1_score(y.ravel(), found.ravel()))


def test_the_spread_of_pairs_is_that_of_all_divisions():
    top, bottom = [0, 3, 8, 2], [4, 4, 10, 6]
    values = [
        float(mean_of(top, bottom, order, 2, "per_batch", 0))
        for order in itertools.permutations(range(4))
    ]
    simulated = simulated_batch_mean(checked_clusters(top, bottom), 2, cuts=4000)
    assert simulated.sd == pytest.approx(np.std(values), rel=0.04)
    same = simulated_batch_mean(checked_clusters(top, bottom), 2, cuts=4000)
    assert same == simulated
    images = checked_clusters(top, bottom)
    squares = [simulated_batch_mean(images, 2, cuts=3, seed=i).sd ** 2 for i in range(300)]
    assert np.mean(squares) == pytest.approx(np.var(values), rel=0.2)  # without bias


@pytest.mark.parametrize("undefined", CONVENTIONS)
def test_images_without_a_positive_pixel_give_the_convention(undefined):
    nothing = checked_clusters([0, 0, 0], [0, 0, 0])
    for size in (1, 2, 3):
        for function in (expected_batch_mean, batch_mean_of):
            np.testing.assert_equal(function(nothing, size, "per_batch", undefined), undefined)
    simulated = simulated_batch_mean(nothing, 2, zero_division=undefined, cuts=3)
    np.testing.assert_equal([simulated.expected_f1, simulated.true_f1], [undefined] * 2)


def test_images_without_a_mistake_do_not_lead_beyond_1():
    bottom = np.arange(0, 40)
    for size in range(1, 41):
        for undefined in (1, NAN):
            value = expected_batch_mean(
                checked_clusters(bottom, bottom), size, "per_batch", undefined
            )
            assert 1 - 1e-13 < value <= 1


def test_the_order_of_the_images_does_not_matter():
    rng = np.random.default_rng(2)
    bottom = rng.integers(0, 50, 30)
    top = rng.integers(0, bottom + 1)
    order = rng.permutation(30)
    for undefined in CONVENTIONS:
        ours, shuffled = (
            expected_batch_mean(checked_clusters(*sums), 7, zero_division=undefined)
            for sums in ((top, bottom), (top[order], bottom[order]))
        )
        assert ours == pytest.approx(shuffled, rel=1e-12)


def test_bad_input_is_refused_in_a_line():
    images = checked_clusters([1, 2], [2, 4])
    for make, words in (
        (lambda: checked_clusters([3], [2]), "top and bottom must have 0 <= top <= bottom, finite"),
        (lambda: checked_clusters([[1]], [[2]]), r"top and bottom must have one shape \(n,\)"),
        (lambda: checked_clusters([], []), r"top and bottom must have one shape \(n,\)"),
        (lambda: checked_clusters([1], [np.inf]), "top and bottom must have .* finite"),
        (lambda: checked_clusters([NAN], [1]), "top and bottom must have 0 <= top"),
        (lambda: clusters_of(Counts(1, 1, 1, 1)), r"must have one shape \(n,\)"),
        (lambda: expected_batch_mean(images, 3), "batch_size must be at most the number of images"),
        (lambda: expected_batch_mean(images, 0), "batch_size must be a whole number >= 1; got 0"),
        (lambda: expected_batch_mean(images, 1, "mean"), "averaging must be one of"),
        (lambda: batch_mean_of(images, 1, zero_division=2), "zero_division must be 0, 1 or NaN"),
        (lambda: simulated_batch_mean(images, 1, cuts=1), "cuts must be a whole number >= 2"),
        (lambda: simulated_batch_mean(images, 1, seed=-1), "seed must be a whole number >= 0"),
    ):
        with pytest.raises(InputError, match=words):
            make()
