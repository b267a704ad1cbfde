"""How weights start: arrays of random numbers whose spread keeps signals at a steady strength.

For a weight of shape (O, C, KH, KW) or (O, I), fan_in is the number of inputs that one output sums
over, C · KH · KW or I, and fan_out is O · KH · KW or O.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

Shape = tuple[int, ...]
Fan = Literal["fan_in", "fan_out"]


def require_rng(layer: str, rng: np.random.Generator | None) -> np.random.Generator:
    """``rng`` itself; where it is missing, an error that says how to make one.

    There is no default: layers that each made the same generator would all start alike.

    >>> require_rng("Linear", None)
    Traceback (most recent call last):
    TypeError: Linear: rng is missing; make one generator, rng = numpy.random.default_rng(seed), and
    pass it to every layer, e.g. Linear(..., rng=rng)
    """
    if not isinstance(rng, np.random.Generator):
        given = "is missing" if rng is None else f"is a {type(rng).__name__}"
        raise TypeError(
            f"{layer}: rng {given}; make one generator, rng = numpy.random.default_rng(seed), and "
            f"pass it to every layer, e.g. {layer}(..., rng=rng)"
        )
    return rng


def fans(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight.

    >>> fans((8, 3, 5, 5))
    (75, 200)
    """
    if len(shape) < 2:
        raise ValueError(f"initializers: a weight needs at least 2 axes but its shape is {shape}")
    taps = math.prod(shape[2:])
    return shape[1] * taps, shape[0] * taps


def constant(shape: Shape, value: float) -> np.ndarray:
    """The same number everywhere.

    >>> constant((2,), 0.5).tolist()
    [0.5, 0.5]
    """
    return np.full(shape, value, dtype=np.float32)


def normal(
    shape: Shape, rng: np.random.Generator, mean: float = 0.0, std: float = 1.0
) -> np.ndarray:
    """Normally distributed numbers.

    >>> normal((2, 3), np.random.default_rng(0), std=0.01).shape
    (2, 3)
    """
    rng = require_rng("normal", rng)
    values = rng.standard_normal(shape, dtype=np.float32)
    values *= std
    values += mean
    return values


def uniform(shape: Shape, rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    """Numbers spread evenly over low..high.

    >>> bool((np.abs(uniform((9,), np.random.default_rng(0), -2, 2)) <= 2).all())
    True
    """
    rng = require_rng("uniform", rng)
    values = rng.random(shape, dtype=np.float32)
    values *= high - low
    values += low
    return values


def xavier_uniform(shape: Shape, rng: np.random.Generator, gain: float = 1.0) -> np.ndarray:
    """Uniform with variance gain² · 2 / (fan_in + fan_out): for tanh and sigmoid networks.

    Source: Glorot & Bengio 2010, equation 16.

    >>> xavier_uniform((4, 3), np.random.default_rng(0)).shape
    (4, 3)
    """
    bound = gain * math.sqrt(6 / max(sum(fans(shape)), 1))
    return uniform(shape, rng, -bound, bound)


def xavier_normal(shape: Shape, rng: np.random.Generator, gain: float = 1.0) -> np.ndarray:
    """Normal with variance gain² · 2 / (fan_in + fan_out).

    Source: Glorot & Bengio 2010, equation 12.

    >>> xavier_normal((4, 3), np.random.default_rng(0)).shape
    (4, 3)
    """
    return normal(shape, rng, std=gain * math.sqrt(2 / max(sum(fans(shape)), 1)))


def he_uniform(
    shape: Shape, rng: np.random.Generator, mode: Fan = "fan_in", negative_slope: float = 0.0
) -> np.ndarray:
    """Uniform with variance 2 / ((1 + negative_slope²) · fan): for ReLU networks.

    ``negative_slope`` is that of the leaky ReLU that follows. Convolutions and linear layers start
    with √5, which makes the bound 1 / √fan_in, PyTorch's default.

    Source: He 2015, Delving Deep into Rectifiers, equations 10 and 15.

    >>> he_uniform((4, 3), np.random.default_rng(0)).shape
    (4, 3)
    """
    bound = math.sqrt(3) * _he_deviation(shape, mode, negative_slope)
    return uniform(shape, rng, -bound, bound)


def he_normal(
    shape: Shape, rng: np.random.Generator, mode: Fan = "fan_in", negative_slope: float = 0.0
) -> np.ndarray:
    """Normal with variance 2 / ((1 + negative_slope²) · fan): for ReLU networks.

    Source: He 2015, Delving Deep into Rectifiers, equations 10, 14 and 15.

    >>> he_normal((4, 3), np.random.default_rng(0)).shape
    (4, 3)
    """
    return normal(shape, rng, std=_he_deviation(shape, mode, negative_slope))


def bilinear_upsampling(shape: Shape) -> np.ndarray:
    """A transposed convolution that begins as bilinear interpolation, channel by channel.

    The filter of size K is the outer product of a tent with itself; with stride K/2 (K even) and
    padding K/4 the layer enlarges its input K/2 times. All weights between different channels
    are 0. ``shape`` is (C, C, K, K), or (C, 1, K, K) for a layer with groups=C.

    Source: Long 2015, Fully Convolutional Networks, section 3.3.

    >>> bilinear_upsampling((1, 1, 4, 4))[0, 0, 1].tolist()  # 0.75 · [0.25, 0.75, 0.75, 0.25]
    [0.1875, 0.5625, 0.5625, 0.1875]
    """
    if len(shape) != 4 or shape[2] != shape[3] or shape[1] not in (1, shape[0]):
        raise ValueError(
            "bilinear_upsampling: shape must be (C, C, K, K), or (C, 1, K, K) for groups=C; "
            f"shape={shape}"
        )
    channels, per_group, size, _ = shape
    stride = (size + 1) // 2
    center = stride - 1 if size % 2 else stride - 0.5
    tent = 1 - np.abs(np.arange(size) - center) / stride  # (K,)
    weight = np.zeros(shape, dtype=np.float32)
    own = np.arange(channels)
    weight[own, own if per_group > 1 else 0] = np.outer(tent, tent)
    return weight


def _he_deviation(shape: Shape, mode: Fan, negative_slope: float) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"initializers: mode must be 'fan_in' or 'fan_out' but is {mode!r}")
    fan = fans(shape)[mode == "fan_out"]
    return math.sqrt(2 / ((1 + negative_slope**2) * max(fan, 1)))
