"""Convolution of float16 arrays: against float64, with each part of the epilogue."""

import math

import numpy as np
import pytest
from cuda_kernels import needs_compiler
from cupy_devices import CUPYS

from minicv.backend import cpu, cuda, to_numpy
from minicv.backend.cuda import convolution_float16
from minicv.backend.cuda.graph import record

pytestmark = needs_compiler
ROUNDED = 2**-11  # of a number, where it becomes a float16
PLAIN = ((1, 1), (0, 0), (1, 1), 1)
LAYERS = {  # x, weight, options
    "1x1, one image": ((1, 5, 3, 7), (6, 5, 1, 1), PLAIN),
    "1x1, small images": ((3, 5, 3, 7), (6, 5, 1, 1), PLAIN),
    "1x1, every second pixel": ((2, 5, 5, 7), (3, 5, 1, 1), ((2, 2), (0, 0), (1, 1), 1)),
    "3x3": ((2, 3, 5, 6), (4, 3, 3, 3), ((1, 1), (1, 1), (1, 1), 1)),
    "stride and dilation": ((2, 3, 9, 8), (4, 3, 3, 2), ((2, 1), (1, 2), (1, 2), 1)),
    "groups": ((2, 4, 5, 6), (6, 2, 3, 3), ((1, 1), (1, 1), (1, 1), 2)),
    "depthwise": ((2, 4, 5, 6), (4, 1, 3, 3), ((1, 1), (1, 1), (1, 1), 4)),
    "no image": ((0, 3, 5, 6), (4, 3, 3, 3), PLAIN),
}


@pytest.fixture(params=CUPYS)
def cupy(request):
    return request.param


def arrays(*shapes, dtype=np.float16):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def check(cupy, layer, scale=False, shift=False, shortcut=False, ceiling=None, run=None):
    """Of each number, the sum, the shortcut and the result are rounded once."""
    x_shape, weight_shape, options = LAYERS[layer]
    x, weight = arrays(x_shape, weight_shape)
    sums = cpu.conv2d_forward(x.astype(float), weight.astype(float), None, *options)
    o = len(weight)
    scales, shifts = arrays((o,), (o,), dtype=np.float32)
    beside = arrays(sums.shape)[0] if shortcut else None
    steps = (scales if scale else None, shifts if shift else None, beside)
    scaled = sums * scales[:, None, None] if scale else sums
    expected = scaled + (shifts[:, None, None] if shift else 0) + (beside if shortcut else 0)
    if ceiling is not None:
        expected = np.clip(expected, 0, ceiling)
    moved = [None if a is None else cupy.asarray(a) for a in (x, weight, *steps)]
    run = run or cuda.conv2d_norm_relu_forward
    y = run(*moved, ceiling, *options)
    assert isinstance(y, cupy.ndarray) and y.dtype == np.float16 and y.shape == expected.shape
    error = np.abs(to_numpy(y) - expected)
    assert (error <= 1.02 * ROUNDED * (np.abs(scaled) + np.abs(expected)) + 1e-6).all()


@pytest.mark.parametrize("layer", LAYERS)
def test_a_plain_convolution(cupy, layer):
    check(cupy, layer)


@pytest.mark.parametrize("layer", ["1x1, one image", "3x3", "groups"])
@pytest.mark.parametrize(
    "steps",
    [
        {"shift": True},
        {"scale": True, "ceiling": math.inf},
        {"scale": True, "shift": True, "shortcut": True, "ceiling": 2.0},
        {"shortcut": True},
    ],
    ids=lambda steps: " ".join(steps),
)
def test_the_epilogue(cupy, layer, steps):
    check(cupy, layer, **steps)


def test_large_images_under_a_1x1_kernel_take_a_product_each(cupy, monkeypatch):
    monkeypatch.setattr(convolution_float16, "LARGE", 1)
    monkeypatch.setattr(convolution_float16, "runs", None)  # of columns: not called
    check(cupy, "1x1, small images", scale=True, shift=True, ceiling=math.inf)


def test_columns_in_several_runs(cupy, monkeypatch):
    monkeypatch.setattr("minicv.backend.cuda.convolution_im2col.WORKSPACE_BYTES", 1000)
    check(cupy, "3x3", scale=True, shift=True, shortcut=True)


def test_a_bias(cupy):
    x, weight = arrays((1, 3, 5, 6), (4, 3, 3, 3))
    bias = np.float32([1, 2, 3, 4])
    moved = [cupy.asarray(array) for array in (x, weight, bias)]
    y = to_numpy(cuda.conv2d_forward(*moved, *PLAIN))
    assert y.dtype == np.float16
    expected = cpu.conv2d_forward(x, weight, bias, *PLAIN)
    np.testing.assert_allclose(y, expected, rtol=2**-9, atol=2**-9)


def test_sums_are_of_float32_and_end_at_the_largest_float16(cupy):
    """2048 + 1 is 2048 in float16; a sum that stayed in 32 bits has all of the ones."""
    x = np.ones((1, 40, 1, 2), np.float16)
    x[:, 0, :, 0] = 2048
    x[:, 0, :, 1] = 60000
    weight = np.ones((1, 40, 1, 1), np.float16)
    weight[:, 1] = 10000
    sums = cuda.conv2d_forward(cupy.asarray(x), cupy.asarray(weight), None, *PLAIN)
    assert to_numpy(sums).ravel().tolist() == [12088.0, np.inf]
    x[...], weight[:, 1] = 1, 1
    x[:, 0, :, 0] = 2048
    sums = cuda.conv2d_forward(cupy.asarray(x), cupy.asarray(weight), None, *PLAIN)
    assert to_numpy(sums).ravel().tolist() == [2088.0, 40.0]  # 2087, to the even neighbour


def test_nan_passes_the_epilogue(cupy):
    x = np.full((1, 1, 1, 2), np.nan, np.float16)
    x[..., 0] = -np.inf
    moved = [cupy.asarray(array) for array in (x, np.ones((1, 1, 1, 1), np.float16))]
    y = to_numpy(cuda.conv2d_norm_relu_forward(*moved, None, None, None, 6.0, *PLAIN))
    assert y[..., 0] == 0 and np.isnan(y[..., 1])


@pytest.mark.parametrize("layer", ["1x1, one image", "3x3", "depthwise"])
def test_within_a_recording(cupy, layer):
    def run(x, weight, scale, shift, shortcut, *options):
        def function(x):
            y = cuda.conv2d_norm_relu_forward(x, weight, scale, shift, shortcut, *options)
            return (y,)

        (y,) = record(function, cupy.zeros_like(x))(x)
        return y

    check(cupy, layer, scale=True, shift=True, ceiling=math.inf, run=run)
