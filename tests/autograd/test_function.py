"""Function: what the base class does for every operation, and what it refuses."""

import cupy_stand_in as cupy
import numpy as np
import pytest
from hypothesis import given

from minicv import Function, Tensor, no_grad
from minicv import functional as F
from minicv.autograd import unbroadcast
from minicv.testing import strategies


class Broken(Function):
    """The identity, with whatever backward the test hands it."""

    def __init__(self, backward):
        self.backward = backward

    def forward(self, x):
        return x + 0


class ScaleAndShift(Function):
    """x * scale + shift, where the shift is optional."""

    def forward(self, x, scale, shift):
        self.x, self.scale = x, scale
        return x * scale if shift is None else x * scale + shift

    def backward(self, grad):
        self.asked = self.needs_grad
        return grad * self.scale, grad * self.x, grad


def backward_of(backward):
    x = Tensor([1.0, 2.0], requires_grad=True)
    Broken(backward)(x).backward(np.ones(2))
    return x.grad


def test_a_right_gradient_arrives():
    assert backward_of(lambda grad: 3 * grad).tolist() == [3.0, 3.0]
    assert backward_of(lambda grad: (3 * grad,)).tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("backward", "message"),
    [
        (lambda grad: (grad, grad), "Broken: backward returned 2 gradients for 1 inputs"),
        (lambda grad: None, "Broken: backward returned None for input 0, which needs"),
        (lambda grad: grad[:1], r"a gradient of shape \(1,\) for input 0 of shape \(2,\)"),
        (lambda grad: grad[None], r"a gradient of shape \(1, 2\) for input 0 of shape \(2,\)"),
        (lambda grad: grad * np.float64(2), "of dtype float64 for input 0 of dtype float32"),
        (lambda grad: [grad], "Broken: backward returned a list; return an array, or a tuple"),
        (lambda grad: Tensor(grad), "Broken: backward returned a Tensor for input 0; .* raw array"),
        (lambda grad: 3.0, "Broken: backward returned a float for input 0; return a raw array"),
        (lambda grad: (grad.tolist(),), "Broken: backward returned a list for input 0"),
    ],
)
def test_a_wrong_gradient_is_refused(backward, message):
    with pytest.raises(RuntimeError, match=message):
        backward_of(backward)


def test_unwritten_passes_say_so():
    class Empty(Function):
        pass

    class OneWay(Function):
        def forward(self, x):
            return x

    with pytest.raises(NotImplementedError, match="Empty: forward is not written"):
        Empty()(np.zeros(2))
    y = OneWay()(Tensor(1.0, requires_grad=True))
    with pytest.raises(NotImplementedError, match="OneWay: backward is not written"):
        y.backward()


@pytest.mark.parametrize("wrong", [Tensor([1.0]), [1.0], 1.0, None])
def test_a_forward_that_returns_no_array_is_refused(wrong):
    class Odd(Function):
        def forward(self, x):
            return wrong

    with pytest.raises(TypeError, match=f"Odd: forward returned a {type(wrong).__name__}; return"):
        Odd()(np.zeros(2))


def test_shapes_that_do_not_broadcast_are_named():
    with pytest.raises(ValueError, match=r"Add: the shapes \(3,\), \(2, 2\) do not broadcast"):
        F.add(np.zeros(3), np.zeros((2, 2)))


def test_an_error_of_a_forward_with_an_optional_input_is_its_own():
    class Picky(Function):
        def forward(self, x, bias):
            raise ValueError("no good")

    with pytest.raises(ValueError, match="no good"):
        Picky()(np.zeros(2), None)
    with pytest.raises(TypeError, match="Multiply: input 1 is None; give a tensor"):
        F.multiply(np.zeros(2), None)


