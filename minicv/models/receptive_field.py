"""What a cell of a map can see of the image: its theoretical receptive field.

A convolution with kernel K, stride s, padding p and dilation d makes cell i of its result from the
cells i s - p to i s - p + d (K - 1) of its input. So from a result back to the image, operation by
operation, an interval of rows and one of columns become intervals of the layer before. Where paths
join, such as at a shortcut, the hull of the intervals counts.

The field is a bound: outside of it nothing has any influence. Inside, most of the influence is in
the middle; see `minicv.explain.saliency.effective_receptive_field`.

Source: Araujo, Norris & Sim, Computing receptive fields of convolutional neural networks, Distill,
2019.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.autograd.backward import results_by_order
from minicv.backend import to_numpy
from minicv.functional.adaptive_avg_pool2d import AdaptiveAvgPool2d
from minicv.functional.adaptive_max_pool2d import AdaptiveMaxPool2d
from minicv.functional.avg_pool2d import AvgPool2d
from minicv.functional.batch_norm import BatchNorm
from minicv.functional.conv2d import Conv2d
from minicv.functional.conv_norm_relu import ConvNormRelu
from minicv.functional.conv_transpose2d import ConvTranspose2d
from minicv.functional.getitem import GetItem
from minicv.functional.group_norm import GroupNorm
from minicv.functional.layer_norm import LayerNorm
from minicv.functional.max_pool2d import MaxPool2d
from minicv.functional.max_unpool2d import MaxUnpool2d
from minicv.functional.pad import Pad
from minicv.functional.pooling_windows import adaptive_bins
from minicv.functional.resize_bilinear import ResizeBilinear
from minicv.functional.transpose import Permute
from minicv.functional.unpool_bed_of_nails import UnpoolBedOfNails
from minicv.functional.unpool_nearest import UnpoolNearest

Ends = tuple[np.ndarray, np.ndarray]  # first and last cell, of each cell of the result
THIN = 64  # pixels: the other side of an image while one side is looked at


@dataclass(frozen=True)
class ReceptiveField:
    """Of each cell of a map, the pixels on which it can depend.

    Attributes:
        rows: (h, 2) whole numbers, for each row of cells the first row of pixels and the one after
            the last.
        columns: (w, 2), likewise.
    """

    rows: np.ndarray
    columns: np.ndarray

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """x1, y1, x2, y2 of a cell's field, half-open, in pixels."""
        (y1, y2), (x1, x2) = self.rows[row].tolist(), self.columns[column].tolist()
        return x1, y1, x2, y2


def receptive_field(network: Callable[[Tensor], Tensor], size: tuple[int, int]) -> ReceptiveField:
    """The receptive field of each cell that a network makes of an image of ``size`` (H, W).

    The network runs twice, on zeros: for the rows on an image of the full height that is thin, for
    the columns on one that is low, because rows and columns do not depend on each other. The
    switches of a max unpooling do not count as a path.

    Args:
        network: (1, 3, H, W) -> (1, C, h, w), such as ``model.forward`` of a segmenter, or a
            backbone's map; in evaluation mode.
        size: of the image.

    Raises:
        ValueError: the result is no map, or does not depend on the image.

    >>> from minicv import nn
    >>> rng = np.random.default_rng(0)
    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, rng=rng), nn.MaxPool2d(2),
    ...                     nn.Conv2d(4, 4, 3, padding=1, rng=rng))
    >>> field = receptive_field(net, (32, 40))
    >>> field.box(8, 10), field.box(0, 0)
    ((17, 13, 25, 21), (0, 0, 5, 5))
    """
    height, width = size
    sides = []
    for axis, thin in ((0, (height, min(width, THIN))), (1, (min(height, THIN), width))):
        try:
            ends = _ends_along(network, thin, axis)
        except ValueError:
            if thin == size:
                raise
            ends = _ends_along(network, size, axis)  # too thin for this network
        first, last = ends
        sides.append(np.stack([first, last + 1], axis=1))
    return ReceptiveField(*sides)


def _ends_along(network: Callable[[Tensor], Tensor], size: tuple[int, int], axis: int) -> Ends:
    x = Tensor(np.zeros((1, 3, *size), np.float32), requires_grad=True)
    y = network(x)
    if y.ndim != 4 or y.creator is None:
        raise ValueError(
            f"receptive_field: the network gave {y.shape}; expected a map (1, C, h, w) that "
            "depends on the image, outside of no_grad()"
        )
    return ends_in(x, y, axis)


def ends_in(image: Tensor, result: Tensor, axis: int) -> Ends:
    """The first and last row (axis 0) or column (1) of ``image`` for each of ``result``.

    Args:
        image: a leaf (N, C, H, W) that requires a gradient.
        result: (N, C, h, w), recorded from it.
        axis: 0 or 1.

    Raises:
        ValueError: the result does not depend on the image.
    """
    cells = np.arange(result.shape[2 + axis])
    seen: dict[int, Ends] = {id(result): (cells, cells)}
    for tensor in results_by_order(result, {}):
        function = tensor.creator
        if function is None or id(tensor) not in seen:
            continue
        own = seen.pop(id(tensor))
        for index, source in enumerate(function.inputs):
            if source is None or not (source is image or source.creator is not None):
                continue
            first, last = _before(function, index, source, tensor, axis, own)
            if id(source) in seen:
                other_first, other_last = seen[id(source)]
                first, last = np.minimum(first, other_first), np.maximum(last, other_last)
            seen[id(source)] = first, last
    if id(image) not in seen:
        raise ValueError("receptive_field: the result does not depend on the image")
    return seen[id(image)]


