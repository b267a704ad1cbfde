"""Smaller and larger maps in ONNX: poolings, unpoolings and resizing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.backend import to_numpy
from minicv.backend.windows import Windows
from minicv.export.graph import Attribute, ExportError, GraphBuilder
from minicv.export.operands import Operands, Writers
from minicv.functional.adaptive_avg_pool2d import AdaptiveAvgPool2d
from minicv.functional.adaptive_max_pool2d import AdaptiveMaxPool2d
from minicv.functional.avg_pool2d import AvgPool2d
from minicv.functional.max_pool2d import MaxPool2d
from minicv.functional.max_unpool2d import MaxUnpool2d
from minicv.functional.pooling_windows import adaptive_bins
from minicv.functional.resize_bilinear import ResizeBilinear
from minicv.functional.unpool_bed_of_nails import UnpoolBedOfNails
from minicv.functional.unpool_nearest import UnpoolNearest


def max_pool(operation: MaxPool2d, x: Operands, graph: GraphBuilder) -> str:
    """MaxPool; with its second output, the places of the maxima, where an unpooling needs them."""
    attributes = _windows(operation.windows, x.shape(0), operation.ceil_mode)
    attributes["dilations"] = tuple(operation.windows.dilation)
    if operation not in graph.unpoolings.values():
        return graph.add("MaxPool", x[0], **attributes)
    y, places = graph.add_with_outputs(2, "MaxPool", x[0], **attributes)
    graph.places[operation] = (x[0], places)
    return y


def avg_pool(operation: AvgPool2d, x: Operands, graph: GraphBuilder) -> str:
    """AveragePool.

    Raises:
        ExportError: padding counts, and a window reaches beyond it.
    """
    attributes = _windows(operation.windows, x.shape(0), ceil_mode=False)
    padding = (*operation.windows.padding, *operation.windows.padding)
    if attributes["pads"] != padding and operation.count_include_pad:
        raise ExportError(
            "AvgPool2d: with ceil_mode a window reaches beyond the padding, and ONNX would count "
            "what lies there; export it with count_include_pad=False"
        )
    count = int(operation.count_include_pad)
    return graph.add("AveragePool", x[0], **attributes, count_include_pad=count)


def adaptive_avg_pool(operation: AdaptiveAvgPool2d, x: Operands, graph: GraphBuilder) -> str:
    """GlobalAveragePool or AveragePool where all bins are alike, else two MatMul by shares."""
    sizes, bins = x.shape(0)[2:], operation.output_size
    if tuple(bins) == (1, 1):
        return graph.add("GlobalAveragePool", x[0])
    if all(size % count == 0 for size, count in zip(sizes, bins, strict=True)):
        kernel = tuple(size // count for size, count in zip(sizes, bins, strict=True))
        return graph.add("AveragePool", x[0], kernel_shape=kernel, strides=kernel)
    rows, columns = (_shares(size, count) for size, count in zip(sizes, bins, strict=True))
    return _resampled(x[0], rows, columns, graph)


def adaptive_max_pool(operation: AdaptiveMaxPool2d, x: Operands, graph: GraphBuilder) -> str:
    """GlobalMaxPool or MaxPool where all bins are alike, else the maximum of each bin alone."""
    sizes, bins = x.shape(0)[2:], operation.output_size
    if tuple(bins) == (1, 1):
        return graph.add("GlobalMaxPool", x[0])
    if all(size % count == 0 for size, count in zip(sizes, bins, strict=True)):
        kernel = tuple(size // count for size, count in zip(sizes, bins, strict=True))
        return graph.add("MaxPool", x[0], kernel_shape=kernel, strides=kernel)
    y = x[0]
    for axis, size, count in zip((3, 2), reversed(sizes), reversed(bins), strict=True):
        maxima = []
        for part in adaptive_bins(size, count):
            ends = graph.lengths(part.start), graph.lengths(part.stop), graph.lengths(axis)
            inside = graph.add("Slice", y, *ends)
            maxima.append(graph.add("ReduceMax", inside, axes=(axis,), keepdims=1))
        y = graph.add("Concat", *maxima, axis=axis)
    return y


def max_unpool(operation: MaxUnpool2d, x: Operands, graph: GraphBuilder) -> str:
    """ScatterElements into zeros of the shape that the map had before its pooling.

    ONNX's MaxUnpool knows no odd sizes. As MaxPool counts places through all maps of the batch,
    everything is laid out as one row: of places, of values, and of zeros.
    """
    pooling = graph.unpoolings[operation]
    before, places = graph.places[pooling]
    shape = graph.add("Shape", before)
    row = graph.lengths(-1)
    zeros = graph.add("Reshape", graph.add("ConstantOfShape", shape), row)
    places, values = graph.add("Reshape", places, row), graph.add("Reshape", x[0], row)
    assert isinstance(pooling, MaxPool2d)
    adding: dict[str, Attribute] = {"reduction": "add"} if pooling.windows.overlap else {}
    filled = graph.add("ScatterElements", zeros, places, values, axis=0, **adding)
    return graph.add("Reshape", filled, shape)


def unpool_bed_of_nails(operation: UnpoolBedOfNails, x: Operands, graph: GraphBuilder) -> str:
    """ConvTranspose of each channel alone, with a stamp of one 1 among zeros."""
    channels, factors = x.shape(0)[1], tuple(operation.scale_factor)
    stamp = np.zeros((channels, 1, *factors), np.float32)
    stamp[:, :, 0, 0] = 1
    name = f"nails_{channels}_{factors[0]}_{factors[1]}"
    weight = graph.constant(stamp, name)
    return graph.add("ConvTranspose", x[0], weight, strides=factors, group=channels)


def unpool_nearest(operation: UnpoolNearest, x: Operands, graph: GraphBuilder) -> str:
    """Resize by whole factors: each value fills its block."""
    factors = np.array([1, 1, *operation.scale_factor], np.float32)
    scales = graph.constant(factors, "scales_" + "_".join(map(str, operation.scale_factor)))
    return graph.add(
        "Resize",
        x[0],
        "",
        scales,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def resize_bilinear(operation: ResizeBilinear, x: Operands, graph: GraphBuilder) -> str:
    """Resize to a size; two MatMul where the factor is not that of the sizes."""
    axes = zip(operation.size, operation.scale_factor, x.shape(0)[2:], strict=True)
    if any(factor is not None and factor * old != new for new, factor, old in axes):
        return _resampled(x[0], to_numpy(operation.rows), to_numpy(operation.columns), graph)
    corners = "align_corners" if operation.align_corners else "half_pixel"
    first = graph.add("Slice", graph.add("Shape", x[0]), graph.lengths(0), graph.lengths(2))
    sizes = graph.add("Concat", first, graph.size(*operation.size), axis=0)  # N, C, OH, OW
    return graph.add(
        "Resize", x[0], "", "", sizes, mode="linear", coordinate_transformation_mode=corners
    )


POOLINGS: Writers = {
    AdaptiveAvgPool2d: adaptive_avg_pool,
    AdaptiveMaxPool2d: adaptive_max_pool,
    AvgPool2d: avg_pool,
    MaxPool2d: max_pool,
    MaxUnpool2d: max_unpool,
    ResizeBilinear: resize_bilinear,
    UnpoolBedOfNails: unpool_bed_of_nails,
    UnpoolNearest: unpool_nearest,
}


def _windows(windows: Windows, shape: Sequence[int], ceil_mode: bool) -> dict[str, Attribute]:
    """Kernel, stride, and as much padding at the bottom and right as the last window needs.

    Where rounding up is all that ``ceil_mode`` does, ONNX does it, so that the image's size stays
    free. Where it also drops windows that begin in the padding, versions of ONNX differ.
    """
    attributes: dict[str, Attribute] = {
        "kernel_shape": tuple(windows.kernel),
        "strides": tuple(windows.stride),
    }
    fits = all(s <= k for s, k in zip(windows.stride, windows.kernel, strict=True))
    if ceil_mode and windows.padding == (0, 0) and fits:
        return {**attributes, "pads": (0, 0, 0, 0), "ceil_mode": 1}
    ends = []
    axes = zip(*windows, shape[2:], strict=True)
    for kernel, stride, padding, dilation, output, length in axes:
        last = (output - 1) * stride - padding + dilation * (kernel - 1)  # its last tap
        ends.append(max(padding, last + 1 - length))
    return {**attributes, "pads": (*windows.padding, *ends)}


def _shares(size: int, count: int) -> np.ndarray:
    """(count, size): by how much each position counts in the mean of each bin."""
    shares = np.zeros((count, size), np.float32)
    for row, part in zip(shares, adaptive_bins(size, count), strict=True):
        row[part] = 1 / (part.stop - part.start)
    return shares


def _resampled(x: str, rows: np.ndarray, columns: np.ndarray, graph: GraphBuilder) -> str:
    """(OH, H) ((N, C, H, W) (W, OW)) -> (N, C, OH, OW)."""
    across = graph.add("MatMul", x, graph.constant(np.ascontiguousarray(columns.T)))
    return graph.add("MatMul", graph.constant(rows), across)
