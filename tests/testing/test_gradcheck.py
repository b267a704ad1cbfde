"""gradcheck says yes to true gradients, and says exactly what is wrong with the others."""

from __future__ import annotations

import re

import numpy as np
import pytest
from operation_cases import spread

from minicv import Function, Tensor
from minicv import functional as F
from minicv.testing import GradientError, NonDifferentiableError, gradcheck


class Cube(Function):
    """x³, with a backward that a test may replace."""

    @staticmethod
    def slope(x):
        return 3 * x * x

    def forward(self, x):
        self.x = x
        return x**3

    def backward(self, grad):
        return self.slope(self.x) * grad


class WrongCube(Cube):
    @staticmethod
    def slope(x):
        return 2.99 * x * x


def wrong_at(position):
    """Cube, wrong in one element only."""

    class WrongAtOnePlace(Cube):
        def backward(self, grad):
            gradient = 3 * self.x * self.x * grad
            gradient[position] += 0.01
            return gradient

    return lambda x: WrongAtOnePlace()(x)


X = spread(3, 4)


@pytest.mark.parametrize("mode", ["direction", "full"])
@pytest.mark.parametrize("method", ["auto", "complex", "central"])
def test_true_gradient_passes(mode, method):
    gradcheck(lambda x: Cube()(x), X, mode=mode, method=method)


@pytest.mark.parametrize("mode", ["direction", "full"])
@pytest.mark.parametrize("method", ["auto", "complex", "central"])
def test_wrong_gradient_is_refused(mode, method):
    with pytest.raises(GradientError):
        gradcheck(lambda x: WrongCube()(x), X, mode=mode, method=method)


def test_message_names_operation_input_values_and_seed():
    with pytest.raises(GradientError) as caught:
        gradcheck(lambda x: WrongCube()(x), X, seed=42)
    message = str(caught.value)
    found = re.fullmatch(
        r"WrongCube: gradient of input 0 \(shape \(3, 4\)\) is wrong along random direction 0: "
        r"backward says (\S+), complex step says (\S+) \(eps=1e-06, rtol=1e-09, atol=1e-08, "
        r"seed=42\)",
        message,
    )
    assert found, message
    analytic, numeric = float(found[1]), float(found[2])
    assert analytic == pytest.approx(numeric * 2.99 / 3)


def test_message_of_full_mode_names_the_element():
    with pytest.raises(GradientError, match=r"WrongAtOnePlace: .* is wrong at \[2, 1\]:"):
        gradcheck(wrong_at((2, 1)), X, mode="full")


def test_message_of_central_difference_names_it():
    with pytest.raises(GradientError, match="central difference says"):
        gradcheck(lambda x: WrongCube()(x), X, method="central")


def test_second_input_is_checked_too():
    class WrongSecond(Function):
        def forward(self, x, y):
            return x + y

        def backward(self, grad):
            return grad, -grad

    with pytest.raises(GradientError, match="WrongSecond: gradient of input 1"):
        gradcheck(lambda x, y: WrongSecond()(x, y), X, X)


def test_the_cotangent_is_never_all_ones():
    """With ones the gradient of a softmax is zero, and a backward that returns zeros would pass."""

    class ZeroSoftmax(type(F.softmax(Tensor(X, requires_grad=True), dim=1).creator)):
        def backward(self, grad):
            return 0 * grad

    with pytest.raises(GradientError):
        gradcheck(lambda x: ZeroSoftmax(1)(x), X)


def test_gradient_that_is_nan_is_refused():
    class NotANumber(Cube):
        def backward(self, grad):
            return grad * np.nan

    with pytest.raises(GradientError, match="backward says nan"):
        gradcheck(lambda x: NotANumber()(x), X)


def test_input_without_elements_passes():
    gradcheck(F.exp, np.zeros((0, 3)))
    gradcheck(F.exp, np.zeros((0, 3)), mode="full")


