"""`LightningAudit` reports each unaudited log: tests, logs without a function, errors."""

import logging

import numpy as np
import pytest
from sklearn.metrics import f1_score
from test_lightning_audit import NAMES, SIZE, P, Y, accuracy, audit_of, f1, fit, module_of

from batchf1 import F1, InputError, f_beta
from batchf1.auditing.metric_warnings import BatchAveragedMetricWarning, UnauditedLogWarning

pytestmark = pytest.mark.filterwarnings("ignore", "error::UserWarning:batchf1")


@pytest.fixture
def lightning():
    return pytest.importorskip(NAMES[0])


def nothing(module, y, p):
    """Log accuracy alone, which each module does."""


def with_test(home, log, **options):
    """A module with a `test_step` that logs, as its validation does."""

    class Tested(type(module_of(home, nothing, **options))):
        def test_step(self, batch, batch_idx):
            p, y = batch
            log(self, y, p)
            return {"y_true": y, "y_pred": p}

        def test_dataloader(self):
            return self.val_dataloader()

    return Tested()


def lines(told, category=UnauditedLogWarning):
    return [str(one.message) for one in told if one.category is category]


# Tests


def log_test_f1(module, y, p):
    module.log("test_f1", f1(y.numpy(), p.numpy()))


@pytest.mark.parametrize("name", NAMES)
def test_a_test_is_audited_as_a_validation_is(name):
    home = pytest.importorskip(name)
    audit = audit_of({"test_f1": f1})
    trainer = fit_nothing(home, audit)
    with pytest.warns(BatchAveragedMetricWarning, match="^test_f1: logged .* .size_weighted."):
        trainer.test(with_test(home, log_test_f1), verbose=False)
    assert audit.found["test_f1"].rule == "size_weighted"
    assert audit.found["test_f1"].pooled == pytest.approx(f1(Y, P), rel=1e-12)
    assert audit.unaudited == {}
    audit.warner.action = "raise"
    with pytest.raises(InputError, match="^test_f1: logged .*, where the metric of all samples is"):
        trainer.test(with_test(home, log_test_f1), verbose=False)


def fit_nothing(home, audit):
    """A trainer that has not trained."""
    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    return home.Trainer(accelerator="cpu", callbacks=[audit], **dict.fromkeys(quiet, False))


def test_a_fit_and_its_test_take_each_its_own_metrics(lightning):
    audit = audit_of({"val_accuracy": accuracy, "test_f1": f1}, action="raise")
    trainer = fit(lightning, audit, module := with_test(lightning, log_test_f1))
    assert set(audit.found) == {"val_accuracy"}
    with pytest.raises(InputError, match="^test_f1: logged .*, where the metric of all samples"):
        trainer.test(module, verbose=False)


def test_what_a_test_leaves_out_is_named(lightning):
    def several(module, y, p):
        log_test_f1(module, y, p)
        module.log("test_loss", p.mean())

    trainer = fit_nothing(lightning, audit_of({"test_accuracy": accuracy}))
    with pytest.warns(UnauditedLogWarning) as told:
        trainer.test(with_test(lightning, several), verbose=False)
    assert lines(told) == [
        "LightningAudit: audited no log; not audited: test_accuracy (not logged in test), "
        "test_f1 (no function for it in metrics), test_loss (no function for it in metrics)"
    ]


# The line at the end


def test_what_was_audited_and_what_was_not_is_named_once(lightning, caplog):
    caplog.set_level(logging.INFO, "batchf1.torch")
    audit = audit_of({"val_accuracy": accuracy})
    module = module_of(lightning, lambda module, y, p: module.log("val_loss", p.mean()))
    with pytest.warns(UnauditedLogWarning) as told:
        fit(lightning, audit, module, max_epochs=2)
    line = (
        "LightningAudit: audited val_accuracy; not audited: val_loss (no function for it in "
        "metrics)"
    )
    assert lines(told) == [line]
    assert audit.unaudited == {"val_loss": "no function for it in metrics"}
    assert [one.getMessage() for one in caplog.records if one.name == "batchf1.torch"] == [line]


def test_for_ci_all_must_be_audited_or_ignored(lightning):
    def log_loss(module, y, p):
        module.log("val_loss", p.mean())

    for metrics, ignore, passes in (
        ({"val_accuracy": accuracy}, (), False),
        ({"val_accuracy": accuracy}, ["val_loss"], True),
        ({"val_accuracy": accuracy, "val_loss": lambda _, p: p.mean()}, (), True),
        ({"val_accuracy": accuracy, "f1": f1}, ["val_loss"], False),
        ({"val_accuracy": accuracy, "f1": f1}, ["val_loss", "f1"], True),
    ):
        audit = audit_of(metrics, action="raise", ignore=ignore)
        module = module_of(lightning, log_loss)
        if passes:
            fit(lightning, audit, module)
        else:
            with pytest.raises(InputError, match="^LightningAudit: audited val_accuracy; not aud"):
                fit(lightning, audit, module)
        assert set(audit.unaudited) <= {"val_loss", "f1"}


