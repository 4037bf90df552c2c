"""Batches of one through loaders that other functions and files make; sums of all four cells."""

import textwrap

import pytest

from batchf1.scan.scanner import scan

EVALUATE = """
from sklearn.metrics import f1_score
def evaluate(model, loader):
    total = 0
    for x, y in loader:
        total += f1_score(y, model(x))
    return total / len(loader)
"""
LOADERS = """
import argparse
from torch.utils.data import DataLoader
parser = argparse.ArgumentParser()
parser.add_argument("-b", "--batch-size", type=int, default={0})
args = parser.parse_args()

def single(data, batch_size={0}):
    return DataLoader(data, batch_size=batch_size)

def pair(data):
    train = DataLoader(data, batch_size=64)
    test = DataLoader(data, batch_size={0})
    return train, test
"""
MADE = {
    "by a function": "loader = single(data)",
    "by one that returns two": "train, loader = pair(data)",
    "with the default of an option": "loader = DataLoader(data, batch_size=args.batch_size)",
    "with a variable of an option": "size = args.batch_size\nloader = DataLoader(data, size)",
    "by a function that is given the size": "loader = single(data, batch_size=SIZE)",
}


def project(tmp_path, made, size):
    """A function that averages, the loaders, and a program that brings them together."""
    (tmp_path / "evaluation.py").write_text(EVALUATE)
    (tmp_path / "loaders.py").write_text(LOADERS.format(size))
    (tmp_path / "main.py").write_text(
        "from torch.utils.data import DataLoader\n"
        "from evaluation import evaluate\nfrom loaders import *\n"
        f"SIZE = {size}\n{made}\nprint(evaluate(model, loader))\n"
    )
    return scan([str(tmp_path)]).findings


@pytest.mark.parametrize("made", MADE)
def test_a_batch_of_one_made_in_another_file_is_right_and_of_two_wrong(tmp_path, made):
    assert project(tmp_path, MADE[made], 1) == []
    (one,) = project(tmp_path, MADE[made], 2)
    assert (one.rule, one.line) == ("BF301", 7)


def test_two_callers_of_which_one_has_larger_batches_are_wrong(tmp_path):
    assert project(tmp_path, MADE["by a function"], 1) == []
    (tmp_path / "other.py").write_text(
        "from evaluation import evaluate\nevaluate(model, DataLoader(data, batch_size=8))\n"
    )
    assert len(scan([str(tmp_path)]).findings) == 1


@pytest.mark.parametrize(
    "made",
    [
        "loader = load_from_somewhere()",
        "loader = DataLoader(data, batch_size=settings['batch_size'])",
        "loader = single(data, batch_size=settings['size'])",
    ],
)
def test_a_size_that_only_a_settings_file_has_is_a_known_limit(tmp_path, made):
    assert len(project(tmp_path, made, 1)) == 1


@pytest.mark.parametrize("size", [1, 2])
def test_a_meter_of_batches_of_one_is_right(tmp_path, size):
    (tmp_path / "loaders.py").write_text(LOADERS.format(size))
    (tmp_path / "a.py").write_text(
        "from loaders import single\nfrom sklearn.metrics import f1_score\n"
        "for x, y in single(data):\n    meter.update(f1_score(y, model(x)), 1)\n"
    )
    assert [one.rule for one in scan([str(tmp_path)]).findings] == ["BF303"] * (size - 1)


def test_a_function_that_calls_itself_ends(tmp_path):
    made = "def around(data):\n    return around(data)\nloader = around(data)"
    assert len(project(tmp_path, made, 1)) == 1


CELLS = {
    "(tp + tn) / (tp + fp + fn + tn)": False,
    "tp / (tp + tn + fp + fn + 1e-7)": False,
    "tp.sum() / (tp.sum() + fp.sum() + fn.sum() + tn.sum())": False,
    "tp / (tp + fp)": True,
    "2 * tp / (2 * tp + fp + fn)": True,
    "tp / (tp + fp + fn)": True,
    "tp / (tp + tp + fp + fn + tn)": True,
    "tp / (2 * tp + fp + fn + tn)": True,
}


@pytest.mark.parametrize("ratio", CELLS)
def test_a_share_of_all_four_cells_may_be_averaged(tmp_path, ratio):
    body = f"""
        def share(y, p):
            tp, fp = (y * p).sum(), ((1 - y) * p).sum()
            fn, tn = (y * (1 - p)).sum(), ((1 - y) * (1 - p)).sum()
            return {ratio}
        total = 0
        for x, y in loader:
            total += share(y, model(x))
        print(total / len(loader))
        """
    (tmp_path / "a.py").write_text(textwrap.dedent(body))
    assert bool(scan([str(tmp_path)]).findings) == CELLS[ratio]


@pytest.mark.parametrize(
    "names", ["true_pos false_pos false_neg true_neg", "TP FP FN TN", "n_tp n_fp n_fn n_tn"]
)
def test_cells_are_read_by_several_names(tmp_path, names):
    a, b, c, d = names.split()
    (tmp_path / "a.py").write_text(
        f"def f(y, p):\n    {a}, {b} = (y * p).sum(), p.sum()\n"
        f"    {c}, {d} = y.sum(), (y + p).sum()\n"
        f"    n = {a} + {b} + {c} + {d}\n    return ({a} + {d}) / n\n"
        "model.compile(metrics=[f])\n"
    )
    assert scan([str(tmp_path)]).findings == []
