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
        r"WrongCube: gradient of input 0 \(shape \(3, 4\)\) is wrong at \[(\d), (\d)\]: "
        r"backward says (\S+), complex step says (\S+) \(the worst of 12 elements; eps=1e-06, "
        r"rtol=1e-09, atol=0, seed=42\)",
        message,
    )
    assert found, message
    analytic, numeric = float(found[3]), float(found[4])
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


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_gradient_that_is_not_finite_is_refused(value):
    class NotANumber(Cube):
        def backward(self, grad):
            return grad * np.nan

    with pytest.raises(GradientError, match="backward says nan"):
        gradcheck(lambda x: NotANumber()(x), X)

    class AtOnePlace(Cube):
        def backward(self, grad):
            gradient = super().backward(grad)
            gradient[1, 2] = value
            return gradient

    for mode in ("direction", "full"):
        with pytest.raises(GradientError, match=rf"wrong at \[1, 2\]: backward says {value}"):
            gradcheck(lambda x: AtOnePlace()(x), X, mode=mode)


def test_input_without_elements_passes():
    gradcheck(F.exp, np.zeros((0, 3)))
    gradcheck(F.exp, np.zeros((0, 3)), mode="full")


def operation(forward, backward):
    """A Function of one input: forward(x), backward(x, grad)."""

    class Operation(Function):
        def forward(self, x):
            self.x = x
            return forward(x)

        def backward(self, grad):
            return backward(self.x, grad)

    return lambda x: Operation()(x)


# What loses the imaginary part on the way: (forward, true backward, the backward that forgets it).
LOSING = {
    "var": (
        lambda x: x * np.var(x),
        lambda x, g: g * np.var(x) + (g * x).sum() * 2 * (x - x.mean()) / x.size,
        lambda x, g: g * np.var(x),
    ),
    "std": (
        lambda x: x * np.std(x),
        lambda x, g: g * np.std(x) + (g * x).sum() * (x - x.mean()) / x.size / np.std(x),
        lambda x, g: g * np.std(x),
    ),
    "abs": (lambda x: x * np.abs(x), lambda x, g: 2 * np.abs(x) * g, lambda x, g: np.abs(x) * g),
    "norm": (
        lambda x: x / np.linalg.norm(x),
        lambda x, g: g / np.linalg.norm(x) - (g * x).sum() * x / np.linalg.norm(x) ** 3,
        lambda x, g: g / np.linalg.norm(x),
    ),
    "real": (lambda x: x * x.real, lambda x, g: 2 * x * g, lambda x, g: x * g),
    "conj": (
        lambda x: x * np.sqrt((x * x.conj()).real),
        lambda x, g: 2 * np.abs(x) * g,
        lambda x, g: np.abs(x) * g,
    ),
    "greatest size": (
        lambda x: x / np.abs(x).max(),
        lambda x, g: g / np.abs(x).max()
        - (g * x).sum() / np.abs(x).max() ** 2 * np.sign(x) * (np.abs(x) == np.abs(x).max()),
        lambda x, g: g / np.abs(x).max(),
    ),
}


class TestForwardsThatLoseTheImaginaryPart:
    @pytest.mark.parametrize("mode", ["direction", "full"])
    @pytest.mark.parametrize("name", LOSING)
    def test_true_gradient_passes(self, name, mode):
        forward, true, _ = LOSING[name]
        gradcheck(operation(forward, true), X, mode=mode)

    @pytest.mark.parametrize("mode", ["direction", "full"])
    @pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 1e6])
    @pytest.mark.parametrize("name", LOSING)
    def test_backward_that_forgets_the_same_is_refused(self, name, scale, mode):
        forward, _, forgetful = LOSING[name]
        wrong = operation(lambda x: scale * forward(x), lambda x, g: scale * forgetful(x, g))
        with pytest.raises(GradientError, match="central difference says"):
            gradcheck(wrong, X, mode=mode)


def times_at(position, factor):
    """A backward of cubes, of which one element is multiplied by ``factor``."""

    def backward(x, g):
        gradient = 3 * x * x * g
        gradient[position] *= factor
        return gradient

    return backward


