"""A network recorded as a CUDA graph, on CuPy or on the stand-in, whose kernels are emulated."""

import cuda_emulator
import numpy as np
import pytest
from cupy_devices import CUPYS

from minicv import Tensor, nn
from minicv import functional as F
from minicv.backend import to_numpy
from minicv.models.backbones import ResNet18Backbone

needs_compiler = pytest.mark.skipif(
    cuda_emulator.compiler() is None, reason="no C++ compiler to run CUDA kernels without a GPU"
)
CLOSE = {"rtol": 2e-5, "atol": 2e-5}


def rng():
    return np.random.default_rng(0)


def pictures(number, shape=(1, 3, 6, 7)):
    """Different ones at each number."""
    return np.random.default_rng(number).normal(size=shape).astype(np.float32)


class Small(nn.Module):
    """A convolution with its normalisation, a depthwise one, pooling and a linear layer."""

    def __init__(self):
        self.conv = nn.Conv2d(3, 4, 3, padding=1, bias=False, rng=rng())
        self.bn = nn.BatchNorm2d(4)
        self.depthwise = nn.Conv2d(4, 4, 3, groups=4, rng=rng())
        self.fc = nn.Linear(4, 5, rng=rng())
        self.dropout = nn.Dropout(0.5, rng=rng())

    def forward(self, x):
        maps = self.depthwise(nn.conv_bn_relu(x, self.conv, self.bn, activation="relu"))
        pooled = F.max_pool2d(maps, 2)
        scores = self.fc(self.dropout(pooled.mean(dim=(2, 3))))
        return {"maps": maps, "scores": [scores, F.softmax(scores, dim=1)]}


@pytest.fixture(params=[pytest.param(np, id="numpy"), *CUPYS])
def xp(request):
    return request.param


def moved(network, xp):
    for part in network._holders():
        part.data = xp.asarray(part.data)
    return network


def check(found, expected):
    """Equal outputs: tensors by name and in lists."""
    assert list(found) == list(expected)
    for ours, theirs in zip(
        [found["maps"], *found["scores"]], [expected["maps"], *expected["scores"]], strict=True
    ):
        np.testing.assert_allclose(to_numpy(ours.data), theirs.data, **CLOSE)


@needs_compiler
def test_every_call_gives_what_the_network_gives(xp):
    network, device = Small(), moved(Small(), xp)
    run = nn.graphed(device, xp.asarray(pictures(0)))
    assert device.training and network.training  # as before
    network.eval()
    first = run(Tensor(xp.asarray(pictures(1))))
    second = run(xp.asarray(pictures(2)))
    check(first, network(Tensor(pictures(1))))  # the second call has not changed them
    check(second, network(Tensor(pictures(2))))
    assert not first["maps"].requires_grad


@needs_compiler
def test_weights_changed_in_place_are_seen_and_replaced_ones_refused(xp):
    network, device = Small().eval(), moved(Small(), xp)
    run = nn.graphed(device, xp.asarray(pictures(0)))
    for small in (network, device):
        small.conv.weight.data *= 2
        small.bn.weight.data += 1
        small.fc.weight.data *= -1
    check(run(xp.asarray(pictures(1))), network(Tensor(pictures(1))))
    device.load_state_dict({"fc.bias": np.ones(5, np.float32)}, strict=False)
    with pytest.raises(RuntimeError, match=r"graphed: fc\.bias is another array than at the rec"):
        run(xp.asarray(pictures(1)))


@needs_compiler
def test_a_function_of_two_inputs(xp):
    run = nn.graphed(lambda x, y: (F.relu(x) - y, y @ y.T), *[xp.asarray(np.eye(3))] * 2)
    x, y = pictures(1, (3, 3)).astype(float), pictures(2, (3, 3)).astype(float)
    difference, product = run(xp.asarray(x), xp.asarray(y))
    np.testing.assert_allclose(to_numpy(difference.data), np.maximum(x, 0) - y)
    np.testing.assert_allclose(to_numpy(product.data), y @ y.T)


@needs_compiler
def test_the_function_itself_runs_for_the_recording_alone(xp):
    runs = []

    def network(x):
        runs.append(x.shape)
        return F.relu(x)

    run = nn.graphed(network, xp.asarray(pictures(0)))
    for number in range(3):
        found = to_numpy(run(xp.asarray(pictures(number))).data)
        np.testing.assert_array_equal(found, np.maximum(pictures(number), 0))
    assert len(runs) == (3 if xp is np else 2)


@needs_compiler
def test_a_backbone(xp):
    network = ResNet18Backbone((4, 8), rng=rng()).eval()
    x = pictures(1, (1, 3, 17, 16))
    expected = network(Tensor(x))
    run = nn.graphed(moved(network, xp), xp.asarray(pictures(0, x.shape)))
    for ours, theirs in zip(run(xp.asarray(x)), expected, strict=True):
        np.testing.assert_allclose(to_numpy(ours.data), theirs.data, rtol=1e-3, atol=1e-4)


def test_other_inputs_than_recorded(xp):
    run = nn.graphed(F.relu, xp.asarray(pictures(0)))
    for other in (pictures(1, (1, 3, 6, 8)), pictures(1).astype(np.float64)):
        expected = r"graphed: recorded for \(1, 3, 6, 7\) float32 but got \(1, 3, 6, "
        with pytest.raises(ValueError, match=expected):
            run(xp.asarray(other))
    with pytest.raises(ValueError, match="but got nothing; make another"):
        run()
    with pytest.raises(ValueError, match="graphed: no example is given"):
        nn.graphed(F.relu)
    if xp is not np:
        with pytest.raises(TypeError, match="got one of numpy; move it with minicv"):
            run(pictures(1))


def test_an_output_of_another_kind(xp):
    with pytest.raises(TypeError, match="graphed: the network gives a float; expected tensors"):
        nn.graphed(lambda x: 1.0, xp.asarray(pictures(0)))(xp.asarray(pictures(0)))


@pytest.mark.parametrize("cupy", CUPYS)
class TestWhatCannotBeRecorded:
    """The message names the line."""

    def check(self, cupy, network, line):
        with pytest.raises(RuntimeError) as caught:
            nn.graphed(network, cupy.asarray(pictures(0)))
        assert f"`{line}` cannot be part of a CUDA graph" in str(caught.value)
        # It is over: what comes next is not recorded, and runs.
        assert float((cupy.asarray(np.ones(3)) * 2).sum()) == 6

    def test_a_look_at_a_number(self, cupy):
        def network(x):
            return F.relu(x) if x.data.max() > 100 else x

        self.check(cupy, network, "return F.relu(x) if x.data.max() > 100 else x")

    def test_an_array_that_comes_from_the_host(self, cupy):
        def network(x):
            return x + Tensor(cupy.asarray(np.ones(7, np.float32)))

        self.check(cupy, network, "return x + Tensor(cupy.asarray(np.ones(7, np.float32)))")


@needs_compiler
def test_a_transposed_convolution_with_a_stride(xp):
    network = nn.ConvTranspose2d(3, 2, 4, stride=2, padding=1, rng=rng())
    run = nn.graphed(moved(nn.Sequential(network), xp), xp.asarray(pictures(0)))
    weight, bias = to_numpy(network.weight.data), to_numpy(network.bias.data)
    expected = F.conv_transpose2d(pictures(1), weight, bias, stride=2, padding=1)
    found = to_numpy(run(xp.asarray(pictures(1))).data)
    np.testing.assert_allclose(found, expected.data, **CLOSE)
