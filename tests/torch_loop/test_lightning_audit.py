"""`LightningAudit` in the trainers of both Lightning packages, where installed."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from batchf1 import F1, InputError
from batchf1.auditing.metric_warnings import BatchAveragedMetricWarning, UnauditedLogWarning
from helpers.docs_of_loops import code_of, warning_of

N, SIZE = 150, 32
RNG = np.random.default_rng(2)
Y = (RNG.random(N) < 0.15).astype("int64")
P = np.clip((0.3 + np.arange(N) / 500) * Y + 0.6 * RNG.random(N), 0, 1).astype("float32")
NAMES = ("lightning.pytorch", "pytorch_lightning")
pytestmark = pytest.mark.filterwarnings("ignore", "error::UserWarning:batchf1")


def f1(y, p):
    return f1_score(y, p > 0.5, zero_division=0)


def accuracy(y, p):
    return accuracy_score(y, p > 0.5)


def in_the_step(module, y, p):
    module.log("val_f1", f1(y.numpy(), p.numpy()))


def with_constant_size(module, y, p):
    module.log("val_f1", f1(y.numpy(), p.numpy()), batch_size=1)


def forward_value(module, y, p):
    module.log("val_f1", module.metric(p, y))


def computed_each_step(module, y, p):
    module.metric.update(p, y)
    module.log("val_f1", module.metric.compute())


def the_object(module, y, p):
    module.metric.update(p, y)
    module.log("val_f1", module.metric)


def concatenated(module, y, p):
    module.kept.append((y, p))


@pytest.fixture(params=NAMES)
def home(request):
    return pytest.importorskip(request.param)


@pytest.fixture
def lightning():
    return pytest.importorskip(NAMES[0])


def module_of(home, step, returned=lambda y, p: {"y_true": y, "y_pred": p}, labels=Y, scores=P):
    """A module that logs as `step` says, and whose predictions are its data."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    class Module(home.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)
            self.metric = pytest.importorskip("torchmetrics").F1Score("binary")
            self.kept = []

        def training_step(self, batch, batch_idx):
            return self.layer(batch[0].reshape(-1, 1)).mean()

        def validation_step(self, batch, batch_idx, dataloader_idx=0):
            p, y = batch
            step(self, y, p)
            self.log("val_accuracy", accuracy(y.numpy(), p.numpy()))
            return returned(y, p)

        def on_validation_epoch_end(self):
            if self.kept:
                self.log("val_f1", f1(*(torch.cat(part).numpy() for part in zip(*self.kept))))  # noqa: B905
                self.kept.clear()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

        def train_dataloader(self):
            return self.val_dataloader()

        def val_dataloader(self):
            data = TensorDataset(torch.from_numpy(scores), torch.from_numpy(labels))
            return DataLoader(data, SIZE)

    return Module()


def fit(home, audit, module, **options):
    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    options = {"max_epochs": 1, "accelerator": "cpu", **dict.fromkeys(quiet, False)} | options
    callbacks = audit if isinstance(audit, list) else [audit]
    trainer = home.Trainer(callbacks=callbacks, **options)
    trainer.fit(module)
    return trainer


def audit_of(metrics=None, **options):
    from batchf1.torch import LightningAudit

    return LightningAudit(metrics or {"val_f1": f1, "val_accuracy": accuracy}, **options)


