"""What each convolution algorithm does, counted: products, copies, memory, steps of Python.

`minicv.backend.cpu.machine` knows how long that takes. Counts follow the algorithms' own files.
Reading x and writing y cost all of them alike and are left out; weights are counted, because those
of Winograd's algorithm are up to four times as many.
"""

from __future__ import annotations

import itertools
import math

from minicv.backend.convolution_layer import Direction, Layer
from minicv.backend.cpu import convolution_interleaved as interleaved
from minicv.backend.cpu import convolution_phases as phases
from minicv.backend.cpu import convolution_shifted as shifted
from minicv.backend.cpu import convolution_winograd_strided as strided
from minicv.backend.cpu.convolution_im2col import (
    BY_IMAGE_BYTES,
    GRAD_WEIGHT_FEW_PIXELS,
    goes_by_image,
)
from minicv.backend.cpu.convolution_winograd import MANY_TILES, images_together
from minicv.backend.cpu.machine import Work

ITEM = 4  # bytes
STRIP, FEW_PIXELS = 3 << 20, 128  # bytes of a strip, of im2col and space-to-depth; all columns
BAND, FEW_WEIGHTS, CHANNELS = 112, 4 << 20, 64  # of Winograd's algorithm
CACHE = 1 << 20  # bytes that stay near a core
MATRIX = 0.25  # of a step, for each matrix of a stack
ADDED_ROW = 64  # numbers that could be picked while the addition of a row begins
FRAMED = 2  # times as long as a number is picked, where the images are put last
TRANSPOSED = 2  # times as long as numbers that are picked in the cache take those of a map
WIDE = 1.4  # times as long as one number take two or four that are picked as one
SCATTERED = 3  # times as long as a copy takes memory that many small products read


