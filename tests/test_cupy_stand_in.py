"""The stand-in refuses what CuPy refuses, and counts what makes the host wait."""

from __future__ import annotations

import contextlib
import importlib.util
import operator

import cupy_stand_in as cupy
import numpy as np
import pytest
from cupy_stand_in.api import CUPY_VERSION

from minicv.backend import to_numpy, xp_of

HOST = np.arange(6.0).reshape(2, 3)


@pytest.fixture
def x() -> cupy.ndarray:
    return cupy.asarray(HOST)


def test_xp_of_answers_the_stand_in(x):
    assert xp_of(x) is cupy
    assert xp_of(x, 2.0, None) is cupy
    with pytest.raises(TypeError, match="arrays live on different devices"):
        xp_of(x, HOST)


def test_to_numpy_copies_to_the_host(x):
    result = to_numpy(x)
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, HOST)


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda xp, x: x + 1, HOST + 1),
        (lambda xp, x: 2.0 / (1 + x), 2 / (1 + HOST)),
        (lambda xp, x: x @ x.T, HOST @ HOST.T),
        (lambda xp, x: -abs(x - 3), -abs(HOST - 3)),
        (lambda xp, x: xp.where(x > 2, x, 0.0), np.where(HOST > 2, HOST, 0)),
        (lambda xp, x: xp.exp(x).sum(axis=1, keepdims=True), np.exp(HOST).sum(1, keepdims=True)),
        (lambda xp, x: xp.concatenate([x, x], axis=1), np.concatenate([HOST, HOST], 1)),
        (lambda xp, x: xp.einsum("ij,kj->ik", x, x), HOST @ HOST.T),
        (lambda xp, x: xp.pad(x, ((0, 0), (1, 1))), np.pad(HOST, ((0, 0), (1, 1)))),
        (lambda xp, x: xp.zeros((2, 2), dtype=x.dtype), np.zeros((2, 2))),
        (lambda xp, x: xp.full((2,), x[1, 2]), np.full(2, 5.0)),
        (lambda xp, x: x[:, xp.asarray([2, 0])], HOST[:, [2, 0]]),
        (lambda xp, x: x.astype(xp.float32).reshape(-1), HOST.astype(np.float32).ravel()),
        (lambda xp, x: xp.ascontiguousarray(x.astype(xp.float32), np.dtype(np.float64)), HOST),
        (lambda xp, x: xp.argsort(-x, axis=1, kind="stable"), np.argsort(-HOST, 1, kind="stable")),
        (lambda xp, x: xp.lib.stride_tricks.sliding_window_view(x, (2, 2)).sum(), 20.0),
        (lambda xp, x: xp.maximum(x, 2, out=xp.empty_like(x)), np.maximum(HOST, 2)),
    ],
)
def test_it_computes_as_numpy_does(x, compute, expected):
    result = compute(cupy, x)
    assert isinstance(result, cupy.ndarray)
    assert result.dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(result.get(), expected)


def test_views_and_in_place_operators_share_memory(x):
    row = x[1]
    row *= 2
    assert row.base is not None
    assert x.get().tolist() == [[0, 1, 2], [6, 8, 10]]
    cupy.add.at(x, cupy.asarray([0, 0]), 1.0)
    assert x.get().tolist() == [[2, 3, 4], [6, 8, 10]]


@pytest.mark.parametrize(
    ("refused", "error", "message"),
    [
        (lambda x: np.asarray(x), TypeError, "Implicit conversion to a NumPy array is not allowed"),
        (lambda x: np.exp(x), TypeError, "use xp.exp"),
        (lambda x: np.concatenate([x, x]), TypeError, "use xp.concatenate"),
        (lambda x: np.zeros_like(x), TypeError, "use xp.zeros_like"),
        (lambda x: x + HOST, TypeError, "Unsupported type <class 'numpy.ndarray'>"),
        (lambda x: HOST + x, TypeError, "a host array met one"),
        (lambda x: operator.iadd(x, HOST), TypeError, "Unsupported type <class 'numpy.ndarray'>"),
        (lambda x: x + [1.0, 2.0, 3.0], TypeError, "Unsupported type <class 'list'>"),
        (lambda x: x > HOST, TypeError, "Unsupported type <class 'numpy.ndarray'>"),
        (lambda x: x[np.array([0])], TypeError, "Unsupported type <class 'numpy.ndarray'>"),
        (lambda x: x.__setitem__(0, HOST[0]), TypeError, "Unsupported type"),
        (lambda x: cupy.where(HOST > 1, x, x), TypeError, "Unsupported type"),
        (lambda x: cupy.sum(HOST), TypeError, "expected a device array|Unsupported type"),
        (lambda x: cupy.stack([HOST, HOST]), TypeError, "expected a device array|Unsupported type"),
        (lambda x: cupy.max([1, 2]), TypeError, "expected a device array but got none"),
        (lambda x: cupy.maximum(x, [1, 2, 3]), TypeError, "Unsupported type <class 'list'>"),
        (lambda x: cupy.max(x, initial=0), TypeError, "unexpected keyword argument 'initial'"),
        (lambda x: x.max(initial=0), TypeError, "unexpected keyword argument 'initial'"),
        (lambda x: cupy.sum(x, where=x > 1), TypeError, "unexpected keyword argument 'where'"),
        (lambda x: cupy.exp(x, where=x > 1), TypeError, "unexpected keyword argument 'where'"),
        (lambda x: cupy.argsort(x, stable=True), TypeError, "unexpected keyword .*'stable'"),
        (lambda x: cupy.sort(x, kind="heapsort"), TypeError, "kind='stable' only"),
        (lambda x: cupy.clip(x, min=0, max=1), TypeError, "unexpected keyword argument 'min'"),
        (lambda x: cupy.take(x, x, mode="clip"), TypeError, "unexpected keyword argument 'mode'"),
        (lambda x: cupy.errstate, AttributeError, "has no attribute 'errstate'"),
        (lambda x: cupy.vecdot, AttributeError, "has no attribute 'vecdot'"),
        (lambda x: cupy.exp.at, AttributeError, "exp.at does not exist"),
        (lambda x: cupy.random, AttributeError, "random numbers are drawn on the host"),
        (lambda x: x.ctypes, AttributeError, "ctypes"),
        (lambda x: cupy.add.at(x > 1, 0, 1), TypeError, "add.at does not support bool"),
        (lambda x: x[cupy.asarray([2])], IndexError, "out of bounds"),
        (lambda x: x.__setitem__(cupy.asarray([1, 1]), 0.0), ValueError, "index that occurs twice"),
        (lambda x: hash(x), TypeError, "unhashable"),
    ],
)
def test_it_refuses(x, refused, error, message):
    with pytest.raises(error, match=message):
        refused(x)