WRONG = {
    "13 scikit-learn in the step": (in_the_step, "size_weighted"),
    "13 of one size": (with_constant_size, "per_batch"),
    "14 the forward value of an object": (forward_value, "size_weighted"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_log_is_reported(home, case, caplog):
    step, rule = WRONG[case]
    audit = audit_of()
    with pytest.warns(
        BatchAveragedMetricWarning, match=f"^val_f1: logged .* .{rule}., where .*: up"
    ) as told:
        fit(home, audit, module_of(home, step))
    assert len([one for one in told if one.category is BatchAveragedMetricWarning]) == 1
    found = audit.found["val_f1"]
    assert found.rule == rule
    assert found.n_samples == N  # and nothing of the sanity check
    assert found.pooled == pytest.approx(f1(Y, P), rel=1e-12)
    assert audit.found["val_accuracy"].additive
    (record,) = [one for one in caplog.records if one.name == "batchf1.torch"]
    assert record.getMessage().count("<- wrong") == 1


def test_compute_at_each_step(lightning):
    """A mean of prefixes; but the object still has what the sanity check gave."""
    even = {"labels": Y[:128], "scores": P[:128]}
    for sanity, said in ((0, ".mean_of_prefixes."), (2, "by no rule known .does the step return")):
        module = module_of(lightning, computed_each_step, **even)
        with pytest.warns(BatchAveragedMetricWarning, match=f"^val_f1: logged .*{said}"):
            fit(lightning, audit_of(), module, num_sanity_val_steps=sanity)


@pytest.mark.parametrize("step", [the_object, concatenated])
def test_right_logs_are_passed_over(home, step):
    audit = audit_of(action="raise")
    fit(home, audit, module_of(home, step))
    assert audit.found["val_f1"].ok
    assert audit.found["val_f1"].n_batches == 5


def test_for_ci(lightning):
    with pytest.raises(InputError, match="^val_f1: logged .*, where the metric of all samples is "):
        fit(lightning, audit_of(action="raise"), module_of(lightning, in_the_step))


def test_of_which_epochs(lightning):
    seen = []

    def counted(y, p):
        seen.append(len(y))
        return f1(y, p)

    for every, epochs, times in ((None, 3, 1), (2, 3, 2), (1, 2, 2)):
        seen.clear()
        audit = audit_of({"val_f1": counted}, every=every, action="ignore")
        fit(lightning, audit, module_of(lightning, in_the_step), max_epochs=epochs)
        assert seen.count(N) == times * 2, every  # all samples, and the last prefix


def test_until_a_metric_is_informative(lightning):
    audit = audit_of({"val_f1": f1}, action="raise", ignore=["val_accuracy"])
    module = module_of(lightning, in_the_step, scores=np.zeros_like(P))
    fit(lightning, audit, module, max_epochs=2)
    assert audit.found["val_f1"].pooled == 0
    assert audit.warner.should_audit(2)
    why = "its labels or predictions are NaN"
    with pytest.raises(InputError, match=f"audited no log; not audited: val_f1 .{why}.; ignored: "):
        fit(lightning, audit, module_of(lightning, the_object, scores=P * np.nan))
    assert audit.found == {}
    assert audit.unaudited["val_f1"] == why


def test_names_of_the_step_and_metrics_of_counts(lightning):
    returns = {
        None: lambda y, p: {"loss": p.mean(), "target": y, "preds": p},
        ("labels", "scores"): lambda y, p: {"labels": y, "scores": p},
    }
    for keys, returned in returns.items():
        audit = audit_of({"val_f1": F1}, keys=keys, action="ignore")
        fit(lightning, audit, module_of(lightning, in_the_step, returned))
        assert audit.found["val_f1"].rule == "size_weighted"


def test_validate_and_two_callbacks(home):
    audits = [audit_of(action="ignore"), audit_of({"val_f1": F1}, action="ignore")]
    trainer = fit(home, audits, module_of(home, in_the_step))
    first = audits[0].found
    trainer.validate(module_of(home, in_the_step), verbose=False)
    assert audits[0].found == first
    assert audits[1].found["val_f1"].rule == "size_weighted"


# Invalid inputs


@pytest.mark.parametrize(
    ("returned", "got"),
    [
        (lambda y, p: None, "NoneType"),
        (lambda y, p: p.mean(), "Tensor"),
        (lambda y, p: {"loss": p.mean(), "y_pred": p}, "loss, y_pred"),
    ],
)
def test_a_step_that_returns_nothing_usable(lightning, returned, got):
    why = (
        "validation_step must return a dict with y_true and y_pred, or target and preds (keys= "
        f"for others); got {got}"
    )
    with pytest.warns(UnauditedLogWarning) as told:
        fit(lightning, audit := audit_of(), module_of(lightning, the_object, returned))
    assert audit.unaudited == dict.fromkeys(("val_f1", "val_accuracy"), why)
    (line,) = [str(one.message) for one in told if one.category is UnauditedLogWarning]
    named = f"val_f1 ({why}), val_accuracy ({why})"
    assert line == f"LightningAudit: audited no log; not audited: {named}"
    module = module_of(lightning, the_object, returned)
    module.on_train_start = lambda: pytest.fail("it is known before the first epoch")
    with pytest.raises(InputError, match="^LightningAudit: audited no log; not audited: val_f1"):
        fit(lightning, audit_of(action="raise"), module)


def test_invalid_inputs(lightning):
    from batchf1.torch import LightningAudit

    module = module_of(lightning, the_object)
    loader = module.val_dataloader()
    module.train_dataloader, module.val_dataloader = lambda: loader, lambda: [loader, loader]
    with pytest.warns(UnauditedLogWarning, match="not audited: val_f1 .*a single data loader; got"):
        fit(lightning, audit_of(), module)
    for metrics in ({}, f1):
        with pytest.raises(InputError, match="metrics must map logs to metrics, such as"):
            LightningAudit(metrics)
    with pytest.raises(InputError, match="threshold must lie in .0, 1., as a probability for"):
        audit_of(threshold=0, from_logits=True)
    with pytest.warns(UserWarning, match="LightningAudit needs a validation in fit; got no valid"):
        fit(lightning, audit_of(), module, limit_val_batches=0)


# Several processes


PROGRAM = """
import sys, warnings
from pathlib import Path
import lightning.pytorch as home
from test_lightning_audit import audit_of, f1, fit, module_of

def logs(module, y, p):
    value = f1(y.numpy(), p.numpy())
    module.metric.update(p, y)
    module.log("val_f1", value, sync_dist=True)
    module.log("val_own", value)
    module.log("val_object", module.metric)

audit = audit_of(dict.fromkeys(("val_f1", "val_own", "val_object"), f1))
with warnings.catch_warnings(record=True) as said:
    trainer = fit(home, audit, module_of(home, logs), devices=2, strategy="ddp")
told = sum("where the metric of all" in str(one.message) for one in said)
lines = [f"{found.rule} {found.n_batches} {found.pooled} {found.logged}"
         for found in audit.found.values()]
Path(sys.argv[1], str(trainer.global_rank)).write_text("; ".join([*lines, str(told)]))
"""


def test_two_processes(lightning, tmp_path):
    """Rows of both, in both; the log is that of the first, which alone warns."""
    (tmp_path / "program.py").write_text(PROGRAM)
    place = os.pathsep.join([*sys.path, str(Path(__file__).parent)])
    command = [sys.executable, "program.py", str(tmp_path)]
    subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": place}, check=True)
    first, second = ((tmp_path / rank).read_text().split("; ") for rank in "01")
    assert first[:3] == second[:3]
    assert (first[3], second[3]) == ("2", "0")
    halves = [(Y[rank::2], P[rank::2]) for rank in range(2)]
    values = [[f1(y[i : i + SIZE], p[i : i + SIZE]) for i in (0, 32, 64)] for y, p in halves]
    means = [(32 * a + 32 * b + 11 * c) / 75 for a, b, c in values]
    logs = [("size_weighted", np.mean(means)), ("None", means[0]), ("pooled", f1(Y, P))]
    for line, (rule, logged) in zip(first, logs, strict=False):
        assert line.split()[:2] == [rule, "6"]
        numbers = [float(word) for word in line.split()[2:]]
        assert numbers == pytest.approx([f1(Y, P), logged], rel=1e-6)


# The page


def test_the_program_of_the_page(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a trainer writes logs and checkpoints
    page = (Path(__file__).parents[2] / "docs/audit.md").read_text()
    y, p = np.array([1, 1, 0, 0, 1, 0, 0, 0]), np.array([1, 0, 1, 0, 1, 0, 0, 0], "float32")
    given = module_of(home, lambda *_: None, labels=y, scores=p)
    loader = given.val_dataloader

    class Model(type(given)):
        def forward(self, x):
            return x

        def val_dataloader(self):
            return type(loader())(loader().dataset, batch_size=4)

    names = {"Model": Model, "Trainer": home.Trainer, "f1_score": f1_score}
    with pytest.warns(BatchAveragedMetricWarning) as told:
        exec(code_of(page, "In Lightning"), names)
    said = [str(one.message) for one in told if one.category is BatchAveragedMetricWarning]
    assert [f"BatchAveragedMetricWarning: {line}" for line in said] == [
        warning_of(page, "In Lightning")
    ]


# Without it


def test_the_one_line_without_lightning(monkeypatch):
    for name in ("lightning", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "batchf1.torch.callback", raising=False)
    torch = importlib.import_module("batchf1.torch")
    with pytest.raises(ModuleNotFoundError) as refused:
        _ = torch.LightningAudit
    assert str(refused.value) == "LightningAudit needs lightning: pip install 'batchf1[torch]'"
    assert "LightningAudit" in dir(torch)
    assert torch.Recorder().action == "warn"
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        _ = torch.nope


def test_an_example_that_runs():
    pytest.importorskip(NAMES[0])
    import doctest

    from batchf1.torch import callback

    done = doctest.testmod(callback)
    assert (done.attempted, done.failed) == (2, 0)
