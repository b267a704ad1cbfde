"""3x3 convolution at stride 1 with a quarter of the multiplications: Winograd's F(4x4, 3x3).

Four outputs of a 3-tap filter take 12 multiplications when computed one by one. But filter and
signal are polynomials, and their product is known from its values at six points. In two dimensions:

    Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A        for a 6x6 input tile d, 3x3 filter g, 4x4 output Y

36 multiplications in place of 144. The sum over input channels is taken between the transforms, so
for each of the 36 points it is a matrix product

    M[point] (O, tiles)  =  U[point] (O, C)  @  V[point] (C, tiles)

The transforms Bᵀ d B and Aᵀ M A are written as one 36x36 and one 16x36 matrix on flattened tiles.

Tiles overlap by two pixels and start every 4. So the pixels are first dealt into 16 planes by row
and column modulo 4; element (i, j) of all tiles is then plane (i mod 4, j mod 4) shifted by
(i div 4, j div 4): a copy of whole rows, not of single pixels.

Arithmetic: N·C·O·OH·OW·9/4 multiply-adds, plus 36 for each transformed number. Rounding: relative
error about 5e-6, where summing one by one has 5e-7; it is the price of the points ±2.

Source: Lavin and Gray 2016, "Fast algorithms for convolutional neural networks", section 4.
"""

from __future__ import annotations

import numpy as np

from minicv.backend.cpu.convolution_geometry import Pair, scratch
from minicv.backend.parallel import parallel_for, split

BT = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
AT = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])

# Of a flattened tile: rows transformed by one factor, columns by the other.
TRANSFORM_INPUT = np.kron(BT, BT).astype(np.float32)  # (36, 36)
TRANSFORM_WEIGHT = np.kron(G, G).astype(np.float32)  # (36, 9)
TRANSFORM_OUTPUT = np.kron(AT, AT).astype(np.float32)  # (16, 36)

BLOCK_BYTES = 4 << 20  # of transformed input and output together


