"""Convolution by im2col on CUDA: windows become columns, and one matrix product does the rest.

    y (O, N·OH·OW)  =  weight (O, C·KH·KW)  @  columns (C·KH·KW, N·OH·OW)

The columns of all images stand side by side, so that the product is a single one of two matrices,
the shape in which cuBLAS is fastest and may use the tensor cores (`matmul_precision`). A last pass,
`convolution_epilogue`, cuts its rows into images and applies the epilogue. For the gradients the
same matrices meet in other roles, and nothing is transposed in memory: cuBLAS reads either way.

    dL/dcolumns  =  weightᵀ  @  dL/dy      and every pixel collects from the columns (col2im)
    dL/dweight   =  dL/dy  @  columnsᵀ     and sums over the runs

*Workspace.* The columns are KH·KW times as large as the input. They are made in runs, one after the
other in the same memory: columns and product of a run take at most `WORKSPACE_BYTES`, except that a
run has four columns at least.

Works for every stride, dilation and number of groups; groups are a product each. Arithmetic:
N·O·OH·OW·(C/groups)·KH·KW multiply-adds. Traffic besides each array once: a write and a read of
N·C·KH·KW·OH·OW numbers, and of N·O·OH·OW for the product.
"""

from __future__ import annotations

import math

from minicv.backend.convolution_layer import NO_EPILOGUE, Epilogue, Layer, Shape4
from minicv.backend.cuda.convolution_epilogue import columns_and_channels, write_images
from minicv.backend.cuda.launcher import CudaFile, index_type, one_thread_each
from minicv.backend.cuda.matmul import product
from minicv.backend.device import Array, xp_of
from minicv.backend.windows import Windows

IM2COL = CudaFile("convolution_im2col.cu")
WORKSPACE_BYTES = 256 << 20  # long enough runs to fill any GPU, and little beside its memory
ROW_MULTIPLE = 4  # numbers: matrix products are faster where rows start at multiples of 16 bytes


