"""Segmentation: what Keras logs for Dice against scikit-learn, drawn images, and their study."""

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from batchf1.cli import main as cli
from batchf1.config.seeds import generator
from batchf1.errors import InputError, TraceError
from batchf1.records import tables
from batchf1.studies.experiments import load
from batchf1.studies.segmentation import images, logs, measure, run, train
from batchf1.studies.segmentation.config import SegmentationStudy, cells
from batchf1.studies.segmentation.schema import EMPTY_0, EMPTY_1, KINDS, LEFT_OUT, LOGS, SOFT
from batchf1.sweep.grid import load_study
from helpers.eagerly import eagerly
from helpers.once import made_once

STUDY = """
kind: segmentation
question: Does it work?
seeds: 1
side: 8
n_train: 16
n_validation: 11
empty: 0.3
radius: [1, 3]
radius_large: [2, 3]
radius_small: [1, 1.5]
contrast: 4
noise: 0.5
filters: 2
learning_rate: 0.01
epochs: 2
training_batch_size: 8
batch_sizes: [2, 4]
cuts: 20
threads: 0
figures: {mini: segmentation}
"""


def written(folder, old="", new=""):
    assert old in STUDY
    path = folder / "mini.yaml"
    path.write_text(STUDY.replace(old, new))
    return path


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    path = written(tmp_path_factory.mktemp("segmentation"))
    return cells("mini", load_study(path, SegmentationStudy))[0]


@pytest.fixture(scope="module")
def sample():
    """Masks and probabilities of seven images; the first two are empty, and so is a prediction."""
    rng = np.random.default_rng(0)
    y = rng.random((7, 8, 8, 1)) < np.array([0, 0, 0.02, 0.1, 0.2, 0.4, 0.7])[:, None, None, None]
    scores = np.where(y, 0.7, 0.2) + 0.4 * rng.random(y.shape) - 0.2
    scores[0] = 0.1
    scores[1, :2] = 0.9
    return y.astype(np.float32), scores.astype(np.float32)


def by_scikit_learn(y, scores, size, undefined):
    batches = [(y[i : i + size], scores[i : i + size] > 0.5) for i in range(0, len(y), size)]
    values = [f1_score(a.ravel() > 0, b.ravel(), zero_division=undefined) for a, b in batches]
    return np.nanmean(values)


# What Keras logs


def test_evaluate_logs_the_mean_over_batches_of_images(sample):
    y, scores = sample
    evaluator = logs.Evaluator(8)
    for size in (1, 2, 3, 7):
        logged = evaluator.evaluate(y, scores, size)
        for kind, undefined in ((EMPTY_0, 0), (EMPTY_1, 1)):
            theirs = by_scikit_learn(y, scores, size, undefined)
            assert logged[kind] == pytest.approx(theirs, abs=1e-6)
        batches = [slice(i, i + size) for i in range(0, 7, size)]
        soft = [float(1 - keras.losses.Dice()(y[at], scores[at])) for at in batches]
        sizes = [len(y[at]) for at in batches]
        assert logged[SOFT] == pytest.approx(np.average(soft, weights=sizes), abs=1e-6)
    # of masks instead of probabilities the loss is the same number as F1
    hard = (scores > 0.5).astype(np.float32)
    pooled = evaluator.evaluate(y, hard, 7)
    assert pooled[SOFT] == pytest.approx(by_scikit_learn(y, hard, 7, 0), abs=1e-6)


def test_keras_own_iou_is_pooled(sample):
    """As docs/segmentation.md says."""
    y, scores = sample
    metric = keras.metrics.BinaryIoU(target_class_ids=[1], threshold=0.5)
    for i in range(7):
        metric.update_state(y[i : i + 1], scores[i : i + 1])
    iou = float(metric.result())
    assert 2 * iou / (1 + iou) == pytest.approx(by_scikit_learn(y, scores, 7, 0), abs=1e-6)


def test_the_rows_are_the_numbers_of_scikit_learn(cell, sample):
    y, scores = sample
    rows = pd.DataFrame(measure.rows(cell, y, scores))
    assert len(rows) == 2 * len(KINDS)
    assert set(rows["n_empty"]) == {2}
    for row in rows[rows["dice"] != SOFT].to_dict("records"):
        undefined = measure.UNDEFINED[row["dice"]]
        theirs = [by_scikit_learn(y, scores, size, undefined) for size in (7, 1, row["batch_size"])]
        ours = [row[name] for name in ("pooled", "image_mean", "exact")]
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    assert rows.set_index("dice")["logged"].isna().groupby(level=0).all().to_dict() == {
        kind: kind == LEFT_OUT for kind in KINDS
    }
    area, image = y.sum(axis=(1, 2, 3)), [by_scikit_learn(*pair, 1, 0) for pair in pairs(y, scores)]
    small = np.array(image)[(area > 0) & (area <= np.pi * 1.5**2)]
    large = np.array(image)[area > np.pi * 1.5**2]
    assert 0 < len(small) < 5
    assert rows["of_small"].to_list() == pytest.approx([small.mean()] * len(rows))
    assert rows["of_large"].to_list() == pytest.approx([large.mean()] * len(rows))


