"""capture: outputs by name, every call, restored after faults, fused layers, near names."""

import numpy as np
import pytest

from minicv import Tensor, no_grad
from minicv.models.backbones import ResNet18Backbone
from minicv.nn import BatchNorm2d, Conv2d, Linear, Module, ReLU, Sequential, conv_bn_relu


@pytest.fixture
def net():
    rng = np.random.default_rng(0)
    return Sequential(Linear(3, 4, rng=rng), ReLU(), Linear(4, 2, rng=rng))


X = Tensor(np.random.default_rng(1).standard_normal((5, 3)).astype("float32"))


def test_every_call_is_kept_with_its_graph(net):
    with net.capture("0", "") as captured:
        first = net(X)
        net(X + 1.0)
    assert captured[""][0] is first
    assert [len(captured[name]) for name in ("0", "")] == [2, 2]
    np.testing.assert_array_equal(captured["0"][0].data, net[0](X).data)
    assert captured["0"][0].creator is not None
    assert list(captured) == ["0", ""] and len(captured) == 2
    assert repr(captured) == "Captured('0': 2, '': 2)"


def test_after_the_block_and_after_an_error_the_modules_are_as_before(net):
    before = [dict(vars(module)) for module in net.modules()]
    with net.capture("2", "0"), net.capture("0") as inner:  # blocks nest
        net(X)
    with pytest.raises(ZeroDivisionError), net.capture("1"):
        raise ZeroDivisionError
    with pytest.raises(ValueError), net.capture("0", "1"):
        net(Tensor(np.ones((5, 7), "float32")))  # an error of the network itself
    assert [dict(vars(module)) for module in net.modules()] == before
    net(X)
    assert len(inner["0"]) == 1


def test_an_outer_block_goes_on_after_an_inner_one(net):
    with net.capture("0") as outer:
        with net.capture("0"):
            net(X)
        net(X)
    assert len(outer["0"]) == 2


def test_layers_that_run_as_one_operation_are_captured_one_by_one():
    class Block(Module):
        def __init__(self, rng):
            self.conv = Conv2d(3, 4, 3, padding=1, rng=rng)
            self.bn = BatchNorm2d(4)

        def forward(self, x):
            return conv_bn_relu(x, self.conv, self.bn, activation="relu")

    block = Block(np.random.default_rng(0)).eval()
    x = Tensor(np.random.default_rng(1).random((1, 3, 6, 5), dtype="float32"))
    with no_grad():
        expected = block(x)
        for name in ("bn", "conv"):  # either one parts them
            with block.capture(name) as captured:
                y = block(x)
            np.testing.assert_allclose(y.data, expected.data, rtol=1e-5, atol=1e-6)
            (got,) = captured[name]
            alone = block.conv(x) if name == "conv" else block.bn(block.conv(x), "relu")
            np.testing.assert_allclose(got.data, alone.data, rtol=1e-5, atol=1e-6)
        with block.capture("") as captured:  # nothing is parted
            y = block(x)
        assert y.data.tolist() == expected.data.tolist()


def test_a_wrong_name_is_answered_with_the_near_ones(net):
    backbone = ResNet18Backbone((8,), rng=np.random.default_rng(0))
    message = r"ResNet18Backbone has no module named 'layer1.0.conv3'; did you mean 'layer1.0.conv"
    with pytest.raises(ValueError, match=message):
        backbone.capture("layer1.0.conv3").__enter__()
    with pytest.raises(ValueError, match="it has '0', '1', '2', and those inside"):
        net.capture("head").__enter__()
    with pytest.raises(ValueError, match="it has no modules inside"):
        net[1].capture("head").__enter__()
    with pytest.raises(ValueError, match="no names"):
        net.capture().__enter__()


def test_what_has_not_run_and_what_was_not_asked_for(net):
    with net.capture("0") as captured:
        pass
    with pytest.raises(
        KeyError, match=r"^captured: the forward of '0' did not run in the block. E"
    ):
        captured["0"]
    with pytest.raises(KeyError, match="'2' was not asked for; the block captures '0'"):
        captured["2"]
    assert "2" not in captured
