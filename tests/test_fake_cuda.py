"""The fake CUDA under CuPy (``make test-cupy``) counts, refuses what CUDA refuses, and records."""

import importlib

import fake_cuda
import numpy as np
import pytest
from fake_cuda import installing

needs_fake = pytest.mark.skipif(not fake_cuda.installed(), reason="not run by make test-cupy")


def test_what_is_missing_is_a_sentence(monkeypatch):
    monkeypatch.setattr(installing.cuda_emulator, "compiler", lambda: None)
    monkeypatch.setattr(installing.sys, "platform", "linux")
    assert fake_cuda.missing().startswith("there is no C++ compiler")
    monkeypatch.setattr(installing.sys, "platform", "win32")
    assert "Linux" in fake_cuda.missing()


@pytest.fixture
def cupy():
    return importlib.import_module("cupy")


@needs_fake
@pytest.mark.gpu
def test_it_counts(cupy):
    x = cupy.zeros((3, 4), np.float32)
    with fake_cuda.counted() as counts:
        y = x + 1
        product = y @ y.T
    assert (counts.launches, counts.waits, counts.copies_to_host) == (2, 0, 0)
    assert set(counts.kernels) == {"cupy_add__float32_float_float32", "cublasGemmEx"}
    with fake_cuda.counted() as counts:
        assert float(product[0, 0]) == 4.0
    assert (counts.launches, counts.waits, counts.copies_to_host) == (0, 1, 1)
    assert counts.copied["copy to host"] == 4
    assert counts.places("wait") == [("not minicv", 1)]
    x += 1  # nobody counts any more
    assert counts.launches == 0


@needs_fake
@pytest.mark.gpu
def test_a_barrier_that_not_all_threads_come_to_is_an_error(cupy):
    source = 'extern "C" __global__ void k(int* x) { if (threadIdx.x) __syncthreads(); x[0] = 1; }'
    with pytest.raises(cupy.cuda.driver.CUDADriverError, match="LAUNCH_FAILED"):
        cupy.RawKernel(source, "k")((1,), (2,), (cupy.zeros(1, np.int32),))


@needs_fake
@pytest.mark.gpu
def test_what_does_not_compile_is_an_error(cupy):
    source = 'extern "C" __global__ void k(int* x) { no_such_function(x); }'
    with pytest.raises(cupy.cuda.compiler.CompileException, match="no_such_function"):
        cupy.RawKernel(source, "k")((1,), (1,), (cupy.zeros(1, np.int32),))


@needs_fake
@pytest.mark.gpu
@pytest.mark.parametrize(
    ("grid", "block"), [((1, 65536), (1,)), ((1,), (1025,)), ((1,), (1, 1, 65))]
)
def test_no_gpu_has_such_a_grid(cupy, grid, block):
    kernel = cupy.RawKernel('extern "C" __global__ void k(int* x) {}', "k")
    with pytest.raises(cupy.cuda.driver.CUDADriverError):
        kernel(grid, block, (cupy.zeros(1, np.int32),))


@needs_fake
@pytest.mark.gpu
def test_new_memory_is_nan(cupy):
    with cupy.cuda.using_allocator(None):
        assert np.isnan(cupy.empty(3, np.float32).get()).all()


@needs_fake
@pytest.mark.gpu
def test_a_graph_is_what_a_stream_was_given(cupy):
    x, y = cupy.arange(3.0), cupy.zeros(3)
    cupy.add(x, x, out=y)  # compiled now
    y.fill(0)
    with cupy.cuda.Stream(non_blocking=True) as stream:
        stream.begin_capture()
        cupy.add(x, x, out=y)
        with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="Capture"):
            cupy.cuda.runtime.deviceSynchronize()
        graph = stream.end_capture()
        assert y.get().tolist() == [0, 0, 0]  # recorded, not run
        x += 1
        graph.launch()
        stream.synchronize()
    assert y.get().tolist() == [2, 4, 6]


@needs_fake
@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_products(cupy, dtype):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 3)).astype(dtype), rng.normal(size=(2, 3, 4)).astype(dtype)
    expected = a.astype(np.float64) @ b
    tolerance = {np.float16: 2e-3, np.float32: 1e-6, np.float64: 1e-14}[dtype]
    ours = cupy.asarray(a[0]) @ cupy.asarray(b[0])
    np.testing.assert_allclose(ours.get(), expected[0], rtol=tolerance, atol=tolerance)
    ours = cupy.asarray(b[0]).T @ cupy.asarray(a[0]).T
    np.testing.assert_allclose(ours.get(), expected[0].T, rtol=tolerance, atol=tolerance)
    if dtype != np.float16:
        ours = cupy.asarray(a) @ cupy.asarray(b)
        np.testing.assert_allclose(ours.get(), expected, rtol=tolerance, atol=tolerance)
