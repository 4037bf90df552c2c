"""`Recorder` in training loops of PyTorch and JAX, where installed."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from batchf1 import InputError
from batchf1.auditing.metric_warnings import BatchAveragedMetricWarning
from batchf1.torch import Recorder

N, SIZE = 150, 32
RNG = np.random.default_rng(2)
Y = (RNG.random(N) < 0.15).astype("int64")
P = np.clip((0.3 + np.arange(N) / 500) * Y + 0.6 * RNG.random(N), 0, 1).astype("float32")


def f1(y, p):
    return f1_score(y, p > 0.5, zero_division=0)


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def loader(torch):
    data = torch.utils.data.TensorDataset(torch.from_numpy(P)[:, None], torch.from_numpy(Y))
    return torch.utils.data.DataLoader(data, batch_size=SIZE)


@pytest.fixture
def model(torch):
    layer = torch.nn.Linear(1, 1)
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.bias.fill_(0.0)
    return layer


def batch_f1s(loader, model, recorder):
    """F1 and size of each batch, as a loop computes it."""
    for x, y in loader:
        p = model(x)[:, 0]
        recorder.record(y, p)
        yield f1(y.numpy(), p.detach().numpy()), len(y)


# Wrong and right reporting


def over_loader(torch, found, loader):
    total = 0.0
    for value, _ in found:
        total += value
    return total / len(loader)


def average_meter(torch, found, loader):
    total = count = 0
    for value, n in found:
        total, count = total + value * n, count + n
    return total / count


WRONG = {
    "16 f1 += ..., / len(loader)": (over_loader, "per_batch"),
    "18 AverageMeter.update(f1, n)": (average_meter, "size_weighted"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_number_is_reported(torch, loader, model, case):
    loop, rule = WRONG[case]
    recorder = Recorder()
    logged = loop(torch, batch_f1s(loader, model, recorder), loader)
    with pytest.warns(
        BatchAveragedMetricWarning, match=f"^val_f1: logged .* .{rule}., where .*: keep"
    ):
        found = recorder.check("val_f1", logged, f1)
    assert found.rule == rule
    assert found.pooled == pytest.approx(f1(Y, P), rel=1e-12)
    assert found.error == pytest.approx(float(logged) - f1(Y, P), abs=1e-6)


def test_concatenated_is_right(torch, loader, model):
    recorder, parts = Recorder(action="raise"), []
    for x, y in loader:
        p = model(x)[:, 0]
        recorder.record(y, p)
        parts.append((y, p.detach()))
    y, p = map(torch.cat, zip(*parts, strict=True))
    assert recorder.check("val_f1", torch.tensor(f1(y.numpy(), p.numpy())), f1).ok


def test_forward_value_and_object_of_torchmetrics(torch, loader, model):
    torchmetrics = pytest.importorskip("torchmetrics")
    recorder, metric = Recorder(), torchmetrics.F1Score("binary")
    values = []
    for x, y in loader:
        p = model(x)[:, 0]
        values.append(metric(p, y))
        recorder.record(y, p)
    assert recorder.check("val_f1", metric.compute(), f1).ok
    with pytest.warns(BatchAveragedMetricWarning, match="the mean over batches .per_batch."):
        recorder.check("val_f1", torch.stack(values).mean(), f1)


# Tensors


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
def test_types_with_gradient(torch, dtype):
    p = torch.from_numpy(P).to(getattr(torch, dtype)).requires_grad_()
    recorder = Recorder()
    recorder.record(torch.from_numpy(Y.astype("int8")), p * 1)
    ((y, kept),) = recorder.batches()
    assert (y.dtype, kept.dtype) == ("int8", "float32" if dtype == "bfloat16" else dtype)
    assert kept == pytest.approx(p.detach().float().numpy(), abs=0)


def test_a_buffer_that_is_written_again(torch):
    p, recorder = torch.zeros(4), Recorder()
    for i in range(3):
        p.fill_(i)
        recorder.record(p[:2].expand(3, 2), p[:3])
    assert [pair[1].tolist() for pair in recorder.batches()] == [[i] * 3 for i in range(3)]


def test_in_inference_mode_and_no_gradient_is_kept(torch, model):
    recorder = Recorder()
    with torch.inference_mode():
        recorder.record(torch.ones(2), model(torch.ones(2, 1))[:, 0])
    recorder.record(torch.ones(2), model(torch.ones(2, 1))[:, 0])
    assert not any(part.requires_grad for pair in recorder._pending for part in pair)
    assert recorder.check("val_f1", 1.0, f1).n_batches == 2


@pytest.mark.filterwarnings("ignore:Synchronization debug mode:UserWarning")
def test_on_a_gpu_no_batch_waits(torch):
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    recorder, y, p = Recorder(), torch.from_numpy(Y).cuda(), torch.from_numpy(P).cuda()
    logged = p.mean()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(100):
            recorder.record(y, p)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    p.zero_()
    assert recorder.check("mean", logged, lambda _, p: p.mean()).n_batches == 100


# JAX


@pytest.fixture
def jax():
    return pytest.importorskip("jax")


def test_a_loop_of_jax(jax):
    recorder, values = Recorder(), []
    step = jax.jit(lambda x: x * 1)
    for i in range(0, N, SIZE):
        y, p = jax.numpy.asarray(Y[i : i + SIZE]), step(jax.numpy.asarray(P[i : i + SIZE]))
        recorder.record(y, p)
        values.append(f1(np.asarray(y), np.asarray(p)))
    with pytest.warns(BatchAveragedMetricWarning, match="the mean over batches .per_batch."):
        recorder.check("val_f1", jax.numpy.asarray(values).mean(), f1)
    assert recorder.check("val_f1", jax.numpy.asarray(f1(Y, P)), f1).ok


def test_an_array_of_jax_that_is_given_away(jax):
    recorder, p = Recorder(), jax.numpy.asarray(P, "bfloat16")
    recorder.record(Y, p)
    p.delete()  # as donated arguments are
    ((_, kept),) = recorder.batches()
    assert kept.dtype == "float32"
    assert kept == pytest.approx(P, abs=0.004)


def test_inside_of_jit_there_is_nothing_to_keep(jax):
    with pytest.raises(
        InputError, match=("y_true must be an array that NumPy can read; got .*Tracer")
    ):
        jax.jit(lambda p: Recorder().record(p, p))(jax.numpy.ones(3))
