"""An inverted residual as one kernel: the same as its layers, and only where nobody looks."""

import numpy as np
import pytest

from minicv import Tensor, no_grad
from minicv.autograd import profile
from minicv.backend import use_conv_algorithm
from minicv.nn import (
    BatchNorm2d,
    Conv2d,
    FrozenBatchNorm2d,
    Module,
    inverted_residual,
)
from minicv.nn.inverted_residual import run_inverted_residual


class Block(Module):
    def __init__(self, norm=BatchNorm2d, *, stride=1, bias=False, expands=True, seed=0):
        rng = np.random.default_rng(seed)
        wide = 18 if expands else 3
        self.widen = Conv2d(3, wide, 1, bias=bias, rng=rng)
        self.taps = Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=bias, rng=rng)
        self.narrow = Conv2d(wide, 3, 1, bias=bias, rng=rng)
        for name, channels in (("bn0", wide), ("bn1", wide), ("bn2", 3)):
            bn = norm(channels)
            for holder in (bn.weight, bn.bias, bn.running_mean):
                holder.data = rng.normal(0.5, 1, channels).astype("f4")
            bn.running_var.data = rng.uniform(0.1, 2, channels).astype("f4")
            setattr(self, name, bn)
        self.expands, self.stride = expands, stride

    def forward(self, x, margins=(0, 0, 0, 0)):
        return run_inverted_residual(
            x,
            (self.widen, self.bn0) if self.expands else None,
            (self.taps, self.bn1),
            (self.narrow, self.bn2),
            x if self.stride == 1 and not any(margins) else None,
            margins,
        )


@pytest.fixture
def calls(monkeypatch):
    """How often the kernel has run."""
    made = []
    plain = inverted_residual.kernel.forward

    def counting(*arguments):
        made.append(1)
        return plain(*arguments)

    monkeypatch.setattr(inverted_residual.kernel, "forward", counting)
    return made


X = np.random.default_rng(7).normal(size=(2, 3, 9, 8)).astype("f4")


@pytest.mark.parametrize("norm", [BatchNorm2d, FrozenBatchNorm2d])
@pytest.mark.parametrize("expands", [True, False])
@pytest.mark.parametrize(
    ("stride", "margins"), [(1, (0, 0, 0, 0)), (2, (0, 0, 0, 0)), (2, (2, 1, 0, 3))]
)
@pytest.mark.parametrize("bias", [True, False])
def test_equals_the_layers(norm, expands, stride, margins, bias, calls):
    block = Block(norm, stride=stride, bias=bias, expands=expands).eval()
    with no_grad():
        y = block.forward(Tensor(X), margins).data
        assert calls == [1]
        wide = block.astype("float64")
        expected = wide.forward(Tensor(X.astype("f8")), margins).data
    assert calls == [1] and y.dtype == np.float32 and expected.dtype == np.float64
    assert np.linalg.norm(y - expected) <= 2e-6 * np.linalg.norm(expected)


def test_the_layers_run_in_turn_where_somebody_looks(calls):
    block = Block().eval()
    with no_grad():
        expected = block(Tensor(X)).data
    assert len(calls) == 1
    seen = [block(Tensor(X)).data]  # its weights require gradients
    with no_grad():
        with use_conv_algorithm("im2col"):
            seen.append(block(Tensor(X)).data)
        with profile():
            seen.append(block(Tensor(X)).data)
        with block.capture("taps") as captured:
            seen.append(block(Tensor(X)).data)
        assert captured["taps"][0].shape == (2, 18, 9, 8)
    assert len(calls) == 1
    for y in seen:
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_batch_statistics_run_in_turn(calls):
    with no_grad():
        Block().train()(Tensor(X))
    assert not calls


def test_frozen_layers_run_as_one_while_others_train(calls):
    block = Block(FrozenBatchNorm2d)
    block.requires_grad_(False)
    block(Tensor(X))
    assert len(calls) == 1
    block(Tensor(X, requires_grad=True))
    assert len(calls) == 1


def test_shapes_that_do_not_fit_are_named():
    block = Block().eval()
    with no_grad():
        with pytest.raises(ValueError, match="conv_norm_relu: weight expects 3 input channels"):
            block(Tensor(X[:, :2]))
        with pytest.raises(ValueError, match="shortcut must have the shape"):
            layers = [(block.widen, block.bn0), (block.taps, block.bn1), (block.narrow, block.bn2)]
            run_inverted_residual(Tensor(X), *layers, shortcut=Tensor(X[:1]))


def test_every_input_gets_its_gradient():
    block, x = Block().eval(), Tensor(X, requires_grad=True)
    block(x).sum().backward()
    for leaf in (x, *block.parameters()):
        assert np.any(leaf.grad)
