"""A training step, and the state of module and optimizer, on the strict stand-in for CuPy."""

import cupy_stand_in as cupy
import numpy as np
import pytest
from cuda_kernels import needs_compiler

from minicv import Tensor, nn
from minicv import functional as F
from minicv.backend import to_numpy
from minicv.optim import SGD, Adam, clip_grad_norm, clip_grad_value

pytestmark = needs_compiler


@pytest.fixture(autouse=True)
def device(monkeypatch):
    def to_device(array, name):
        return cupy.asarray(array) if isinstance(array, np.ndarray) else array

    monkeypatch.setattr("minicv.nn.module.to_device", to_device)


def network():
    rng = np.random.default_rng(0)
    return nn.Sequential(
        nn.FrozenBatchNorm2d(3),
        nn.Flatten(),
        # Without a bias: the normalisation takes it out again, and what rounding leaves of its
        # gradient Adam would make a step of.
        nn.Linear(12, 8, bias=False, rng=rng),
        nn.BatchNorm1d(8),
        nn.ReLU(),
        nn.Linear(8, 3, rng=rng),
    )


def train(net, optimizer, x, labels):
    for _ in range(3):
        optimizer.zero_grad()
        F.softmax_cross_entropy(net(Tensor(x)), labels).backward()
        clip_grad_norm(net.parameters(), 1.0)
        clip_grad_value(net.parameters(), 0.1)
        optimizer.step()


@pytest.mark.parametrize("make", [lambda p: SGD(p, 0.1, 0.9, weight_decay=0.01), Adam])
def test_trains_there_as_on_the_host(make):
    rng = np.random.default_rng(1)
    x, labels = rng.standard_normal((6, 3, 2, 2)).astype(np.float32), rng.integers(0, 3, 6)
    host, moved = network(), network().to("cuda")
    train(host, make(host.parameters()), x, labels)
    optimizer = make(moved.parameters())
    train(moved, optimizer, cupy.asarray(x), cupy.asarray(labels))
    for holder in (*moved.parameters(), *moved.buffers()):
        assert isinstance(holder.data, cupy.ndarray)
    state = moved.state_dict()
    assert {type(value) for value in state.values()} == {np.ndarray}
    for key, value in host.state_dict().items():
        np.testing.assert_allclose(state[key], value, rtol=1e-4, atol=1e-6)

    # Loading takes host arrays and keeps everything where it is.
    moved.load_state_dict(host.state_dict())
    optimizer.load_state_dict(optimizer.state_dict())
    optimizer.step()
    assert isinstance(moved[2].weight.data, cupy.ndarray)


def test_dropout_draws_there_without_a_wait():
    """Other elements than on the host, but the share of p, and the same ones backward."""
    layer = nn.Dropout(0.25, rng=np.random.default_rng(0))
    x = Tensor(cupy.asarray(np.ones((40, 50), np.float32)), requires_grad=True)
    with cupy.recorded_synchronisations() as reasons:
        y = layer(x)
        y.sum().backward()
    assert reasons == []
    assert 0.2 < (to_numpy(y.data) == 0).mean() < 0.3
    assert np.array_equal(to_numpy(y.data), to_numpy(x.grad))


def test_a_summary_runs_there():
    here, there = network(), network().to("cuda")
    assert repr(nn.summary(there, (2, 3, 2, 2))) == repr(nn.summary(here, (2, 3, 2, 2)))
    assert repr(there) == repr(here)


def test_a_state_on_the_device_fits_a_module_on_the_host():
    moved = network().to("cuda")
    state = {name: parameter.data + 1 for name, parameter in moved.named_parameters()}
    host = network()
    host.load_state_dict(state, strict=False)
    for name, parameter in host.named_parameters():
        assert isinstance(parameter.data, np.ndarray)
        assert np.array_equal(parameter.data, to_numpy(state[name]))
