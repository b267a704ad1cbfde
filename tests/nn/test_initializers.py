import math

import numpy as np
import pytest

from minicv.nn import initializers as init
from minicv.nn.initializers import require_rng


@pytest.fixture
def rng():
    return np.random.default_rng(0)


SHAPES = [(300, 200), (60, 40, 3, 5)]  # different fans: (200, 300) and (600, 900)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("draw", "variance"),
    [
        (init.xavier_uniform, lambda i, o: 2 / (i + o)),
        (init.xavier_normal, lambda i, o: 2 / (i + o)),
        (lambda s, rng: init.xavier_normal(s, rng, gain=3.0), lambda i, o: 18 / (i + o)),
        (init.he_uniform, lambda i, o: 2 / i),
        (init.he_normal, lambda i, o: 2 / i),
        (lambda s, rng: init.he_normal(s, rng, mode="fan_out"), lambda i, o: 2 / o),
        (lambda s, rng: init.he_uniform(s, rng, negative_slope=2.0), lambda i, o: 2 / (5 * i)),
    ],
)
def test_variance(draw, variance, shape, rng):
    values = draw(shape, rng)
    fan_in, fan_out = init.fans(shape)
    assert values.shape == shape
    assert values.dtype == np.float32
    # 36,000 or more values: their variance is within a few per cent, their mean near 0.
    np.testing.assert_allclose(values.var(), variance(fan_in, fan_out), rtol=0.05)
    assert abs(values.mean()) < 4 * values.std() / math.sqrt(values.size)


def test_fans():
    assert init.fans((8, 3)) == (3, 8)
    assert init.fans((8, 3, 5, 2)) == (30, 80)
    with pytest.raises(ValueError, match=r"at least 2 axes but its shape is \(8,\)"):
        init.fans((8,))


def test_uniform_stays_within_its_bounds_and_fills_them(rng):
    values = init.he_uniform((100, 48), rng, negative_slope=math.sqrt(5))
    bound = 1 / math.sqrt(48)
    assert 0.99 * bound < values.max() <= bound
    assert -bound <= values.min() < -0.99 * bound


def test_normal_and_constant(rng):
    values = init.normal((200, 200), rng, mean=3.0, std=0.5)
    np.testing.assert_allclose([values.mean(), values.std()], [3.0, 0.5], rtol=0.02)
    assert init.constant((2, 3), -1).tolist() == [[-1.0] * 3] * 2


def test_the_same_generator_state_gives_the_same_weights():
    first = init.he_normal((4, 3), np.random.default_rng(7))
    assert np.array_equal(first, init.he_normal((4, 3), np.random.default_rng(7)))
    assert not np.array_equal(first, init.he_normal((4, 3), np.random.default_rng(8)))


def test_bilinear_upsampling_is_the_filter_of_fcn():
    weight = init.bilinear_upsampling((3, 3, 4, 4))
    tent = np.array([0.25, 0.75, 0.75, 0.25])
    for channel in range(3):
        np.testing.assert_allclose(weight[channel, channel], np.outer(tent, tent))
    assert np.count_nonzero(weight) == 3 * 16  # nothing between channels
    odd = init.bilinear_upsampling((1, 1, 3, 3))
    np.testing.assert_allclose(odd[0, 0], np.outer([0.5, 1, 0.5], [0.5, 1, 0.5]))
    assert np.count_nonzero(init.bilinear_upsampling((3, 1, 4, 4))) == 3 * 16


@pytest.mark.parametrize("shape", [(3, 2, 4, 4), (3, 3, 4, 5), (3, 3)])
def test_bilinear_upsampling_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="bilinear_upsampling: shape must be"):
        init.bilinear_upsampling(shape)


def test_unknown_mode(rng):
    with pytest.raises(ValueError, match="mode must be 'fan_in' or 'fan_out' but is 'fan_avg'"):
        init.he_normal((4, 3), rng, mode="fan_avg")


def test_require_rng(rng):
    assert require_rng("Conv2d", rng) is rng
    with pytest.raises(TypeError, match=r"Conv2d: rng is missing; .* Conv2d\(\.\.\., rng=rng\)"):
        require_rng("Conv2d", None)
    with pytest.raises(TypeError, match="Conv2d: rng is a int; make one generator"):
        require_rng("Conv2d", 0)