class TestKinks:
    def test_point_on_a_kink_is_moved(self):
        gradcheck(F.relu, np.array([0.0, 1.0, -1.0]))
        gradcheck(F.relu, np.array([0.0, 1.0, -1.0]), mode="full")
        gradcheck(F.abs, np.zeros((2, 2)), method="central")

    def test_wrong_gradient_is_refused_at_a_kink_too(self):
        class WrongRelu(type(F.relu(Tensor(X, requires_grad=True)).creator)):
            def backward(self, grad):
                return 1.5 * super().backward(grad)

        with pytest.raises(GradientError, match="WrongRelu"):
            gradcheck(lambda x: WrongRelu()(x), np.array([0.0, 1.0, -1.0]))

    def test_kinks_everywhere_end_after_the_retries(self):
        calls = 0

        class KinkWherever(Function):
            """|x - the first x it saw|: wherever the point is moved, it lies on the kink."""

            def forward(self, x):
                nonlocal calls
                calls += 1
                if self.needs_grad[0]:
                    KinkWherever.place = x.copy()
                return np.abs(x - KinkWherever.place)

            def backward(self, grad):
                return grad

        with pytest.raises(NonDifferentiableError, match="gradcheck: 3 points all lie on a kink"):
            gradcheck(lambda x: KinkWherever()(x), X, retries=2)
        assert calls < 100

    def test_strong_curvature_is_no_kink(self):
        """Wrong is wrong: the point is not moved until it passes, nor called a kink."""

        class Steep(Function):
            def forward(self, x):
                self.y = np.exp(500 * x)
                return self.y

            def backward(self, grad):
                return 499 * self.y * grad

        with pytest.raises(GradientError):
            gradcheck(lambda x: Steep()(x), np.array([0.01, 0.02]), method="central")


class TestMethods:
    def test_forward_that_drops_the_imaginary_part_falls_back(self):
        gradcheck(F.abs, X)

    def test_complex_step_is_not_believed_where_it_contradicts_the_difference(self):
        """x |x| stays complex but loses the slope of its second factor."""

        class TimesAbs(Function):
            def forward(self, x):
                self.x = x
                return x * np.abs(x)

            def backward(self, grad):
                return 2 * np.abs(self.x) * grad

        gradcheck(lambda x: TimesAbs()(x), X)
        with pytest.raises(GradientError, match="complex step"):
            gradcheck(lambda x: TimesAbs()(x), X, method="complex")

    def test_insisting_on_complex_where_it_cannot_be(self):
        with pytest.raises(TypeError, match="cannot compute with complex numbers"):
            gradcheck(F.abs, X, method="complex")

    def test_complex_step_sees_what_a_difference_cannot(self):
        class SlightlyWrong(Cube):
            @staticmethod
            def slope(x):
                return 3 * (1 + 1e-7) * x * x

        gradcheck(lambda x: SlightlyWrong()(x), X, method="central")
        with pytest.raises(GradientError, match="complex step"):
            gradcheck(lambda x: SlightlyWrong()(x), X)

    @pytest.mark.parametrize("option", ["mode", "method"])
    def test_unknown_options_are_refused(self, option):
        with pytest.raises(ValueError, match=f"gradcheck: {option} must be .* but is 'fast'"):
            gradcheck(F.exp, X, **{option: "fast"})


class TestManners:
    @pytest.mark.parametrize("bad", [X.astype(np.float32), np.arange(3), [1.0], Tensor(X)])
    def test_only_float64_arrays(self, bad):
        with pytest.raises(TypeError, match="gradcheck: input 1 must be a float64 array but is"):
            gradcheck(F.add, X, bad)

    def test_callers_arrays_are_left_alone(self):
        x = np.array([0.0, 1.0])
        gradcheck(F.relu, x)
        assert x.tolist() == [0.0, 1.0]

    def test_forward_that_changes_its_input_is_seen(self):
        class ChangesInput(Cube):
            def forward(self, x):
                y = super().forward(x.copy())
                x += 1
                return y

        with pytest.raises(GradientError, match="ChangesInput: input 0 was changed in place"):
            gradcheck(lambda x: ChangesInput()(x), X)

    def test_backward_that_changes_its_input_is_seen(self):
        class ChangesSaved(Cube):
            def backward(self, grad):
                self.x *= 2
                return 0.75 * self.x * self.x * grad

        with pytest.raises(GradientError, match="ChangesSaved: input 0 was changed in place"):
            gradcheck(lambda x: ChangesSaved()(x), X)

    def test_backward_that_changes_the_arriving_gradient_is_seen(self):
        class ChangesGrad(Cube):
            def backward(self, grad):
                grad *= 3 * self.x * self.x
                return grad

        with pytest.raises(GradientError, match="changed the arriving gradient in place"):
            gradcheck(lambda x: ChangesGrad()(x), X)

    def test_random_operation_must_be_repeatable(self):
        rng = np.random.default_rng(0)
        with pytest.raises(GradientError, match=r"Dropout: .* must draw from a generator"):
            gradcheck(lambda x: F.dropout(x, 0.5, rng=rng), X)
        gradcheck(lambda x: F.dropout(x, 0.5, rng=np.random.default_rng(0)), X)

    def test_memory_layout_does_not_matter(self):
        gradcheck(F.exp, np.asfortranarray(X))
        gradcheck(F.exp, X[::-1, ::2])
        gradcheck(F.exp, np.broadcast_to(X[0], (3, 4)))

    def test_number_without_axes(self):
        gradcheck(F.exp, np.array(0.5), mode="full")
