"""Other shapes in ONNX: parts of an array, its axes in another order, arrays side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicv.export.graph import ExportError, GraphBuilder
from minicv.export.operands import Operands, Writers
from minicv.functional.concatenate import Concatenate
from minicv.functional.getitem import GetItem
from minicv.functional.pad import Pad
from minicv.functional.reshape import Reshape
from minicv.functional.stack import Stack
from minicv.functional.transpose import Permute


def reshape(operation: Reshape, x: Operands, graph: GraphBuilder) -> str:
    """Reshape; 0 stands for the length that x has there, so that the batch may have any size.

    Where sizes follow the image, the longest axis is computed from the others, or the last two are
    those of other maps.
    """
    before, after = x.shape(0), list(operation.new_shape)
    if not (before and after and after[0] == before[0]):
        return graph.add("Reshape", x[0], graph.lengths(*after))
    after[0] = 0
    if graph.follows and len(after) > 3:
        height, width = after[-2:]
        shape = graph.add("Concat", graph.lengths(*after[:-2]), graph.size(height, width), axis=0)
        return graph.add("Reshape", x[0], shape)
    if len(after) == 2 or (graph.follows and -1 not in after[1:]):
        after[after.index(max(after[1:]), 1)] = -1
    return graph.add("Reshape", x[0], graph.lengths(*after))


def permute(operation: Permute, x: Operands, graph: GraphBuilder) -> str:
    """Transpose."""
    ndim = len(x.shape(0))
    return graph.add("Transpose", x[0], perm=tuple(axis % ndim for axis in operation.dims))


def concatenate(operation: Concatenate, x: Operands, graph: GraphBuilder) -> str:
    """Concat."""
    parts = [x[index] for index in range(len(x))]
    return graph.add("Concat", *parts, axis=int(operation.axis))


def stack(operation: Stack, x: Operands, graph: GraphBuilder) -> str:
    """Unsqueeze and Concat."""
    axis = graph.lengths(operation.axis)
    parts = [graph.add("Unsqueeze", x[index], axis) for index in range(len(x))]
    return graph.add("Concat", *parts, axis=int(operation.axis))


def pad(operation: Pad, x: Operands, graph: GraphBuilder) -> str:
    """Pad."""
    axes = len(x.shape(0))
    before, after = [0] * axes, [0] * axes
    for pair in range(len(operation.margins) // 2):  # the last axis comes first
        before[-1 - pair] = operation.margins[2 * pair]
        after[-1 - pair] = operation.margins[2 * pair + 1]
    if not any(before + after):
        return x[0]
    value = graph.number(operation.value)
    return graph.add("Pad", x[0], graph.lengths(*before, *after), value, mode="constant")


def getitem(operation: GetItem, x: Operands, graph: GraphBuilder) -> str:
    """Slice for slices, Gather for numbers and an array of numbers, Unsqueeze for None.

    Raises:
        ExportError: a mask, or several arrays: ONNX has no operator for these.
    """
    shape = x.shape(0)
    parts = _whole_index(operation.index, len(shape))
    size = _first_rows_and_columns(parts, shape)
    if graph.follows and size is not None:
        start, axes = graph.lengths(0, 0), graph.lengths(2, 3)
        return graph.add("Slice", x[0], start, graph.size(*size), axes)
    y = _sliced(x[0], [part for part in parts if part is not None], shape, graph)
    axis = 0
    arrays = sum(getattr(part, "ndim", 0) > 0 for part in parts)
    for part in parts:
        if isinstance(part, slice):
            axis += 1
        elif part is None:
            y = graph.add("Unsqueeze", y, graph.lengths(axis))
            axis += 1
        elif getattr(part, "ndim", 0) == 0 and not isinstance(part, (bool, np.bool_)):
            y = graph.add("Gather", y, graph.constant(np.array(part, np.int64)), axis=axis)
        elif part.ndim == 1 and part.dtype.kind in "iu" and arrays == 1:
            y = graph.add("Gather", y, graph.lengths(*part.tolist()), axis=axis)
            axis += 1
        else:
            raise ExportError(
                "GetItem: an index of masks or of several arrays cannot be exported; how many "
                "elements it selects is known only where it runs. Take slices, numbers, or one "
                "array of whole numbers"
            )
    return y


SHAPES: Writers = {
    Concatenate: concatenate,
    GetItem: getitem,
    Pad: pad,
    Permute: permute,
    Reshape: reshape,
    Stack: stack,
}


def _whole_index(index: Any, ndim: int) -> list[Any]:
    """The index with a part for every axis, without an ellipsis."""
    parts = list(index) if isinstance(index, tuple) else [index]
    axes = sum(part is not None and part is not Ellipsis for part in parts)
    rest = [slice(None)] * (ndim - axes)
    for place, part in enumerate(parts):
        if part is Ellipsis:
            return [*parts[:place], *rest, *parts[place + 1 :]]
    return [*parts, *rest]


def _first_rows_and_columns(parts: list[Any], shape: tuple[int, ...]) -> tuple[int, int] | None:
    """(h, w) of ``x[:, :, :h, :w]``; None for every other index."""
    if len(parts) != 4 or not all(isinstance(part, slice) for part in parts):
        return None
    if any((part.start or 0, part.step or 1) != (0, 1) for part in parts):
        return None
    if [part.stop for part in parts[:2]] != [None, None]:
        return None
    height, width = (part.stop for part in parts[2:])
    if height is None or width is None or not (0 <= height <= shape[2] and 0 <= width <= shape[3]):
        return None
    return int(height), int(width)


def _sliced(x: str, parts: list[Any], shape: tuple[int, ...], graph: GraphBuilder) -> str:
    """One Slice for all axes of which not everything is taken."""
    cuts = []
    for axis, (part, length) in enumerate(zip(parts, shape, strict=True)):
        if not isinstance(part, slice):
            continue
        start, stop, step = part.indices(length)
        if (start, step) == (0, 1) and stop >= length:
            continue
        # Backwards up to the first element, which no index stands before.
        cuts.append((start, stop if stop >= 0 else -length - 1, axis, step))
    if not cuts:
        return x
    # Starts, stops, axes and steps, each for all axes that are cut.
    return graph.add("Slice", x, *(graph.lengths(*each) for each in zip(*cuts, strict=True)))
