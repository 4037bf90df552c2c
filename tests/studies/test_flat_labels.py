"""Labels of shape (n,): what Keras logs against broadcasting by hand, and what is chosen by it."""

from functools import cache

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from batchf1.cli import main as cli
from batchf1.config.seeds import generator
from batchf1.errors import InputError, TraceError
from batchf1.metrics.counts import Counts, batch_counts
from batchf1.records import tables
from batchf1.studies.experiments import load
from batchf1.studies.flat_labels import choices, logs, run, schema, summary, train
from batchf1.studies.flat_labels.config import FlatLabelsStudy, networks
from batchf1.studies.flat_labels.functions import FUNCTIONS
from batchf1.studies.flat_labels.predictions import PREDICTIONS, SAME_NUMBERS, variants
from batchf1.sweep.grid import load_study
from batchf1.theory.expectation import expect
from batchf1.training.base import Predictions
from helpers.eagerly import eagerly
from helpers.once import made_once

STUDY = """
kind: flat_labels
question: Does it work?
overrides:
  - dataset=synthetic
  - dataset.separation=3
  - dataset.n_samples=256
  - dataset.validation_fraction=0.5
  - dataset.test_fraction=1
  - model.hidden=[4]
  - model.learning_rate=0.05
  - training.batch_size=32
  - training.epochs=2
  - training.device=cpu
  - strategies=[batch_mean]
prevalences: [0.125, 0.25]
seeds: 2
batch_sizes: [8, 32]
n_thresholds: 5
search:
  candidates: 3
  learning_rate: [0.01, 0.1]
  class_weight: [1, 10]
  batch_size: 32
  epochs: 2
figures: {mini: flat_labels}
"""
SIZE = 8


def written(folder, old="", new=""):
    assert old in STUDY
    path = folder / "mini.yaml"
    path.write_text(STUDY.replace(old, new))
    return path


@cache
def the_evaluator(make=logs.Evaluator):
    """One for all tests, as its dozen outputs take seconds to compile."""
    return make()


@pytest.fixture(scope="session")
def measured(tmp_path_factory):
    """The tables of the tiny study, made by the command."""
    names = {"runs": "--output", "choices": "--choices"}

    def make(folder):
        options = [part for n, o in names.items() for part in (o, str(folder / f"{n}.parquet"))]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(logs, "Evaluator", the_evaluator)
            assert cli.main(["workflow", "flat_labels", str(written(folder)), *options]) == 0

    folder = made_once(tmp_path_factory, "flat_labels", make)
    return folder / "runs.parquet", folder / "choices.parquet"


@pytest.fixture
def made(measured):
    return tables.read(measured[0], schema.LOGS), tables.read(measured[1], schema.CHOICES)


@pytest.fixture(scope="module")
def sample():
    """Labels and the scores of a classifier of some skill, in four batches of eight."""
    rng = np.random.default_rng(0)
    y = (rng.random(4 * SIZE) < 0.3).astype(np.float32)
    scores = (0.6 * y + 0.4 * rng.random(len(y))).astype(np.float32)
    scores[::5] = 1 - scores[::5]
    return y, scores


@pytest.fixture(scope="module")
def evaluator():
    return the_evaluator()


def by_broadcasting(y, scores, written_as):
    """The mean over batches of F1 of all pairs (prediction, label), as NumPy broadcasts them."""
    values = []
    for labels, column in zip(y.reshape(-1, SIZE), scores.reshape(-1, SIZE, 1), strict=True):
        p = np.round(column)
        tp, positives, predicted = (labels * p).sum(), labels.sum(), p.sum()
        if written_as == "cells":
            wrong = ((1 - labels) * p).sum() + (labels * (1 - p)).sum()
            values.append(2 * tp / (2 * tp + wrong) if tp + wrong else 0.0)
        else:
            sides = tp / predicted + tp / positives if tp else 1.0
            values.append(2 * (tp / predicted) * (tp / positives) / sides if tp else 0.0)
    return np.mean(values)


# What Keras logs


