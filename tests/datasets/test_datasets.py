"""The contract that every data set keeps; a new module is tested here too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from batchf1.config import registry
from batchf1.config.seeds import generator
from batchf1.datasets import fashion_mnist
from batchf1.datasets.base import Split
from batchf1.datasets.fashion_mnist import FashionMnist
from batchf1.datasets.synthetic import Synthetic
from batchf1.errors import InputError
from helpers.idx import idx_files


@pytest.fixture(params=registry.names(registry.DATASETS))
def make(request, tmp_path, monkeypatch):
    """Settings -> the data set; Fashion-MNIST reads files that are made here."""
    fixed = {}
    if request.param == "fashion_mnist":
        fixed = {"folder": str(idx_files(tmp_path, monkeypatch)), "n_samples": 1000}
    return lambda **settings: registry.dataset(request.param)(**fixed | settings)


def few(make, prevalence):
    """So few samples that the rarer class of the defaults has as many: any prevalence will do."""
    whole = make()
    share = min(whole.prevalence, 1 - whole.prevalence)
    n = int(share * (whole.n_samples + whole.n_validation) / 2)
    rarest = max(prevalence, 1 / n)
    return make(n_samples=n, prevalence=rarest, validation_fraction=1.0)


def three_splits(make):
    """Three splits, of sizes that differ and are together no more than the defaults'."""
    return make(n_samples=make().n_samples // 2, test_fraction=0.5)


CASES = {
    "as it is": lambda make: make(),
    "a sample less": lambda make: make(n_samples=make().n_samples - 1),
    "balanced": lambda make: few(make, 0.5),
    "rare positives": lambda make: few(make, 0.01),
    "three splits": lambda make: three_splits(make),
}
"""Sizes follow the data set's defaults, which it can meet."""


def test_sizes_prevalence_and_form(make):
    widths = set()
    for case, of_case in CASES.items():
        dataset = of_case(make)
        n, prevalence = dataset.n_samples, dataset.prevalence
        data = dataset.load(generator("a"))
        assert len(data.train.y) == n
        share = dataset.validation_fraction
        assert len(data.validation.y) == dataset.n_validation == round(n * share)
        if case == "three splits":
            assert len(data.test.y) == dataset.n_test == round(n * 0.5)
        else:
            assert (data.test, dataset.n_test) == (None, 0)
        for x, y in data:
            assert x.dtype == y.dtype == np.float32
            assert y.shape == (len(x), 1)
            assert np.isfinite(x).all()
            assert set(np.unique(y)) == {0, 1}
            assert abs(y.sum() - prevalence * len(y)) <= 1
            widths.add(x.shape[1])
    assert len(widths) == 1, "features depend on settings of their own alone"


def test_the_same_seed_gives_the_same_data_and_another_other(make):
    first, again, other = (three_splits(make).load(generator(s)) for s in ("a", "a", "b"))
    same(first, again)
    for name, split in first.splits.items():
        assert not np.array_equal(split.x, other.splits[name].x)


def same(first, second):
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.x, two.x)
        np.testing.assert_array_equal(one.y, two.y)


def test_without_a_test_split_the_other_two_are_made_as_ever(make):
    """Spelled out for two splits, as figures are committed that came of it."""
    dataset, rng = make(test_fraction=0.0), generator("a")
    n, m = dataset.n_samples, dataset.n_validation
    p, q = round(n * dataset.prevalence), round(m * dataset.prevalence)
    positives, negatives = dataset.draw(rng, p + q, n + m - p - q)
    halves = [(positives[:p], negatives[: n - p]), (positives[p:], negatives[n - p :])]
    splits = []
    for ones, zeros in halves:
        order = rng.permutation(len(ones) + len(zeros))
        y = np.r_[np.ones(len(ones)), np.zeros(len(zeros))][order, None].astype(np.float32)
        splits.append(Split(np.concatenate([ones, zeros])[order], y))
    mean, deviation = splits[0].x.mean(axis=0), splits[0].x.std(axis=0)
    deviation[deviation == 0] = 1
    same(dataset.load(generator("a")), [Split((x - mean) / deviation, y) for x, y in splits])


def test_no_sample_is_in_two_splits_nor_under_another_label(make):
    dataset = three_splits(make)

    def numbered(rng, n_positive, n_negative):
        rows = np.arange(n_positive + n_negative, dtype=np.float32)[:, None]
        return rows[:n_positive], rows[n_positive:]

    dataset.draw = numbered
    splits = list(dataset.load(generator("a")))
    x = np.concatenate([split.x[:, 0] for split in splits])
    y = np.concatenate([split.y[:, 0] for split in splits])
    assert len(np.unique(x)) == len(x)
    assert (np.diff(y[np.argsort(x)]) <= 0).all()  # positives have the lower numbers


def test_standardised_with_the_training_split_alone(make):
    data = three_splits(make).load(generator("a"))
    x = data.train.x.astype(np.float64)
    varying = x.std(axis=0) > 0
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(x.std(axis=0)[varying], 1, atol=1e-4)
    # were they standardised too, their means would be 0 to rounding
    for x in (data.validation.x, data.test.x):
        assert np.abs(x.mean(axis=0)).max() > 1e-3