class TestNothingHides:
    """One wrong element among thousands, and a gradient far below the others."""

    @pytest.mark.parametrize("method", ["auto", "central"])
    @pytest.mark.parametrize("factor", [0, 1.001, 2])
    @pytest.mark.parametrize("summed", [False, True])
    def test_one_element_of_ten_thousand(self, method, factor, summed):
        x = np.random.default_rng(0).normal(size=10_000)
        cube = operation(lambda x: x**3, times_at(1234, factor))
        check = (lambda x: F.sum(cube(x))) if summed else cube
        with pytest.raises(GradientError, match=r"is wrong at \[1234\]: .* worst of 10000 elem"):
            gradcheck(check, x, method=method)

    @pytest.mark.parametrize("factor", [0, 0.99, 2])
    def test_one_element_of_ten_thousand_without_complex_numbers(self, factor):
        x = spread(10_000)

        def backward(x, g):
            gradient = np.sign(x) * g
            gradient[77] *= factor
            return gradient

        with pytest.raises(GradientError, match=r"wrong at \[77\]: .* central difference"):
            gradcheck(lambda x: F.mean(operation(np.abs, backward)(x)), x)

    @pytest.mark.parametrize("others", [0, 1, 500])
    @pytest.mark.parametrize("factor", [0, -1, 1.05, 2])
    @pytest.mark.parametrize(("method", "place"), [("auto", 20), ("auto", 30), ("central", 20)])
    def test_saturated_sigmoid(self, others, factor, method, place):
        """At 20 the gradient is 2e-9, beside others of 0.25."""

        def sigmoid(x):
            return 1 / (1 + np.exp(-x))

        def backward(x, g):
            y = sigmoid(x)
            gradient = y * (1 - y) * g
            gradient[0] *= factor
            return gradient

        x = np.append(float(place), np.linspace(-2, 2, others))
        with pytest.raises(GradientError, match=r"wrong at \[0\]"):
            gradcheck(operation(sigmoid, backward), x, method=method)

    @pytest.mark.parametrize("x", [-30.0, -20.0, 10.0, 20.0, 30.0, 36.5, 40.0, 100.0])
    @pytest.mark.parametrize(
        "saturating",
        [F.sigmoid, F.tanh, lambda x: F.softmax(x, 0), lambda x: F.log_softmax(x, 0)],
        ids=["sigmoid", "tanh", "softmax", "log_softmax"],
    )
    def test_true_gradients_in_saturation_pass(self, saturating, x):
        gradcheck(saturating, np.array([x, 0.3, -1.0]))

    @pytest.mark.parametrize("scale", [1e-15, 1e-9, 1e12])
    def test_size_of_the_whole_does_not_matter(self, scale):
        gradcheck(operation(lambda x: scale * x**3, lambda x, g: scale * 3 * x * x * g), X)
        for wrong in (0.0, 3.003 * scale, 6 * scale):
            cube = operation(lambda x: scale * x**3, lambda x, g, wrong=wrong: wrong * x * x * g)
            with pytest.raises(GradientError):
                gradcheck(cube, X)

    def test_steps_follow_large_inputs(self):
        x = np.array([1e8, 1.0, -3e4])
        gradcheck(lambda x: (x * x).sum(), x)
        with pytest.raises(GradientError):
            gradcheck(operation(lambda x: x * x, lambda x, g: (1 + 1e-5) * 2 * x * g), x)

    def test_inputs_close_to_the_border_of_the_domain(self):
        gradcheck(F.log, np.array([1e-8, 1.0]))
        gradcheck(F.sqrt, np.array([1e-9, 1.0]), method="central")

    def test_the_worst_element_is_named(self):
        def backward(x, g):
            gradient = 3 * x * x * g
            gradient[0, 1] += 0.01
            gradient[2, 3] += 1.0
            gradient[1, 1] += 0.1
            return gradient

        for mode in ("direction", "full"):
            with pytest.raises(GradientError, match=r"is wrong at \[2, 3\]"):
                gradcheck(operation(lambda x: x**3, backward), X, mode=mode)


