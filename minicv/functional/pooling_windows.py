"""From the options of a pooling layer to its windows, with every option checked."""

from __future__ import annotations

from minicv.autograd import Tensor
from minicv.backend import Array
from minicv.backend.windows import Windows
from minicv.functional.arguments import check_tensor
from minicv.functional.conv2d import as_pair

Pair = tuple[int, int]


def pooling_windows(
    operation: str,
    x: Tensor | Array,
    kernel_size: int | Pair,
    stride: int | Pair | None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    ceil_mode: bool = False,
) -> Windows:
    """The windows of a pooling layer over x (N, C, H, W); PyTorch's rules.

    Raises:
        ValueError: an option is out of range, padding is more than half of the kernel, the kernel
            is larger than the padded input, or (with dilation) a window misses the map.

    >>> import numpy as np
    >>> pooling_windows("max_pool2d", np.zeros((1, 1, 5, 5)), 2, None, ceil_mode=True).output
    (3, 3)
    """
    check_maps(operation, x)
    kernel = as_pair(operation, "kernel_size", kernel_size, least=1)
    stride = kernel if stride is None else as_pair(operation, "stride", stride, least=1)
    padding = as_pair(operation, "padding", padding, least=0)
    dilation = as_pair(operation, "dilation", dilation, least=1)
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise ValueError(
            f"{operation}: padding must be at most half of kernel_size, or windows could lie "
            f"outside of the image; padding={padding}, kernel_size={kernel}"
        )
    rows, columns = [
        output_length(*sizes, ceil_mode)
        for sizes in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True)
    ]
    output = (rows, columns)
    if min(output) < 1:
        raise ValueError(
            f"{operation}: kernel_size {kernel} (dilation {dilation}) is larger than the padded "
            f"input; x={x.shape}, padding={padding}"
        )
    windows = Windows(kernel, stride, padding, dilation, output)
    for axis in (0, 1):
        seen: set[int] = set()
        for here, _ in windows.taps(axis, x.shape[2 + axis]):
            seen.update(range(output[axis])[here])
        if len(seen) < output[axis]:
            raise ValueError(
                f"{operation}: window {min(set(range(output[axis])) - seen)} along axis {2 + axis} "
                f"has all its taps outside of the image; use less padding or dilation; "
                f"x={x.shape}, kernel_size={kernel}, padding={padding}, dilation={dilation}"
            )
    return windows


def output_length(
    length: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> int:
    """How many windows fit along one axis; less than 1 where the kernel is too large.

    ``ceil_mode`` adds a last window that hangs over the end, if it starts inside the image or the
    padding before it.

    >>> output_length(5, 2, 2, 0, 1, ceil_mode=False), output_length(5, 2, 2, 0, 1, ceil_mode=True)
    (2, 3)
    """
    room = length + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= length + padding else count


def adaptive_bins(length: int, bins: int) -> list[slice]:
    """``length`` positions cut into ``bins``; neighbours overlap where bins do not divide length.

    Bin i is floor(i · length / bins) up to ceil((i + 1) · length / bins), in whole numbers.

    >>> adaptive_bins(5, 2)
    [slice(0, 3, None), slice(2, 5, None)]
    """
    return [slice(i * length // bins, -(-(i + 1) * length // bins)) for i in range(bins)]


def check_maps(operation: str, x: Tensor | Array) -> None:
    """Check that x is a batch of floating point feature maps with at least one position each."""
    check_tensor(operation, x)
    if len(x.shape) != 4:
        raise ValueError(
            f"{operation}: x must have 4 axes (N, C, H, W) but has shape {x.shape}; "
            "a single image needs x[None]"
        )
    if min(x.shape[2:]) < 1:
        raise ValueError(f"{operation}: the maps of x must not be empty; x={x.shape}")
    if x.dtype.kind not in "fc":
        raise TypeError(
            f"{operation}: x must be floating point but is {x.dtype}; convert its array with "
            ".astype('float32')"
        )