def pairs(y, scores):
    return zip(y[:, None], scores[:, None], strict=True)


@pytest.mark.parametrize(
    ("where", "name", "words"),
    [
        (logs.Evaluator, "evaluate", "log of empty_0 at 2: 0.5 where 0.*"),
        (measure, "f1_score", "exact of empty_0 at 2: 0.* where 0.5 is expected"),
    ],
)
def test_another_number_ends_the_study(cell, sample, monkeypatch, where, name, words):
    wrong = {"evaluate": {EMPTY_0: 0.5}, "f1_score": 0.5}[name]
    monkeypatch.setattr(where, name, lambda *_, **__: wrong)
    with pytest.raises(TraceError, match=words):
        list(measure.rows(cell, *sample))


# Images and networks


def test_images_have_one_object_of_the_given_sizes_or_none(cell):
    drawn = images.draw(cell, 400, [1.2, 2.4], generator("images"))
    assert drawn.x.shape == drawn.y.shape == (400, 8, 8, 1)
    assert set(np.unique(drawn.y)) == {0, 1}
    area = drawn.y.sum(axis=(1, 2, 3))
    assert np.mean(area == 0) == pytest.approx(0.3, abs=0.1)
    assert area[area > 0].min() >= 1
    assert area.max() <= 1.3 * np.pi * 2.4**2
    inside, outside = drawn.x[drawn.y == 1].mean(), drawn.x[drawn.y == 0].mean()
    assert inside - outside > 0.5 * cell.contrast
    again = images.draw(cell, 400, [1.2, 2.4], generator("images"))
    np.testing.assert_array_equal(again.x, drawn.x)


def test_the_models_of_a_pair_differ_in_the_objects_of_their_training_alone(tmp_path):
    large, small = cells("mini", load_study(written(tmp_path), SegmentationStudy))
    assert large.names == small.names
    assert (large.trained_radius, small.trained_radius) == ((2, 3), (1, 1.5))
    for weights in zip(*(train.unet(each).get_weights() for each in (large, small)), strict=True):
        np.testing.assert_array_equal(*weights)


# The study


@pytest.fixture(scope="session")
def measured(tmp_path_factory):
    """A tiny study, measured by the command; its folder and its table."""

    def make(folder):
        options = ["--store", str(folder / "store"), "--output", str(folder / "runs.parquet")]
        with eagerly():
            assert cli.main(["workflow", "segmentation", str(written(folder)), *options]) == 0

    folder = made_once(tmp_path_factory, "segmentation", make)
    return folder, tables.read(folder / "runs.parquet", LOGS)


def test_finished_networks_are_kept_and_others_come_out_again_to_the_last_bit(
    measured, monkeypatch
):
    folder, table = measured
    assert len(table) == 2 * 2 * len(KINDS)
    asked, real = [], measure.measure

    def counting(cell):
        asked.append(cell)
        return real(cell)

    monkeypatch.setattr(measure, "measure", counting)
    some = sorted((folder / "store").glob("*.parquet"))
    assert len(some) == 2
    some[0].unlink()
    with eagerly():
        again, origin = run.execute(folder / "mini.yaml", folder / "store")
    assert [cell.cell_id for cell in asked] == [some[0].stem]
    pd.testing.assert_frame_equal(again, table, check_exact=True)
    assert origin["grid"]["model"] == ["large", "small"]


@pytest.mark.slow
def test_compiled_networks_learn_the_same(measured, tmp_path):
    compiled, _ = run.execute(written(tmp_path), tmp_path / "store")
    pd.testing.assert_frame_equal(compiled, measured[1], rtol=1e-4)


def test_the_study_of_the_repository(repository):
    study = load(repository / "experiments/segmentation.yaml")
    assert isinstance(study, SegmentationStudy)
    found = cells("segmentation", study)
    assert len({cell.cell_id for cell in found}) == len(found) == study.n_runs == 20
    assert study.batch_sizes == [1, 2, 4, 8, 16, 32, 64, study.n_validation]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[2, 4]", "[4, 2]", "batch_sizes must be increasing and at least 1"),
        ("[2, 4]", "[2, 12]", "n_validation must be at least the largest batch size, 12; got 11"),
        ("side: 8", "side: 10", "side must be a multiple of 4, at least 8; got 10"),
        ("empty: 0.3", "empty: 1", r"empty must lie in \(0, 1\); got 1"),
        ("[1, 1.5]", "[2, 1]", "radius_small must be a least and a greatest value above 0"),
        ("seeds: 1", "seeds: 0", "seeds must be at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, old, new, words):
    with pytest.raises(InputError, match=words) as caught:
        run.execute(written(tmp_path, old, new), tmp_path / "store")
    assert "\n" not in str(caught.value)
