import numpy as np
import pytest

from minicv import Tensor, no_grad, reference
from minicv.nn import (
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    FrozenBatchNorm2d,
    GroupNorm,
    InstanceNorm2d,
    LayerNorm,
    LocalResponseNorm,
    conv_frozen_bn,
)
from minicv.optim import SGD


def batches(count, shape=(4, 3, 5, 6)):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) * 2 + 1 for _ in range(count)]


def test_running_statistics_follow_the_batches_as_in_pytorch():
    layer = BatchNorm2d(3, momentum=0.2).astype("float64")
    mean, variance = np.zeros(3), np.ones(3)
    for x in batches(3):
        layer(Tensor(x))
        mean = 0.8 * mean + 0.2 * x.mean(axis=(0, 2, 3))
        variance = 0.8 * variance + 0.2 * x.var(axis=(0, 2, 3), ddof=1)  # unbiased
    np.testing.assert_allclose(layer.running_mean.data, mean, rtol=1e-12)
    np.testing.assert_allclose(layer.running_var.data, variance, rtol=1e-12)
    assert layer.num_batches_tracked.data == 3
    assert layer.num_batches_tracked.dtype == np.int64


def test_training_uses_the_batch_and_evaluation_the_running_statistics():
    layer = BatchNorm2d(3, eps=1e-3).astype("float64")
    layer.weight.data = np.array([1.0, 2.0, -1.0])
    layer.bias.data = np.array([0.0, 0.5, 3.0])
    (x,) = batches(1)
    weight, bias = layer.weight.data, layer.bias.data
    expected = reference.batch_norm(x, weight, bias, training=True, eps=1e-3)
    np.testing.assert_allclose(layer(Tensor(x)).data, expected, rtol=1e-9, atol=1e-12)
    layer.eval()
    state = layer.state_dict()
    expected = reference.batch_norm(
        x, weight, bias, layer.running_mean.data, layer.running_var.data, eps=1e-3
    )
    np.testing.assert_allclose(layer(Tensor(x)).data, expected, rtol=1e-9, atol=1e-12)
    for key, value in layer.state_dict().items():  # evaluation changes nothing
        assert np.array_equal(value, state[key])


def test_statistics_follow_under_no_grad_too():
    layer = BatchNorm2d(3)
    with no_grad():
        layer(Tensor(batches(1)[0].astype(np.float32)))
    assert layer.num_batches_tracked.data == 1
    assert layer.running_mean.data.any()
    assert layer.running_mean.dtype == np.float32


def test_scale_and_shift_describe_the_evaluation():
    layer = BatchNorm2d(3).astype("float64")
    layer(Tensor(batches(1)[0]))
    with pytest.raises(RuntimeError, match="in training the scale depends on the batch; call eval"):
        layer.scale_and_shift()
    layer.eval()
    plain = BatchNorm2d(3, affine=False).astype("float64").eval()
    frozen = FrozenBatchNorm2d(3).astype("float64")
    frozen.load_state_dict(layer.state_dict())
    x = batches(1)[0]
    for module in (layer, plain, frozen):
        scale, shift = (getattr(v, "data", v) for v in module.scale_and_shift())
        scale, shift = np.asarray(scale), np.asarray(shift)
        y = x * scale[:, None, None] + shift[:, None, None]
        np.testing.assert_allclose(module(Tensor(x)).data, y, rtol=1e-10, atol=1e-12)


def test_frozen_has_no_parameters_and_equals_the_evaluating_one():
    trained = BatchNorm2d(3, eps=1e-3).astype("float64")
    for x in batches(2):
        trained(Tensor(x))
    frozen = FrozenBatchNorm2d(3, eps=1e-3).astype("float64")
    frozen.load_state_dict(trained.state_dict())
    assert list(frozen.parameters()) == []
    assert list(frozen.state_dict()) == list(trained.state_dict())
    x = batches(1)[0]
    expected = trained.eval()(Tensor(x)).data
    for mode in (True, False):  # the mode does not matter
        assert np.array_equal(frozen.train(mode)(Tensor(x)).data, expected)