def test_classes_are_mixed(make):
    y = make().load(generator("a")).train.y[:, 0]
    n, pairs = len(y), 2 * y.sum() * (len(y) - y.sum())
    runs = 1 + np.count_nonzero(np.diff(y))
    deviation = np.sqrt(pairs * (pairs - n) / (n**2 * (n - 1)))  # of Wald and Wolfowitz' runs
    assert abs(runs - (1 + pairs / n)) < 6 * deviation


def test_a_split_without_a_class_is_refused(make):
    with pytest.raises(InputError, match="a positive and a negative in each split; got n_samples="):
        make(prevalence=0.4 / make().n_samples).load(generator("a"))
    with pytest.raises(InputError, match="a positive and a negative in each split.*, test=1, prev"):
        make(test_fraction=1 / make().n_samples).load(generator("a"))


def test_a_request_is_met_in_full_or_refused(make):
    n = 60_000 if make().n_available is None else make().n_available // 2
    dataset = make(n_samples=n, validation_fraction=1.0, prevalence=0.5)
    try:
        data = dataset.load(generator("a"))
    except InputError as error:
        assert dataset.n_available is not None
        assert "got a request for" in str(error)
    else:
        assert len(data.train.y) == len(data.validation.y) == n


def test_more_than_there_are_is_refused_before_anything_is_read(make):
    n = make().n_available
    if n is None:
        assert make(n_samples=10**9).n_samples == 10**9
        return
    words = (
        f"dataset {make().name} cannot give more than its {n} samples; got a request for {n} "
        f"and 1 to validate"
    )
    with pytest.raises(InputError, match=words):
        make(n_samples=n, validation_fraction=1 / n)
    words = f"more than its {n} samples; got a request for {n // 2} and 1 to validate, {n} to test"
    with pytest.raises(InputError, match=words):
        make(n_samples=n // 2, validation_fraction=2 / n, test_fraction=n / (n // 2))


def test_a_class_with_too_few_samples_is_refused(tmp_path, monkeypatch):
    folder = idx_files(tmp_path, monkeypatch)
    dataset = FashionMnist(n_samples=1000, prevalence=0.5, positive=[1], folder=str(folder))
    with pytest.raises(
        InputError,
        match=(
            r"fashion_mnist positives cannot give more than its \d+ samples; got a "
            r"request"
        ),
    ):
        dataset.load(generator("a"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"prevalence": 0.0}, r"dataset.prevalence must lie in \(0, 1\); got 0.0"),
        ({"prevalence": float("nan")}, r"dataset.prevalence must lie in \(0, 1\); got nan"),
        ({"n_samples": 0}, "dataset.n_samples must be at least 1; got 0"),
        ({"validation_fraction": -1.0}, "dataset.validation_fraction must be above 0; got -1"),
        ({"test_fraction": -0.1}, "dataset.test_fraction must be at least 0; got -0.1"),
        ({"test_fraction": float("nan")}, "dataset.test_fraction must be at least 0; got nan"),
    ],
)
def test_bad_settings_are_refused(make, settings, words):
    with pytest.raises(InputError, match=words):
        make(**settings)


# Fashion-MNIST


def test_fashion_mnist_reads_every_image_once(tmp_path, monkeypatch):
    folder = idx_files(tmp_path, monkeypatch)
    images, labels = fashion_mnist._table(folder)
    assert images.shape == (2000, 784)
    assert labels.max() == 9
    counts = np.bincount(labels)[[1, 3]].sum()
    x, _ = FashionMnist(positive=[1, 3], folder=str(folder)).draw(generator("a"), int(counts), 10)
    assert len(np.unique(x, axis=0)) == counts


@pytest.mark.parametrize("positive", [[], [10], list(range(10))])
def test_fashion_mnist_kinds(positive):
    with pytest.raises(InputError, match="dataset.positive must name one to nine of the kinds"):
        FashionMnist(positive=positive)


# Synthetic


@settings(max_examples=20)
@given(st.floats(0.001, 0.9), st.floats(0, 8))
def test_no_cut_beats_the_best_f1(prevalence, separation):
    best = Synthetic(prevalence=prevalence, separation=separation).best_f1()
    cuts = np.linspace(-12, 20, 2001)
    tp, fp = prevalence * norm.sf(cuts - separation), (1 - prevalence) * norm.sf(cuts)
    found = (2 * tp / (prevalence + tp + fp)).max()
    assert found <= best + 1e-9
    assert best <= found + 1e-3


def test_the_best_f1_is_reached_by_the_best_cut():
    dataset = Synthetic(n_samples=200_000, prevalence=0.1, separation=3.0)
    x, y = dataset.load(generator("a")).train
    order = np.argsort(-x.sum(axis=1))
    tp = np.cumsum(y[order, 0])
    f1 = 2 * tp / (np.arange(1, len(y) + 1) + y.sum())
    assert f1.max() == pytest.approx(dataset.best_f1(), abs=0.01)


def test_a_plugin_may_name_how_to_get_its_files_by_the_old_name(capsys):
    class Far(Synthetic):
        name = "far"
        ways = "by ship"

    assert Far.how_to_get == "by ship"
    assert "Far.ways is now how_to_get" in capsys.readouterr().err