def im2col(layer: Layer, direction: Direction) -> Work:
    """Columns are gathered strip by strip, multiplied, and the product finished."""
    n, o, oh, ow = layer.y_shape
    groups, cg = layer.groups, layer.weight_shape[1]
    og, pixels, window = o // groups, n * oh * ow, math.prod(layer.weight_shape[1:])
    weight = Work(memory=ITEM * math.prod(layer.weight_shape))
    added = direction == "grad_input"
    if added and layer.stride == (1, 1) and og <= 2 * cg:
        turned = Work(picked=((math.prod(layer.weight_shape), layer.kernel[1]),))
        return im2col(layer.turned(), "forward") + turned
    numbers = groups * window * pixels
    columns = max(ow, min(pixels, STRIP // (ITEM * (window + og))))
    columns = min(columns, -(-pixels // 2)) if n * oh > 1 else columns  # for two cores
    if groups == 1 and pixels <= min(o, FEW_PIXELS):
        columns = pixels  # all of them at once
    strips = groups * pixels / max(1, columns)
    x = math.prod(layer.x_shape)
    phased = layer.stride[1] > 1 and layer.kernel[1] >= layer.stride[1] and ow >= 16
    if added:
        moves = Work(picked=((numbers * (3 + ADDED_ROW / max(1, ow)), ow),))
        moves += Work(runs=((2 * x, layer.x_shape[3]), (o * pixels, ow)))
        steps = strips * 2 * math.prod(layer.kernel) * max(1, cg / CHANNELS)
        product = (strips, window, og, columns)
    else:
        moves = Work(runs=((numbers, ow),))
        if layer.stride[1] > 1 and not phased:
            moves = Work(picked=((numbers, ow),))
        if phased:
            moves += Work(picked=((x, ow),))
        if layer.padding != (0, 0):
            moves += Work(runs=((2 * x, layer.x_shape[3]),))
        steps = strips * 12 + (4 * n if columns > oh * ow else 0)
        product = (strips, og, window, columns)
    if direction == "grad_weight" and goes_by_image(layer):
        moves += Work(products_of_rows=((n, o, oh * ow, window),))
        moves += Work(runs=((n * o * window, 1024),))
        steps = max(2, ITEM * numbers / BY_IMAGE_BYTES) * 10
    elif direction == "grad_weight":
        moves += Work(runs=((o * pixels, oh * ow),))
        if groups == 1 and pixels <= GRAD_WEIGHT_FEW_PIXELS:
            moves += Work(products_of_rows=((1, og, pixels, window),))
        else:
            moves += Work(products_of_rows=((strips, og, columns, window),))
            moves += Work(runs=((min(8, strips) * groups * og * window, 1024),))
    else:
        moves += Work(runs=((o * pixels, oh * ow),))
    products = (product,) if direction != "grad_weight" else ()
    return moves + weight + Work(products=products, steps=steps)


def shifted_rows(layer: Layer, direction: Direction) -> Work:
    """The images are spread, moved as wholes, multiplied, and copied out."""
    if direction == "grad_input":
        turned = Work(picked=((math.prod(layer.weight_shape), layer.kernel[1]),))
        return shifted_rows(layer.turned(), "forward") + turned
    n, o, _, ow = layer.y_shape
    c, window = layer.x_shape[1], math.prod(layer.weight_shape[1:])
    positions = n * math.prod(shifted.plane(layer))
    parts = max(1, len(shifted.blocks(layer, (window + o) * ITEM)))
    moved: tuple[tuple[float, float], ...] = (
        (2 * c * positions, layer.x_shape[3]),
        (window * positions, positions / parts),
    )
    weight = Work(memory=ITEM * math.prod(layer.weight_shape))
    if direction == "grad_weight":
        moved += ((2 * o * positions, ow), (parts * window * o, 1024))
        rows = ((parts, window, positions / parts, o),)
        return Work(products_of_rows=rows, runs=moved, steps=parts * 14) + weight
    moved += ((o * positions, ow), (o * positions, 1024))
    product = (parts, o, window, positions / parts)
    return Work(products=(product,), runs=moved, steps=parts * 14) + weight


def interleaved_images(layer: Layer, direction: Direction) -> Work:
    """Maps are transposed, rows moved as wholes, multiplied, and the result transposed back.

    A block of a single image has nothing to transpose.
    """
    if direction == "grad_input":
        turned = Work(picked=((math.prod(layer.weight_shape), layer.kernel[1]),))
        return interleaved_images(layer.turned(), "forward") + turned
    n, o, oh, ow = layer.y_shape
    c, kh, kw = layer.weight_shape[1:]
    window, outputs = c * kh * kw, o * n * oh * ow
    parts = interleaved.blocks(layer, interleaved.sizes(layer, direction))
    images = n / len({part.images.start for part in parts})
    seen = oh + (kh - 1) * len({part.rows.start for part in parts})  # rows of an image, or twice
    moved = n * c * seen * layer.x_shape[3] + outputs
    weight = Work(memory=ITEM * math.prod(layer.weight_shape), steps=len(parts) * 10)
    if images == 1:
        weight += Work(runs=((moved, ow),))
    else:
        weight += Work(picked=((TRANSPOSED * moved, images),))
    rows = n / images * oh
    if direction == "grad_weight":
        of_rows = ((rows * kw, o, ow * images, kh * c),)
        return weight + Work(products_of_rows=of_rows, runs=((rows * window * o, 1024),))
    products = ((rows, o, window, ow * images),)
    columns = n * kw * c * seen * ow
    return weight + Work(products=products, runs=((columns, ow * images), (outputs, 1024)))


def pointwise(layer: Layer, direction: Direction) -> Work:
    """One product for each image."""
    n, o, oh, ow = layer.y_shape
    c, columns = layer.x_shape[1], oh * ow
    work = Work(memory=ITEM * o * c, steps=4 * n)
    if layer.stride != (1, 1):
        work += Work(picked=((n * c * columns, ow),))
        if direction == "grad_input":
            work += Work(runs=((math.prod(layer.x_shape), 1024),))
    if direction == "grad_weight":
        work += Work(runs=((n * o * c, 1024),)) if n > 1 else Work()
        return work + Work(products_of_rows=((n, o, columns, c),))
    m, k = (o, c) if direction == "forward" else (c, o)
    return work + Work(products=((n, m, k, columns),))


def depthwise(layer: Layer, direction: Direction) -> Work:
    """A tap is read, multiplied and added, in the nearest cache."""
    taps, pixels = math.prod(layer.kernel), math.prod(layer.y_shape)
    moved = math.prod(layer.x_shape) + pixels
    return Work(runs=((2 * taps * pixels, 128), (2 * moved, 32)), steps=30)


def winograd(layer: Layer, direction: Direction, m: int) -> Work:
    """Tiles are cut and transformed, products transformed and put together."""
    if direction == "grad_input":
        turned = winograd(layer.turned(), "forward", m)
        return turned if layer.y_shape[0] > 1 else turned + _transformed_kernels(layer, m)
    n, o, oh, ow = layer.y_shape
    c, points, kernels = layer.x_shape[1], (m + 2) ** 2, math.prod(layer.weight_shape[:2])
    down, across = -(-oh // m), -(-ow // m)
    tiles = n * down * across
    together = images_together(n, across)
    alone = 1 if together == 1 else WIDE / together  # moves of one number, for each number
    images = together * max(1, BAND // (down * across * together))
    rows = max(1, BAND // (across * together)) if images == together else down
    bands = max(1, -(-n // images) * -(-down // rows))
    few = _few_weights(layer, m)
    of_bands = few and bands > 1
    if direction == "grad_weight":
        of_bands = of_bands and tiles * (c + o) > MANY_TILES * kernels
    at_once = tiles / bands if of_bands else tiles
    blocks = bands if of_bands else max(2, c / CHANNELS) + max(2, o / CHANNELS)
    gathered = n * c * (layer.x_shape[2] + 2) * (layer.x_shape[3] + 2)
    work = Work(
        products=((c * tiles / at_once, points, points, at_once),),
        runs=((2 * gathered, layer.x_shape[3]),),
        picked=((points * c * tiles * alone, across),),
        steps=12 * blocks + MATRIX * (c + o + points) * tiles / at_once,
    )
    if direction == "grad_weight":
        work += Work(
            products=(
                (o * tiles / at_once, points, m * m, at_once),
                (o, 9, points, c),
            ),
            products_of_rows=((points * (bands if of_bands else 1), o, at_once, c),),
            picked=((m * m * o * tiles * alone, across), (9 * kernels, 9)),
        )
        if of_bands:
            work += Work(runs=((bands * points * kernels, 1024),))
        elif 2 * ITEM * points * (c + o) * tiles > CACHE:
            work += Work(memory=2 * ITEM * points * (c + o) * tiles)
        if not few:
            work += Work(memory=SCATTERED * ITEM * points * kernels)
        return work
    rows_of_u = o if of_bands else min(CHANNELS, -(-o // 2))
    work += Work(
        products=(
            (points * tiles / at_once * o / rows_of_u, rows_of_u, c, at_once),
            (o * tiles / at_once, at_once, points, m * m),
        ),
        picked=((m * m * o * tiles / m, across),),
        runs=((m * m * o * tiles, 1024),),
    )
    if n > 1:  # those of a single image come from the cache of kernels
        work += _transformed_kernels(layer, m)
    if not few:
        work += Work(memory=SCATTERED * ITEM * points * kernels)
        work += Work(memory=ITEM * 9 * kernels)  # compared with those in the cache, or transformed
    if not of_bands and 2 * ITEM * points * c * tiles > CACHE:
        work += Work(memory=2 * ITEM * points * c * tiles)
    return work


def _few_weights(layer: Layer, m: int) -> bool:
    return (m + 2) ** 2 * ITEM * math.prod(layer.weight_shape[:2]) <= FEW_WEIGHTS


def _transformed_kernels(layer: Layer, m: int) -> Work:
    o, c = layer.weight_shape[:2]
    points = (m + 2) ** 2
    return Work(products=((o, points, 9, c),), runs=((points * o * c, c),), steps=8)


def space_to_depth(layer: Layer, direction: Direction) -> Work:
    """Pixels move into cells, or out, and sums are gathered or added."""
    if direction == "grad_input" and layer.stride[1] < 8:
        return _phases(layer)
    n, o, oh, ow = layer.y_shape
    taps = [-(-k // s) for k, s in zip(layer.kernel, layer.stride, strict=True)]
    cells = n * (oh + taps[0] - 1) * (ow + taps[1] - 1)
    pixels, sums = layer.x_shape[1] * math.prod(layer.stride), o * math.prod(taps)
    at_once = max(ow, min(cells, (STRIP + 2 * ITEM * pixels * sums) // (ITEM * (pixels + sums))))
    blocks = max(2.0, cells / at_once)
    long = layer.stride[1] >= 8
    moved = Work(picked=((pixels * cells, ow),), runs=((2 * pixels * cells, ow),))
    if long:
        moved = Work(runs=((pixels * cells, layer.stride[1]), (2 * pixels * cells, ow)))
    turned = Work(picked=((pixels * sums, 8),), steps=blocks * 25)
    of_rows = direction == "grad_weight"
    product = {
        "forward": (blocks, sums, pixels, cells / blocks),
        "grad_input": (blocks, pixels, sums, cells / blocks),
        "grad_weight": (blocks, sums, cells / blocks, pixels),
    }[direction]
    products = Work((), (product,)) if of_rows else Work((product,))
    count = 3 if direction == "forward" else 2
    columns = Work(runs=((count * sums * cells, ow),))
    return moved + turned + columns + products


def winograd_strided(layer: Layer, direction: Direction) -> Work:
    """As `winograd`, on the four planes of x and with parts of 2x2 elements of the kernel."""
    n, o = layer.y_shape[:2]
    c, points, planes = layer.x_shape[1], strided.POINTS, strided.PLANES
    height, width = layer.y_shape[2:]
    if direction == "grad_input":  # the sizes of a plane of x
        height, width = -(-layer.x_shape[2] // 2), -(-layer.x_shape[3] // 2)
    grid = strided.tile_grid(height, width)
    tiles = n * math.prod(grid)
    parts = len(strided.bands(n, grid, strided.BAND_TILES))
    few = strided.has_few_weights(o, planes * c)
    if direction == "grad_weight":
        few = strided.sums_bands(o, planes * c, tiles)
    of_bands = few and parts > 1
    at_once = tiles / parts if of_bands else tiles
    images, times = min(n, strided.BAND_TILES // math.prod(grid)), tiles / at_once

    def cut(channels: int, pixels: int, numbers: int) -> Work:
        """Tiles of so many new pixels and so many numbers in all."""
        count = channels * tiles
        if images > 1:  # they are put last
            return Work(picked=((FRAMED * pixels * count, images), (numbers * count, images)))
        return Work(runs=((pixels * count, 2 * width),), picked=((numbers * count, grid[1]),))

    work = Work(steps=8 + 14 * (parts if of_bands else max(2, c / CHANNELS) + max(2, o / CHANNELS)))
    work += Work(
        products=((planes * o, points, strided.TAPS, c),),
        picked=((planes * strided.TAPS * o * c, c),),
    )
    if not of_bands:
        work += Work(memory=2 * ITEM * planes * points * o * c)
    if direction == "grad_input":
        rows = c if of_bands else min(CHANNELS, -(-c // 2))
        work += cut(o, 16, 36) + Work(memory=2 * ITEM * planes * points * o * tiles)
        return work + Work(
            products=(
                (o * times, planes * points, 36, at_once),
                (planes * points * times * c / rows, rows, o, at_once),
                (2 * c * times, at_once, 2 * points, 32),
            ),
            runs=((2 * 64 * c * tiles, 8),),
        )
    work += cut(planes * c, 16, points) + Work(memory=2 * ITEM * planes * points * c * tiles)
    work += Work(products=((planes * c * times, points, points, at_once),))
    if direction == "forward":
        rows = o if of_bands else min(CHANNELS, -(-o // 2))
        return work + Work(
            products=(
                (points * times * o / rows, rows, planes * c, at_once),
                (o * times, at_once, points, 16),
            ),
            runs=((2 * 16 * o * tiles, 8),),
        )
    return (
        work
        + cut(o, 16, 16)
        + Work(
            products=((o * times, points, 16, at_once),),
            products_of_rows=((points * times, o, at_once, planes * c),),
            runs=((times * points * o * planes * c, 1024),) if of_bands else (),
        )
    )


def _phases(layer: Layer) -> Work:
    """dL/dy is spread and moved as a whole, multiplied for each phase, and copied out."""
    (n, o, oh, ow), c = layer.y_shape, layer.x_shape[1]
    along = []  # each axis: the phases with all taps, and those with one less
    for kernel, stride in zip(layer.kernel, layer.stride, strict=True):
        taps = -(-kernel // stride)
        full = kernel - stride * (taps - 1)
        along.append([(full, taps), (stride - full, taps - 1)])
    (th, tw), stride = (along[0][0][1], along[1][0][1]), math.prod(layer.stride)
    positions = n * (oh + th - 1) * (ow + tw - 1)
    sums = o * th * tw
    blocks = max(2.0, positions * (c * stride + sums) * ITEM / phases.BLOCK_BYTES)
    products = [
        (blocks, down * across * c, below * right * o, positions / blocks)
        for (down, below), (across, right) in itertools.product(*along)
        if down * across * below * right > 0
    ]
    return Work(
        products=tuple(products),
        runs=((2 * o * positions, ow), (sums * positions, positions / blocks)),
        picked=((math.prod(layer.x_shape), ow), (2 * math.prod(layer.weight_shape), 32)),
        steps=blocks * (12 + th * tw + 2 * stride) + 20,
    )
