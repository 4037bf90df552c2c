"""Every axis that a study varies: a figure shows it, or refuses it by name."""

import itertools

import pytest
from matplotlib import pyplot as plt

from batchf1.errors import InputError
from batchf1.figures import _facets, _line_plot, style
from batchf1.figures import base as figures
from helpers import pictures
from helpers.slow import slow
from helpers.tables_of_runs import table, written

GRID = {
    "dataset": ["diamonds", "trousers"],
    "training.threshold": [0.3, 0.5],
    "model.learning_rate": [1e-7, 0.01],
}
SIZES = {"diamonds": 44_000, "trousers": 1_000}
SWEEP = ["error_vs_batch_size", "error_vs_imbalance", "error_vs_dataset_size"]


def points(grid):
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def study(grid, **common):
    """Two seeds of each point, both splits; its number in the grid in the batch mean's F1."""
    made = [
        point
        | {"run_id": f"{i}-{seed}", "seed": seed, "split": split, "strategy": strategy}
        | {"f1": 0.01 * i + 0.1 * seed if strategy == "batch_mean" else 0.6}
        for i, point in enumerate(points(grid))
        for seed in (0, 1)
        for split in ("train", "validation")
        for strategy in ("batch_mean", "epoch_end", "reconstructed")
    ]
    references = {"reference_pooled": 0.6, "reference_full_pass": 0.6}
    return table(*made, **references | common).assign(
        n_samples=lambda t: t["dataset"].map(SIZES).fillna(10).astype(int)
    )


@pytest.mark.parametrize("name", SWEEP)
def test_an_error_has_a_row_for_each_setting_and_means_over_seeds_alone(tmp_path, name):
    found = figures.table(name, [written(tmp_path, study(GRID))])
    assert list(found.columns[:4]) == [*GRID, "n_samples"]
    naive = found[(found["strategy"] == "batch_mean") & (found["split"] == "validation")]
    assert len(found) == 8 * 2 * 3
    assert (found["n_runs"] == 2).all()
    for i, (point, (_, row)) in enumerate(zip(points(GRID), naive.iterrows(), strict=True)):
        assert dict(row[list(GRID)]) == point
        assert row["f1"] == pytest.approx(0.01 * i + 0.05, abs=1e-15)
        assert row["n_samples"] == SIZES[point["dataset"]]


def test_a_setting_that_does_not_vary_has_no_column(tmp_path):
    same = {key: values[:1] for key, values in GRID.items()}
    found = figures.table("error_vs_batch_size", [written(tmp_path, study(same))])
    assert list(found.columns) == [*_line_plot.CELL, "split", "strategy", *found.columns[5:]]
    assert not set(GRID) & set(found)


def test_a_picture_has_a_row_of_panels_for_each_setting(tmp_path):
    found = figures.table("error_vs_batch_size", [written(tmp_path, study(GRID))])
    with style.apply_style():
        figure = figures.module("error_vs_batch_size").draw(found)
        figure.draw_without_rendering()
        titles = [ax.get_title(loc="left").split("\n") for ax in figure.axes]
        assert [title[0] for title in titles[:16:2]] == [
            f"{dataset}, threshold {threshold}, learning rate {rate}"
            for dataset, threshold, rate in itertools.product(*GRID.values())
        ]
        assert titles[1::2] == [["Validation log"]] * 8 + [[""]]
        assert len(figure.axes) == 18
        errors = [ax.containers[0].lines[0].get_ydata()[0] for ax in figure.axes[:16:2]]
        assert errors == pytest.approx([0.01 * i + 0.05 - 0.6 for i in range(8)])
        boxes = [title.get_window_extent() for title in (ax._left_title for ax in figure.axes)]
        others = [ax.get_window_extent() for ax in figure.axes]
        assert not any(a.overlaps(b) for a in boxes for b in others if a.width)
        _, caption = style.words(figure)
        plt.close(figure)
    assert caption.startswith("A point is the mean of 2 trainings on 1,000 to 44,000 samples")
    assert caption.endswith(" The numbers below the panels are of all 8 rows.")


