"""`Recorder`: copies of arrays of any library, and warnings about wrong logs."""

import warnings

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from batchf1 import F1, InputError, audit
from batchf1.auditing import recorder as room
from batchf1.auditing.metric_warnings import BatchAveragedMetricWarning
from batchf1.auditing.recorder import Recorder

N, SIZE = 75, 16
RNG = np.random.default_rng(5)
Y = (RNG.random(N) < 0.3).astype(np.int8)
P = np.clip(0.5 * Y + 0.6 * RNG.random(N), 0, 1).astype(np.float32)
BATCHES = [(Y[i : i + SIZE], P[i : i + SIZE]) for i in range(0, N, SIZE)]


def f1(y, p):
    return f1_score(y, p > 0.5, zero_division=0)


def accuracy(y, p):
    return accuracy_score(y, p > 0.5)


def mean(metric=f1):
    return float(np.mean([metric(*batch) for batch in BATCHES]))


def recorded(batches=BATCHES, action="ignore"):
    recorder = Recorder(action)
    for batch in batches:
        recorder.record(*batch)
    return recorder


def kept(recorder):
    return [[part.tolist() for part in pair] for pair in recorder.batches()]


# Warnings


@pytest.mark.parametrize("metric", [F1, f1])
def test_it_finds_what_an_audit_finds(metric):
    found = recorded().check("val_f1", mean(), metric, devices=2, cuts=3, seed=1)
    assert found == audit(metric, BATCHES, mean(), devices=2, cuts=3, seed=1)
    assert found.rule == "per_batch"
    assert recorded().check("val_f1", 0.5, F1, threshold=0.8).pooled == f1_score(Y, P > 0.8)


def test_a_wrong_number_is_reported_with_both_numbers_the_rule_and_the_remedy():
    with pytest.warns(BatchAveragedMetricWarning) as told:
        recorded(action="warn").check("val_f1", mean(), f1)
    line = (
        f"val_f1: logged {mean():.6g}, the mean over batches (per_batch), where the metric of all "
        f"samples is {f1(Y, P):.6g}: keep labels and predictions, and call f1 once on all of them"
    )
    assert [str(one.message) for one in told] == [line]
    assert told[0].filename == __file__
    with pytest.raises(InputError) as refused:
        recorded(action="raise").check("val_f1", mean(), f1)
    assert str(refused.value) == line
    with pytest.warns(BatchAveragedMetricWarning, match="log TP, FP, FN and TN"):
        recorded(action="warn").check("val_f1", f"{mean():.4f}", F1)


def test_a_number_by_no_rule_is_reported():
    for metric in (f1, accuracy):
        with pytest.raises(InputError, match="logged 0.123, by no rule known"):
            recorded(action="raise").check("val", 0.123, metric)


def test_right_numbers_are_passed_over():
    recorder, alike = recorded(action="raise"), np.float32(f1(Y, P))
    assert recorder.check("val_f1", alike, f1).ok
    assert recorder.check("val_f1", np.array(alike), F1).ok
    assert recorder.check("val_f1", f"{f1(Y, P):.2%}", F1).ok
    near = f1(Y, P) * (1 + 5e-5)
    assert recorder.check("val_f1", near, f1).rule is None


def test_an_additive_metric_is_right_by_size_alone():
    recorder = recorded(action="raise")
    by_size = np.average([accuracy(*b) for b in BATCHES], weights=[len(y) for y, _ in BATCHES])
    assert recorder.check("val_accuracy", by_size, accuracy).additive
    for logged, how in (
        (mean(accuracy), "the mean over batches"),
        (accuracy(*BATCHES[-1]), "the value of the last batch"),
    ):
        with pytest.raises(InputError, match=f"{how} .*: weigh the batches by their size$"):
            recorder.check("val_accuracy", logged, accuracy)


def test_accuracy_of_a_last_batch_of_one_sample():
    y, p = np.zeros(101), np.r_[np.ones(9), np.zeros(91), 1.0]
    recorder = recorded([(y[:100], p[:100]), (y[100:], p[100:])], "raise")
    with pytest.raises(InputError, match="^val: logged 0.455, .* is 0.90099: weigh the batches"):
        recorder.check("val", 0.455, accuracy)


