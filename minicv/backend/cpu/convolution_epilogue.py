"""The epilogue of a convolution on the CPU, in the memory of its result.

Done to one block after the other while the block lies in the cache, all steps together cost little.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from minicv.backend.convolution_layer import Epilogue
from minicv.backend.cpu.memory import unbuffered
from minicv.backend.parallel import parallel_for, split

BLOCK_ELEMENTS = 1 << 18  # 1 MiB: finer blocks cost more to hand out than the nearer cache saves
BUFFERED = 8192  # numbers that NumPy gathers from shorter rows; see `unbuffered`
ALL = slice(None)


def apply_epilogue(epilogue: Epilogue, y: np.ndarray) -> np.ndarray:
    """All of ``y`` (N, O, OH, OW) after the epilogue, in the same memory if ``y`` has no gaps.

    >>> y = np.array([[[[-1.0, 1.0]], [[2.0, 3.0]]]])
    >>> apply_epilogue(Epilogue(scale=np.array([1.0, 2.0]), ceiling=5.0), y).tolist()
    [[[[0.0, 1.0]], [[4.0, 5.0]]]]
    """
    if epilogue.is_empty:
        return y
    n, o, oh, ow = y.shape
    y = np.ascontiguousarray(y)
    pixels = y.reshape(n, o, oh * ow)

    def apply(block: tuple[int, slice]) -> None:
        image, channels = block
        apply_to_block(epilogue, pixels[image, channels], image, channels)

    channels_at_once = BLOCK_ELEMENTS // max(1, oh * ow)
    parallel_for(apply, itertools.product(range(n), split(o, channels_at_once)))
    return y


def apply_to_block(
    epilogue: Epilogue,
    y: np.ndarray,
    image: int,
    channels: slice,
    columns: slice = ALL,
    out: np.ndarray | None = None,
) -> None:
    """Apply the epilogue to some channels of one image, in place or into ``out``.

    Memory that is not in a cache is best written once and in order. So a product lands in scratch
    memory, and the last step of its epilogue writes it to ``out``.

    Args:
        y: (channels, columns), the pixels of the image in one row.
        image, channels, columns: where in the whole result ``y`` lies.
        out: of the shape of ``y``, which then is scratch.

    >>> y = np.array([[1.0, 2.0]])
    >>> apply_to_block(Epilogue(shift=np.array([0.0, 5.0])), y, 0, slice(1, 2))
    >>> y.tolist()
    [[6.0, 7.0]]
    """
    if y.size > BUFFERED > y.shape[1]:
        with unbuffered():
            _apply(epilogue, y, image, channels, columns, y if out is None else out)
    else:
        _apply(epilogue, y, image, channels, columns, y if out is None else out)


def _apply(
    epilogue: Epilogue,
    y: np.ndarray,
    image: int,
    channels: slice,
    columns: slice,
    out: np.ndarray,
) -> None:
    scale, shift, shortcut, ceiling = epilogue
    steps: list[tuple[Callable[..., object], Any]] = []
    if scale is not None:
        steps.append((np.multiply, (scale[channels, None],)))
    if shift is not None:
        steps.append((np.add, (shift[channels, None],)))
    if shortcut is not None:
        n, o = shortcut.shape[:2]
        steps.append((np.add, (shortcut.reshape(n, o, -1)[image, channels, columns],)))
    if ceiling is not None:
        steps.append((np.clip, (0, ceiling)))  # twice as fast as np.maximum(y, 0)
    for number, (step, operands) in enumerate(steps, 1):
        step(y, *operands, out=out if number == len(steps) else y)
    if not steps and out is not y:
        out[...] = y
