"""The convolution kernels on CUDA, and which algorithm computes them.

The kernels are the same three sides of one trilinear form as in `minicv.backend.cpu.convolution`,
which says what each computes.

A GPU multiplies ten times faster than it reads: a number that comes from its memory should be used
in a dozen multiply-adds at least (in TF32 in a hundred). So the question is less how much each
algorithm computes than how often it writes and reads what it computes with.
"""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np

from minicv.backend.convolution_layer import (
    AlgorithmName,
    Direction,
    Epilogue,
    Layer,
    Pair,
    Shape4,
    wanted_algorithm,
)
from minicv.backend.cuda import convolution_depthwise as depthwise
from minicv.backend.cuda import convolution_float16 as float16
from minicv.backend.cuda import convolution_im2col as im2col
from minicv.backend.cuda import convolution_implicit_gemm as implicit_gemm
from minicv.backend.cuda import convolution_implicit_gemm_tf32 as implicit_gemm_tf32
from minicv.backend.cuda import convolution_pointwise as pointwise
from minicv.backend.cuda import convolution_winograd as winograd
from minicv.backend.cuda.convolution_costs import implicit_gemm_is_faster
from minicv.backend.cuda.convolution_implicit_gemm_tf32 import has_tf32
from minicv.backend.cuda.graph import is_recording
from minicv.backend.device import Array, xp_of
from minicv.backend.precision import current_matmul_precision
from minicv.backend.storage import computed_in_float32

# Each has forward(layer, x, weight, epilogue), grad_input(layer, grad, weight) and
# grad_weight(layer, grad, x), where `possible_algorithms` names it for that direction.
ALGORITHMS: dict[AlgorithmName, ModuleType] = {
    "im2col": im2col,
    "implicit_gemm": implicit_gemm,
    "implicit_gemm_tf32": implicit_gemm_tf32,
    "pointwise": pointwise,
    "depthwise": depthwise,
    "winograd_2x2": winograd,
}
# Winograd makes 16 products of what were 36, but writes and reads tiles of four times the size of x
# and y in between: from so many channels on, and with so many pixels for each transformed weight,
# that is worth it.
WINOGRAD_CHANNELS, WINOGRAD_PIXELS = 64, 256
# A number of im2col's columns is written and read for as many multiply-adds as there are outputs.
# With fewer than these, that takes longer than the slower products of implicit GEMM.
FEW_OUTPUTS = {"float32": 96, "tf32": 32}
FEW_ROWS = 64  # of columns: the product is over sooner than its result is written and read again
SMALLEST_TILE = 32  # channels that implicit GEMM computes together, needed or not
WITHOUT_CUBLAS = ("depthwise", "implicit_gemm", "implicit_gemm_tf32")


