"""Summary line of an audit: the logs audited and not audited, and when it is a warning."""

import logging
import warnings

import pytest

from batchf1 import F1, audit
from batchf1.auditing.metric_warnings import Cause, MetricWarner, UnauditedLogWarning
from batchf1.errors import InputError

LINE = "Audit: audited val_f1, val_auc; not audited: val_dice (a tracker), val_iou (a class)"


def warner(action="warn", every=None, ignore=()):
    return MetricWarner("Audit", action, every, remedy="mend it", log="batchf1.test", ignore=ignore)


def summarize(one, unaudited):
    """The warnings, of the one kind that may come."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        one.summarize(["val_f1", "val_auc"], unaudited)
    assert {warning.category for warning in caught} <= {UnauditedLogWarning}
    return [str(warning.message) for warning in caught]


BOTH = {"val_dice": "a tracker", "val_iou": "a class"}


def test_what_was_not_audited_is_named_in_one_line(caplog):
    caplog.set_level(logging.INFO)
    assert summarize(warner(), BOTH) == [LINE]
    seen = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    assert seen == [("batchf1.test", "INFO", LINE)]


def test_all_audited_goes_to_the_logger_alone(caplog):
    caplog.set_level(logging.INFO)
    assert summarize(warner("raise"), {}) == []
    assert [record.getMessage() for record in caplog.records] == ["Audit: audited val_f1, val_auc"]


def test_a_reason_of_several_lines_is_put_on_one():
    (text,) = summarize(warner(), {"val_dice": "a\n tracker"})
    assert text.endswith("not audited: val_dice (a tracker)")


def test_nothing_audited():
    with pytest.warns(UnauditedLogWarning, match="^Audit: audited no log; not audited: val_iou"):
        warner().summarize([], {"val_iou": "a class"})


def test_for_ci():
    with pytest.raises(InputError) as refused:
        summarize(warner("raise"), BOTH)
    assert str(refused.value) == LINE
    with pytest.raises(InputError, match=r"not audited: val_iou \(a class\); ignored: val_dice$"):
        summarize(warner("raise", ignore=["val_dice"]), BOTH)
    assert summarize(warner("raise", ignore={"val_dice", "val_iou"}), BOTH) == []


def test_ignore_is_silent(caplog):
    caplog.set_level(logging.INFO)
    assert summarize(warner("ignore"), BOTH) == []
    assert not caplog.records


def test_the_same_line_comes_once_unless_every_epoch_is_asked_for():
    once, each = warner(), warner(every=1)
    assert [len(summarize(once, BOTH)) for _ in range(3)] == [1, 0, 0]
    assert summarize(once, {"val_dice": "a tracker"}) != []
    assert [len(summarize(each, BOTH)) for _ in range(3)] == [1, 1, 1]
    once.begin()
    assert summarize(once, {"val_dice": "a tracker"}) != []


@pytest.mark.parametrize("ignore", ["val_dice", [1], None, 3])
def test_ignore_is_a_list_of_names(ignore):
    with pytest.raises(InputError, match="ignore must be a list of logs, such as .'val_dice'.;"):
        warner(ignore=ignore)


BATCHES = [([1, 0], [0.9, 0.8]), ([1, 0], [0.7, 0.1])]
WRONG = {key: audit(F1, BATCHES, logged=0.1) for key in ("val_dice", "val_f1")}
TABLE = """
log             logged   all samples  rule
val_dice      0.100000      0.800000  none known  <- wrong
val_f1        0.100000      0.800000  none known  <- wrong"""


def test_a_wrong_log_may_be_ignored_too():
    with pytest.raises(InputError, match="^val_f1: logged 0.1, "):
        warner("raise", ignore=["val_dice"]).report(0, WRONG, list(WRONG))
    warner("raise", ignore=list(WRONG)).report(0, WRONG, list(WRONG))


def test_a_wrong_log_is_described_by_its_cause_and_all_logs_stand_in_a_table(caplog):
    causes = {"val_f1": Cause("the sum of two logs", "log each"), "val_dice": Cause(remedy="wait")}
    with pytest.raises(InputError) as refused:
        warner("raise").report(0, WRONG, list(WRONG), causes)
    true = "where the metric of all samples is 0.8"
    assert str(refused.value) == (
        f"val_dice: logged 0.1, by no rule known, {true}: wait; "
        f"val_f1: logged 0.1, the sum of two logs, {true}: log each"
    )
    assert [record.getMessage() for record in caplog.records] == [TABLE]


@pytest.mark.parametrize(("every", "audited"), [(None, []), (1, [3, 4, 5, 6, 7]), (3, [5])])
def test_epochs_are_audited_from_the_first_that_can_be_wrong(every, audited):
    one = warner("ignore", every)
    alike = audit(F1, [BATCHES[0]] * 2, logged=0.1)
    for epoch in (0, 1):
        assert one.should_audit(epoch)
        one.report(epoch, {"val_f1": alike}, ["val_f1"])  # whose batches have one value
    one.report(2, WRONG, [])
    assert [epoch for epoch in range(3, 8) if one.should_audit(epoch)] == audited
    one.begin()
    assert one.should_audit(3)


def test_a_wrong_log_is_reported_once_though_it_was_right_meanwhile():
    one, lines = warner(), []
    for epoch, wrong in enumerate((["val_f1"], ["val_dice"], ["val_f1"], list(WRONG))):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            one.report(epoch, WRONG, wrong)
        lines.append([str(warning.message).split(":")[0] for warning in caught])
    assert lines == [["val_f1"], ["val_dice"], [], []]


def test_what_an_audit_lacks_is_said():
    with pytest.raises(InputError, match="^Audit must have a metric; got none$"):
        warner("raise").warn("must have a metric", "none")
    with pytest.warns(UserWarning, match="^Audit must have a metric; got none$"):
        warner().warn("must have a metric", "none")
