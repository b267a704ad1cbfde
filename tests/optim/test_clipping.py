"""Gradient clipping: norms, limits, and gradients whose squares are beyond float32."""

import math

import numpy as np
import pytest
from cuda_kernels import needs_compiler
from cupy_devices import CUPYS
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import to_numpy
from minicv.nn import Parameter
from minicv.optim import SGD, clip_grad_norm, clip_grad_value
from minicv.testing import strategies


def with_gradients(*grads):
    params = []
    for grad in grads:
        parameter = Parameter(np.zeros(np.shape(grad) if grad is not None else 2))
        parameter.grad = grad
        params.append(parameter)
    return params


class TestClipping:
    @given(
        first=strategies.arrays(strategies.shapes(allow_empty=True)),
        second=strategies.arrays(strategies.shapes()),
        max_norm=st.sampled_from([1e-3, 0.5, 1.0, 100.0]),
    )
    def test_shortens_to_the_norm_and_keeps_the_direction(self, first, second, max_norm):
        params = with_gradients(first.copy(), None, second.copy())
        together = np.concatenate([first.ravel(), second.ravel()])
        norm = np.linalg.norm(together)
        assert math.isclose(clip_grad_norm(params, max_norm), norm, rel_tol=1e-12)
        clipped = np.concatenate([params[0].grad.ravel(), params[2].grad.ravel()])
        np.testing.assert_allclose(clipped, together * min(1, max_norm / norm), rtol=1e-12)
        assert np.linalg.norm(clipped) <= max_norm * (1 + 1e-12) or norm <= max_norm
        assert params[1].grad is None

    def test_any_iterable_and_memory_order(self):
        grad = np.asfortranarray(np.full((3, 2), 2.0, np.float32))
        norm = clip_grad_norm(iter(with_gradients(grad)), max_norm=1.0)
        assert isinstance(norm, float)
        assert math.isclose(norm, math.sqrt(24), rel_tol=1e-6)
        np.testing.assert_allclose(grad, 2 / math.sqrt(24), rtol=1e-6)
        assert grad.dtype == np.float32

    def test_without_gradients_the_norm_is_zero(self):
        assert clip_grad_norm(with_gradients(None), 1.0) == 0.0
        assert clip_grad_norm([], 1.0) == 0.0

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_a_norm_that_is_no_number_is_returned_and_nothing_is_changed(self, bad):
        params = with_gradients(np.array([3.0, bad]), np.array([5.0]))
        norm = clip_grad_norm(params, 1.0)
        assert not math.isfinite(norm)
        assert params[0].grad[0] == 3.0
        assert params[1].grad[0] == 5.0

    def test_clip_value(self):
        params = with_gradients(np.array([-3.0, 0.25, 7.0]), None)
        grad = params[0].grad
        clip_grad_value(params, 0.5)
        assert params[0].grad is grad
        assert grad.tolist() == [-0.5, 0.25, 0.5]

    @pytest.mark.parametrize("limit", [0, -1.0, float("nan")])
    def test_limits_must_be_positive(self, limit):
        with pytest.raises(ValueError, match="clip_grad_norm: max_norm must be positive but is"):
            clip_grad_norm([], limit)
        with pytest.raises(ValueError, match="clip_grad_value: clip_value must be positive but is"):
            clip_grad_value([], limit)


class TestExtremeGradients:
    @staticmethod
    def with_grads(*grads):
        params = [Parameter(np.zeros_like(grad)) for grad in grads]
        for parameter, grad in zip(params, grads, strict=True):
            parameter.grad = grad.copy()
        return params

    @pytest.mark.parametrize("size", [1e20, 1e38, 1e-20, 1e-30, 3e-39])
    @pytest.mark.parametrize("max_norm", [1.0, 1e-3])
    def test_squares_beyond_float32(self, size, max_norm):
        """100 gradients of 1e20: the squares overflow, the length 1e21 does not."""
        signs = np.where(np.arange(100) % 3, 1.0, -1.0)
        params = self.with_grads(*(signs * size).astype(np.float32).reshape(4, 5, 5))
        norm = clip_grad_norm(params, max_norm)
        assert norm == pytest.approx(10 * size, rel=1e-5 if size > 1e-37 else 1e-3)
        clipped = np.concatenate([p.grad for p in params]).ravel()
        expected = signs * min(size, max_norm / 10)
        np.testing.assert_allclose(clipped, expected, rtol=1e-5 if size > 1e-37 else 1e-3)

    def test_large_and_small_together(self):
        params = self.with_grads(np.array([3e30, -4e30], np.float32), np.array([1.0], np.float32))
        assert clip_grad_norm(params, 10.0) == pytest.approx(5e30, rel=1e-6)
        np.testing.assert_allclose(params[0].grad, [6, -8], rtol=1e-6)
        assert params[1].grad.item() == pytest.approx(2e-30, rel=1e-6)

    def test_float64_beyond_its_range(self):
        params = self.with_grads(np.full(4, 1e200), np.zeros((0, 3)))
        assert clip_grad_norm(params, 1.0) == pytest.approx(2e200)
        np.testing.assert_allclose(params[0].grad, 0.5)

    def test_infinity_and_nan_are_told_apart_and_change_nothing(self):
        for grad, norm in (([np.inf, 1.0], math.inf), ([np.nan, np.inf], math.nan)):
            params = self.with_grads(np.array(grad, np.float32), np.ones(2, np.float32))
            found = clip_grad_norm(params, 1.0)
            assert found == norm or (math.isnan(found) and math.isnan(norm))
            assert params[1].grad.tolist() == [1.0, 1.0]

    def test_usual_gradients_keep_their_bits(self):
        grads = [np.random.default_rng(n).normal(size=50).astype(np.float32) for n in range(3)]
        params = self.with_grads(*grads)
        norm = math.sqrt(float(sum(np.vdot(grad, grad) for grad in grads)))
        assert clip_grad_norm(params, 1.0) == norm
        for parameter, grad in zip(params, grads, strict=True):
            np.testing.assert_array_equal(parameter.grad, grad * (1.0 / norm))


@needs_compiler
@pytest.mark.parametrize("cupy", CUPYS)
def test_on_a_device_the_step_takes_what_was_clipped(cupy):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in ((3, 4), (70,), (1, 2))]

    def moved(move):
        params = [Parameter(move(array)) for array in arrays]
        optimizer = SGD([{"params": params[:1]}, {"params": params[1:], "lr": 0.1}], lr=0.5)
        for _ in range(2):
            for parameter, array in zip(params, arrays, strict=True):
                parameter.grad = move(array * 3)
            norm = clip_grad_norm(params, 1.0)
            optimizer.step()
        return [norm], [to_numpy(p.grad) for p in params], [to_numpy(p.data) for p in params]

    for ours, theirs in zip(moved(cupy.asarray), moved(np.array), strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)
