"""Implicit GEMM on the tensor cores: convolution in TF32 without columns; see the .cu file beside.

As in `convolution_implicit_gemm` a block of threads looks up the pixels of its tile as it needs
them, and nothing is written but the result. There the arithmetic units do the products, here the
tensor cores of Ampere and later GPUs, which are seven times as fast (`matmul_precision`). For such
products the columns of im2col are far too slow: at 64 channels and a 3x3 kernel a column serves 64
multiply-adds for each number that is written and read again, and the tensor cores would need 400.

One kernel computes y, and dL/dx as well. With a stride s, the pixels of x that have the same place
in a grid of s x s pixels are reached by the same taps; each such part of dL/dx is a convolution of
stride 1 with those taps alone, and no zero is multiplied. dL/dweight is a kernel of its own, whose
sum over all pixels is cut into parts that are added in a fixed order: the same bits on each run.

Any stride, padding, dilation and number of groups; float32 alone. Operands are rounded to TF32, and
added in float32: a relative error of about 3e-4.

*Workspace.* The weight once more, its channels filled up to multiples of 16; for dL/dweight a copy
of it for each part.

*Estimated for an H100, not measured.* In a step a tile of 128 x 128 sums takes 256 `mma`, which are
262,144 multiply-adds; 16 KB are copied to shared memory, and 32 KB read from it. At the rate that
was published for `mma.sync` on Hopper (0.62 of the data sheet's 495 TFLOP/s: 640 multiply-adds a
clock and multiprocessor) that is 410 clocks. Shared memory needs 256 clocks to be read and 128 for
the copies, at 128 bytes a clock. The L2 cache needs 455, at 24 bytes a clock and where two of three
pixels are in the L1 cache, since neighbouring taps have asked for them before. Registers (226 a
thread) and shared memory (48 KB a block) let two blocks share a multiprocessor. So with 128
channels and more, and a tile or two for each multiprocessor, 150 to 250 TFLOP/s: 0.4 to 0.7 of
cuDNN, whose kernels use Hopper's own `wgmma`.

Sources: Chetlur et al. 2014, "cuDNN: Efficient primitives for deep learning", section 3, for the
idea; NVIDIA, "Parallel Thread Execution ISA", sections on `mma.m16n8k8` and `cp.async`, for the
fragments; Thakkar et al. 2017, "CUTLASS: Fast linear algebra in CUDA C++", for tiles of warps and
stages; Luo et al. 2024, "Benchmarking and dissecting the Nvidia Hopper GPU architecture", for the
rate.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import NamedTuple

from minicv.backend.convolution_layer import NO_EPILOGUE, Direction, Epilogue, Layer, Pair
from minicv.backend.cuda.convolution_epilogue import epilogue_arguments
from minicv.backend.cuda.launcher import CudaFile, Grid, one_thread_each
from minicv.backend.device import Array, xp_of

TENSOR_CORES = CudaFile("convolution_implicit_gemm_tf32.cu")
FIRST_CAPABILITY = 80  # 8.0, Ampere: the first with TF32 and asynchronous copies
DEPTH = 16  # of a step
# Of a large GPU; on another one the choice of the tile is a little off, and the sums are the same.
MULTIPROCESSORS = 132
# What a multiprocessor does in a clock: multiply-adds, numbers from shared memory and from the L2.
MULTIPLY_ADDS, FROM_SHARED_MEMORY, FROM_L2 = 640, 32, 6
STEP = 300  # clocks, whatever its size: a barrier, and the latency of what follows
BYTES = 1800  # of the GPU's memory, in a clock
SHORTEST_PART = 1024  # pixels: less, and adding the parts up takes as long as the parts


class Tile(NamedTuple):
    """Sums of a block of threads, and of each of its warps."""

    rows: int
    columns: int
    warp_rows: int
    warp_columns: int

    @property
    def threads(self) -> int:
        """How many share the tile.

        >>> Tile(128, 128, 64, 64).threads
        128
        """
        return 32 * (self.rows // self.warp_rows) * (self.columns // self.warp_columns)

    def blocks(self, rows: int, columns: int) -> int:
        """Tiles that cover a matrix."""
        return math.ceil(rows / self.rows) * math.ceil(columns / self.columns)

    def clocks(self, rows: int, columns: int, groups: int) -> float:
        """Estimated clocks of a step of ``groups`` products (rows, DEPTH) @ (DEPTH, columns).

        Of tensor cores, shared memory and L2 cache the slowest counts. Tiles are not divided, and
        the last round of tiles waits for its slowest block.

        >>> round(Tile(128, 128, 64, 64).clocks(128, 132 * 128, 1))
        455
        """
        rounds = math.ceil(groups * self.blocks(rows, columns) / MULTIPROCESSORS)
        read = (1 / self.warp_rows + 1 / self.warp_columns) / FROM_SHARED_MEMORY
        # Pixels serve several taps from the L1 cache.
        copied = (1 / self.columns + 1 / (3 * self.rows)) / FROM_L2
        area = self.rows * self.columns
        return rounds * max(STEP, area * DEPTH * max(1 / MULTIPLY_ADDS, read, copied))


TILES = (
    Tile(128, 128, 64, 64),
    Tile(64, 128, 32, 64),
    Tile(64, 64, 32, 32),
    Tile(32, 128, 32, 32),
)


def has_tf32(x: Array) -> bool:
    """Whether the GPU of ``x`` has what the kernels need: Ampere or later."""
    capability = getattr(getattr(x, "device", None), "compute_capability", FIRST_CAPABILITY)
    return int(capability) >= FIRST_CAPABILITY


@functools.cache
def choose_tile(rows: int, columns: int, groups: int) -> Tile:
    """The fastest for ``groups`` products of (rows, anything) and (anything, columns).

    >>> choose_tile(256, 100_000, 1)
    Tile(rows=128, columns=128, warp_rows=64, warp_columns=64)
    >>> choose_tile(32, 100_000, 1)
    Tile(rows=32, columns=128, warp_rows=32, warp_columns=32)
    >>> choose_tile(256, 3136, 1)  # or most multiprocessors had no work
    Tile(rows=64, columns=128, warp_rows=32, warp_columns=64)
    """
    return min(TILES, key=lambda t: (t.clocks(rows, columns, groups), t.rows * t.columns))


def estimated_clocks(layer: Layer, direction: Direction) -> float:
    """Of the steps of all tiles of a layer, one multiprocessor's, without launches."""
    (n, o, oh, ow), groups, taps = layer.y_shape, layer.groups, math.prod(layer.kernel)
    rows, channels, columns = o // groups, layer.weight_shape[1], n * oh * ow
    if direction == "grad_weight":
        return _cut_into_parts(rows, channels, groups * taps, columns).clocks
    if direction == "grad_input":
        # A launch for each place within a stride; together they have all taps.
        pixels = n * math.prod(layer.x_shape[2:])
        rows, channels, columns = channels, rows, math.ceil(pixels / math.prod(layer.stride))
    steps = math.ceil(channels / DEPTH) * taps
    return steps * choose_tile(rows, columns, groups).clocks(rows, columns, groups)