def test_affine_is_optional():
    layer = BatchNorm2d(3, affine=False)
    assert list(layer.state_dict()) == ["running_mean", "running_var", "num_batches_tracked"]
    assert repr(layer) == "BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=False)"


def test_one_dimensional():
    layer = BatchNorm1d(4).astype("float64")
    x = np.random.default_rng(0).standard_normal((6, 4))
    y = layer(Tensor(x)).data
    np.testing.assert_allclose(y, reference.batch_norm(x, None, None, training=True), rtol=1e-9)
    with pytest.raises(ValueError, match=r"BatchNorm1d: x must be \(N, C\); x=\(2, 4, 3, 3\)"):
        layer(Tensor(np.zeros((2, 4, 3, 3))))


@pytest.mark.parametrize("layer", [BatchNorm2d(3), FrozenBatchNorm2d(3)])
def test_two_axes_are_refused_by_the_layers_for_images(layer):
    with pytest.raises(ValueError, match=r"2d: x must be \(N, C, H, W\); x=\(4, 3\)"):
        layer(Tensor(np.zeros((4, 3), np.float32)))


def test_local_response_norm_is_the_function():
    layer = LocalResponseNorm(3, alpha=0.5, beta=0.6, k=2.0)
    x = batches(1)[0]
    expected = reference.local_response_norm(x, 3, alpha=0.5, beta=0.6, k=2.0)
    np.testing.assert_allclose(layer(Tensor(x)).data, expected, rtol=1e-11)
    assert repr(layer) == "LocalResponseNorm(3, alpha=0.5, beta=0.6, k=2.0)"


def test_repr_of_frozen():
    assert repr(FrozenBatchNorm2d(3, eps=0.001)) == "FrozenBatchNorm2d(3, eps=0.001)"