@pytest.mark.parametrize("share", [5e-5, -5e-5])
def test_within_the_tolerance_it_is_silent(share):
    logged = accuracy(Y, P) * (1 + share)
    assert recorded(action="raise").check("val", logged, accuracy).rule is None


@pytest.mark.parametrize("logged", [np.inf, -np.inf, "inf", "-inf"])
def test_an_infinite_number_is_reported(logged):
    with pytest.raises(InputError, match="^val: logged -?inf, by no rule known"):
        recorded(action="raise").check("val", logged, accuracy)


# Copies


def test_buffers_may_be_used_again():
    recorder, y, p = Recorder(), np.empty(4), np.empty((4, 2))
    for i in range(3):
        y[:], p[:] = i % 2, i / 4
        recorder.record(y, p)
    assert kept(recorder) == [[[i % 2] * 4, [[i / 4] * 2] * 4] for i in range(3)]


@pytest.mark.parametrize("limits", [(2**26, 2), (100, 1024), (1, 1024)])
def test_batches_keep_their_sizes_and_their_order(monkeypatch, limits):
    monkeypatch.setattr(room, "MAX_BYTES", limits[0])
    monkeypatch.setattr(room, "MAX_BATCHES", limits[1])
    recorder = recorded()
    assert len(recorder._chunks) > 1
    assert len(recorder) == len(BATCHES)
    assert kept(recorder) == [[y.tolist(), p.tolist()] for y, p in BATCHES]
    assert kept(recorder) == kept(recorded())


def test_a_metric_gets_the_types_that_were_recorded():
    seen = set()

    def types(y, p):
        seen.add((y.dtype.str, p.dtype.str, p.shape[1:]))
        return 0.5

    recorder = recorded([(np.array(["a", "b"]), np.zeros((2, 3), "float16"))] * 3)
    recorder.check("val", 0.5, types)
    assert seen == {("<U1", "<f2", (3,))}


def test_epochs_do_not_mix():
    recorder = recorded()
    recorder.check("val_f1", mean(), f1)
    with pytest.raises(
        InputError, match="record cannot be called after check.. until reset.. is called"
    ):
        recorder.record(*BATCHES[0])
    recorder.reset()
    assert len(recorder) == 0
    recorder.record(*BATCHES[-1])
    assert recorder.check("val_f1", f1(*BATCHES[-1]), f1).n_batches == 1


# Types of arrays


class Tensor:
    """Like PyTorch's: NumPy has it once it is on the host, and has no gradient."""

    moved = 0
    """Tensors, or arrays, that were waited for."""

    def __init__(self, values, place="gpu", gradient=True):
        self.values, self.place, self.gradient = np.asarray(values), place, gradient
        self.shape, self.nbytes = self.values.shape, self.values.nbytes

    def detach(self):
        return Tensor(self.values, self.place, False)

    def clone(self):
        return Tensor(self.values.copy(), self.place, self.gradient)

    def cpu(self):
        Tensor.moved += 1
        return Tensor(self.values, "cpu", self.gradient)

    def float(self):
        return Tensor(self.values.astype("float32"), self.place, self.gradient)

    def numpy(self):
        if self.place != "cpu" or self.values.dtype == "float16":  # as bfloat16
            raise TypeError("not like this")
        if self.gradient:
            raise RuntimeError("use tensor.detach().numpy()")
        return self.values

    def __array__(self, dtype=None, copy=None):
        raise TypeError("use Tensor.cpu()")


class Later:
    """Like JAX's: computed when somebody waits."""

    def __init__(self, values):
        self.values = np.asarray(values)
        self.shape, self.nbytes = self.values.shape, self.values.nbytes

    def copy(self):
        return Later(self.values.copy())

    def block_until_ready(self):
        return self

    def __array__(self, dtype=None, copy=None):
        Tensor.moved += 1
        return self.values


class Readable:
    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return self.values


class ByDLPack:
    def __init__(self, values):
        self.values = np.array(values)  # DLPack has no read-only arrays

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


