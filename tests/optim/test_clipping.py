import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.nn import Parameter
from minicv.optim import clip_grad_norm, clip_grad_value
from minicv.testing import strategies


def with_gradients(*grads):
    params = []
    for grad in grads:
        parameter = Parameter(np.zeros(np.shape(grad) if grad is not None else 2))
        parameter.grad = grad
        params.append(parameter)
    return params


@given(
    first=strategies.arrays(strategies.shapes(allow_empty=True)),
    second=strategies.arrays(strategies.shapes()),
    max_norm=st.sampled_from([1e-3, 0.5, 1.0, 100.0]),
)
def test_shortens_to_the_norm_and_keeps_the_direction(first, second, max_norm):
    params = with_gradients(first.copy(), None, second.copy())
    together = np.concatenate([first.ravel(), second.ravel()])
    norm = np.linalg.norm(together)
    assert math.isclose(clip_grad_norm(params, max_norm), norm, rel_tol=1e-12)
    clipped = np.concatenate([params[0].grad.ravel(), params[2].grad.ravel()])
    np.testing.assert_allclose(clipped, together * min(1, max_norm / norm), rtol=1e-12)
    assert np.linalg.norm(clipped) <= max_norm * (1 + 1e-12) or norm <= max_norm
    assert params[1].grad is None


def test_any_iterable_and_memory_order():
    grad = np.asfortranarray(np.full((3, 2), 2.0, np.float32))
    norm = clip_grad_norm(iter(with_gradients(grad)), max_norm=1.0)
    assert isinstance(norm, float)
    assert math.isclose(norm, math.sqrt(24), rel_tol=1e-6)
    np.testing.assert_allclose(grad, 2 / math.sqrt(24), rtol=1e-6)
    assert grad.dtype == np.float32


def test_without_gradients_the_norm_is_zero():
    assert clip_grad_norm(with_gradients(None), 1.0) == 0.0
    assert clip_grad_norm([], 1.0) == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_norm_that_is_no_number_is_returned_and_nothing_is_changed(bad):
    params = with_gradients(np.array([3.0, bad]), np.array([5.0]))
    norm = clip_grad_norm(params, 1.0)
    assert not math.isfinite(norm)
    assert params[0].grad[0] == 3.0
    assert params[1].grad[0] == 5.0


def test_clip_value():
    params = with_gradients(np.array([-3.0, 0.25, 7.0]), None)
    grad = params[0].grad
    clip_grad_value(params, 0.5)
    assert params[0].grad is grad
    assert grad.tolist() == [-0.5, 0.25, 0.5]


@pytest.mark.parametrize("limit", [0, -1.0, float("nan")])
def test_limits_must_be_positive(limit):
    with pytest.raises(ValueError, match="clip_grad_norm: max_norm must be positive but is"):
        clip_grad_norm([], limit)
    with pytest.raises(ValueError, match="clip_grad_value: clip_value must be positive but is"):
        clip_grad_value([], limit)
