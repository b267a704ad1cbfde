"""The emulator runs CUDA as a GPU would, and sees what a GPU would let pass."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cuda_emulator import BarrierError, RawModule, compiler, reversed_order
from cuda_kernels import needs_compiler

pytestmark = needs_compiler
KERNEL_TESTS = Path(__file__).parent / "backend" / "cuda"

SUM = """
#define THREADS 64
extern "C" __global__ void block_sums(const float* x, float* sums, int count) {
    __shared__ float part[THREADS];
    int t = threadIdx.x, i = blockIdx.x * THREADS + t;
    part[t] = i < count ? x[i] : 0;
    BARRIER
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (t < half) part[t] += part[t + half];
        BARRIER
    }
    if (t == 0) atomicAdd(&sums[0], part[0]);
}
"""


def block_sums(source, x):
    sums = np.zeros(1, np.float32)
    function = RawModule(source).get_function("block_sums")
    function((-(-x.size // 64), 1, 1), (64, 1, 1), (x, sums, np.int32(x.size)))
    return sums[0]


@pytest.fixture
def x():
    return np.random.default_rng(0).random(150, dtype=np.float32)


def test_barriers_and_shared_memory(x):
    source = SUM.replace("BARRIER", "__syncthreads();")
    assert np.isclose(block_sums(source, x), x.sum())
    with reversed_order():
        assert np.isclose(block_sums(source, x), x.sum())


def test_a_missing_barrier_changes_the_result(x):
    results = [block_sums(SUM.replace("BARRIER", ""), x)]
    with reversed_order():
        results.append(block_sums(SUM.replace("BARRIER", ""), x))
    assert not np.allclose(results, x.sum())


@pytest.mark.parametrize(
    "body",
    [
        "if (threadIdx.x == 3) return; __syncthreads();",
        "if (threadIdx.x < 2) __syncthreads();",
        "if (threadIdx.x < 2) { __syncthreads(); }\n else { __syncthreads(); }",
    ],
)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_barrier_that_some_threads_leave_out_is_an_error(body, reverse):
    function = RawModule(f'extern "C" __global__ void wrong(int n) {{ {body} }}').get_function(
        "wrong"
    )
    with pytest.raises(BarrierError, match="wrong: line"):
        if reverse:
            with reversed_order():
                function((2, 1, 1), (8, 1, 1), (np.int32(1),))
        else:
            function((2, 1, 1), (8, 1, 1), (np.int32(1),))


def test_shared_memory_starts_as_nan():
    source = """
    extern "C" __global__ void peek(float* y) {
        __shared__ float memory[8];
        y[blockIdx.x * 8 + threadIdx.x] = memory[threadIdx.x];
        memory[threadIdx.x] = 1;
    }"""
    y = np.zeros(16, np.float32)
    RawModule(source).get_function("peek")((2, 1, 1), (8, 1, 1), (y,))
    assert np.isnan(y).all()


def test_all_axes_of_grid_and_block():
    source = """
    extern "C" __global__ void number(int* y) {
        int block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
        int thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
        y[block * blockDim.x * blockDim.y * blockDim.z + thread] += 1 + block;
    }"""
    y = np.zeros(4 * 24, np.int32)
    RawModule(source).get_function("number")((2, 1, 2), (4, 3, 2), (y,))
    assert (y.reshape(4, 24) == 1 + np.arange(4)[:, None]).all()


def test_what_cuda_would_misread_is_refused(x):
    function = RawModule(SUM.replace("BARRIER", "__syncthreads();")).get_function("block_sums")
    sums, count = np.zeros(1, np.float32), np.int32(150)
    for arguments, error in [
        ((x.astype(float), sums, count), "x: expected an array of float32"),
        ((x[::2], sums, count), "x: an array with gaps"),
        ((x, sums, 150), "count: expected numpy.int32 but got int"),
        ((x, sums, np.int64(150)), "count: expected numpy.int32 but got int64"),
        ((x, sums), "2 arguments for 3"),
    ]:
        with pytest.raises(TypeError, match=error):
            function((3, 1, 1), (64, 1, 1), arguments)
    with pytest.raises(ValueError, match="a GPU has no such grid"):
        function((3, 1, 1), (2048, 1, 1), (x, sums, count))


def test_source_that_is_no_cuda_shows_what_the_compiler_said():
    with pytest.raises(RuntimeError, match=r"kernel.cu:1:.*nonsense"):
        RawModule('extern "C" __global__ void f(int n) { nonsense(n); }').get_function("f")


def sanitized(*command: str) -> subprocess.CompletedProcess:
    """Run Python with AddressSanitizer loaded, and kernels compiled for it."""
    library = subprocess.run(
        [compiler(), "-print-file-name=libasan.so"], capture_output=True, text=True
    ).stdout.strip()
    if not os.path.isabs(library):
        pytest.skip("the C++ compiler has no AddressSanitizer")
    variables = {
        "LD_PRELOAD": library,
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",
        "EMULATOR_SANITIZE": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **variables},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("access", ["y[8] = 1", "y[0] = y[-1]", "y[0] = m[threadIdx.x + 1]"])
def test_the_sanitizer_sees_an_access_outside(access):
    script = f"""
import sys; sys.path.insert(0, "tests")
import numpy as np
from cuda_emulator import RawModule
source = '''extern "C" __global__ void f(float* y) {{
    __shared__ float m[8]; m[0] = 0; {access};
}}'''
RawModule(source).get_function("f")((1, 1, 1), (8, 1, 1), (np.zeros(8, np.float32),))
"""
    done = sanitized("-c", script)
    assert done.returncode != 0
    assert "AddressSanitizer" in done.stderr


# In two processes, for two cores: what each must import costs as much as all the tests of a file.
FILES = sorted(map(str, KERNEL_TESTS.glob("test_*.py")))


@pytest.mark.slow
@pytest.mark.parametrize("files", [FILES[0::2], FILES[1::2]], ids=["half", "other half"])
def test_no_kernel_reads_or_writes_outside_of_its_arrays(files):
    options = ["-q", "-s", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:cov"]
    done = sanitized("-m", "pytest", *options, *files)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[:3000]