@pytest.mark.parametrize(
    ("look", "reason"),
    [
        (lambda x: x.get(), "get"),
        (lambda x: x.sum().item(), "item"),
        (lambda x: x.tolist(), "tolist"),
        (lambda x: float(x[0, 0]), "float"),
        (lambda x: int(x[0, 0]), "int"),
        (lambda x: bool((x > 1).all()), "bool"),
        (lambda x: x[x > 1], "boolean mask"),
        (lambda x: x.__setitem__(x > 4, x[0, :1]), "assignment through a boolean mask"),
        (lambda x: x.__setitem__(x > 4, 0), "assignment through a boolean mask"),
        (lambda x: cupy.nonzero(x), "nonzero"),
        (lambda x: x.nonzero(), "nonzero"),
        (lambda x: cupy.where(x > 1), "where"),
        (lambda x: cupy.unique(x), "unique"),
        (lambda x: cupy.zeros((x.argmax(),)), "index"),
        (lambda x: x.reshape(x.argmax() - 3, 3), "index"),
        (lambda x: x[: x.argmax()], "index"),
        (lambda x: repr(x), "repr"),
    ],
)
def test_it_counts_what_makes_the_host_wait(x, look, reason):
    with cupy.recorded_synchronisations() as reasons:
        look(x)
    assert reason in reasons


def test_queued_operations_are_not_counted(x):
    with cupy.recorded_synchronisations() as reasons:
        y = cupy.where(x > 1, cupy.exp(-x), 0.5)
        y[cupy.asarray([0, 1])] += 1.0
        cupy.allclose(y, x)
        _ = (y.T @ x).sum(axis=0).astype(cupy.float32), len(y), y.shape, y.base
    assert reasons == []


@pytest.mark.skipif(importlib.util.find_spec("cupy") is None, reason="CuPy is not installed")
def test_the_recorded_names_are_those_of_the_installed_cupy():
    import cupy as real
    from cupy_stand_in.api import FUNCTIONS

    if real.__version__ != CUPY_VERSION:
        pytest.skip(f"recorded from CuPy {CUPY_VERSION}, installed is {real.__version__}")
    assert all(hasattr(real, name.partition(".")[0]) for name in FUNCTIONS)


@contextlib.contextmanager
def capturing(allocator=print):
    """A stream that is captured; the graph is appended to the list."""
    stream, graphs = cupy.cuda.Stream(non_blocking=True), []
    with cupy.cuda.using_allocator(allocator):
        stream.begin_capture()
    try:
        yield graphs
    finally:
        graphs.append(stream.end_capture())


def test_a_captured_stream_runs_when_its_graph_is_launched(x):
    with capturing() as graphs:
        y = cupy.exp(x).reshape(-1)[1:]  # a view of what is computed
        total = y.sum()
        x += 1
    np.testing.assert_array_equal(x.get(), HOST)
    assert np.isnan(y.get()).all() and np.isnan(total.get())
    for added in (0, 1):
        graphs[0].launch()
        np.testing.assert_allclose(y.get(), np.exp(HOST + added).ravel()[1:])
        np.testing.assert_allclose(total.get(), y.get().sum())
        np.testing.assert_array_equal(x.get(), HOST + added + 1)


@pytest.mark.parametrize(
    ("work", "error", "message"),
    [
        (lambda x: float(x.sum()), RuntimeError, "not permitted when stream is capturing .float"),
        (lambda x: x[x > 1], RuntimeError, "not permitted when stream is capturing .boolean mask"),
        (lambda x: x @ x.T, NotImplementedError, "calling cuBLAS API during stream capture"),
        (lambda x: cupy.matmul(x, x.T), NotImplementedError, "calling cuBLAS API during stream"),
    ],
)
def test_what_a_captured_stream_refuses(x, work, error, message):
    with capturing(), pytest.raises(error, match=message):
        work(x)
    work(x)


def test_a_graph_without_a_pool_of_its_own_and_one_on_the_usual_stream():
    with pytest.raises(AssertionError, match="must come from a pool of its own"):
        cupy.cuda.Stream(non_blocking=True).begin_capture()
    with pytest.raises(RuntimeError, match="cannot capture on the default"):
        cupy.cuda.get_current_stream().begin_capture()


def test_arrays_from_the_host_pass_the_pinned_allocator():
    sizes = []
    cupy.cuda.set_pinned_memory_allocator(sizes.append)
    try:
        cupy.asarray(HOST)
    finally:
        cupy.cuda.set_pinned_memory_allocator(cupy.get_default_pinned_memory_pool().malloc)
    cupy.asarray(HOST)
    assert sizes == [48]