def forward(layer: Layer, x: Array, weight: Array, epilogue: Epilogue = NO_EPILOGUE) -> Array:
    """Σ_c x[n, c] ⋆ weight[o, c] and the epilogue: -> (N, O, OH, OW)."""
    y = xp_of(x).empty(layer.y_shape, x.dtype)
    kh, kw = layer.kernel
    _multiply(
        *(x, weight, y, epilogue, layer, "forward"),
        taps=(_Taps(0, 1, kh), _Taps(0, 1, kw)),
        windows=layer.y_shape[2:],
        step=layer.stride,
        origin=(-layer.padding[0], -layer.padding[1]),
        tap_step=layer.dilation,
        target=((1, 1), (0, 0)),
    )
    return y


def grad_input(layer: Layer, grad: Array, weight: Array) -> Array:
    """dL/dx (N, C, H, W): for each place within a stride a convolution with the taps that reach it.

    The pixel i s + q of x took part at tap r in the output i + (q + p - r d) / s, for those r where
    that is a whole number.
    """
    xp = xp_of(grad)
    axes = [
        [_axis_of_gradient(layer, axis, place) for place in range(layer.stride[axis])]
        for axis in (0, 1)
    ]
    all_are_reached = all(one.taps.number for one in (*axes[0], *axes[1]))
    grad_x = (xp.empty if all_are_reached else xp.zeros)(layer.x_shape, grad.dtype)
    for down, across in itertools.product(*axes):
        if down.taps.number == 0 or across.taps.number == 0:
            continue
        _multiply(
            *(grad, weight, grad_x, NO_EPILOGUE, layer, "grad_input"),
            taps=(down.taps, across.taps),
            windows=(down.windows, across.windows),
            step=(1, 1),
            origin=(down.origin, across.origin),
            tap_step=(down.tap_step, across.tap_step),
            target=(layer.stride, (down.place, across.place)),
        )
    return grad_x