def test_the_second_name_of_a_log_is_the_same_log(lightning):
    def both(module, y, p):
        module.log("val_f1", f1(y.numpy(), p.numpy()), on_step=True, on_epoch=True)

    audit = audit_of(action="ignore")
    fit(lightning, audit, module_of(lightning, both))
    assert set(audit.found) == {"val_f1", "val_accuracy"}
    assert audit.unaudited == {}


def test_logs_of_the_training_are_not_those_of_the_validation(lightning):
    audit = audit_of({"f1": f1, "val_accuracy": accuracy}, every=1, action="ignore")

    class Module(type(module_of(lightning, nothing))):
        epochs = 0

        def training_step(self, batch, batch_idx):
            self.log("train_loss", 0.5)
            self.log("f1", 0.25)
            return super().training_step(batch, batch_idx)

        def validation_step(self, batch, batch_idx):
            if Module.epochs < 2:
                self.log("f1", f1(batch[1].numpy(), batch[0].numpy()))
            return super().validation_step(batch, batch_idx)

        def on_train_epoch_start(self):
            Module.epochs += 1

    seen = []

    class Watch(lightning.Callback):
        def on_validation_end(self, trainer, pl_module):
            seen.append((set(audit.found), dict(audit.unaudited)))

    fit(lightning, [audit, Watch()], Module(), max_epochs=2, num_sanity_val_steps=0)
    first, second = seen
    assert first == ({"f1", "val_accuracy"}, {})
    assert second == ({"val_accuracy"}, {"f1": "not logged in validation"})


# What cannot be audited


def logits(p):
    return np.log(p / (1 - p)).astype("float32")


def test_logits_are_refused_or_taken_as_such(lightning):
    scores = np.clip(P, 0.01, 0.99)
    true = f1_score(Y, scores > 0.5)

    def right(module, y, p):
        module.metric.update(p.sigmoid(), y)
        module.log("val_f1", module.metric)

    why = "y_pred must lie in .0, 1. .set from_logits for logits; a threshold outside .0, 1. takes"
    ignored = {"ignore": ["val_accuracy"]}
    with pytest.warns(UnauditedLogWarning, match=f"^LightningAudit: audited no log; .*f1 .{why}"):
        fit(
            lightning,
            audit_of({"val_f1": F1}, **ignored),
            module_of(lightning, right, scores=logits(scores)),
        )
    for options in ({"from_logits": True}, {"threshold": 0.0}):
        audit = audit_of({"val_f1": F1}, action="raise", **options, **ignored)
        fit(lightning, audit, module_of(lightning, right, scores=logits(scores)))
        assert audit.found["val_f1"].pooled == pytest.approx(true, rel=1e-12)


def test_options_go_to_the_metrics_that_use_them(lightning):
    both = {"val_f1": F1, "val_accuracy": lambda y, p: accuracy(y, 1 / (1 + np.exp(-p)))}
    audit = audit_of(both, from_logits=True, threshold=0.3, multilabel=True, action="ignore")
    scores = np.clip(P, 0.01, 0.99)
    fit(lightning, audit, module_of(lightning, the_logits, scores=logits(scores)))
    assert audit.found["val_f1"].pooled == pytest.approx(f1_score(Y, scores > 0.3), rel=1e-12)
    assert audit.found["val_accuracy"].pooled == accuracy(Y, scores)


def the_logits(module, y, p):
    module.log("val_f1", f1(y.numpy(), p.sigmoid().numpy()))


def test_several_classes_a_sample(lightning):
    rng = np.random.default_rng(0)
    labels, scores = (rng.random((64, 3)) < 0.4).astype("int64"), rng.random((64, 3))

    def macro(module, y, p):
        module.log("val_macro", f1_score(y, p > 0.5, average="macro", zero_division=0))

    metrics = {"val_macro": f_beta(1, "macro")}
    audit = audit_of(metrics, multilabel=True, action="ignore")
    module = module_of(lightning, macro, labels=labels, scores=scores.astype("float32"))
    fit(lightning, audit, module)
    found = audit.found["val_macro"]
    assert found.pooled == pytest.approx(f1_score(labels, scores > 0.5, average="macro"), rel=1e-12)
    assert found.rule == "per_batch"
    assert found.n_batches == 64 // SIZE


def test_a_function_that_raises_ends_no_training(lightning):
    def fault(y, p):
        raise KeyError("no such class")

    audit = audit_of({"val_f1": fault, "val_accuracy": accuracy})
    with pytest.warns(UnauditedLogWarning, match="audited val_accuracy; not audited: val_f1 .KeyE"):
        trainer = fit(lightning, audit, module_of(lightning, the_logits), max_epochs=2)
    assert trainer.current_epoch == 2
