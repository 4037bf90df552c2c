"""The scan of loops over batches."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.scan.scanner import scan

HEAD = """
import math
import numpy as np
import torch
import torch.nn.functional as F
import torchmetrics
import segmentation_models_pytorch as smp
from collections import defaultdict
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support
from torch.utils.data import DataLoader
from torchmetrics.functional import f1_score as tm_f1
from tqdm import tqdm

def dice(p, t):
    p, t = p.contiguous().view(-1), t.contiguous().view(-1)
    return (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)

def dice_of_images(p, t):
    p, t = p.view(p.size(0), -1), t.view(t.size(0), -1)
    return ((2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)).mean()

def iou_of_images(p, t):
    both = (p & t).float().sum((1, 2))
    return ((both + 1) / ((p | t).float().sum((1, 2)) + 1)).mean()

def iou_image_by_image(p, t):
    each = []
    for a, b in zip(p, t):
        each.append((a & b).sum() / (a | b).sum())
    return sum(each) / len(each)

def of_classes(p, t):
    return torch.stack([dice(p[:, c], t[:, c]) for c in range(p.shape[1])]).mean()

def scores(y, p):
    return {"accuracy": (y == p).float().mean(), "f1": f1_score(y, p)}

class AverageMeter:
    def __init__(self):
        self.sum = self.n = 0
    def update(self, value, n=1):
        self.sum += value * n
        self.n += n