def grad_weight(layer: Layer, grad: Array, x: Array) -> Array:
    """dL/dweight (O, C/groups, KH, KW): a sum over the pixels of all images, in parts."""
    xp, (n, o, oh, ow), groups = xp_of(grad), layer.y_shape, layer.groups
    count, taps = n * oh * ow, math.prod(layer.kernel)
    rows, channels = o // groups, layer.weight_shape[1]
    result = xp.empty(layer.weight_shape, grad.dtype)
    if count == 0 or result.size == 0:
        return xp.zeros_like(result)
    tile, each, _ = _cut_into_parts(rows, channels, groups * taps, count)
    blocks = taps * tile.blocks(rows, channels)
    parts = xp.empty((math.ceil(count / each), result.size), grad.dtype)
    TENSOR_CORES.launch(
        "grad_weight_tf32",
        Grid((blocks, len(parts), groups), (tile.threads, 1, 1)),
        *(xp.ascontiguousarray(grad), xp.ascontiguousarray(x), parts),
        *(rows, channels, count, each, *layer.x_shape[2:], oh, ow),
        *(*layer.kernel, *layer.stride, *layer.padding, *layer.dilation),
        **_macros(tile),
    )
    TENSOR_CORES.launch(
        "add_parts",
        one_thread_each(result.size),
        *(parts, result, result.size, rows, channels, taps, len(parts)),
        **_macros(tile),
    )
    return result


class _Parts(NamedTuple):
    """How dL/dweight is summed up: by which tiles, how many pixels at a time, in what time."""

    tile: Tile
    each: int
    clocks: float