@pytest.mark.slow
def test_a_long_setting_is_broken_into_lines_that_fit(tmp_path):
    long = {f"model.a_rather_long_name_of_a_setting_{i}": [0.1, 0.2] for i in "abcd"}
    found = figures.table("error_vs_imbalance", [written(tmp_path, study(long))])
    kept = found[(found[list(long)] == 0.1).sum(axis=1) > 2]
    with style.apply_style():
        figure = figures.module("error_vs_imbalance").draw(kept)
        figure.draw_without_rendering()
        for ax in figure.axes:
            box = ax._left_title.get_window_extent()
            assert box.x1 <= figure.bbox.x1
        assert figure.axes[0].get_title(loc="left").count("\n") == 2
        plt.close(figure)


@pytest.mark.parametrize("name", SWEEP)
def test_more_settings_than_can_be_shown_are_refused_by_name(tmp_path, name):
    many = {"model.learning_rate": [0.001 * i for i in range(1, 14)]}
    found = figures.table(name, [written(tmp_path, study(many))])
    module = figures.module(name)
    rule = f"figure {name} cannot show more than 12 settings of model.learning_rate; got 13"
    with pytest.raises(InputError, match=rule):
        module.draw(found)
    assert len(_facets.panels(found[found["model.learning_rate"] < 0.013], list(many), name)) == 12


def test_settings_that_learned_nothing_leave_the_others_their_names(tmp_path):
    found = figures.table(
        "error_vs_batch_size", [written(tmp_path, study({"model.a": ["x", "y"]}))]
    )
    found.loc[found["model.a"] == "x", "true_f1"] = 0.49
    figure, _ = pictures.laid_out(figures.module("error_vs_batch_size").draw, found)
    assert figure.axes[0].get_title(loc="left") == "a y\nTraining log"
    assert len(figure.axes) == 4


SOME = [SWEEP[0], *map(slow, SWEEP[1:]), slow("theory"), "calibration", "collapse"]


@pytest.mark.parametrize("name", SOME)
def test_each_figure_shows_a_setting_of_its_own(tmp_path, name):
    key, values = "training.threshold", [0.3, 0.7]
    path = written(tmp_path, study({"dataset": ["synthetic"], key: values}, tp=3, fp=2, fn=2, tn=3))
    found = figures.table(name, [path])
    assert found.columns[0] == key
    assert sorted(found[key].dropna().unique()) == values
    figure, (_, caption) = pictures.laid_out(figures.module(name).draw, found)
    said = " ".join([*(ax.get_title(loc="left") for ax in figure.axes), caption])
    if name in (*SWEEP, "calibration"):
        assert all(f"threshold {value}" in said for value in values)
    if name == "collapse":
        assert "prevalence and batch size, and threshold:" in said


@pytest.mark.parametrize(
    ("name", "grid", "said"),
    [
        ("discrepancy", {"dataset": ["diamonds", "trousers"]}, r"dataset.*\['diamonds', 'trous"),
        ("discrepancy", {"dataset": ["d"], "model.hidden": ["[4]", "[8]"]}, "model.hidden"),
        ("original_log", {"dataset": ["d"], "program": ["arrays", "together"]}, "program"),
        ("original_log", {"dataset": ["d"], "batch_size": [4, 5]}, r"batch_size.*\[4, 5\]"),
    ],
)
def test_figures_of_one_setting_refuse_another_by_name(tmp_path, repository, name, grid, said):
    sources = [written(tmp_path, study(grid))]
    sources += [repository / "docs/article_log.txt"] if name == "original_log" else []
    with pytest.raises(InputError, match=f"figure {name} cannot show .*{said}") as caught:
        figures.table(name, sources)
    assert ", which the study varies; got [" in str(caught.value)
    assert "\n" not in str(caught.value)
