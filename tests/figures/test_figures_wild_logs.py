"""The figure of public logs: what its settings refuse, its rows, and what it says."""

import pandas as pd
import pytest

from batchf1.errors import InputError
from batchf1.figures import wild_logs
from batchf1.forensics.log import read
from batchf1.studies.wild_logs import WildLog
from batchf1.sweep.grid import load_study
from helpers import pictures

LOG = {
    "source": "readme",
    "framework": "Keras 2",
    "form": "samples bar",
    "task": "binary",
    "names": {"f1": "f1_m", "precision": "precision_m", "recall": "recall_m", "accuracy": "acc"},
    "stated": {"train": 3000, "validation": 1000},
    "train": [["0.5", "0.6", "0.55", "0.96"], ["0.60", "0.7", "0.65", "0.97"]],
    "validation": [["0.5780", "0.6221", "0.5748", "0.9702"], ["0.5441", "0.6068", "0.5333", "0.9"]],
}


@pytest.fixture(scope="module")
def study():
    from pathlib import Path

    path = Path(__file__).resolve().parents[2] / "experiments/wild_logs.yaml"
    return load_study(path, wild_logs.WildLogs)


@pytest.fixture
def committed(repository):
    return pd.read_csv(repository / "figures/wild_logs.csv")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source": "dream"}, "logs.source must be among"),
        ({"task": "regression"}, "logs.task must be among"),
        ({"names": {"precision": "p"}}, "logs.names must have f1; got"),
        ({"names": {"f1": "f", "auc": "a"}}, "logs.names must be among"),
        ({"stated": {"weather": 1}}, "logs.stated must be among"),
        ({"address": "https://example.org"}, "logs.address must be given for an issue alone"),
        ({"source": "issue"}, "logs.address must be given for an issue alone"),
        ({"train": [], "validation": []}, "logs must have a row of digits"),
        ({"train": [["0.5"]]}, "logs must have 4 numbers in a row; got ['0.5']"),
        ({"train": [["0.5", "0.5", "high", "1"]]}, "logs must have 4 numbers in a row"),
    ],
)
def test_a_log_that_does_not_fit_is_refused(change, said):
    with pytest.raises(InputError) as error:
        WildLog(**LOG | change)
    assert str(error.value).startswith(said)


def test_the_text_of_a_log_is_read_back(study):
    for log in [WildLog(**LOG), *study.logs]:
        reading = read(log.text())
        for split in ("train", "validation"):
            assert [dict(epoch) for epoch in reading.splits[split].epochs] == log.split(split)
    assert reading is not None
    sizes = read(WildLog(**LOG).text()).log
    assert (sizes.total, sizes.in_samples, sizes.validation_samples) == (3000, True, 1000)


def test_at_least_60_logs_at_least_half_of_them_with_precision_and_recall(study):
    both = [log for log in study.logs if {"precision", "recall"} <= log.names.keys()]
    assert len(study.logs) >= 60
    assert 2 * len(both) >= len(study.logs)


def test_a_row_has_the_last_epoch_and_what_it_proves(study):
    rows = pd.DataFrame(wild_logs._rows(7, WildLog(**LOG))).set_index("split")
    assert (rows["log"] == 7).all() and (rows["n_epochs"] == 2).all()
    assert rows["f1"].to_dict() == {"train": 0.60, "validation": 0.5441}
    assert rows.loc["validation", "verdict"] == "averaged"  # 2PR/(P+R) is 0.5677
    assert 0.567 < rows.loc["validation", "lower_bound"] < 0.568


def test_rows_of_validation_are_shown_and_of_training_where_there_are_none(committed):
    rows = wild_logs.of_validation(committed)
    assert rows["log"].is_unique and set(rows["log"]) == set(committed["log"])
    only_train = rows[rows["split"] == "train"]["log"]
    assert not committed[committed["log"].isin(only_train)]["split"].eq("validation").any()


def test_the_headline_and_the_caption_count_what_the_table_has(committed):
    rows = wild_logs.of_validation(committed)
    figure, (headline, caption) = pictures.laid_out(wild_logs.draw, committed)
    averaged = rows["verdict"].eq("averaged")
    assert headline.startswith(f"{averaged.sum()} of {len(rows)} public F1 logs")
    shown = (averaged & rows["true_f1"].notna()).sum()
    assert caption.startswith(f"A line is one of the {shown} logs")
    dots = figure.axes[0].lines[1]
    assert len(dots.get_xdata()) == shown
    assert "no sample of the world" in " ".join(caption.split())


def test_without_an_estimate_the_picture_says_so(committed):
    none = committed.assign(true_f1=float("nan"))
    assert "Nothing to show" in str(wild_logs.draw(none).texts)