@functools.cache
def _cut_into_parts(rows: int, channels: int, products: int, count: int) -> _Parts:
    """The fastest way to so many products (rows, count) @ (count, channels).

    With more parts the multiprocessors are busy to the end; but each part is a result that is
    written and read again.
    """
    ways = []
    most = max(1, count // SHORTEST_PART)
    for tile in TILES:
        blocks = products * tile.blocks(rows, channels)
        for rounds in range(1, 5):
            parts = min(max(1, rounds * MULTIPROCESSORS // blocks), most)
            each = math.ceil(count / parts / DEPTH) * DEPTH
            clocks = each / DEPTH * tile.clocks(rows, channels, products * parts)
            clocks += 2 * 4 * parts * products * rows * channels / BYTES
            ways.append(_Parts(tile, each, clocks))
    return min(ways, key=lambda way: way.clocks)


class _Taps(NamedTuple):
    """Taps along one axis of a kernel: ``number`` of them, from ``first`` on, each ``step``-th."""

    first: int
    step: int
    number: int


class _Axis(NamedTuple):
    """Along one axis: windows, their taps, where the first of a window is, and the next.

    The windows are those of the pixels ``place``, ``place`` + stride and so on.
    """

    place: int
    windows: int
    taps: _Taps
    origin: int
    tap_step: int


def _axis_of_gradient(layer: Layer, axis: int, place: int) -> _Axis:
    """Of dL/dx: the taps that reach those pixels, and from where."""
    kernel, stride = layer.kernel[axis], layer.stride[axis]
    padding, dilation = layer.padding[axis], layer.dilation[axis]
    windows = len(range(place, layer.x_shape[2 + axis], stride))
    reaching = [r for r in range(kernel) if (place + padding - r * dilation) % stride == 0]
    first = reaching[0] if reaching else 0
    step = stride // math.gcd(dilation, stride)  # reaching taps are that far apart
    origin = (place + padding - first * dilation) // stride
    taps = _Taps(first, step, len(reaching))
    return _Axis(place, windows, taps, origin, -(step * dilation // stride))


def _multiply(
    source: Array,
    weight: Array,
    result: Array,
    epilogue: Epilogue,
    layer: Layer,
    direction: Direction,
    *,
    taps: tuple[_Taps, _Taps],
    windows: Pair,
    step: Pair,
    origin: Pair,
    tap_step: Pair,
    target: tuple[Pair, Pair],
) -> None:
    """Some taps of the weight, on windows of ``source``, written to a grid of pixels of ``result``.

    The window (i, j) has its tap (r, s) at the pixel (i, j) · step + origin + (r, s) · tap_step of
    the source; its sums go to the pixel (i, j) · target[0] + target[1].
    """
    xp, groups = xp_of(source), layer.groups
    rows, channels = (array.shape[1] // groups for array in (result, source))
    columns = len(source) * math.prod(windows)
    tile = choose_tile(rows, columns, groups)
    packed = _pack(layer, weight, direction, tile, taps)
    TENSOR_CORES.launch(
        "implicit_gemm_tf32",
        Grid((tile.blocks(rows, columns), 1, groups), (tile.threads, 1, 1)),
        *(xp.ascontiguousarray(source), packed, result, *epilogue_arguments(epilogue, result)),
        *(rows, packed.shape[-2], columns, channels, *source.shape[2:], *windows),
        *(taps[0].number, taps[1].number, *step, *origin, *tap_step),
        *(*result.shape[2:], *target[0], *target[1]),
        **_macros(tile),
    )


def _pack(
    layer: Layer, weight: Array, direction: Direction, tile: Tile, taps: tuple[_Taps, _Taps]
) -> Array:
    """The weight in the order of the steps: (groups, chunks of channels, taps, rows, DEPTH).

    Rows are output channels, and channels are summed over; for "grad_input" the other way round.
    """
    xp, groups = xp_of(weight), layer.groups
    o, channels, kh, kw = weight.shape
    rows = o // groups
    of_row, of_channel = channels * kh * kw, kh * kw
    if direction == "grad_input":
        rows, channels, of_row, of_channel = channels, rows, of_channel, of_row
    padded_rows = math.ceil(rows / tile.rows) * tile.rows
    steps = math.ceil(channels / DEPTH) * taps[0].number * taps[1].number
    packed = xp.empty((groups, steps, padded_rows, DEPTH), weight.dtype)
    TENSOR_CORES.launch(
        "pack_weight",
        one_thread_each(packed.size),
        *(xp.ascontiguousarray(weight), packed, packed.size, rows, padded_rows, channels),
        *(taps[0].number, taps[1].number, taps[0].first, taps[1].first, taps[0].step, taps[1].step),
        *(kw, of_row, of_channel, weight.size // groups),
        **_macros(tile),
    )
    return packed


def _macros(tile: Tile) -> dict[str, int]:
    return {name.upper(): number for name, number in tile._asdict().items()}
