"""Winograd's three kernels, F(2x2, 3x3) and F(4x4, 3x3), against the exact path."""

import numpy as np
import pytest
from convolution_cases import Case
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.cpu import convolution_im2col as im2col
from minicv.backend.cpu import convolution_winograd as winograd
from minicv.backend.cpu.convolution_finish import Finish

BOUNDS = {2: 2e-6, 4: 2e-5}


def errors(case, m):
    """Called directly, whatever the chooser would say of so small a layer."""
    x, weight, grad = (a.astype(np.float32) for a in (case.x, case.weight, case.grad))
    padding = case.options[1]
    bias = np.random.default_rng(1).normal(size=weight.shape[0])
    fast = (
        winograd.forward(
            x, weight, padding, case.y_shape, m, Finish(shift=bias.astype(np.float32))
        ),
        winograd.grad_input(grad, weight, x.shape, padding, m),
        winograd.grad_weight(grad, x, weight.shape, padding, m),
    )
    exact = (
        im2col.forward(case.x, case.weight, *case.options, case.y_shape) + bias[:, None, None],
        im2col.grad_input(case.grad, case.weight, x.shape, *case.options),
        im2col.grad_weight(case.grad, case.x, weight.shape, *case.options),
    )
    relative = []
    for f, e in zip(fast, exact, strict=True):
        assert f.dtype == np.float32 and f.shape == e.shape
        relative.append(np.linalg.norm(f - e) / (np.linalg.norm(e) + 1))
    return relative


@given(st.sampled_from([2, 4]), st.data())
def test_all_three_kernels(m, data):
    n, c, o = (data.draw(st.integers(1, 5)) for _ in range(3))
    padding = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    size = tuple(data.draw(st.integers(max(1, 3 - 2 * p), 14)) for p in padding)
    assert max(errors(Case((n, c, *size), (o, c, 3, 3), padding=padding), m)) < BOUNDS[m]


SEVERAL = [Case((n, 5, 50, 45), (6, 5, 3, 3), padding=(1, 1)) for n in (3, 1)]


@pytest.mark.parametrize("case", SEVERAL)
@pytest.mark.parametrize("few_weights", [0, 1 << 30])  # V is kept, or U is kept
def test_several_blocks(case, few_weights, monkeypatch):
    monkeypatch.setattr(winograd, "FEW_WEIGHTS", few_weights)
    monkeypatch.setattr(winograd, "BAND_TILES", 30)
    monkeypatch.setattr(winograd, "KEPT_BYTES", 36 * 4 * 5 * 100)
    monkeypatch.setattr(winograd, "CHANNELS", 2)
    assert max(errors(case, 4)) < BOUNDS[4]


@pytest.mark.parametrize("m", [2, 4])
@pytest.mark.parametrize("shape", [(1, 96, 36, 39), (3, 256, 14, 15), (2, 32, 90, 85)])
def test_wide_layers_are_as_exact_as_promised(shape, m):
    case = Case(shape, (shape[1] + 30, shape[1], 3, 3), padding=(1, 1))
    assert max(errors(case, m)) < BOUNDS[m]


def test_memory_that_is_not_contiguous():
    case = Case((2, 3, 9, 10), (4, 3, 3, 3), padding=(1, 1))
    case.x, case.weight = np.asfortranarray(case.x), case.weight[::-1, :, ::-1]
    case.grad = case.grad[:, ::-1]
    assert max(errors(case, 4)) < BOUNDS[4]
