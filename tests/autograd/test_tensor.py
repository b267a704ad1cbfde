"""Tensor: what it holds, what it refuses, and how backward is called."""

import numpy as np
import pytest

from minicv import Tensor


def test_python_numbers_become_float32_and_whole_numbers_stay_whole():
    assert Tensor([1.0, 2.0]).dtype == np.float32
    assert Tensor(1.5).dtype == np.float32
    assert Tensor([1, 2]).dtype.kind == "i"
    assert Tensor([True]).dtype == bool


def test_arrays_keep_their_dtype_and_are_shared():
    for dtype in ("float32", "float64", "int32", "bool"):
        array = np.ones((2, 3), dtype)
        assert Tensor(array).data is array
    scalar = Tensor(np.float64(2.0))
    assert isinstance(scalar.data, np.ndarray)
    assert scalar.dtype == np.float64


def test_a_new_tensor_is_a_leaf_without_gradient():
    x = Tensor(np.zeros((2, 3, 4)), requires_grad=True)
    assert (x.shape, x.ndim, x.size, len(x)) == ((2, 3, 4), 3, 24, 2)
    assert x.requires_grad
    assert x.grad is None
    assert x.creator is None


@pytest.mark.parametrize("data", [[1, 2], np.zeros(2, bool), np.zeros(2, complex)])
def test_only_floating_point_data_can_require_a_gradient(data):
    with pytest.raises(TypeError, match=r"Tensor: only floating point data .* got .*\.astype"):
        Tensor(data, requires_grad=True)


def test_refuses_data_that_are_no_numbers():
    with pytest.raises(TypeError, match="Tensor: data is a Tensor already; use detach"):
        Tensor(Tensor([1.0]))
    with pytest.raises(TypeError, match="Tensor: cannot make an array of numbers from dict"):
        Tensor({})


def test_repr_shows_values_and_whether_a_gradient_is_wanted():
    assert repr(Tensor([1.0, 2.5])) == "Tensor([1. , 2.5])"
    assert repr(Tensor([[1.0]], requires_grad=True)) == "Tensor([[1.]], requires_grad=True)"


def test_item_float_and_bool():
    assert Tensor([[2.5]]).item() == 2.5
    assert float(Tensor(2.5)) == 2.5
    assert bool(Tensor([1.0]))
    assert not Tensor([0.0])
    with pytest.raises(ValueError, match=r"item: expected .* one element but its shape is \(2,\)"):
        Tensor([1.0, 2.0]).item()


def test_numpy_and_detach_share_the_data():
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert x.numpy() is x.data
    constant = (x * 2).detach()
    assert not constant.requires_grad
    assert constant.creator is None
    assert x.detach().data is x.data


def test_gradients_stop_at_detach():
    x = Tensor([3.0], requires_grad=True)
    (x * (x * 2).detach()).backward()
    assert x.grad.tolist() == [6.0]  # not 12, the derivative of 2 x²


def test_item_assignment_says_what_to_do_instead():
    x = Tensor([1.0, 2.0])
    with pytest.raises(TypeError, match=r"tensors are immutable, so t\[index\] = value .* where"):
        x[0] = 5.0
    assert x.data.tolist() == [1.0, 2.0]


def test_numpy_functions_are_refused():
    x = Tensor([1.0, 2.0], requires_grad=True)
    for function in (np.exp, np.asarray, lambda x: np.concatenate([x, x])):
        with pytest.raises(TypeError, match="a NumPy function was called on a Tensor"):
            function(x)


def test_unknown_attributes_are_refused():
    with pytest.raises(AttributeError):
        Tensor([1.0]).require_grad = True  # a misspelling would go unnoticed


def test_backward_of_a_constant_says_what_to_do():
    with pytest.raises(RuntimeError, match="backward: this tensor does not require a gradient"):
        (Tensor([1.0]) * 2).backward()


def test_backward_of_several_numbers_needs_a_gradient():
    y = Tensor([1.0, 2.0], requires_grad=True) * 2
    with pytest.raises(RuntimeError, match=r"a tensor of shape \(2,\) needs the gradient"):
        y.backward()


def test_backward_of_one_number_in_any_shape():
    for shape in ((), (1,), (1, 1)):
        x = Tensor(np.full(shape, 3.0), requires_grad=True)
        (x * x).backward()
        assert x.grad.shape == shape
        assert float(x.grad.sum()) == 6


def test_the_arriving_gradient_may_be_an_array_or_a_tensor_of_any_float_dtype():
    grad = np.array([1.0, 10.0])
    for arriving in (grad, grad.astype("float32"), Tensor(grad)):
        x = Tensor([1.0, 2.0], requires_grad=True)
        (x * 3).backward(arriving)
        assert x.grad.tolist() == [3.0, 30.0]
        assert x.grad.dtype == np.float32


def test_a_gradient_of_another_shape_is_refused():
    y = Tensor([1.0, 2.0], requires_grad=True) * 2
    with pytest.raises(ValueError, match=r"backward: grad has shape \(1, 2\) but .* shape \(2,\)"):
        y.backward(np.ones((1, 2)))


@pytest.mark.parametrize("function", [np.sum, np.concatenate, np.exp, np.asarray])
def test_numpy_functions_are_refused_with_advice(function):
    with pytest.raises(TypeError, match=r"minicv\.functional|unsupported operand"):
        function(Tensor([1.0, 2.0]))