class TestOfEachSample:
    @staticmethod
    def with_weights(layer):
        """weight and bias that a swapped or forgotten one would show."""
        layer.astype("float64")
        for number, parameter in enumerate(layer.parameters()):
            values = np.random.default_rng(number).uniform(0.5, 2, parameter.shape)
            parameter.data = values if number == 0 else -values
        return layer

    @pytest.mark.parametrize("mode", [True, False])
    def test_layer_norm_by_the_loops(self, mode):
        layer = self.with_weights(LayerNorm((5, 6), eps=0.1)).train(mode)
        x = batches(1)[0]
        expected = reference.layer_norm(x, (5, 6), layer.weight.data, layer.bias.data, 0.1)
        np.testing.assert_allclose(layer(Tensor(x)).data, expected, rtol=1e-10, atol=1e-12)

    @pytest.mark.parametrize("mode", [True, False])
    def test_group_norm_by_the_loops(self, mode):
        layer = self.with_weights(GroupNorm(2, 4, eps=0.1)).train(mode)
        x = batches(1, (3, 4, 5, 6))[0]
        expected = reference.group_norm(x, 2, layer.weight.data, layer.bias.data, 0.1)
        np.testing.assert_allclose(layer(Tensor(x)).data, expected, rtol=1e-10, atol=1e-12)

    @pytest.mark.parametrize("mode", [True, False])
    def test_instance_norm_by_the_loops(self, mode):
        layer = self.with_weights(InstanceNorm2d(3, eps=0.1, affine=True)).train(mode)
        x = batches(1)[0]
        expected = reference.group_norm(x, 3, layer.weight.data, layer.bias.data, 0.1)
        np.testing.assert_allclose(layer(Tensor(x)).data, expected, rtol=1e-10, atol=1e-12)

    @pytest.mark.parametrize(
        ("layer", "shape"),
        [
            (LayerNorm((5, 6)), (5, 6)),
            (GroupNorm(3, 6), (6,)),
            (InstanceNorm2d(3, affine=True), (3,)),
        ],
    )
    def test_first_weights_state_and_gradients(self, layer, shape):
        assert {name: value.shape for name, value in layer.state_dict().items()} == {
            "weight": shape,
            "bias": shape,
        }
        assert (layer.weight.data == 1).all() and (layer.bias.data == 0).all()
        x = batches(1, (2, 6 if shape == (6,) else 3, 5, 6))[0].astype(np.float32)
        y = layer(Tensor(x))
        assert y.dtype == np.float32
        y.sum().backward()
        # Each bias is in as many results as there are results for each number of it.
        np.testing.assert_array_equal(layer.bias.grad, y.data.size / layer.bias.data.size)
        np.testing.assert_allclose(layer.weight.grad, layer_sums(y.data, shape), atol=1e-4)

    def test_affine_is_optional(self):
        for layer in (
            LayerNorm(4, elementwise_affine=False),
            GroupNorm(2, 4, affine=False),
            InstanceNorm2d(4),
        ):
            assert layer.state_dict() == {}
        assert list(LayerNorm(4, bias=False).state_dict()) == ["weight"]

    def test_text(self):
        assert repr(LayerNorm(4)) == "LayerNorm((4,), eps=1e-05, elementwise_affine=True)"
        assert repr(LayerNorm((2, 3), 0.1, False)) == (
            "LayerNorm((2, 3), eps=0.1, elementwise_affine=False)"
        )
        assert repr(LayerNorm(4, bias=False)).endswith("elementwise_affine=True, bias=False)")
        assert repr(GroupNorm(2, 4, affine=False)) == "GroupNorm(2, 4, eps=1e-05, affine=False)"

    def test_messages(self):
        x = Tensor(np.zeros((2, 3, 4, 5), np.float32))
        with pytest.raises(ValueError, match="GroupNorm: num_groups must divide num_channels;"):
            GroupNorm(3, 4)
        with pytest.raises(ValueError, match=r"GroupNorm: x must have 4 channels, its axis 1"):
            GroupNorm(2, 4)(x)
        with pytest.raises(ValueError, match="InstanceNorm2d: x must have 4 channels"):
            InstanceNorm2d(4)(x)
        with pytest.raises(ValueError, match=r"Norm2d: x must be \(N, C, H, W\); x=\(2, 3\)"):
            InstanceNorm2d(3)(Tensor(np.zeros((2, 3))))
        with pytest.raises(ValueError, match="LayerNorm: normalized_shape must name at least one"):
            LayerNorm(())
        with pytest.raises(TypeError, match=r"normalized_shape must be a whole number but is 2\.5"):
            LayerNorm((3, 2.5))


def layer_sums(y, shape):
    """The sum of all results that share a weight; y is x̂, for weight is 1 and bias 0."""
    return y.sum(axis=(0, 1) if shape == y.shape[2:] else (0, 2, 3))


@pytest.mark.parametrize("kind", [BatchNorm2d, FrozenBatchNorm2d])
def test_a_fused_normalisation_sees_every_change(kind):
    """Numbers changed in place, replaced, loaded or learnt: none of the old ones is used again."""
    rng = np.random.default_rng(0)
    conv, bn = Conv2d(2, 3, 1, bias=False, rng=rng), kind(3).eval()
    x = Tensor(rng.random((1, 2, 2, 2), dtype=np.float32))

    def check():
        with no_grad():
            fused = conv_frozen_bn(x, conv, bn).data
            np.testing.assert_allclose(fused, bn(conv(x)).data, rtol=1e-4, atol=1e-5)
        return fused

    results = [check()]
    for change in (
        lambda: bn.running_var.data.__setitem__(0, 9.0),
        lambda: setattr(bn.weight, "data", np.array([2, 3, 4], np.float32)),
        lambda: bn.load_state_dict({**bn.state_dict(), "running_mean": np.ones(3, np.float32)}),
        lambda: learn(conv.parameters() if kind is FrozenBatchNorm2d else bn.parameters()),
    ):
        change()
        results.append(check())
        assert not np.array_equal(results[-1], results[-2])


def learn(parameters):
    parameters = list(parameters)
    for parameter in parameters:
        parameter.grad = np.ones_like(parameter.data)
    SGD(parameters, lr=0.5).step()