def test_evaluate_logs_the_f1_of_all_pairs_of_a_batch(sample, evaluator):
    y, scores = sample
    found = variants(scores, SIZE, np.random.default_rng(1))
    logged = evaluator.evaluate(y, found, SIZE)
    for name, each in found.items():
        for way in FUNCTIONS:
            wanted = by_broadcasting(y, each, way)
            assert logged[f"{name}_flat_{way}"] == pytest.approx(wanted, abs=1e-6)
        batches = zip(y.reshape(-1, SIZE), each.reshape(-1, SIZE) > 0.5, strict=True)
        mean = np.mean([f1_score(*batch, zero_division=0) for batch in batches])
        assert logged[f"{name}_column_margins"] == pytest.approx(mean, abs=1e-6)


@pytest.mark.parametrize("way", FUNCTIONS)
def test_so_does_an_ordinary_model_with_arrays(sample, evaluator, way):
    y, scores = sample
    same = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    same.compile(loss="mse", metrics=[FUNCTIONS[way]])
    logged = same.evaluate(scores[:, None], y, batch_size=SIZE, verbose=0, return_dict=True)
    ours = evaluator.evaluate(y, dict.fromkeys(PREDICTIONS, scores), SIZE)
    assert logged[way] == pytest.approx(ours[f"trained_flat_{way}"], abs=1e-7)


def test_every_log_of_the_study_is_the_arithmetic_of_its_batches(made):
    rows = made[0]
    off = (rows["logged"] - rows["exact"]).abs() / rows["exact"].clip(lower=1)
    assert off.max() <= 1e-6
    assert rows.groupby(["source", "split"]).size().to_dict() == {
        ("evaluate", "validation"): 4 * 2 * len(PREDICTIONS) * 4,
        ("fit", "train"): 4 * 2 * 2,
        ("fit", "validation"): 4 * 2 * 2,
    }
    # the last epoch of fit validates the network that is evaluated
    last = rows[(rows["epoch"] == 2) & (rows["split"] == "validation") & (rows["batch_size"] == 32)]
    last = last[(last["predictions"] == "trained") & (last["labels"] == "flat")]
    assert (last.groupby(["prevalence", "seed", "written"])["logged"].std() < 1e-6).all()


def test_shuffled_predictions_log_the_same_number_and_are_much_worse(made):
    rows = made[0][made[0]["source"] == "evaluate"]
    same = rows[rows["predictions"].isin(SAME_NUMBERS)]
    key = ["prevalence", "seed", "batch_size", "written"]
    of_pass = same[same["labels"] == "flat"].groupby(key)["logged"]
    assert (of_pass.max() - of_pass.min() <= 1e-7 * of_pass.max()).all()
    true = same.groupby("predictions")["true_f1"].mean()
    assert true["trained"] > true["half"] > true["permuted"]
    assert true["trained"] > 2 * true["permuted"]
    mean = same[same["labels"] == "column"].groupby("predictions")["logged"].mean()
    assert mean["trained"] > mean["half"] > mean["permuted"]


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        ("trained", "exact", "is not the mean over its batches"),
        ("permuted", "both", "is not the log of the trained network"),
    ],
)
def test_a_log_that_is_another_number_ends_the_study(made, row, column, words):
    rows = made[0].copy()
    flat = (rows["predictions"] == row) & (rows["labels"] == "flat") & (rows["logged"] > 0.1)
    index = rows.index[flat & (rows["source"] == "evaluate")][0]
    rows.loc[index, ["exact", "logged"] if column == "both" else [column]] *= 1.00001
    assert logs.check_logs(made[0]) is made[0]
    with pytest.raises(TraceError, match=words):
        logs.check_logs(rows)


# Predictions


def test_the_variants_have_as_many_positives_in_each_batch(sample):
    y, scores = sample
    found = variants(scores, SIZE, np.random.default_rng(2))
    assert list(found) == list(PREDICTIONS)
    counts = {name: batch_counts(y, each, SIZE) for name, each in found.items()}
    wanted = counts["trained"].predicted_positives
    for name in SAME_NUMBERS:
        assert counts[name].predicted_positives.tolist() == wanted.tolist()
    assert counts["same_share"].predicted_positives.sum() == wanted.sum()
    assert np.array_equal(found["trained"], scores)
    batches = {name: each.reshape(-1, SIZE) for name, each in found.items()}
    for name, changed in {"permuted": [0, 1, 2, 3], "half": [0, 2]}.items():
        assert np.array_equal(np.sort(batches[name]), np.sort(batches["trained"]))
        differs = (batches[name] != batches["trained"]).any(axis=1)
        assert np.flatnonzero(differs).tolist() == changed
    assert set(found["random"]) == set(found["same_share"]) == {0, 1}