@pytest.mark.parametrize("kind", [list, np.asarray, Tensor, Later, Readable, ByDLPack])
def test_arrays_of_any_library(kind):
    recorder = recorded([(kind(y), kind(p)) for y, p in BATCHES])
    assert kept(recorder) == [[y.tolist(), p.tolist()] for y, p in BATCHES]
    assert recorder.check("val_f1", mean(), f1).rule == "per_batch"


@pytest.mark.parametrize("kind", [Tensor, Later, Readable, ByDLPack])
def test_a_logged_number_may_be_an_array_of_any_library(kind):
    found = recorded().check("val_f1", kind(np.float32(f1(Y, P))), f1)
    assert (found.rule, type(found.logged)) == ("pooled", float)


@pytest.mark.parametrize("kind", [Tensor, Later])
def test_no_batch_waits_for_its_device(monkeypatch, kind):
    monkeypatch.setattr(room, "MAX_BATCHES", 4)
    monkeypatch.setattr(Tensor, "moved", 0)
    recorder = Recorder()
    moved = []
    for y, p in BATCHES:
        recorder.record(kind(y), kind(p))
        moved.append(Tensor.moved)
    assert moved == [0, 0, 0, 8, 8]


@pytest.mark.parametrize("kind", [Tensor, Later])
def test_buffers_of_a_device_may_be_used_again(kind):
    y, recorder = kind(Y.copy()), Recorder()
    recorder.record(y, y)
    y.values[:] = 7
    assert kept(recorder) == [[Y.tolist(), Y.tolist()]]


def test_bfloat16_becomes_float32():
    import ml_dtypes  # comes with TensorFlow

    small = Tensor(P.astype("float16"), gradient=False)
    for values in (P.astype(ml_dtypes.bfloat16), small):
        (pair,) = recorded([(Y, values)]).batches()
        assert pair[1].dtype == np.float32
        assert pair[1] == pytest.approx(P, abs=0.004)


# Invalid inputs


@pytest.mark.parametrize(
    ("y", "p", "said"),
    [
        (
            [0, 1],
            [0.5],
            (
                r"batch 1 must have as many samples in y_true as in y_pred; got \(2,\) "
                r"and \(1,\)"
            ),
        ),
        (1, 0.5, r"batch 1 must have as many samples in y_true as in y_pred; got \(\) and \(\)"),
        ([], [], "batch 1 is empty; each batch needs at least one sample"),
        ([[1], [2, 3]], [1, 2], "y_true must be an array that NumPy can read; got list"),
        (
            [1],
            object(),
            (
                r"batch 1 must have as many samples in y_true as in y_pred; got \(1,\) "
                r"and"
            ),
        ),
    ],
)
def test_a_batch_that_is_none(y, p, said):
    recorder = recorded(BATCHES[:1])
    with pytest.raises(InputError, match=said):
        recorder.record(y, p)
    assert len(recorder) == 1


def test_invalid_inputs_of_a_check():
    with pytest.raises(
        InputError, match="val_f1 cannot be checked before record.y_true, y_pred. was"
    ):
        Recorder().check("val_f1", 0.5, f1)
    with pytest.raises(InputError, match="y_pred must not contain NaN"):
        recorded([([1, 0], [0.5, np.nan])]).check("val_f1", 0.5, f1)
    with pytest.raises(InputError, match="y_pred must have samples of one shape in all batches"):
        recorded([([1], [[0.5]]), ([1], [[0.5, 0.5]])]).check("val_f1", 0.5, f1)
    for logged in (None, True, "high", [0.5]):
        with pytest.raises(InputError, match="logged must be a number, or its digits as text"):
            recorded().check("val_f1", logged, f1)
    with pytest.raises(
        InputError, match="action must be one of .'warn', 'raise', 'ignore'.; got stop"
    ):
        Recorder("stop")


def test_check_works_after_an_invalid_input():
    recorder = recorded()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match="metric must accept the samples of all batches"):
            recorder.check("val_f1", 0.5, lambda y: 0)
        assert recorder.check("val_f1", f1(Y, P), f1).ok


def test_chunks_by_their_old_name():
    recorder = recorded()
    with pytest.warns(FutureWarning, match="^pieces is now chunks; "):
        assert recorder.pieces() == recorder.chunks()