"""

WRONG = {
    "a sum over the loader": """
        total = 0
        for x, y in loader:
            total += dice(model(x), y).item()
        print(total / len(loader))  # wrong
        """,
    "weighted by size": """
        total = 0
        for x, y in loader:
            total += of_classes(model(x), y) * x.size(0)
        total /= len(loader.dataset)  # wrong
        """,
    "a list": """
        kept = []
        for batch in tqdm(loader):
            kept.append(f1_score(batch["y"], model(batch["x"])))
        print(np.mean(kept))  # wrong
        """,
    "a list and its sum": """
        kept = []
        for x, y in loader:
            kept += [f1_score(y, model(x))]
        print(sum(kept) / len(kept))  # wrong
        """,
    "a comprehension": """
        kept = [dice(model(x), y) for x, y in loader]
        print(torch.stack(kept).mean())  # wrong
        """,
    "entries of a dict": """
        kept = {"f1": 0.0, "n": 0}
        for x, y in loader:
            found = scores(y, model(x))
            kept["f1"] += found["f1"]
            kept["n"] += 1
        print(kept["f1"] / kept["n"])  # wrong
        """,
    "a dict of lists": """
        kept = defaultdict(list)
        for x, y in loader:
            for name, value in scores(y, model(x)).items():
                kept[name].append(value)
        return {name: np.mean(values) for name, values in kept.items()}  # wrong
        """,
    "a list of dicts": """
        kept = []
        for x, y in loader:
            kept.append(scores(y, model(x)))
        print(np.mean([one["accuracy"] for one in kept]))
        print(np.mean([one["f1"] for one in kept]))  # wrong
        """,
    "three values at once": """
        p, r = [], []
        for x, y in loader:
            a, b, _, _ = precision_recall_fscore_support(y, model(x))
            p.append(a)
            r.append(b)
        print(np.array(p).mean())  # wrong
        print(torch.tensor(r).mean().item())  # wrong
        """,
    "a share of each batch": """
        total = 0
        for x, y in loader:
            total += f1_score(y, model(x)) / len(loader)  # wrong
        """,
    "a variable added to itself": """
        total = 0
        for x, y in loader:
            total = total + f1_score(y, model(x))
        print(total / len(loader))  # wrong
        """,
    "an entry added to itself": """
        kept = {"f1": 0.0}
        for x, y in loader:
            kept["f1"] = kept["f1"] + f1_score(y, model(x))
        print(kept["f1"] / len(loader))  # wrong
        """,
    "a share added to a variable": """
        total = 0
        for x, y in loader:
            total = total + f1_score(y, model(x)) / len(loader)  # wrong
        """,
    "an exponential mean": """
        kept = 0
        for x, y in loader:
            kept = 0.9 * kept + 0.1 * f1_score(y, model(x))  # wrong
        """,
    "values of all batches so far": """
        tp = fp = 0
        kept = []
        for x, y in loader:
            tp += (model(x) * y).sum()
            fp += (model(x) * (1 - y)).sum()
            kept.append(tp / (tp + fp))
        print(np.mean(kept))  # wrong
        """,
    "perplexity": """
        total = 0
        for x, y in loader:
            loss = F.cross_entropy(model(x), y)
            total += math.exp(loss.item())
        print(total / len(loader))  # wrong
        """,
    "a meter": """
        meter = AverageMeter()
        for x, y in loader:
            meter.update(tm_f1(model(x), y, task="binary"), len(x))  # wrong
        """,
    "a meter by keyword": """
        for x, y in loader:
            metric_logger.update(loss=1.0, f1=f1_score(y, model(x)))  # wrong
        """,
    "a loop known by its optimiser": """
        total = n = 0
        for one in things:
            loss = model(one)
            loss.backward()
            total += f1_score(one.y, loss)
            n += 1
        print(total / n)  # wrong
        """,
    "counts of segmentation_models": """
        total = 0
        for x, y in loader:
            tp, fp, fn, tn = smp.metrics.get_stats(model(x), y)
            total += smp.metrics.iou_score(tp, fp, fn, tn, reduction="micro")
        print(total / len(loader))  # wrong
        """,
    "rows of a table": """
        rows = []
        for x, y in loader:
            rows.append([f1_score(y, model(x)), 1.0])
        print(np.array(rows)[:, 0].mean())  # wrong
        """,
    "slices by number": """
        total = 0
        for b in range(len(data) // 32):
            total += f1_score(data[b * 32 : (b + 1) * 32], model(b))
        print(total / (len(data) // 32))  # wrong
        """,
    "slices by their first": """
        kept = []
        for i in range(0, len(data), 32):
            kept.append(f1_score(data[i : i + 32], model(i)))
        print(np.mean(kept))  # wrong
        """,
    "an iterator": """
        kept, batches = [], iter(data)
        while len(kept) < 9:
            batch = next(batches)
            kept.append(f1_score(batch["y"], model(batch["x"])))
        print(np.mean(kept))  # wrong
        """,
    "inputs and labels of a data set": """
        kept = []
        for x, y in data:
            kept.append(f1_score(y, model(x)))
        print(np.mean(kept))  # wrong
        """,
    "batches of more than one": """
        held = DataLoader(data, 16)
        total = 0
        for x, y in held:
            total += dice(model(x), y)
        print(total / len(held))  # wrong
        """,
}
RIGHT = {
    "images of a batch by their numbers": """
        each = []
        for x, y in loader:
            masks = model(x)
            for i in range(len(x)):
                p, t = masks[i].view(-1), y[i].view(-1)
                each.append(((2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)).item())
        print(np.mean(each))
        """,
    "accuracy and loss": """
        hits = loss = 0
        for x, y in loader:
            hits += (model(x) == y).float().mean()
            loss += F.cross_entropy(model(x), y).item()
        print(hits / len(loader), loss / len(loader), math.exp(loss / len(loader)))
        """,
    "Dice of images": """
        total, kept, each = 0, [], []
        for x, y in loader:
            total += dice_of_images(model(x), y)
            kept.append(iou_of_images(model(x), y))
            each.append(iou_image_by_image(model(x), y))
        print(total / len(loader), np.mean(kept), np.mean(each))
        """,
    "each image of a batch": """
        total = n = 0
        for x, y in loader:
            for i in range(x.shape[0]):
                total += dice(x[i], y[i])
                n += 1
        print(total / n)
        """,
    "counts": """
        tp = fp = 0
        for x, y in loader:
            tp += (model(x) * y).sum()
            fp += (model(x) * (1 - y)).sum()
        print(tp / (tp + fp))
        """,
    "a confusion matrix": """
        table = np.zeros((3, 3))
        for x, y in loader:
            table += confusion_matrix(y, model(x))
        print(np.diag(table) / table.sum(0))
        """,
    "labels and predictions of all": """
        ys, ps = [], []
        for x, y in loader:
            ys.append(y)
            ps.extend(model(x).tolist())
        print(f1_score(torch.cat(ys), ps))
        """,
    "a metric object": """
        f1 = torchmetrics.F1Score(task="binary")
        for x, y in loader:
            f1.update(model(x), y)
        print(f1.compute())
        """,
    "batches of one": """
        held = DataLoader(data, batch_size=1)
        total = 0
        for x, y in held:
            total += dice(model(x), y)
        print(total / len(held))
        """,
    "batches of one, behind a bar": """
        held = DataLoader(data, batch_size=1)
        held = tqdm(enumerate(held))
        total = 0
        for i, (x, y) in held:
            total += dice(model(x), y)
        print(total / len(data))
        """,
    "folds, seeds, thresholds, epochs": """
        kept, best, runs = [], [], []
        for train, test in folds.split(data):
            kept.append(f1_score(data[test], model(data[train])))
        for t in np.arange(0, 1, 0.1):
            best.append(f1_score(data, data > t))
        for seed in range(5):
            runs.append(f1_score(data, model(seed)))
        print(np.mean(kept), max(best), np.mean(runs))
        """,
    "documents": """
        kept = []
        for document in documents:
            kept.append(f1_score(document.gold, document.said))
        print(np.mean(kept))
        """,
    "answers to questions": """
        def overlap(true, said):
            both = sum((Counter(true.split()) & Counter(said.split())).values())
            p, r = both / len(said), both / len(true)
            return 2 * p * r / (p + r)
        total = 0
        for article in data:
            for question in article["questions"]:
                total += overlap(question["answer"], model(question))
        for batch in loader:
            for said, true in zip(model(batch), batch["answers"]):
                total += overlap(true, said)
        print(total / len(data))
        """,
    "patients, data sets": """
        kept = []
        for patient in data.patients:
            kept.append(f1_score(patient.y, model(patient.x)))
        for one in datasets:
            kept.append(f1_score(one.y, model(one.x)))
        print(np.mean(kept))
        """,
    "a search": """
        kept, cut = [], 0.0
        while cut < 1:
            kept.append(f1_score(data, data > cut))
            cut += 0.1
        print(np.mean(kept))
        """,
    "F1 of each batch, printed": """
        for step, (x, y) in enumerate(loader):
            print(step, f1_score(y, model(x)))
        """,
    "classes within a batch": """
        for x, y in loader:
            each = []
            for c in range(3):
                each.append(dice(x[:, c], y[:, c]))
            print(sum(each) / len(each))
        """,
    "an additive meter": """
        meter = AverageMeter()
        for x, y in loader:
            meter.update((model(x) == y).float().mean(), len(x))
        """,
}


def check(tmp_path, body):
    file = tmp_path / "program.py"
    inside = textwrap.indent(textwrap.dedent(body), "    ")
    text = f"{HEAD}\ndef evaluate(model, loader, data, folds, documents, things):\n{inside}\n"
    file.write_text(text)
    wanted = {n for n, line in enumerate(text.split("\n"), 1) if "# wrong" in line}
    return wanted, scan([str(file)]).findings


@pytest.mark.parametrize("name", WRONG)
def test_a_mean_over_batches_is_found_where_it_is_taken(tmp_path, name):
    wanted, findings = check(tmp_path, WRONG[name])
    assert {one.line for one in findings} == wanted
    assert {one.rule for one in findings} <= {"BF301", "BF302", "BF303"}


@pytest.mark.parametrize("name", RIGHT)
def test_what_a_loop_may_average_is_not(tmp_path, name):
    assert check(tmp_path, RIGHT[name]) == (set(), [])


@given(n=st.integers(1, 40))
def test_a_batch_of_one_is_right_and_any_other_wrong(tmp_path_factory, n):
    body = RIGHT["batches of one"].replace("batch_size=1", f"batch_size={n}")
    _, findings = check(tmp_path_factory.mktemp("one"), body)
    assert bool(findings) == (n > 1)