# Training


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    path = written(tmp_path_factory.mktemp("flat"))
    return list(networks("mini", load_study(path, FlatLabelsStudy)))[:2]


def fitted(trainer, one):
    return trainer.fit(one, one.dataset.load(generator(*one.names, "data")))


@pytest.mark.slow
def test_a_network_is_the_same_whatever_was_trained_before_it(two_runs):
    first, second = two_runs
    trainer = train.FitTrainer(first, 5)
    alone, other, again = (fitted(trainer, one) for one in (first, second, first))
    assert alone.logs == again.logs != other.logs
    assert np.array_equal(alone.test.scores, again.test.scores)
    assert [len(epoch["train"].tp) for epoch in alone.batches] == [8, 8]


def test_labels_of_both_shapes_train_the_same_network(two_runs):
    """The loss squeezes its labels, metric functions do not."""
    data = two_runs[0].dataset.load(generator("data"))
    weights = []
    for shape in ((-1,), (-1, 1)):
        trainer = train.FitTrainer(two_runs[0], 5)
        trainer.model.set_weights([np.full(w.shape, 0.1) for w in trainer.model.get_weights()])
        y = data.train.y.reshape(shape)
        with eagerly():
            trainer.model.fit(data.train.x, y, batch_size=32, shuffle=False, verbose=0)
        weights.append(trainer.model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_candidates_differ_in_rate_and_weight_alone(two_runs, tmp_path):
    search = load_study(written(tmp_path), FlatLabelsStudy).search
    found = train.candidates(two_runs[1], search)
    assert {one.names for one in found} == {two_runs[1].names}
    assert len({one.run_id for one in found}) == search.candidates
    for one in found:
        assert 0.01 <= one.model.learning_rate <= 0.1
        assert 1 <= one.training.class_weight <= 10
    others = train.candidates(two_runs[0], search)
    assert found[0].model.learning_rate != others[0].model.learning_rate


# Choices


def test_a_choice_by_hand(two_runs):
    labels = np.array([1, 1, 0, 0, 0, 0, 0, 0], np.float32)
    right = Predictions(labels, labels * np.float32(0.9))
    false_alarms = Predictions(labels, np.float32([0, 0.9, 0.9, 0.9, 0.9, 0, 0, 0]))
    options = [(right, right, 0.5), (false_alarms, false_alarms, 0.5)]
    rows = pd.DataFrame(choices.choice_rows(two_runs[0], "search", options, [4, 8]))
    by_flat, by_mean = (rows[rows["chosen_by"] == name] for name in ("flat", "batch_mean"))
    # right: P = Q = 2. The other: TP 1, FP 3, FN 1, F1 1/3, and Q 4 of 8: in eights 16/6 beats 2
    assert by_flat["regret"].tolist() == pytest.approx([1 - 1 / 3] * 2)
    assert by_flat["most_positives"].tolist() == [True, True]
    assert by_mean["regret"].tolist() == [0, 0]
    assert by_mean["most_positives"].tolist() == [False, False]
    assert by_flat["precision_chosen"].tolist() == [0.25, 0.25]
    assert set(rows["f1_true"]) == {1.0}


def test_of_thresholds_the_log_takes_the_lowest(made):
    rows = made[1]
    lowest = rows[(rows["decision"] == "threshold") & (rows["chosen_by"] == "flat")]
    assert len(lowest) == 4 * 2
    assert lowest["most_positives"].all()
    assert set(rows[rows["decision"] == "search"]["n_options"]) == {3}


# Settings and summary


def test_the_table_of_the_figure_has_means_over_seeds(measured, made):
    found = summary.summary(*measured)
    logged, chosen = (found[found["row"] == name] for name in ("log", "choice"))
    assert len(logged) == 2 * (4 + 2 * len(PREDICTIONS))
    assert len(chosen) == 2 * 2 * 2 * 2
    assert set(found["n_seeds"]) == {2}
    same = logged[logged["predictions"].isin(SAME_NUMBERS)]
    assert same["change"].max() <= 1e-7
    assert logged[logged["predictions"] == "same_share"]["change"].min() > 1e-7
    assert logged["deviation"].max() <= 1e-6
    rows = made[0]
    where = {"prevalence": 0.25, "batch_size": 8, "predictions": "half", "source": "evaluate"}
    some = rows[np.logical_and.reduce([rows[key] == is_ for key, is_ in where.items()])]
    row = logged[np.logical_and.reduce([logged[key] == is_ for key, is_ in where.items()])].iloc[0]
    for (labels, way), name in summary.NAMES.items():
        part = some[(some["labels"] == labels) & (some["written"] == way)]
        assert row[name] == pytest.approx(part["logged"].mean())
    assert row["true_f1"] == pytest.approx(some["true_f1"].mean())


def test_the_expectation_is_of_batches_cut_at_random_alone(measured, made):
    found = summary.summary(*measured)
    known = found[found["expected"].notna()]
    assert set(known["predictions"]) == {"trained", "same_share"}
    assert set(known["source"]) == {"evaluate"}
    assert len(known) == 2 * 2 * 2
    rows = made[0]
    rows = rows[(rows["predictions"] == "trained") & (rows["prevalence"] == 0.25)]
    rows = rows[(rows["source"] == "evaluate") & (rows["labels"] == "flat")]
    rows = rows[(rows["written"] == "margins") & (rows["batch_size"] == 8)]
    each = [
        expect(Counts(*map(int, row)), 8, labels="flat").expected_f1
        for row in rows[["tp", "fp", "fn", "tn"]].to_numpy()
    ]
    where = (known["predictions"] == "trained") & (known["prevalence"] == 0.25)
    (value,) = known[where & (known["batch_size"] == 8)]["expected"]
    assert value == pytest.approx(np.mean(each), abs=1e-12)
    assert known["inside"].mean() > 0.8


def test_the_study_of_the_repository(repository):
    study = load(repository / "experiments/flat_labels.yaml")
    assert isinstance(study, FlatLabelsStudy)
    runs = list(networks("flat_labels", study))
    assert len({one.run_id for one in runs}) == len(study.prevalences) * study.seeds
    assert study.seeds >= 20
    assert (study.batch_sizes[0], study.batch_sizes[-1]) == (8, 1024)
    names = run.modules("flat_labels", study)
    assert "batchf1.datasets.synthetic" in names
    assert "batchf1.studies.flat_labels.train" in names


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[8, 32]", "[32, 8]", "batch_sizes must be increasing and at least 1"),
        ("[8, 32]", "[8, 8]", "batch_sizes must have at least one value, and none twice"),
        ("[8, 32]", "[8, 24]", "size of the validation split must be a multiple of .* got 128"),
        ("n_samples=256", "n_samples=272", "dataset.n_samples must be a multiple of 32; got 272"),
        ("test_fraction=1", "test_fraction=0", "dataset.test_fraction must give a test split"),
        ("[0.125, 0.25]", "[0.001]", "must have a positive and a negative in each split"),
        ("seeds: 2", "seeds: 0", "seeds must be at least 1"),
        ("n_thresholds: 5", "n_thresholds: 1", "n_thresholds must be at least 2"),
        ("candidates: 3", "candidates: 0", "search.candidates must be at least 1"),
        ("[1, 10]", "[10, 1]", "search.class_weight must be a least and a greatest value above 0"),
        ("question:", "answer:", "answer"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, old, new, words):
    path = written(tmp_path, old, new)
    with pytest.raises(InputError, match=words) as caught:
        run.execute(path)
    assert "\n" not in str(caught.value)


def test_its_kind_is_read_from_the_file(tmp_path):
    assert isinstance(load(written(tmp_path)), FlatLabelsStudy)
