"""Convolution by im2col: windows become columns of a matrix, and one matrix product does the rest.

Column (oh, ow) of the matrix holds the window that output pixel (oh, ow) looks at, so

    y[o, oh·ow]  =  weight[o, c·kh·kw]  @  columns[c·kh·kw, oh·ow].

The matrix is KH·KW times as large as the input. It is therefore never built as a whole: a strip of
output rows (or a few small images) at a time fits the cache, is multiplied there, and is
overwritten by the next. Zeros are put around the pixels of the strip alone. With stride s, pixels s
apart are first put side by side, so that a row of columns is a run of memory again. A row of ones
below the columns adds the bias in the product itself.

This algorithm works for every dtype, stride, dilation and number of groups; the others are short
cuts. It is also the fastest for the first layer of a network: three channels make 27 rows of
columns, which cost little to copy, and Winograd's transforms of so few channels would cost more
than the products that they save.

Arithmetic: N·O·OH·OW·(C/groups)·KH·KW multiply-adds for the forward pass and for each gradient.
Traffic: besides each array once, a write and a read of N·C·KH·KW·OH·OW numbers in the cache; the
gradient of the input adds as many numbers instead. Memory: one strip for each thread.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import DTypeLike

from minicv.backend.convolution_layer import NO_EPILOGUE, Epilogue, Layer, turn_weight
from minicv.backend.cpu.convolution_epilogue import apply_to_block
from minicv.backend.cpu.convolution_products import LONGEST_ROW, multiply, multiply_rows
from minicv.backend.cpu.memory import add_up, row_length, scratch, strided, unbuffered
from minicv.backend.parallel import parallel_for, split, split_evenly

STRIP_BYTES = 3 << 20  # a strip costs some twenty steps of Python, so it should not be shorter
FEW_ROWS = 256  # of columns: a product so flat takes no longer with a row for the bias
LONG_RUN = 16  # pixels; shorter runs are not worth putting side by side
# Fewer columns than these make a slow product, so two cores do not share them out but the weights.
# More are gathered by each core for itself: what one writes and another reads crosses between them.
FEW_PIXELS = 128
MANY_OUTPUTS = 256  # in a block of weights, where blocks of weights pass over all columns
# A gradient of the weight is written once for each strip, so its strips must be long, cache or not.
GRAD_WEIGHT_COLUMNS = 512
GRAD_WEIGHT_SUM_BYTES = 32 << 20  # at most, for the sums that stay apart until the end
# So few pixels make one product, and nothing is summed: the weights are shared out, not the pixels.
GRAD_WEIGHT_FEW_PIXELS = LONGEST_ROW
GRAD_WEIGHT_BLOCK_BYTES = 1 << 20  # of the columns of some channels
BY_IMAGE_WINDOW, BY_IMAGE_BYTES = 32, 2 << 20  # elements, and bytes of columns; `goes_by_image`


def forward(
    layer: Layer, x: np.ndarray, weight: np.ndarray, epilogue: Epilogue = NO_EPILOGUE
) -> np.ndarray:
    """y = weight @ columns(x), and the epilogue.

    The columns pass strip by strip under the weight. Where there is more weight than columns, all
    columns are made at once, and the weight passes in blocks: half of it for each of two threads.
    Where a window has few elements, as in a first layer, each image is a product of its own, which
    lands in the result: see `goes_by_image`.

    >>> x, weight = np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3))
    >>> layer = Layer.of(x.dtype, x.shape, weight.shape, (1, 1), (1, 1), (1, 1), 1)
    >>> forward(layer, x, weight)[0, 0].tolist()
    [[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]]
    """
    groups = layer.groups
    n, o, oh, ow = layer.y_shape
    og = o // groups
    y = np.empty(layer.y_shape, np.result_type(x, weight))
    matrices = weight.reshape(groups, og, -1)  # (O, C/groups, KH, KW) -> (groups, O/groups, CKK)
    if groups == 1 and n * oh * ow <= min(o, FEW_PIXELS):
        columns = _all_columns(layer, x)

        def multiply_outputs(outputs: slice) -> None:
            everything = slice(0, n), slice(0, oh)
            _multiply(matrices[0, outputs], columns, y, outputs, *everything, epilogue)

        parallel_for(multiply_outputs, split(o, min(MANY_OUTPUTS, -(-o // 2))))
        return y

    few_rows = groups == 1 and matrices.shape[2] <= FEW_ROWS
    with_bias = few_rows and epilogue.scale is None and epilogue.shift is not None
    if with_bias:
        shift = np.asarray(epilogue.shift, y.dtype)
        matrices = np.concatenate([matrices, shift[None, :, None]], axis=2)
        epilogue = epilogue._replace(shift=None)

    if goes_by_image(layer):

        def multiply_images(images: slice) -> None:
            columns = _columns_by_image(layer, x, images, with_bias)
            multiply(matrices[0], columns, y[images].reshape(len(columns), o, oh * ow))
            if not epilogue.is_empty:
                for image in range(images.start, images.stop):
                    apply_to_block(epilogue, y[image].reshape(o, oh * ow), image, slice(0, o))

        parallel_for(multiply_images, _blocks_by_image(layer))
        return y

    def multiply_strip(strip: tuple[slice, slice]) -> None:
        for group, matrix in enumerate(matrices):
            columns = gather(layer, x, *strip, group, with_bias)
            outputs = slice(group * og, (group + 1) * og)
            _multiply(matrix, columns, y, outputs, *strip, epilogue)

    # The strip of the result stays in the cache too, for the epilogue.
    column_bytes = (matrices.shape[2] + og) * y.itemsize
    parallel_for(multiply_strip, strips(n, oh, ow, column_bytes, STRIP_BYTES))
    return y


def grad_input(layer: Layer, grad: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """dL/dx: each pixel collects from all windows that saw it.

    At stride 1 that is again a convolution, of dL/dy with the kernel turned by 180° and input and
    output channels exchanged. In general, columns = weightᵀ @ dL/dy holds what each window sends
    back, and every row of it is added where it was gathered (col2im). Strips overlap where they
    write, so one thread takes all strips of an image, or of half the channels of a single image.

    >>> grad, weight = np.ones((1, 1, 1, 2)), np.array([[[[1.0, 2.0, 4.0]]]])
    >>> layer = Layer.of(grad.dtype, (1, 1, 1, 4), weight.shape, (1, 1), (0, 0), (1, 1), 1)
    >>> grad_input(layer, grad, weight).tolist()
    [[[[1.0, 3.0, 6.0, 4.0]]]]
    >>> layer = Layer.of(grad.dtype, (1, 1, 1, 5), weight.shape, (1, 2), (0, 0), (1, 1), 1)
    >>> grad_input(layer, grad, weight).tolist()
    [[[[1.0, 2.0, 5.0, 2.0, 4.0]]]]
    """
    n, c, h, w = layer.x_shape
    o, cg, kh, kw = layer.weight_shape
    oh, ow = layer.y_shape[2:]
    groups, padding = layer.groups, layer.padding
    og = o // groups
    turned = layer.turned()
    same_windows = (h + 2 * padding[0] - layer.reach[0], w + 2 * padding[1] - layer.reach[1])
    possible = layer.stride == (1, 1) and same_windows == (oh, ow) and min(turned.padding) >= 0
    if possible and og <= 2 * cg:  # copying a row of columns takes half as long as adding one
        return forward(turned, grad, turn_weight(weight, groups))

    dtype = np.result_type(grad, weight)
    padded = np.zeros((n, c, h + 2 * padding[0], w + 2 * padding[1]), dtype)
    matrices = weight.reshape(groups, og, cg, kh * kw)
    strips_of: dict[int, list[tuple[slice, slice]]] = {}  # by their first image
    for images, rows in strips(n, oh, ow, cg * kh * kw * dtype.itemsize, STRIP_BYTES):
        strips_of.setdefault(images.start, []).append((images, rows))
    parts = split(cg, cg if n > 1 else -(-cg // 2))

    def send_back(block: tuple[int, int, slice]) -> None:
        first, group, part = block
        count = part.stop - part.start
        # (O/groups, C/groups, KK) -> (CKK, O/groups)
        matrix = matrices[group, :, part].reshape(og, -1).T
        channels = slice(group * cg + part.start, group * cg + part.stop)
        for images, rows in strips_of[first]:
            arriving = _outputs_in_rows(grad, images, rows, group, og)
            columns = scratch("im2col columns", (count * kh * kw, arriving.shape[1]), dtype)
            multiply(matrix, arriving, columns)
            columns = columns.reshape(count, kh, kw, -1, rows.stop - rows.start, ow)
            target = windows(layer, padded[:, channels], images, rows)
            with unbuffered():
                for u, v in itertools.product(range(kh), range(kw)):
                    target[:, u, v] += columns[:, u, v]

    parallel_for(send_back, itertools.product(strips_of, range(groups), parts))
    return padded[:, :, padding[0] : padding[0] + h, padding[1] : padding[1] + w]


def grad_weight(layer: Layer, grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dL/dweight = dL/dy @ columns(x)ᵀ, summed over the strips of all images.

    Each run of strips sums on its own and the runs are added in order, so the result is the same
    for any number of threads. Where there are few pixels, the sums would be larger than the
    columns: some input channels at a time make the columns of all pixels, and their weights. Where
    a window has few elements, as in a first layer, see `_grad_weight_by_image`.

    >>> grad, x = np.ones((1, 1, 1, 2)), np.array([[[[1.0, 2.0, 4.0, 8.0]]]])
    >>> layer = Layer.of(x.dtype, x.shape, (1, 1, 1, 3), (1, 1), (0, 0), (1, 1), 1)
    >>> grad_weight(layer, grad, x).tolist()
    [[[[3.0, 6.0, 12.0]]]]
    """
    o, cg, kh, kw = layer.weight_shape
    n, _, oh, ow = layer.y_shape
    og = o // layer.groups
    dtype = np.result_type(grad, x)
    pixels = n * oh * ow
    if layer.groups == 1 and pixels <= GRAD_WEIGHT_FEW_PIXELS:
        grad_w = np.empty((o, cg * kh * kw), dtype)
        arriving = _outputs_in_rows(grad, slice(0, n), slice(0, oh), 0, o)

        def multiply_channels(channels: slice) -> None:
            weights = slice(channels.start * kh * kw, channels.stop * kh * kw)
            columns = _columns(weights.stop - weights.start, pixels, x.dtype)
            windows_of = columns.reshape(channels.stop - channels.start, kh, kw, n, oh, ow)
            copy_windows(layer, x, channels, slice(0, n), slice(0, oh), windows_of)
            multiply_rows(arriving, columns, grad_w[:, weights])

        fitting = GRAD_WEIGHT_BLOCK_BYTES // max(1, kh * kw * pixels * dtype.itemsize)
        parallel_for(multiply_channels, split_evenly(cg, min(fitting, -(-cg // 2))))
        return grad_w.reshape(layer.weight_shape)

    if goes_by_image(layer):
        return _grad_weight_by_image(layer, grad, x)

    column_bytes = cg * kh * kw * dtype.itemsize
    blocks = strips(n, oh, ow, column_bytes, max(STRIP_BYTES, GRAD_WEIGHT_COLUMNS * column_bytes))
    sum_bytes = max(1, o * column_bytes)
    runs = split(len(blocks), -(-len(blocks) // max(2, min(8, GRAD_WEIGHT_SUM_BYTES // sum_bytes))))
    sums = np.zeros((len(runs), layer.groups, og, cg * kh * kw), dtype)

    def sum_run(run: int) -> None:
        for step, (images, rows) in enumerate(blocks[runs[run]]):
            for group in range(layer.groups):
                columns = gather(layer, x, images, rows, group)
                arriving = _outputs_in_rows(grad, images, rows, group, og)
                if step == 0:
                    multiply_rows(arriving, columns, sums[run, group])
                else:
                    product = scratch("im2col product", sums.shape[2:], dtype)
                    multiply_rows(arriving, columns, product)
                    sums[run, group] += product

    parallel_for(sum_run, range(len(runs)))
    return add_up(sums).reshape(layer.weight_shape)


def goes_by_image(layer: Layer) -> bool:
    """Whether there are several images, whose columns are small, and yet longer than they are many.

    >>> options = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1}
    >>> [goes_by_image(Layer.of(np.dtype("float32"), (8, c, 28, 28), (16, c, 3, 3), **options))
    ...  for c in (3, 16)]
    [True, False]
    """
    window, pixels = math.prod(layer.weight_shape[1:]), math.prod(layer.y_shape[2:])
    fits = window * pixels * layer.dtype.itemsize <= BY_IMAGE_BYTES
    several = layer.groups == 1 and layer.x_shape[0] > 1
    return several and window <= BY_IMAGE_WINDOW <= pixels // 4 and fits


def _grad_weight_by_image(layer: Layer, grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """One product an image: then its dL/dy, which is larger than its columns, stays where it is.

    Each image has its own sum, (O, C·KH·KW), and these are small.
    """
    o, c, kh, kw = layer.weight_shape
    n, _, oh, ow = layer.y_shape
    arriving = np.ascontiguousarray(grad).reshape(n, o, oh * ow)
    sums = np.empty((n, o, c * kh * kw), np.result_type(grad, x))

    def multiply_images(images: slice) -> None:
        columns = _columns_by_image(layer, x, images)
        multiply_rows(arriving[images], columns, sums[images])

    parallel_for(multiply_images, _blocks_by_image(layer))
    return add_up(sums).reshape(layer.weight_shape)


def _blocks_by_image(layer: Layer) -> list[slice]:
    """The images in blocks, of which there are two at least."""
    (n, _, oh, ow), window = layer.y_shape, math.prod(layer.weight_shape[1:])
    fitting = BY_IMAGE_BYTES // (window * oh * ow * layer.dtype.itemsize)
    return split_evenly(n, min(fitting, -(-n // 2)))


def _columns_by_image(
    layer: Layer, x: np.ndarray, images: slice, with_ones: bool = False
) -> np.ndarray:
    """The columns of some images, (N, C · KH · KW, OH · OW), in scratch memory.

    With ``with_ones``, a row of ones lies below those of each image.
    """
    c, kh, kw = layer.weight_shape[1:]
    oh, ow = layer.y_shape[2:]
    count, window = images.stop - images.start, c * kh * kw
    columns = scratch("im2col columns", (count, window + with_ones, row_length(oh * ow)), x.dtype)[
        ..., : oh * ow
    ]
    as_windows = columns[:, :window].reshape(count, c, kh, kw, oh, ow)
    # -> (C, KH, KW, N, OH, OW)
    copy_windows(
        layer, x, slice(0, c), images, slice(0, oh), as_windows.transpose(1, 2, 3, 0, 4, 5)
    )
    columns[:, window:] = 1
    return columns


def strips(
    n: int, oh: int, ow: int, column_bytes: int, strip_bytes: int
) -> list[tuple[slice, slice]]:
    """(images, output rows) of each strip: some rows of one image, or several whole images.

    A strip has at most ``strip_bytes``, but at least one row. There are at least two strips where
    that is possible, for two cores to share.

    >>> strips(3, 4, 5, column_bytes=1, strip_bytes=10)[:2]
    [(slice(0, 1, None), slice(0, 2, None)), (slice(0, 1, None), slice(2, 4, None))]
    >>> strips(3, 4, 5, column_bytes=1, strip_bytes=40)
    [(slice(0, 2, None), slice(0, 4, None)), (slice(2, 3, None), slice(0, 4, None))]
    """
    fitting = max(1, strip_bytes // max(1, column_bytes))
    images = min(fitting // max(1, oh * ow), -(-n // 2))
    rows = min(fitting // ow, -(-oh // 2) if n == 1 else oh)
    return [(i, r) for i in split_evenly(n, images) for r in split_evenly(oh, rows)]


def gather(
    layer: Layer, x: np.ndarray, images: slice, rows: slice, group: int, with_ones: bool = False
) -> np.ndarray:
    """The columns of one strip, (C/groups · KH · KW, images · rows · OW), in scratch memory.

    With ``with_ones``, a row of ones lies below them.
    """
    cg, window = layer.weight_shape[1], math.prod(layer.weight_shape[1:])
    shape = (images.stop - images.start, rows.stop - rows.start, layer.y_shape[3])
    columns = _columns(window + with_ones, math.prod(shape), x.dtype)
    channels = slice(group * cg, (group + 1) * cg)
    as_windows = columns[:window].reshape(*layer.weight_shape[1:], *shape)
    copy_windows(layer, x, channels, images, rows, as_windows)
    columns[window:] = 1
    return columns


def _columns(window: int, count: int, dtype: DTypeLike) -> np.ndarray:
    """Scratch memory for a matrix (window, count)."""
    return scratch("im2col columns", (window, row_length(count)), dtype)[:, :count]


def copy_windows(
    layer: Layer, x: np.ndarray, channels: slice, images: slice, rows: slice, columns: np.ndarray
) -> None:
    """What the kernel elements meet in some rows of some images, into (C, KH, KW, N, rows, OW)."""
    frame = _frame(layer, x, channels, images, rows)
    phases = frame.shape[2]
    per_channel, per_image, per_phase, per_row, per_pixel = frame.strides
    (dh, dw), (sh, sw) = layer.dilation, layer.stride
    if phases > 1:
        dw = sw = 1
    for phase in range(phases):  # of kernel columns, as of pixels
        part = columns[:, :, phase::phases]
        steps = (dh * per_row, dw * per_pixel, per_image, sh * per_row, sw * per_pixel)
        part[...] = strided(frame, part.shape, (per_channel, *steps), phase * per_phase)


def _frame(layer: Layer, x: np.ndarray, channels: slice, images: slice, rows: slice) -> np.ndarray:
    """The pixels that a strip sees, zeros around them: (C, N, phases, height, width).

    Phase p holds pixels p, s + p, 2s + p, ... of each row, where s is the horizontal stride; there
    is one phase of all pixels where that would not make long runs.
    """
    kw, (sh, sw), (above, left) = layer.kernel[1], layer.stride, layer.padding
    h, ow = layer.x_shape[2], layer.y_shape[3]
    phases = sw if layer.dilation[1] == 1 and sw <= kw and ow >= LONG_RUN else 1
    top, height = sh * rows.start - above, sh * (rows.stop - rows.start - 1) + layer.reach[0] + 1
    first, last = max(0, top), max(0, min(h, top + height))
    pixels = x[images, channels, first : max(first, last)].swapaxes(0, 1)
    if layer.padding == (0, 0) and phases == 1:
        return pixels[:, :, None]
    width = sw * (ow - 1) + layer.reach[1] + 1 if phases == 1 else ow + (kw - 1) // sw
    frame = scratch("im2col frame", (*pixels.shape[:2], phases, height, width), x.dtype)
    frame[...] = 0
    for phase in range(phases):
        skipped = -(-max(0, left - phase) // phases)  # of the phase, in the zeros on the left
        of_phase = pixels[..., phase + skipped * phases - left :: phases]
        of_phase = of_phase[..., : max(0, width - skipped)]
        inside = frame[:, :, phase, first - top : max(first, last) - top]
        inside[..., skipped : skipped + of_phase.shape[-1]] = of_phase
    return frame


def windows(layer: Layer, padded: np.ndarray, images: slice, rows: slice) -> np.ndarray:
    """Element (c, u, v, n, oh, ow) is the pixel that kernel element (u, v) meets there: a view.

    That is padded[n, c, s·oh + d·u, s·ow + d·v] with stride s and dilation d: six indices, but an
    address that is linear in each of them. So all windows are one strided view of the padded image.
    Several windows meet the same pixel: write to one (u, v) at a time.

    >>> x = np.arange(12.0).reshape(1, 1, 3, 4)
    >>> layer = Layer.of(x.dtype, x.shape, (1, 1, 2, 2), (1, 1), (0, 0), (1, 1), 1)
    >>> windows(layer, x, slice(0, 1), slice(0, 2))[0, 1, 0, 0].tolist()
    [[4.0, 5.0, 6.0], [8.0, 9.0, 10.0]]
    """
    stride, dilation = layer.stride, layer.dilation
    part = padded[images, :, rows.start * stride[0] :]
    per_image, per_channel, per_row, per_pixel = part.strides
    return np.lib.stride_tricks.as_strided(
        part,
        (part.shape[1], *layer.kernel, len(part), rows.stop - rows.start, layer.y_shape[3]),
        (
            per_channel,
            dilation[0] * per_row,
            dilation[1] * per_pixel,
            per_image,
            stride[0] * per_row,
            stride[1] * per_pixel,
        ),
    )


def _all_columns(layer: Layer, x: np.ndarray) -> np.ndarray:
    """The columns of all images, (CKK, N · OH · OW), in scratch memory."""
    n, _, oh, ow = layer.y_shape
    columns = scratch("im2col all columns", (*layer.weight_shape[1:], n, oh, ow), x.dtype)

    def copy(channels: slice) -> None:
        copy_windows(layer, x, channels, slice(0, n), slice(0, oh), columns[channels])

    c = x.shape[1]
    parallel_for(copy, split(c, -(-c // 2)))
    return columns.reshape(math.prod(layer.weight_shape[1:]), -1)


def _multiply(
    matrix: np.ndarray,
    columns: np.ndarray,
    y: np.ndarray,
    outputs: slice,
    images: slice,
    rows: slice,
    epilogue: Epilogue,
) -> None:
    """Some outputs of a strip: matrix @ columns into y, and the epilogue."""
    count, (oh, ow) = len(matrix), y.shape[2:]
    if images.stop - images.start == 1:
        pixels = slice(rows.start * ow, rows.stop * ow)
        target = y[images.start, outputs].reshape(count, -1)[:, pixels]  # a view
        if epilogue.is_empty:
            multiply(matrix, columns, target)
            return
        product = scratch("im2col product", target.shape, y.dtype)
        multiply(matrix, columns, product)
        apply_to_block(epilogue, product, images.start, outputs, pixels, out=target)
        return
    product = scratch("im2col product", (count, columns.shape[1]), y.dtype)
    multiply(matrix, columns, product)
    # (outputs, images · OH · OW) -> (images, outputs, OH · OW)
    of_images = product.reshape(count, -1, oh * ow).swapaxes(0, 1)
    for image, of_image in enumerate(of_images, images.start):
        target = y[image, outputs].reshape(count, -1)
        apply_to_block(epilogue, of_image, image, outputs, out=target)


def _outputs_in_rows(
    grad: np.ndarray, images: slice, rows: slice, group: int, og: int
) -> np.ndarray:
    """dL/dy of one strip and group as a matrix (O/groups, images · rows · OW)."""
    arriving = grad[images, group * og : (group + 1) * og, rows]  # (images, O/groups, rows, OW)
    return arriving.swapaxes(0, 1).reshape(og, -1)