def test_needs_grad_tells_which_inputs_want_a_gradient():
    x, scale = Tensor(np.ones(2)), Tensor(np.full(2, 3.0), requires_grad=True)
    operation = ScaleAndShift()
    y = operation(x, scale, None)
    assert operation.needs_grad == (False, True, False)
    assert y.creator is operation
    y.backward(np.ones(2))
    assert scale.grad.tolist() == [1.0, 1.0]
    assert x.grad is None


def test_nothing_is_recorded_without_need():
    constant, wanted = Tensor(np.ones(2)), Tensor(np.ones(2), requires_grad=True)
    assert ScaleAndShift()(constant, constant, None).creator is None
    with no_grad():
        y = ScaleAndShift()(wanted, constant, wanted)
    assert y.creator is None
    assert not y.requires_grad


def test_plain_inputs_take_the_dtype_of_the_arrays_beside_them():
    for dtype in ("float32", "float64"):
        x = Tensor(np.ones(2, dtype))
        for number in (2, 2.5, np.float64(2.5), np.float32(2.5), np.int8(2), True):
            assert ScaleAndShift()(x, number, None).dtype == dtype
        assert ScaleAndShift()(x, np.ones(2, dtype), x).dtype == dtype
    assert ScaleAndShift()(2.0, 3.0, None).dtype == np.float32
    assert ScaleAndShift()(2.0, 3.0, None).item() == 6


def test_mixed_dtypes_and_devices_are_refused_by_name():
    single, double = np.ones(2, "float32"), np.ones(2)
    with pytest.raises(TypeError, match=r"Multiply: inputs .* \(float32, float64\); .*\.astype"):
        F.multiply(Tensor(single), Tensor(double))
    with pytest.raises(TypeError, match=r"Multiply: .* live on different devices"):
        F.multiply(Tensor(double), Tensor(cupy.asarray(double)))


def test_broadcasting_is_undone_for_operations_that_declare_it():
    x, y = Tensor(np.ones((2, 3)), requires_grad=True), Tensor(np.ones((1, 3)), requires_grad=True)
    bias = Tensor(np.ones(3), requires_grad=True)
    (x * y + bias).sum().backward()
    assert x.grad.shape == (2, 3)
    assert y.grad.tolist() == [[2.0, 2.0, 2.0]]
    assert bias.grad.tolist() == [2.0, 2.0, 2.0]


@given(strategies.shapes(min_dims=0, max_dims=4, max_side=4))
def test_unbroadcast_sums_what_broadcasting_repeated(shape):
    rng = np.random.default_rng(len(shape))
    narrow = tuple(1 if rng.random() < 0.5 else side for side in shape)[rng.integers(0, 2) :]
    grad = rng.normal(size=shape)
    # The adjoint of repeating x is summing: <broadcast x, grad> = <x, unbroadcast grad>.
    x = rng.normal(size=narrow)
    summed = unbroadcast(grad, narrow)
    assert summed.shape == narrow
    np.testing.assert_allclose((np.broadcast_to(x, shape) * grad).sum(), (x * summed).sum())


def test_free_lets_go_of_everything_and_keeps_the_name():
    operation = ScaleAndShift()
    operation(Tensor(np.ones(2), requires_grad=True), 2.0, None)
    operation.free()
    assert vars(operation) == {"freed": True}
    with pytest.raises(RuntimeError, match="ScaleAndShift: backward was called before and freed"):
        operation.input_gradients(np.ones(2))


def test_gradient_of_a_leaf_without_axes_is_an_array():
    x = Tensor(np.array(2.0), requires_grad=True)
    (x * x * np.ones(3)).sum().backward()
    assert isinstance(x.grad, np.ndarray) and x.grad.shape == ()
    x.grad += 1.0  # in place, as an optimizer does
    assert x.grad == 13.0


def test_integers_may_stand_beside_floats():
    x = Tensor([1.5, 2.5], requires_grad=True)
    y = x * np.array([2, 4])
    assert y.data.tolist() == [3.0, 10.0] and y.dtype == np.float32
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 4.0] and x.grad.dtype == np.float32