class TestOutputs:
    def test_several_outputs(self):
        gradcheck(lambda x, y: (x * y, F.exp(x)), X, 1 + X)
        wrong = operation(np.exp, lambda x, g: g)
        with pytest.raises(GradientError, match="gradient of input 0"):
            gradcheck(lambda x, y: (x * y, wrong(x)), X, 1 + X)

    def test_an_integer_output_beside_a_floating_one_has_no_gradient(self):
        gradcheck(lambda x: (x * 2.0, Tensor(x.data.real.argsort())), X)

    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            (lambda x: Tensor(np.arange(3)), "returns int64, which has no gradient"),
            (lambda x: Tensor(x.data > 0), "returns bool, which has no gradient"),
            (lambda x: (), "returns nothing, which has no gradient"),
            (lambda x: x.data, "must return a Tensor, or several, but output 0 is ndarray"),
            (lambda x: None, "output 0 is NoneType"),
            (lambda x: (x, x.data), "output 1 is ndarray; take the Tensors alone"),
            (lambda x: Tensor(x.data.astype(np.float32)), "output 0 is float32 although"),
        ],
    )
    def test_what_has_no_gradient_is_refused(self, bad, message):
        with pytest.raises(TypeError, match=f"^gradcheck: .*{message}"):
            gradcheck(bad, X)

    def test_an_input_that_is_ignored_has_gradient_zero(self):
        gradcheck(lambda x, y: 2.0 * x, X, X)
        gradcheck(lambda x: Tensor(np.ones(3)), X)

    @pytest.mark.parametrize("cut_off", [lambda x: x.detach() * 2.0, lambda x: Tensor(x.data)])
    def test_a_result_cut_off_from_its_input_is_refused(self, cut_off):
        with pytest.raises(GradientError, match="backward says 0, complex step says"):
            gradcheck(cut_off, X)
        with pytest.raises(GradientError, match=r"gradient of input 1 .* backward says 0"):
            gradcheck(lambda x, y: x * y.data, X, X)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_what_is_not_finite_is_refused(self, value):
        with pytest.raises(ValueError, match="gradcheck: input 1 holds NaN or infinity"):
            gradcheck(F.add, X, np.array([value]))
        with pytest.raises(ValueError, match=r"Operation gives (nan|inf) at \[0\] of output 0"):
            gradcheck(operation(lambda x: x * value, lambda x, g: g), np.ones(2))

    def test_no_input(self):
        with pytest.raises(TypeError, match="gradcheck: there is no input"):
            gradcheck(lambda: Tensor([1.0]))


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
        assert calls < 200

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

    def test_waves_shorter_than_the_step_are_no_kink(self):
        """Within eps the slope turns many times; the complex step and short steps agree on it."""

        class Waves(Function):
            wrong = 1.0

            def forward(self, x):
                self.x = x
                return np.sin(1e6 * x)

            def backward(self, grad):
                return 1e6 * np.cos(1e6 * self.x) * grad * self.wrong

        class WrongWaves(Waves):
            wrong = 1.0001

        x = np.linspace(-2e-6, 3e-6, 20)
        gradcheck(lambda x: Waves()(x), x)
        with pytest.raises(GradientError, match="WrongWaves"):
            gradcheck(lambda x: WrongWaves()(x), x)


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

    def test_forward_must_be_repeatable(self):
        rng = np.random.default_rng(0)
        noisy = operation(lambda x: x + rng.normal(size=x.shape), lambda x, g: g)
        with pytest.raises(GradientError, match="a second forward pass gave another result"):
            gradcheck(noisy, X)

    def test_change_of_an_input_without_recording_is_seen(self):
        class ChangesInEvaluation(Cube):
            def forward(self, x):
                if not self.needs_grad[0]:
                    x += 1
                return super().forward(x)

        with pytest.raises(GradientError, match="input 0 was changed in place"):
            gradcheck(lambda x: ChangesInEvaluation()(x), X)

    def test_memory_layout_does_not_matter(self):
        gradcheck(F.exp, np.asfortranarray(X))
        gradcheck(F.exp, X[::-1, ::2])
        gradcheck(F.exp, np.broadcast_to(X[0], (3, 4)))

    def test_number_without_axes(self):
        gradcheck(F.exp, np.array(0.5), mode="full")
