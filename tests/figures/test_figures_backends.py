"""The figure of the backends: its table, worked out by hand, and what it concludes."""

import pytest

from batchf1.errors import InputError
from batchf1.figures import backends
from helpers import pictures
from helpers.tables_of_runs import table, written

BACKEND = "training.backend"


def runs(*names, apart=0.0, error=0.0, **common):
    """Two seeds of each backend and shape of labels; the second seed of torch is `apart`."""
    made = [
        {BACKEND: name, "run_id": f"{name}{seed}{program}{size}", "seed": seed, "split": split}
        | {"program": program, "batch_size": size, "strategy": strategy, "epoch": 2}
        | {"f1": f1 + gap + error * (strategy == "streaming"), "loss": 0.1 * (1 + gap)}
        | {"reference_pooled": 0.5 + gap, "reference_full_pass": 0.75 + gap}
        for name in names
        for seed in (0, 1)
        for program in ("arrays", "flat_labels")
        for size in (8, 2)
        for split in ("train", "validation")
        for strategy, f1 in (("batch_mean", 0.3), ("epoch_end", 0.75), ("streaming", 0.5))
        for gap in [apart * (name == "torch" and seed == 1)]
    ]
    return table(*made, engine="plain", **common)


def of(tmp_path, *names, **changes):
    return backends.table(written(tmp_path, runs(*names, **changes)))


def test_each_row_is_over_the_seeds(tmp_path):
    found = of(tmp_path, "torch", "tensorflow", apart=0.02)
    assert list(found) == list(backends.COLUMNS)
    assert len(found) == 2 * 2 * 2 * 2 * 3
    assert found[BACKEND].unique().tolist() == ["tensorflow", "torch"]
    assert found["batch_size"].unique().tolist() == [2, 8]
    assert set(found["n_runs"]) == {2}
    first, other = (rows for _, rows in found.groupby(BACKEND))
    for name in ("difference", "worst_difference", "loss_difference"):
        assert (first[name] == 0).all()
    assert other["difference"].tolist() == pytest.approx([0.01] * 24)
    assert other["worst_difference"].tolist() == pytest.approx([0.02] * 24)
    assert other["loss_difference"].tolist() == pytest.approx([0.02] * 24)
    assert (first["equal_runs"] == 2).all()
    assert (other["equal_runs"] == 1).all()
    means = first.groupby("strategy")[["f1", "true_f1", "worst_error"]].mean()
    assert means.loc["batch_mean"].tolist() == pytest.approx([0.3, 0.5, 0.2])
    assert means.loc["epoch_end"].tolist() == pytest.approx([0.75, 0.75, 0])
    assert means.loc["streaming"].tolist() == pytest.approx([0.5, 0.5, 0])


@pytest.mark.parametrize(
    ("names", "changes", "headline"),
    [
        (
            ["tensorflow", "jax", "torch"],
            {},
            "The three backends log by the same rules, and train to the same F1 from the same "
            "start",
        ),
        (
            ["jax", "torch"],
            {"apart": 0.02},
            "The two backends log by the same rules, and train to F1s that differ by at most 0.02",
        ),
        (["jax", "torch"], {"error": 2e-6}, "What each backend of Keras logs"),
        (["jax"], {}, "What each backend of Keras logs"),
    ],
)
def test_the_headline_says_no_more_than_the_table(tmp_path, names, changes, headline):
    found = of(tmp_path, *names, **changes)
    picture = pictures.laid_out(backends.draw, found)
    assert picture.words[0] == headline
    assert "Labels of shapes (n, 1) and (n,) give the same." in picture.words[1]
    drawn = picture.figure.axes[1].get_lines()
    assert len(drawn) == len(names) - 1


def test_labels_whose_shape_matters_are_not_said_to_be_the_same(tmp_path):
    found = of(tmp_path, "jax", "torch")
    found.loc[found["program"] == "flat_labels", "f1"] += 0.01
    assert "give the same" not in pictures.laid_out(backends.draw, found).words[1]


def test_another_setting_that_varies_is_refused(tmp_path):
    several = runs("jax", "torch")
    several["prevalence"] = several["seed"] / 10 + 0.1
    rule = "figure backends cannot show prevalence, which the study varies"
    with pytest.raises(InputError, match=rule):
        backends.table(written(tmp_path, several))
