"""What the launcher lets through to a kernel, and what it refuses."""

import re
from pathlib import Path

import numpy as np
import pytest
from cuda_kernels import cupy_in_use, needs_compiler

from minicv.backend.cuda import launcher
from minicv.backend.cuda.launcher import CudaFile, Grid, one_thread_each

SOURCE = """
extern "C" __global__ void scale(const real* x, real* y, real factor, int count, bool twice) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) y[i] = x[i] * factor * (twice ? 2 : 1) + OFFSET;
}
"""


@pytest.fixture
def file():
    file = CudaFile("planted.cu")
    file.source = SOURCE
    return file


def launch(file, x, y, factor=3, count=5, twice=False, grid=None, **macros):
    macros = {"real": np.float32, "OFFSET": 0, **macros}
    grid = grid or one_thread_each(5)
    file.launch("scale", grid, x, y, factor, count, twice, **macros)


def arrays(dtype=np.float32):
    cupy = cupy_in_use()
    return cupy.asarray(np.arange(5, dtype=dtype)), cupy.asarray(np.zeros(5, dtype))


FILES = sorted(Path(launcher.__file__).parent.glob("*.cu"))


@pytest.mark.host_only
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_compiled_is_ascii_and_differs_in_comments_alone(path):
    def without_comments(text):
        return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)

    file = CudaFile(path.name)
    assert file.ascii_source.isascii()
    assert without_comments(file.ascii_source) == without_comments(file.source)
    assert file.ascii_source.count("\n") == file.source.count("\n")


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_take_the_type_of_the_parameter(file, dtype):
    x, y = arrays(dtype)
    launch(file, x, y, factor=0.5, count=np.int64(4), twice=True, real=dtype, OFFSET=1)
    assert y.get().tolist() == [1, 2, 3, 4, 0]


@pytest.mark.launches_nothing
def test_without_a_block_nothing_is_launched(file):
    x, y = arrays()
    launch(file, x, y, grid=Grid((0, 1, 1), (256, 1, 1)))  # would need a compiler
    assert y.get().tolist() == [0] * 5


@pytest.mark.launches_nothing
def test_refusals_name_kernel_and_parameter(file):
    x, y = arrays()
    with pytest.raises(TypeError, match=r"planted.cu: scale: y must be .* float32 but is float64"):
        launch(file, x, arrays(np.float64)[1])
    with pytest.raises(TypeError, match="x must be a device array of float32 but is list"):
        launch(file, [1.0], y)
    with pytest.raises(TypeError, match="x must be a device array of float32 but is ndarray"):
        launch(file, np.zeros(5, np.float32), y)
    with pytest.raises(ValueError, match=r"x must be contiguous .* strides \(8,\)"):
        launch(file, cupy_in_use().asarray(np.zeros(10, np.float32))[::2], y)
    for count in (2**31, 1.5, "5", x):
        with pytest.raises(TypeError, match="count must be a number that fits into int32"):
            launch(file, x, y, count=count)
    with pytest.raises(
        TypeError, match=r"takes 5 arguments \(x, y, factor, count, twice\) but got 1"
    ):
        file.launch("scale", one_thread_each(5), x, real=np.float32, OFFSET=0)
    with pytest.raises(ValueError, match="there is no kernel 'shift'; there are scale"):
        file.launch("shift", one_thread_each(5), x)
    with pytest.raises(TypeError, match=r"the type real of x is left open .* launch with real="):
        file.launch("scale", one_thread_each(5), x, y, 1, 5, False)


@pytest.mark.host_only
@pytest.mark.parametrize("dtype", [np.complex128, np.float16, np.int32])
def test_an_open_type_without_a_kernel_says_what_to_do(file, dtype):
    x, y = arrays(dtype)
    with pytest.raises(TypeError, match="convert to one of float32, float64, or move the arrays"):
        launch(file, x, y, real=dtype)
