"""With which types and numbers each ``.cu`` file is compiled when minicv launches it.

`test_cuda_compiles` compiles all of them for real, and the stand-in for CuPy refuses a launch with
others: so a kernel that no compiler has seen is not launched by any test.
"""

from __future__ import annotations

import importlib
import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicv.backend.cuda import convolution_depthwise, launcher
from minicv.backend.cuda import convolution_implicit_gemm_tf32 as implicit_gemm_tf32
from minicv.backend.cuda.convolution_implicit_gemm import FLOAT32_TILES, FLOAT64_TILES
from minicv.backend.cuda.softmax_cross_entropy import LABEL_TYPES

# Modules; in the package, kernels of the same names stand before them.
nms, roi_align, roi_pool = (
    importlib.import_module(f"minicv.backend.cuda.{name}")
    for name in ("nms", "roi_align", "roi_pool")
)

FOLDER = Path(launcher.__file__).parent
Build = dict[str, Any]


def every(**choices: Sequence[Any]) -> list[Build]:
    """Each combination of the choices.

    >>> every(real=[np.float32], TILE=[8, 16]) == [
    ...     {"real": np.float32, "TILE": 8},
    ...     {"real": np.float32, "TILE": 16},
    ... ]
    True
    """
    return [
        dict(zip(choices, chosen, strict=True)) for chosen in itertools.product(*choices.values())
    ]


REAL = [np.float32, np.float64]
INDEX = [np.uint32, np.int64]  # of launcher.index_type
POSITION = [np.int32, np.int64]

BUILDS: dict[str, list[Build]] = {
    "batch_norm.cu": every(real=REAL, index_t=INDEX),
    "box_coding.cu": every(real=REAL),
    "convolution_depthwise.cu": [
        {**build, "KW": build["KH"], "SW": build["SH"]}
        for build in every(
            real=REAL,
            index_t=INDEX,
            KH=[3, 5],
            SH=[1, 2],
            DH=[1],
            DW=[1],
            ROWS=[convolution_depthwise.ROWS],
            THREADS=[launcher.THREADS],
        )
    ],
    "convolution_epilogue.cu": every(real=REAL, index_t=INDEX),
    "convolution_float16.cu": every(index_t=INDEX, SH=[1, 2], SW=[1, 2]),
    "convolution_im2col.cu": every(real=REAL, index_t=INDEX, SH=[1, 2], SW=[1, 2]),
    "convolution_implicit_gemm.cu": [
        {**build, **{name.upper(): number for name, number in tile._asdict().items()}}
        for real, tiles in ((np.float32, FLOAT32_TILES), (np.float64, FLOAT64_TILES))
        for tile in tiles
        for build in every(real=[real], index_t=INDEX)
    ],
    "convolution_implicit_gemm_tf32.cu": [
        {name.upper(): number for name, number in tile._asdict().items()}
        for tile in implicit_gemm_tf32.TILES
    ],
    "convolution_winograd.cu": every(real=REAL, index_t=INDEX),
    "dropout.cu": every(real=REAL, index_t=INDEX),
    "erfc.cu": every(real=REAL, index_t=INDEX),
    "matching.cu": every(real=REAL, THREADS=[launcher.THREADS]),
    "nms.cu": every(real=REAL, MOST_WORDS=[nms.MOST_WORDS]),
    "optimizer_step.cu": every(real=REAL, index_t=INDEX),
    "pooling.cu": every(real=REAL, index_t=INDEX, switch_t=[np.uint8, np.uint16]),
    "pooling_float16.cu": every(index_t=INDEX),
    "resize.cu": every(real=REAL, index_t=INDEX),
    "roi_align.cu": every(
        real=REAL,
        box_t=REAL,
        corner_t=[np.float64],
        CHANNELS=[roi_align.CHANNELS],
        TILE_HEIGHT=[roi_align.TILE_HEIGHT],
        TILE_WIDTH=[roi_align.TILE_WIDTH],
    ),
    "roi_pool.cu": every(
        real=REAL, box_t=REAL, corner_t=[np.float64], CHANNELS=[roi_pool.CHANNELS]
    ),
    "running_statistics.cu": every(real=REAL),
    "scatter.cu": every(real=REAL, index_t=INDEX, position_t=POSITION),
    "scatter_in_order.cu": every(real=REAL, position_t=POSITION, CHUNK=[launcher.THREADS]),
    "selection.cu": every(real=REAL, index_t=INDEX),
    "softmax_cross_entropy.cu": every(
        real=REAL,
        label_t=LABEL_TYPES,
        LANES=[1, launcher.THREADS],  # one thread or a block of them for each pixel
        THREADS=[launcher.THREADS],
    ),
}


# A kernel's size, a stride, a dilation: launches fill in the caller's; a few are compiled.
GEOMETRY = re.compile(r"-D([KSD][HW])=.*")


def options_of(build: Build) -> tuple[str, ...]:
    """As the launcher hands them to the compiler."""
    return launcher.compiler_options(**build)


def missing_build(source: str, options: Sequence[str]) -> str | None:
    """The sentence about a launch that `BUILDS` does not have, or None.

    Order does not matter, nor does a source that is no file of minicv's.
    """
    for file in FOLDER.glob("*.cu"):
        if file.read_text(encoding="utf-8") == source:
            known = [_without_geometry(options_of(build)) for build in BUILDS.get(file.name, [])]
            if _without_geometry(options) in known:
                return None
            macros = " ".join(option for option in options if option.startswith("-D"))
            return (
                f"{file.name} is launched with {macros}, which no test has compiled: add it to "
                "BUILDS in tests/cuda_builds.py"
            )
    return None


def _without_geometry(options: Sequence[str]) -> set[str]:
    return {GEOMETRY.sub(r"-D\1", option) for option in options}
