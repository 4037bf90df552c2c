"""The picture of the decisions: its panels, and words that follow the numbers."""

import numpy as np
import pandas as pd
import pytest

from batchf1.figures import decisions, style
from batchf1.figures._decision_panels import LINES
from batchf1.studies.decisions import regret
from helpers import layout, pictures
from helpers.slow import slow
from helpers.tables_of_decisions import numbers, study, table


@pytest.fixture(autouse=True)
def no_control(monkeypatch):
    """Without a control, which trains nothing, but takes its time."""
    monkeypatch.setattr(decisions, "curves", lambda experiment: pd.DataFrame())


def drawn(found):
    """A figure, laid out, and its words."""
    return pictures.laid_out(decisions.draw, found)


def words_of(found):
    """Return the headline and caption of the figure."""
    return pictures.words_of(decisions.draw, found)


BINS = [(0.0, 0.3, 0.1), (0.3, 1.0, 0.5), (1.0, 3.0, 2.0), (3.0, 10.0, 5.0), (10.0, np.inf, 20.0)]
ARROW = {"recall_true": 0.5, "precision_true": 0.7, "recall_chosen": 0.8, "precision_chosen": 0.3}
LOSSES = (0.2, 0.1, 0.02, 0.002, 0.001)


def made(losses=LOSSES, error=0.005, arrow=ARROW, lines=LINES, prevalence=0.005):
    """The table of a study in which every decision loses the same."""
    rows = []
    for line in lines:
        key = dict(zip(regret.KEY, line.key, strict=True))
        key |= {"empty": line.empty, "chosen_by": "logged", "n_seeds": 30}
        for (low, high, middle), loss in zip(BINS, losses, strict=True):
            at = {"row": "bin", "bin_low": low, "bin_high": high, "positives_per_batch": middle}
            if loss is not None:
                ends = {"regret": loss, "regret_low": loss - error, "regret_high": loss + error}
                rows.append(key | at | ends)
        for dataset in ("diamonds", "flights"):
            for size in (8, 32):
                at = {"row": "cell", "dataset": dataset, "prevalence": prevalence}
                rows.append(key | at | {"validation_batch_size": size} | arrow)
    return pd.DataFrame(rows, columns=list(decisions.COLUMNS))


def test_the_panels_and_the_caption():
    figure, (headline, caption) = drawn(made())
    left, right = figure.axes
    assert headline == (
        "Choosing by the logged F1 costs up to 20 points of F1 below 3 positives per batch, "
        "almost nothing above"
    )
    assert "mean of 30 seeds with a 95 % bootstrap interval: F1 on test" in caption
    assert "Data: diamonds and flights, prevalence" in caption
    assert "prevalence 0.5 %, validation batches of 8 to 32. Empty batches count 0" in caption
    assert "an arrow is a decision at 0.5 % and batches of 32, from the true choice" in caption
    curves = [line for line in left.lines if len(line.get_xdata()) == 5]
    assert len(curves) == len(LINES)
    assert all(curve.get_ydata().tolist() == list(LOSSES) for curve in curves)
    said = [text.get_text() for text in left.texts]
    assert said == ["3 positives\nper batch", *(line.label for line in LINES)]
    assert right.get_title(loc="left") == "More false alarms are chosen"
    tips = [text.xy for text in right.texts if getattr(text, "arrow_patch", None)]
    assert tips == [(0.8, 0.3)] * 8


def test_what_loses_next_to_nothing_is_grey_and_named_in_the_caption():
    found = pd.concat([made(LOSSES, lines=LINES[:3]), made([0.001] * 5, lines=LINES[3:])])
    figure, (_, caption) = drawn(found)
    texts = [text.get_text() for text in figure.axes[0].texts[1:]]
    assert sorted(texts) == sorted([*(line.label for line in LINES[:3]), "6 others"])
    named = "; ".join(line.label for line in LINES[3:])
    assert f"Others, which lose next to nothing: {named}." in caption


@pytest.mark.parametrize("lost", [slow("all"), "some", slow("none")])
def test_no_word_lies_over_another(lost):
    spread = made(LOSSES, lines=LINES[:3])
    near = made([0.001] * 5, lines=LINES[3:])
    found = {"all": made(), "some": pd.concat([spread, near]), "none": made([-0.01] * 5)}[lost]
    with style.apply_style():
        assert layout.flaws(drawn(found)[0]) == []


COSTS = "Choosing by the logged F1 costs "
HERE = "3 positives per batch"


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ((0.2, 0.1, 0.02, 0.05, 0), f"up to 20 points of F1 below {HERE}, up to 5 points above"),
        ((0.004, 0, 0, 0.05, 0), f"almost nothing below {HERE}, up to 5 points above"),
        ((0.0, 0.0, 0.0, 0.0, 0.0), f"almost nothing, below and above {HERE}"),
        ((None, None, None, 0.04, 0.0), f"up to 4 points of F1 above {HERE}"),
        ((None, None, None, None, 0.0), f"almost nothing above {HERE}"),
        ((0.3, None, None, None, None), f"up to 30 points of F1 below {HERE}"),
    ],
)
def test_the_headline_follows_the_numbers(losses, said):
    assert words_of(made(losses))[0] == COSTS + said


def test_what_chance_explains_is_not_said_to_be_lost():
    headline = words_of(made((0.1, 0.02, 0.0, 0.0, 0.0), error=0.2))[0]
    assert headline == f"{COSTS}nothing for sure below {HERE}, almost nothing above"


def test_what_leaves_empty_batches_out_makes_no_headline():
    skipped = [line for line in LINES if line.empty == "skip"]
    others = [line for line in LINES if line.empty == "0"]
    both = pd.concat([made(LOSSES, lines=skipped), made([0.0] * 5, lines=others)])
    assert words_of(both)[0] == f"{COSTS}almost nothing, below and above {HERE}"


def test_the_title_says_false_alarms_only_where_every_arrow_goes_there():
    for other in ({"recall_chosen": 0.4}, {"precision_chosen": 0.8}):
        axes = drawn(made(arrow=ARROW | other))[0].axes
        assert axes[1].get_title(loc="left") == "What is chosen"


@pytest.mark.slow
def test_a_study_drawn_whole_in_part_and_empty(tmp_path):
    whole = numbers(tmp_path, study(prevalences=(0.02,), datasets="d"))
    headline, caption = words_of(whole)
    assert headline.startswith(COSTS)
    assert "nan" not in f"{headline} {caption}"
    for decision in ("threshold", "search_32", "two_models"):
        words_of(whole[whole["decision"] == decision])
    figure, (_, caption) = drawn(whole[whole["dataset"].isna()])
    assert figure.axes[1].axison is False
    assert "logged one chooses." in caption
    left_out = whole[whole["empty"] == "skip"]
    assert words_of(left_out)[0].endswith("costs this where empty batches are left out")
    nothing = "No decision went by a logged F1."
    assert words_of(whole.head(0)) == ("Nothing to show", nothing)
    assert words_of(numbers(tmp_path, table({}))) == ("Nothing to show", nothing)
