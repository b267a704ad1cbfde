"""The epilogue of a convolution, in the memory of its result."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.convolution_layer import NO_EPILOGUE, Epilogue
from minicv.backend.cpu import convolution_epilogue
from minicv.backend.cpu.convolution_epilogue import apply_epilogue, apply_to_block
from minicv.testing import strategies

SHAPE = (2, 5, 3, 4)


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=SHAPE), rng.normal(size=5), rng.normal(size=5), rng.normal(size=SHAPE)


def by_formula(y, scale, shift, shortcut, ceiling):
    if scale is not None:
        y = y * scale[:, None, None]
    if shift is not None:
        y = y + shift[:, None, None]
    if shortcut is not None:
        y = y + shortcut
    return y if ceiling is None else np.minimum(np.maximum(y, 0), ceiling)


@given(
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
    st.sampled_from([None, 0.5, np.inf]),
    strategies.seeds(),
)
def test_the_steps_in_their_order(given_steps, ceiling, seed):
    y, *steps = arrays(seed)
    steps = [step if wanted else None for step, wanted in zip(steps, given_steps, strict=True)]
    expected = by_formula(y, *steps, ceiling)
    result = apply_epilogue(Epilogue(*steps, ceiling), y)
    assert result is y
    np.testing.assert_allclose(result, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("elements", [1, 30, 1 << 15])
def test_in_blocks(elements, monkeypatch):
    monkeypatch.setattr(convolution_epilogue, "BLOCK_ELEMENTS", elements)
    y, *steps = arrays()
    expected = by_formula(y, *steps, 0.7)
    np.testing.assert_allclose(
        apply_epilogue(Epilogue(*steps, 0.7), y), expected, rtol=1e-13, atol=1e-15
    )


def test_a_part_of_an_image_in_either_layout():
    y, *steps = arrays()
    expected = by_formula(y, *steps, np.inf).reshape(2, 5, 12)[1, 2:4, 3:9]
    part = y.reshape(2, 5, 12)[1, 2:4, 3:9]
    for laid in (part.copy(), np.asfortranarray(part)):
        apply_to_block(Epilogue(*steps, np.inf), laid, 1, slice(2, 4), slice(3, 9))
        np.testing.assert_allclose(laid, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("given", range(5))
def test_the_last_step_writes_elsewhere(given):
    y, *steps = arrays()
    steps = [step if number < given else None for number, step in enumerate((*steps, 0.6))]
    expected = by_formula(y, *steps).reshape(2, 5, 12)[1, 2:4, 3:9]
    out = np.full((2, 7), np.nan)
    part = y.reshape(2, 5, 12)[1, 2:4, 3:9].copy()
    apply_to_block(Epilogue(*steps), part, 1, slice(2, 4), slice(3, 9), out=out[:, 1:])
    np.testing.assert_allclose(out[:, 1:], expected, rtol=1e-13, atol=1e-15)
    assert np.isnan(out[:, 0]).all()


def test_memory_with_gaps_is_put_together():
    y, *steps = arrays()
    with_gaps = y.transpose(3, 1, 2, 0).copy().transpose(3, 1, 2, 0)
    result = apply_epilogue(Epilogue(*steps), with_gaps)
    np.testing.assert_allclose(result, by_formula(y, *steps, None), rtol=1e-13, atol=1e-15)


def test_nothing_to_do():
    y = np.ones(SHAPE)[:, ::2]
    assert apply_epilogue(NO_EPILOGUE, y) is y