def forward(layer: Layer, x: Array, weight: Array, epilogue: Epilogue = NO_EPILOGUE) -> Array:
    """y = weight @ columns(x), and the epilogue: (N, C, H, W) -> (N, O, OH, OW)."""
    windows, y_shape, groups = layer.windows, layer.y_shape, layer.groups
    matrices = weight.reshape(groups, y_shape[1] // groups, -1)  # (groups, O/groups, CKK)
    y = xp_of(x).empty(y_shape, x.dtype)
    for run in runs(layer.x_shape, y_shape, windows, x.dtype.itemsize):
        # No name holds the columns: their memory is free again for those of the next run.
        write_images(_products(matrices, im2col(x, windows, run)), y, run, epilogue)
    return y


def grad_input(layer: Layer, grad: Array, weight: Array) -> Array:
    """dL/dx (N, C, H, W): each pixel collects from all windows that saw it."""
    xp = xp_of(grad)
    if grad.size == 0:  # a map may have no windows, and pixels all the same
        return xp.zeros(layer.x_shape, grad.dtype)
    matrices = weight.reshape(layer.groups, grad.shape[1] // layer.groups, -1)
    matrices = matrices.swapaxes(1, 2)  # (groups, CKK, O/groups)
    grad_x = xp.empty(layer.x_shape, grad.dtype)
    for run in runs(layer.x_shape, layer.y_shape, layer.windows, grad.dtype.itemsize):
        col2im(_products(matrices, as_rows(grad, run)), grad_x, layer.windows, run)
    return grad_x


def grad_weight(layer: Layer, grad: Array, x: Array) -> Array:
    """dL/dweight (O, C/groups, KH, KW): a sum over all windows of all images."""
    o, cg, kh, kw = layer.weight_shape
    total = xp_of(grad).zeros((layer.groups, o // layer.groups, cg * kh * kw), grad.dtype)
    for run in runs(layer.x_shape, layer.y_shape, layer.windows, grad.dtype.itemsize):
        _add_products(as_rows(grad, run), im2col(x, layer.windows, run), total)
    return total.reshape(layer.weight_shape)


def runs(x_shape: Shape4, y_shape: Shape4, windows: Windows, itemsize: int) -> list[slice]:
    """All N·OH·OW columns, cut so that the columns of a run and its product fit the workspace.

    >>> windows = Windows((3, 3), (1, 1), (1, 1), (1, 1), (600, 1000))
    >>> runs((1, 64, 600, 1000), (1, 64, 600, 1000), windows, itemsize=4)[:2]
    [slice(0, 100000, None), slice(100000, 200000, None)]
    """
    n, o, oh, ow = y_shape
    count = n * oh * ow
    bytes_of_one = (x_shape[1] * math.prod(windows.kernel) + o) * itemsize
    most = max(1, WORKSPACE_BYTES // bytes_of_one // ROW_MULTIPLE) * ROW_MULTIPLE
    number = -(-count // most)
    each = -(-count // max(1, number * ROW_MULTIPLE)) * ROW_MULTIPLE  # runs of nearly one length
    return [slice(start, min(start + each, count)) for start in range(0, count, max(1, each))]


def im2col(x: Array, windows: Windows, run: slice) -> Array:
    """Some of the columns of x (N, C, H, W): (C·KH·KW, columns), and up to three zeros more."""
    n, c, h, w = x.shape
    count = run.stop - run.start
    row_length = -(-count // ROW_MULTIPLE) * ROW_MULTIPLE
    columns = xp_of(x).empty((c * math.prod(windows.kernel), row_length), x.dtype)
    IM2COL.launch(
        "im2col",
        columns_and_channels(row_length, c),
        *(x, columns, run.start, count, row_length),
        *(c, h, w, *windows.output, *windows.kernel, *windows.padding, *windows.dilation),
        real=x.dtype,
        index_t=index_type(n * math.prod(windows.output) + ROW_MULTIPLE),
        SH=windows.stride[0],
        SW=windows.stride[1],
    )
    return columns


def as_rows(y: Array, run: slice) -> Array:
    """Some columns of y (N, O, OH, OW) as the matrix product would hold them: (O, columns).

    Channels come first and the images stand in a row: that is im2col with windows of one pixel.
    """
    once, none = (1, 1), (0, 0)
    return im2col(y, Windows(once, once, none, once, y.shape[2:]), run)


def col2im(columns: Array, x: Array, windows: Windows, run: slice) -> None:
    """Every pixel of ``x`` (N, C, H, W) collects what these columns hold for it.

    The run that holds the first window of an image begins its sums; later runs add to them.
    """
    c, h, w = x.shape[1:]
    of_an_image = math.prod(windows.output)
    first = run.start // of_an_image
    images = x[first : (run.stop - 1) // of_an_image + 1]
    IM2COL.launch(
        "col2im",
        one_thread_each(images.size),
        *(columns, images, images.size),
        *(run.start - first * of_an_image, run.stop - run.start, columns.shape[1]),
        *(c, h, w, *windows.output, *windows.kernel, *windows.padding, *windows.dilation),
        real=x.dtype,
        index_t=index_type(images.size),
        SH=windows.stride[0],
        SW=windows.stride[1],
    )


def _products(matrices: Array, columns: Array) -> Array:
    """Each group's matrix (groups, M, K) times its rows of (groups · K, columns)."""
    groups, m, k = matrices.shape
    products = xp_of(columns).empty((groups * m, columns.shape[1]), columns.dtype)
    for g, matrix in enumerate(matrices):
        product(matrix, columns[g * k : (g + 1) * k], out=products[g * m : (g + 1) * m])
    return products


def _add_products(arriving: Array, columns: Array, total: Array) -> None:
    """Each group's rows of (groups · M, columns) and of (groups · K, columns): their products,
    one with the other transposed, are added to ``total`` (groups, M, K)."""
    _, m, k = total.shape
    for g, sums in enumerate(total):
        sums += arriving[g * m : (g + 1) * m] @ columns[g * k : (g + 1) * k].T