def conv2d_forward(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """y[n, o] = bias[o] + Σ_c x[n, c] ⋆ weight[o, c]: (N, C, H, W) -> (N, O, OH, OW)."""
    dtype = np.result_type(x.dtype, weight.dtype)
    if dtype == np.float16:
        options = (stride, padding, dilation, groups)
        return conv2d_norm_relu_forward(x, weight, None, bias, None, None, *options)
    x, weight, bias = _ready(dtype, x, weight, bias)
    layer = Layer.of(dtype, x.shape, weight.shape, stride, padding, dilation, groups)
    name = choose_algorithm(layer, "forward", has_tf32(x), with_epilogue=bias is not None)
    return ALGORITHMS[name].forward(layer, x, weight, Epilogue(shift=bias))


def conv2d_norm_relu_forward(
    x: Array,
    weight: Array,
    scale: Array | None,
    shift: Array | None,
    shortcut: Array | None,
    ceiling: float | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """min(max(scale[o] · Σ_c x[n, c] ⋆ weight[o, c] + shift[o] + shortcut, 0), ceiling).

    ``scale`` and ``shift`` (O,) and ``shortcut``, of the result's shape, may each be None. So may
    ``ceiling``: then there is no ReLU. Every algorithm does all of it before it writes a number.
    """
    dtype = np.result_type(x.dtype, weight.dtype)
    layer = Layer.of(dtype, x.shape, weight.shape, stride, padding, dilation, groups)
    if dtype == np.float16 and groups == 1 and not is_recording():
        x, weight = _ready(dtype, x, weight)
        return float16.forward(layer, x, weight, Epilogue(scale, shift, shortcut, ceiling))
    if dtype == np.float16:  # without cuBLAS, or with the small matrices of groups
        options = (ceiling, stride, padding, dilation, groups)
        return computed_in_float32(conv2d_norm_relu_forward)(
            x, weight, scale, shift, shortcut, *options
        )
    x, weight, scale, shift, shortcut = _ready(dtype, x, weight, scale, shift, shortcut)
    name = choose_algorithm(layer, "forward", has_tf32(x), with_epilogue=True)
    return ALGORITHMS[name].forward(layer, x, weight, Epilogue(scale, shift, shortcut, ceiling))


def conv2d_grad_input(
    grad: Array,
    weight: Array,
    x_shape: Shape4,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """dL/dx from dL/dy: (N, O, OH, OW) -> x_shape. Also the forward of transposed convolution."""
    dtype = np.result_type(grad.dtype, weight.dtype)
    grad, weight = _ready(dtype, grad, weight)
    options = (stride, padding, dilation, groups)
    layer = Layer(dtype, x_shape, weight.shape, grad.shape, *options)
    name = choose_algorithm(layer, "grad_input", has_tf32(grad))
    return ALGORITHMS[name].grad_input(layer, grad, weight)


def conv2d_grad_weight(
    grad: Array,
    x: Array,
    weight_shape: Shape4,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """dL/dweight from dL/dy and x: -> (O, C/groups, KH, KW)."""
    dtype = np.result_type(grad.dtype, x.dtype)
    grad, x = _ready(dtype, grad, x)
    options = (stride, padding, dilation, groups)
    layer = Layer(dtype, x.shape, weight_shape, grad.shape, *options)
    name = choose_algorithm(layer, "grad_weight", has_tf32(grad))
    return ALGORITHMS[name].grad_weight(layer, grad, x)


def _ready(dtype: np.dtype, *arrays: Array | None) -> tuple[Array | None, ...]:
    """The arrays in one dtype and without gaps, as kernels take them; None stays None."""
    xp = xp_of(*arrays)
    return tuple(None if a is None else xp.ascontiguousarray(a, dtype) for a in arrays)


def choose_algorithm(
    layer: Layer,
    direction: Direction,
    tensor_cores: bool = True,
    with_epilogue: bool = False,
) -> AlgorithmName:
    """The usual one, or the one of `use_conv_algorithm` where that can compute the layer.

    ``tensor_cores`` says whether the GPU has those for TF32; they are used within
    ``matmul_precision("tf32")`` alone, for which `convolution_costs` estimates what is faster.

    >>> once, none = (1, 1), (0, 0)
    >>> layer = Layer.of(np.dtype("float32"), (2, 32, 8, 8), (64, 32, 1, 1), once, none, once, 1)
    >>> choose_algorithm(layer, "forward")
    'pointwise'
    >>> first = Layer.of(np.dtype("float32"), (2, 3, 32, 32), (64, 3, 3, 3), once, once, once, 1)
    >>> choose_algorithm(first, "forward"), choose_algorithm(first, "grad_weight")
    ('implicit_gemm', 'im2col')
    >>> from minicv.backend import matmul_precision
    >>> with matmul_precision("tf32"):
    ...     choose_algorithm(first._replace(y_shape=(2, 64, 99, 99)), "forward")
    'implicit_gemm_tf32'
    """
    possible = possible_algorithms(layer, direction, tensor_cores)
    if is_recording():
        # What is left may use columns with products of our own, such as a stride backwards.
        possible = tuple(name for name in possible if name in WITHOUT_CUBLAS) or ("im2col",)
    wanted = wanted_algorithm()
    if wanted is not None and wanted in possible:
        return wanted
    if "depthwise" in possible:  # never slower than another
        return "depthwise"
    if "implicit_gemm_tf32" in possible and (
        "im2col" not in possible or implicit_gemm_is_faster(layer, direction, with_epilogue)
    ):
        return "implicit_gemm_tf32"
    if "pointwise" in possible:
        return "pointwise"
    if "winograd_2x2" in possible and _pays_for_its_transforms(layer):
        return "winograd_2x2"
    if "implicit_gemm" in possible and _columns_are_used_too_little(layer, direction):
        return "implicit_gemm"
    return "im2col" if "im2col" in possible else "implicit_gemm"


def possible_algorithms(
    layer: Layer, direction: Direction, tensor_cores: bool = True
) -> tuple[AlgorithmName, ...]:
    """Those that can compute this layer in the precision of `matmul_precision`."""
    c, o = layer.x_shape[1], layer.y_shape[1]
    possible: list[AlgorithmName] = ["im2col"]
    if tensor_cores and layer.dtype == np.float32 and current_matmul_precision() == "tf32":
        possible.append("implicit_gemm_tf32")
    if direction == "forward" or (direction == "grad_input" and layer.stride == (1, 1)):
        possible.append("implicit_gemm")
    if layer.groups > 1:
        if layer.groups == c == o and depthwise.can_compute(layer):
            possible.append("depthwise")
        return tuple(possible)
    if layer.kernel == (1, 1) and layer.padding == (0, 0):
        possible.append("pointwise")
    plain = layer.stride == layer.dilation == (1, 1) and max(layer.padding) <= 2
    if (
        layer.kernel == (3, 3)
        and plain
        and layer.dtype == np.float32
        and direction != "grad_weight"
    ):
        possible.append("winograd_2x2")
    return tuple(possible)


def _pays_for_its_transforms(layer: Layer) -> bool:
    # Under TF32 the tensor cores need no help with the products, and the differences of Winograd's
    # transforms would lose some of the few digits that are left.
    if current_matmul_precision() == "tf32":
        return False
    n, o, oh, ow = layer.y_shape
    return min(layer.x_shape[1], o) >= WINOGRAD_CHANNELS and n * oh * ow >= WINOGRAD_PIXELS


def _columns_are_used_too_little(layer: Layer, direction: Direction) -> bool:
    if direction == "grad_input" and layer.groups == 1 and layer.x_shape[1] < SMALLEST_TILE:
        return False
    outputs, rows = layer.y_shape[1] // layer.groups, math.prod(layer.weight_shape[1:])
    return outputs < FEW_OUTPUTS[current_matmul_precision()] or rows < FEW_ROWS