def forward(
    x: np.ndarray, weight: np.ndarray, padding: Pair, output_shape: tuple[int, int, int, int]
) -> np.ndarray:
    """(N, C, H, W), (O, C, 3, 3) -> (N, O, OH, OW), in float32.

    >>> x, weight = np.ones((1, 1, 3, 3), np.float32), np.ones((1, 1, 3, 3), np.float32)
    >>> forward(x, weight, (1, 1), (1, 1, 3, 3))[0, 0].round(4).tolist()
    [[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]]
    """
    n, o, oh, ow = output_shape
    c = x.shape[1]
    u = transform_weight(weight)
    y = np.empty(output_shape, np.float32)
    across = -(-ow // 4)  # tiles in a row

    def one_block(block: tuple[slice, slice]) -> None:
        images, bands = block
        count, down = images.stop - images.start, bands.stop - bands.start
        tiles = count * down * across
        elements = _tile_elements(x[images], bands.start, down, across, padding)
        v = scratch("winograd input", (36, c, tiles), np.float32)
        np.matmul(TRANSFORM_INPUT, elements.reshape(36, -1), out=v.reshape(36, -1))
        m = scratch("winograd output", (36, o, tiles), np.float32)
        np.matmul(u, v, out=m)  # (36, O, C) @ (36, C, tiles)
        pixels = scratch("winograd pixels", (16, o * tiles), np.float32)
        np.matmul(TRANSFORM_OUTPUT, m.reshape(36, -1), out=pixels)
        # (16, O · tiles) -> (4, 4, images, O, down, across)
        pixels = pixels.reshape(4, 4, o, count, down, across).swapaxes(2, 3)
        rows = y[images, :, 4 * bands.start : 4 * bands.stop]
        for i in range(4):
            for j in range(4):
                target = rows[:, :, i::4, j::4]
                target[...] = pixels[i, j, :, :, : target.shape[2], : target.shape[3]]

    parallel_for(one_block, _blocks(n, -(-oh // 4), across, c + o))
    return y


def grad_input(
    grad: np.ndarray, weight: np.ndarray, x_shape: tuple[int, int, int, int], padding: Pair
) -> np.ndarray:
    """The transpose of a stride 1 convolution is a convolution with the kernel turned by 180°.

    Input and output channels change places, and the padding p becomes 2 - p.

    >>> grad, weight = np.ones((1, 1, 1, 1), np.float32), np.arange(9.0, dtype=np.float32)
    >>> grad_input(grad, weight.reshape(1, 1, 3, 3), (1, 1, 1, 1), (1, 1)).round(4).tolist()
    [[[[4.0]]]]
    """
    turned = weight[:, :, ::-1, ::-1].swapaxes(0, 1)  # (O, C, 3, 3) -> (C, O, 3, 3)
    return forward(grad, turned, (2 - padding[0], 2 - padding[1]), x_shape)


def pays(c: int, o: int, n: int, oh: int, ow: int) -> bool:
    """Whether the transforms cost less than they save, by a margin of a fifth.

    Counted in multiply-adds of a large matrix product. Moving and transforming a number takes as
    long as many of them: about 150 for each pixel and channel here and 75 for each transformed
    weight, against 100 for each pixel and input channel to build im2col's columns.

    >>> pays(64, 64, 1, 56, 56), pays(3, 64, 1, 56, 56), pays(64, 64, 1, 5, 5)
    (True, False, False)
    """
    tiles = n * -(-oh // 4) * -(-ow // 4)
    products = 36 * tiles * c * o
    transforms = 150 * 16 * tiles * (c + o) + 75 * 36 * c * o
    im2col = n * oh * ow * (9 * c * o + 100 * c)
    return products + transforms < 0.8 * im2col


def transform_weight(weight: np.ndarray) -> np.ndarray:
    """G g Gᵀ for every kernel: (O, C, 3, 3) -> (36, O, C)."""
    o, c = weight.shape[:2]
    u = np.empty((36, o, c), np.float32)

    def one_block(outputs: slice) -> None:
        flat = weight[outputs].reshape(-1, 9).T  # (O, C, 3, 3) -> (9, O · C)
        np.matmul(TRANSFORM_WEIGHT, flat, out=u[:, outputs].reshape(36, -1))

    parallel_for(one_block, split(o, min(-(-o // 2), max(1, 32768 // c))))
    return u


def _blocks(n: int, bands: int, across: int, channels: int) -> list[tuple[slice, slice]]:
    """(images, bands of tiles): some bands of one image, or several small images."""
    # Matrix products of fewer than 64 columns are slow, whatever the cache says.
    fitting = max(64, BLOCK_BYTES // (36 * 4 * channels))  # tiles
    images = max(1, min(-(-n // 2), fitting // (bands * across)))
    rows = min(-(-bands // 2) if n == 1 else bands, max(1, fitting // across))
    return [(i, r) for i in split(n, images) for r in split(bands, rows)]


def _tile_elements(
    x: np.ndarray, first_band: int, down: int, across: int, padding: Pair
) -> np.ndarray:
    """Element (i, j) of every 6x6 tile: (N, C, H, W) -> (6, 6, C, N, down, across), in scratch."""
    n, c = x.shape[:2]
    # A row and a column more than there are tiles: the last tiles reach two pixels further.
    planes = scratch("winograd planes", (4, 4, c, n, down + 1, across + 1), np.float32)
    planes[...] = 0
    for i in range(4):
        rows, to_rows = _every_fourth(x.shape[2], 4 * first_band + i - padding[0], down + 1)
        for j in range(4):
            columns, to_columns = _every_fourth(x.shape[3], j - padding[1], across + 1)
            planes[i, j, :, :, to_rows, to_columns] = x[:, :, rows, columns].swapaxes(0, 1)
    elements = scratch("winograd tiles", (6, 6, c, n, down, across), np.float32)
    for i in range(6):
        for j in range(6):
            top, left = i // 4, j // 4
            elements[i, j] = planes[i % 4, j % 4, :, :, top : top + down, left : left + across]
    return elements


def _every_fourth(size: int, start: int, count: int) -> tuple[slice, slice]:
    """Where start, start + 4, ... (``count`` of them) lie inside 0..size, and which ones do."""
    skipped = max(0, -(start // 4))
    first = start + 4 * skipped
    inside = max(0, min(count - skipped, -(-(size - first) // 4)))
    return slice(first, first + 4 * inside, 4), slice(skipped, skipped + inside)