def _before(
    function: Function, index: int, source: Tensor, result: Tensor, axis: int, ends: Ends
) -> Ends:
    """The intervals of an input from those of the operation's result, inside the input's map."""
    if source.ndim != 4:
        return ends  # a vector has no places: what made it is taken as a whole
    length = source.shape[2 + axis]
    everything = np.zeros_like(ends[0]), np.full_like(ends[1], length - 1)
    if result.ndim != 4:
        return everything
    # What is not the first input of such an operation is a shortcut that is added to its result.
    rule = RULES.get(type(function), _same_place) if index == 0 else _same_place
    found = rule(function, length, result.shape[2 + axis], axis, ends)
    if found is None:
        return everything
    first, last = found
    return np.clip(first, 0, length - 1), np.clip(last, 0, length - 1)


def _same_place(function: Any, length: int, made: int, axis: int, ends: Ends) -> Ends | None:
    """Of an operation element by element; where the sizes differ, the input is taken as a whole."""
    if length == 1:
        return np.zeros_like(ends[0]), np.zeros_like(ends[1])
    return ends if length == made else None


def _everything(function: Any, length: int, made: int, axis: int, ends: Ends) -> None:
    return None


def _convolution(function: Any, length: int, made: int, axis: int, ends: Ends) -> Ends:
    stride, padding, dilation = (own[axis] for own in function.options[:3])
    first = ends[0] * stride - padding
    return first, ends[1] * stride - padding + dilation * (function.weight_shape[2 + axis] - 1)


def _transposed_convolution(function: Any, length: int, made: int, axis: int, ends: Ends) -> Ends:
    # Cell i of the input adds to the cells i s - p + d u of the result, u = 0 to K - 1.
    stride, padding, dilation = (own[axis] for own in function.options[:3])
    reach = dilation * (function.weight_shape[2 + axis] - 1)
    return -((reach - ends[0] - padding) // stride), (ends[1] + padding) // stride


def _pooling(function: Any, length: int, made: int, axis: int, ends: Ends) -> Ends:
    windows = function.windows
    kernel, stride = windows.kernel[axis], windows.stride[axis]
    first = ends[0] * stride - windows.padding[axis]
    last = ends[1] * stride - windows.padding[axis] + windows.dilation[axis] * (kernel - 1)
    return first, last


def _adaptive_pooling(function: Any, length: int, made: int, axis: int, ends: Ends) -> Ends:
    bins = adaptive_bins(length, made)
    starts = np.array([own.start for own in bins])
    stops = np.array([own.stop for own in bins])
    return starts[ends[0]], stops[ends[1]] - 1


def _bilinear(function: Any, length: int, made: int, axis: int, ends: Ends) -> Ends:
    weights = to_numpy((function.rows, function.columns)[axis]) != 0
    if weights.shape != (made, length):
        weights = weights.T
    return weights.argmax(axis=1)[ends[0]], (length - 1 - weights[:, ::-1].argmax(axis=1))[ends[1]]


def _blocks(function: Any, length: int, made: int, axis: int, ends: Ends) -> Ends:
    """Each cell of the input fills, or stands somewhere in, a block of the result."""
    block = -(-made // length)
    return ends[0] // block, ends[1] // block


def _margins(function: Any, length: int, made: int, axis: int, ends: Ends) -> Ends:
    before = function.inside[2 + axis].start
    return ends[0] - before, ends[1] - before


def _slices(function: Any, length: int, made: int, axis: int, ends: Ends) -> Ends | None:
    index = function.index if isinstance(function.index, tuple) else (function.index,)
    if not all(isinstance(part, slice) for part in index):
        return None
    if len(index) <= 2 + axis:
        return ends
    start, _, step = index[2 + axis].indices(length)
    return (start + ends[0] * step, start + ends[1] * step) if step > 0 else None


def _axes_in_place(function: Any, length: int, made: int, axis: int, ends: Ends) -> Ends | None:
    return ends if function.dims[2:] == (2, 3) else None


Rule = Callable[[Any, int, int, int, Ends], Ends | None]
RULES: dict[type[Function], Rule] = {
    Conv2d: _convolution,
    ConvNormRelu: _convolution,
    ConvTranspose2d: _transposed_convolution,
    MaxPool2d: _pooling,
    AvgPool2d: _pooling,
    AdaptiveAvgPool2d: _adaptive_pooling,
    AdaptiveMaxPool2d: _adaptive_pooling,
    ResizeBilinear: _bilinear,
    UnpoolNearest: _blocks,
    UnpoolBedOfNails: _blocks,
    MaxUnpool2d: _blocks,
    Pad: _margins,
    GetItem: _slices,
    Permute: _axes_in_place,
    # Their statistics are taken over the whole map.
    BatchNorm: _everything,
    GroupNorm: _everything,
    LayerNorm: _everything,
}
