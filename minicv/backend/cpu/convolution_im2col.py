"""Convolution by im2col: windows become columns of a matrix, and one matrix product does the rest.

Column (oh, ow) of the matrix holds the window that output pixel (oh, ow) looks at, so

    y[o, oh·ow]  =  weight[o, c·kh·kw]  @  columns[c·kh·kw, oh·ow].

The matrix is KH·KW times as large as the input. It is therefore never built as a whole: a strip of
output rows (or a few small images) at a time fits the cache, is multiplied there, and is
overwritten by the next.

This path works for every dtype, stride, dilation and number of groups; the others are short cuts.
It is also the fastest for the first layer of a network: three channels make 27 rows of columns,
which cost little to copy, and Winograd's transforms of so few channels would cost more than the
products that they save.

Arithmetic: N·O·OH·OW·(C/groups)·KH·KW multiply-adds for the forward pass and for each gradient.
Traffic: besides each array once, a write and a read of N·C·KH·KW·OH·OW numbers in the cache; the
gradient of the input adds as many up instead. Memory: one strip for each thread.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from minicv.backend.cpu.convolution_columns import gather, strips, windows
from minicv.backend.cpu.convolution_finish import NOTHING, Finish
from minicv.backend.cpu.convolution_geometry import Pair, add_up, pad_images, scratch
from minicv.backend.cpu.unbuffered import unbuffered
from minicv.backend.parallel import parallel_for, split

STRIP_BYTES = 3 << 20  # a strip costs some twenty steps of Python, so it should not be shorter
MANY_OUTPUTS = 256  # of a block of weights, where they pass
# A gradient of the weight is written once for each strip, so its strips must be long, cache or not.
GRAD_WEIGHT_COLUMNS = 512
GRAD_WEIGHT_SUM_BYTES = 32 << 20  # at most, for the sums that are kept apart until the end


def forward(
    x: np.ndarray,
    weight: np.ndarray,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    output_shape: tuple[int, int, int, int],
    finish: Finish = NOTHING,
) -> np.ndarray:
    """y = weight @ columns(x), and what follows.

    The columns pass strip by strip under the weight. Where there is more weight than columns, it is
    the columns that are kept, and the weight that passes: half of it for each of two threads.

    >>> x, weight = np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3))
    >>> forward(x, weight, (1, 1), (1, 1), (1, 1), 1, (1, 1, 3, 3))[0, 0].tolist()
    [[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]]
    """
    n, o, oh, ow = output_shape
    og = o // groups
    padded = pad_images(x, padding)
    y = np.empty(output_shape, np.result_type(x, weight))
    matrices = weight.reshape(groups, og, -1)  # (O, C/groups, KH, KW) -> (groups, O/groups, CKK)
    if groups == 1 and n * oh * ow <= o:
        columns = _all_columns(padded, weight.shape, (oh, ow), stride, dilation)

        def one_part(outputs: slice) -> None:
            everything = slice(0, n), slice(0, oh)
            _multiply(matrices[0, outputs], columns, y, outputs, *everything, finish)

        parallel_for(one_part, split(o, min(MANY_OUTPUTS, -(-o // 2))))
        return y

    def one_strip(strip: tuple[slice, slice]) -> None:
        for group, matrix in enumerate(matrices):
            columns = gather(padded, weight.shape, *strip, ow, group, stride, dilation)
            outputs = slice(group * og, (group + 1) * og)
            _multiply(matrix, columns, y, outputs, *strip, finish)

    # The strip of the result stays in the cache too, for what follows.
    parallel_for(one_strip, strips(n, oh, ow, (matrices.shape[2] + og) * y.itemsize, STRIP_BYTES))
    return y


def _all_columns(
    padded: np.ndarray,
    weight_shape: tuple[int, int, int, int],
    output: Pair,
    stride: Pair,
    dilation: Pair,
) -> np.ndarray:
    """The columns of all images, (CKK, N · OH · OW), in scratch memory."""
    (n, c), (oh, ow) = padded.shape[:2], output
    columns = scratch("im2col kept columns", (*weight_shape[1:], n, oh, ow), padded.dtype)

    def copy(channels: slice) -> None:
        columns[channels] = windows(
            padded[:, channels], weight_shape[2:], slice(0, n), slice(0, oh), ow, stride, dilation
        )

    parallel_for(copy, split(c, -(-c // 2)))
    return columns.reshape(math.prod(weight_shape[1:]), -1)


def _multiply(
    matrix: np.ndarray,
    columns: np.ndarray,
    y: np.ndarray,
    outputs: slice,
    images: slice,
    rows: slice,
    finish: Finish,
) -> None:
    """Some outputs of a strip: matrix @ columns into y, and what follows."""
    count, (oh, ow) = len(matrix), y.shape[2:]
    if images.stop - images.start == 1:
        pixels = slice(rows.start * ow, rows.stop * ow)
        target = y[images.start, outputs].reshape(count, -1)[:, pixels]  # a view
        np.matmul(matrix, columns, out=target)
        finish.apply_to_block(target, images.start, outputs, pixels)
        return
    product = scratch("im2col product", (count, columns.shape[1]), y.dtype)
    np.matmul(matrix, columns, out=product)
    # (outputs, images · OH · OW) -> (images, outputs, OH · OW)
    of_images = product.reshape(count, -1, oh * ow).swapaxes(0, 1)
    for image, of_image in enumerate(of_images, images.start):
        target = y[image, outputs].reshape(count, -1)
        target[...] = of_image
        finish.apply_to_block(target, image, outputs)


def grad_input(
    grad: np.ndarray,
    weight: np.ndarray,
    x_shape: tuple[int, int, int, int],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """dL/dx: each pixel collects from all windows that saw it.

    At stride 1 that is again a convolution, of dL/dy with the kernel turned by 180° and input and
    output channels exchanged. In general, columns = weightᵀ @ dL/dy holds what each window sends
    back, and every row of it is added where it was gathered (col2im). Strips overlap where they
    write, so one thread takes all strips of an image, or of half the channels of the only one.

    >>> grad, weight = np.ones((1, 1, 1, 2)), np.array([[[[1.0, 2.0, 4.0]]]])
    >>> grad_input(grad, weight, (1, 1, 1, 4), (1, 1), (0, 0), (1, 1), 1).tolist()
    [[[[1.0, 3.0, 6.0, 4.0]]]]
    >>> grad_input(grad, weight, (1, 1, 1, 5), (1, 2), (0, 0), (1, 1), 1).tolist()
    [[[[1.0, 2.0, 5.0, 2.0, 4.0]]]]
    """
    n, c, h, w = x_shape
    o, cg, kh, kw = weight.shape
    og = o // groups
    oh, ow = grad.shape[2:]
    reach = (dilation[0] * (kh - 1), dilation[1] * (kw - 1))
    turned_padding = (reach[0] - padding[0], reach[1] - padding[1])
    same_windows = (h + 2 * padding[0] - reach[0], w + 2 * padding[1] - reach[1]) == (oh, ow)
    possible = stride == (1, 1) and same_windows and min(turned_padding) >= 0
    if possible and og <= 2 * cg:  # copying a row of columns takes half as long as adding one
        turned = weight.reshape(groups, og, cg, kh, kw)[..., ::-1, ::-1]
        turned = turned.swapaxes(1, 2).reshape(c, og, kh, kw)  # (C, O/groups, KH, KW)
        return forward(grad, turned, stride, turned_padding, dilation, groups, x_shape)

    dtype = np.result_type(grad, weight)
    padded = np.zeros((n, c, h + 2 * padding[0], w + 2 * padding[1]), dtype)
    matrices = weight.reshape(groups, og, cg, kh * kw)
    strips_of: dict[int, list[tuple[slice, slice]]] = {}  # by their first image
    for images, rows in strips(n, oh, ow, cg * kh * kw * dtype.itemsize, STRIP_BYTES):
        strips_of.setdefault(images.start, []).append((images, rows))
    parts = split(cg, cg if n > 1 else -(-cg // 2))

    def one_block(block: tuple[int, int, slice]) -> None:
        first, group, part = block
        count = part.stop - part.start
        # (O/groups, C/groups, KK) -> (CKK, O/groups)
        matrix = matrices[group, :, part].reshape(og, -1).T
        channels = slice(group * cg + part.start, group * cg + part.stop)
        for images, rows in strips_of[first]:
            arriving = grad[images, group * og : (group + 1) * og, rows]
            # (images, O/groups, rows, OW) -> (O/groups, images · rows · OW)
            arriving = arriving.swapaxes(0, 1).reshape(og, -1)
            columns = scratch("im2col columns", (count * kh * kw, arriving.shape[1]), dtype)
            np.matmul(matrix, arriving, out=columns)
            columns = columns.reshape(count, kh, kw, -1, rows.stop - rows.start, ow)
            target = windows(padded[:, channels], (kh, kw), images, rows, ow, stride, dilation)
            with unbuffered():
                for u, v in itertools.product(range(kh), range(kw)):
                    target[:, u, v] += columns[:, u, v]

    parallel_for(one_block, itertools.product(strips_of, range(groups), parts))
    return padded[:, :, padding[0] : padding[0] + h, padding[1] : padding[1] + w]


def grad_weight(
    grad: np.ndarray,
    x: np.ndarray,
    weight_shape: tuple[int, int, int, int],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """dL/dweight = dL/dy @ columns(x)ᵀ, summed over the strips of all images.

    Each run of strips sums on its own and the runs are added in order, so the result is the same
    for any number of threads.

    >>> grad, x = np.ones((1, 1, 1, 2)), np.array([[[[1.0, 2.0, 4.0, 8.0]]]])
    >>> grad_weight(grad, x, (1, 1, 1, 3), (1, 1), (0, 0), (1, 1), 1).tolist()
    [[[[3.0, 6.0, 12.0]]]]
    """
    o, cg, kh, kw = weight_shape
    og = o // groups
    n, _, oh, ow = grad.shape
    padded = pad_images(x, padding)
    dtype = np.result_type(grad, x)
    column_bytes = cg * kh * kw * dtype.itemsize
    blocks = strips(n, oh, ow, column_bytes, max(STRIP_BYTES, GRAD_WEIGHT_COLUMNS * column_bytes))
    sum_bytes = max(1, o * column_bytes)
    runs = split(len(blocks), -(-len(blocks) // max(2, min(8, GRAD_WEIGHT_SUM_BYTES // sum_bytes))))
    sums = np.zeros((len(runs), groups, og, cg * kh * kw), dtype)

    def one_run(run: int) -> None:
        for step, (images, rows) in enumerate(blocks[runs[run]]):
            for group in range(groups):
                columns = gather(padded, weight_shape, images, rows, ow, group, stride, dilation)
                arriving = grad[images, group * og : (group + 1) * og, rows]
                # (images, O/groups, rows, OW) -> (O/groups, images · rows · OW)
                arriving = arriving.swapaxes(0, 1).reshape(og, -1)
                if step == 0:
                    np.matmul(arriving, columns.T, out=sums[run, group])
                else:
                    product = scratch("im2col product", sums.shape[2:], dtype)
                    sums[run, group] += np.matmul(arriving, columns.T, out=product)

    parallel_for(one_run, range(len(runs)))
    return add_up(sums).reshape(weight_shape)
