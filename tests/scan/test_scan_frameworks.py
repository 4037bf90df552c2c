"""The scan of programs of Lightning, ignite and fastai."""

import pytest

from batchf1.scan.scanner import scan

LIGHTNING = """
import lightning as L
import numpy as np
import torch
import torchmetrics
from sklearn.metrics import f1_score
from torchmetrics.functional import f1_score as tm_f1

class Net(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.f1 = torchmetrics.F1Score(task="binary")
        some = torchmetrics.MetricCollection([torchmetrics.F1Score(task="binary")])
        self.some = some.clone(prefix="val_")
        self.kept, self.said = [], []

    def _shared(self, batch):
        x, y = batch
        return (self(x) == y).float().mean(), f1_score(y, self(x))

    def training_step(self, batch, i):
        accuracy, f1 = self._shared(batch)
        self.log("train_f1", f1)
        self.log("train_f1_epoch", f1, on_epoch=True)  # BF201
        self.log("accuracy", accuracy, on_epoch=True)

    def validation_step(self, batch, i):
        x, y = batch
        accuracy, f1 = self._shared(batch)
        self.log("val_f1", f1)  # BF201
        self.log_dict({"val_accuracy": accuracy, "val_macro": f1})  # BF201
        self.log("each", f1, on_step=True, on_epoch=False)
        self.f1(self(x), y)
        self.log("object", self.f1)
        self.log("so_far", self.f1.compute())  # BF202
        self.log("forward", self.f1(self(x), y))  # BF201
        self.log_dict(self.some(self(x), y))  # BF201
        self._more(self(x), y)
        self.kept.append(f1)
        self.said.append(self(x))
        return {"f1": f1, "y": y}

    def _more(self, p, y):
        self.log("more", tm_f1(p, y, task="binary"))  # BF201

    def on_validation_epoch_end(self):
        self.log("mean", np.mean(self.kept))  # BF302
        self.log("all", tm_f1(torch.cat(self.said), self.y, task="binary"))
        self.log("true", self.f1.compute())
        self.log("split", tm_f1(torch.cat(self.said), self.y), sync_dist=True)  # BF203

    def validation_epoch_end(self, outputs):
        mean = torch.stack([one["f1"] for one in outputs]).mean()  # BF302
        y = torch.cat([one["y"] for one in outputs])
"""
OTHERS = """
from fastai.vision.all import *
from ignite.engine import Engine
from ignite.metrics import Average, Precision, RunningAverage

def dice(p, t):
    p = p.argmax(1)
    return 2 * (p * t).sum() / (p + t).sum()

def accuracy_of_pixels(p, t):
    return (p.argmax(1) == t).float().mean()

unet_learner(dls, resnet34, metrics=[accuracy_of_pixels, Dice(), F1Score()])
Learner(dls, net, metrics=[dice])  # BF402
Learner(dls, net, metrics=partial(dice))  # BF402
precision = Precision()
precision.attach(engine, "precision")
RunningAverage(precision).attach(engine, "p")  # BF401
RunningAverage(output_transform=lambda o: o["loss"]).attach(engine, "loss")
Average(output_transform=lambda o: o["f1"]).attach(engine, "f1")  # BF401
"""


@pytest.mark.parametrize("text", [LIGHTNING, OTHERS], ids=["lightning", "others"])
def test_each_line_that_is_marked_breaks_its_rule(tmp_path, text):
    (tmp_path / "program.py").write_text(text)
    lines = enumerate(text.split("\n"), 1)
    wanted = [(n, line.split("# ")[1]) for n, line in lines if "# BF" in line]
    findings = scan([str(tmp_path)]).findings
    assert [(one.line, one.rule) for one in findings] == wanted


def test_devices_are_a_note(tmp_path):
    (tmp_path / "program.py").write_text(LIGHTNING)
    levels = {one.rule: one.level for one in scan([str(tmp_path)]).findings}
    assert levels["BF203"] == "note"
    assert levels["BF201"] == "sure"


def test_lists_that_a_class_keeps_of_running_values_are_found(tmp_path):
    (tmp_path / "program.py").write_text(
        "import numpy as np\n"
        "class Scores:\n"
        "    def __init__(self):\n        self.tp, self.fp, self.kept = 0, 0, []\n"
        "    def add(self, said, true):\n"
        "        self.tp += (said * true).sum()\n        self.fp += (said * (1 - true)).sum()\n"
        "        self.kept.append(self.tp / (self.tp + self.fp))\n"
        "    def value(self):\n        return np.mean(self.kept)\n"
    )
    assert [(one.line, one.rule) for one in scan([str(tmp_path)]).findings] == [(10, "BF302")]
