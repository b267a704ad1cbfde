"""Tensor: what it holds, what it refuses, and how backward is called."""

import cupy_stand_in as cupy
import numpy as np
import pytest

from minicv import Tensor
from minicv import functional as F


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


COMPARISONS = {
    "==": (lambda a, b: a == b, [False, True, False]),
    "!=": (lambda a, b: a != b, [True, False, True]),
    "<": (lambda a, b: a < b, [True, False, False]),
    "<=": (lambda a, b: a <= b, [True, True, False]),
    ">": (lambda a, b: a > b, [False, False, True]),
    ">=": (lambda a, b: a >= b, [False, True, True]),
}


@pytest.mark.parametrize(("compare", "expected"), COMPARISONS.values(), ids=COMPARISONS)
def test_comparisons_are_plain_boolean_arrays_element_by_element(compare, expected):
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    twos = np.full(3, 2, "float32")
    for other in (2, 2.0, np.float64(2), np.float32(2), np.int8(2), [2, 2, 2], twos, Tensor(twos)):
        result = compare(x, other)
        assert type(result) is np.ndarray and result.dtype == bool
        assert result.tolist() == expected
    rows = compare(x, np.array([[2.0], [9.0]]))  # broadcasts
    assert rows.shape == (2, 3) and rows[0].tolist() == expected


@pytest.mark.parametrize("number", [2, np.float32(2), np.array([2.0, 2.0, 2.0])])
def test_a_number_or_an_array_may_stand_on_the_left_of_a_comparison(number):
    x = Tensor([1.0, 2.0, 3.0])
    assert (number == x).tolist() == [False, True, False]
    assert (number < x).tolist() == [False, False, True]


def test_comparisons_follow_the_dtype_of_the_tensor():
    tenth = Tensor([0.1])  # float32, and so not the 0.1 of Python
    assert (tenth == 0.1).all() and (tenth == np.float64(0.1)).all() and (tenth == [0.1]).all()
    assert not (Tensor(np.array([200], "uint8")) == -56).any()
    assert (Tensor([1, 2]) == 1.0).tolist() == [True, False]
    assert (Tensor([np.nan]) == np.nan).tolist() == [False]


def test_comparisons_with_what_holds_no_numbers():
    x = Tensor([1.0, 2.0])
    for other in (None, "1.0", {}, object()):
        assert (x == other) is False and (x != other) is True
        with pytest.raises(TypeError, match="not supported between instances of 'Tensor' and"):
            _ = x < other
    with pytest.raises(ValueError, match=r"Tensor ==: the shapes \(2,\) and \(3,\) do not broad"):
        _ = x == Tensor([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match=r"Tensor <: .* different devices"):
        _ = x < Tensor(cupy.asarray(np.zeros(2)))


def test_a_comparison_chooses_elements():
    x = Tensor([-1.0, 2.0, -3.0], requires_grad=True)
    F.where(x > 0, x, 0.0).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0]
    assert x[x < 0].data.tolist() == [-1.0, -3.0]


def test_tensors_are_hashed_by_identity():
    a, b = Tensor([1.0, 2.0]), Tensor([1.0, 2.0])
    assert len({a, b, a}) == 2
    assert {a: "a", b: "b"}[b] == "b"
    assert a in [a, b] and a in {a}


def test_values_are_found_in_a_tensor():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert 3 in x and 3.5 not in x and None not in x


def test_iteration_gives_rows_with_their_gradients():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    first, second = x
    (first * 10 + second).sum().backward()
    assert x.grad.tolist() == [[10.0, 10.0], [1.0, 1.0]]
    assert sum(Tensor([1.0, 2.0, 4.0])).item() == 7
    assert sum([Tensor(3.0), Tensor(4.0)]).item() == 7
    assert [row.data.tolist() for row in reversed(x)] == [[3.0, 4.0], [1.0, 2.0]]
    assert list(Tensor(np.zeros((0, 2)))) == []


@pytest.mark.parametrize("use", [sum, list, max, iter, len, tuple, lambda x: [*x]])
def test_a_tensor_without_axes_is_no_sequence(use):
    with pytest.raises(TypeError, match=r"without axes.*\.item\(\)"):
        use(Tensor(3.0))


def test_conversions_to_python_numbers():
    assert int(Tensor(2.7)) == 2 and isinstance(int(Tensor([3])), int)
    assert [10, 20][Tensor(1)] == 20 and list(range(Tensor(2))) == [0, 1]
    assert f"{Tensor(2.5):.2f}" == "2.50" and f"{Tensor([1.0])}" == "Tensor([1.])"
    for convert in (float, int, bool):
        message = rf"{convert.__name__}: expected a tensor with one element .* \(2,\)"
        with pytest.raises(ValueError, match=message):
            convert(Tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match=r"ask e\.g\. \(x > 0\)\.any\(\)"):
        bool(Tensor([1.0, 2.0]) * 1)
    for no_index in (Tensor(1.0), Tensor([1]), Tensor(np.array(True))):
        with pytest.raises(TypeError, match="holds a whole number can count or be an index"):
            range(no_index)


NUMBERS_ON_THE_LEFT = [2, 2.0, np.float32(2), np.float64(2), np.int64(2), np.array([2.0, 2.0])]


@pytest.mark.parametrize("left", [*NUMBERS_ON_THE_LEFT, [2, 2], (2.0, 2.0)], ids=repr)
def test_what_stands_on_the_left_of_a_float32_tensor_takes_its_dtype(left):
    x = Tensor([1.0, 3.0], requires_grad=True)
    left = left.astype("float32") if isinstance(left, np.ndarray) else left
    y = left * x
    assert isinstance(y, Tensor) and y.dtype == np.float32
    assert y.data.tolist() == [2.0, 6.0]
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ("text", TypeError, "cannot make an array of numbers from str"),
        (None, TypeError, "cannot make an array of numbers from NoneType"),
        ([1.0, None], TypeError, "cannot make an array of numbers from list"),
        (np.array(["a"]), TypeError, "from an array of dtype <U1"),
        (np.array([1, None]), TypeError, "from an array of dtype object"),
        (np.datetime64("2020"), TypeError, "cannot make an array of numbers"),
        ([[1.0], [1.0, 2.0]], ValueError, "the rows of the list differ in length"),
        ([Tensor(1.0), Tensor(2.0)], TypeError, "holds Tensors; join them with stack"),
        (np.ma.masked_less([1.0, -1.0], 0), TypeError, "masked array; fill it first"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(data, error, message):
    with pytest.raises(error, match=f"Tensor: .*{message}"):
        Tensor(data)


def test_a_matrix_becomes_an_array():
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0, 2.0], [3.0, 4.0]])
    assert (Tensor(matrix) * Tensor(matrix)).data.tolist() == [[1.0, 4.0], [9.0, 16.0]]


def test_the_arriving_gradient_may_be_numbers():
    for grad, expected in (([1, 10], [3.0, 30.0]), ((0.5, 2), [1.5, 6.0])):
        x = Tensor([1.0, 2.0], requires_grad=True)
        (x * 3).backward(grad)
        assert x.grad.tolist() == expected
    x = Tensor([1.0, 2.0], requires_grad=True)
    (x * 3).sum().backward(2)
    assert x.grad.tolist() == [6.0, 6.0]


@pytest.mark.parametrize("grad", ["ab", {}, [None, 1], np.array([1j, 1]), cupy.asarray(np.ones(2))])
def test_what_is_no_gradient_is_refused(grad):
    y = Tensor([1.0, 2.0], requires_grad=True) * 3
    with pytest.raises(TypeError, match="backward: grad is"):
        y.backward(grad)


def test_sizes_as_numpy_and_as_pytorch_ask_for_them():
    x = Tensor(np.zeros((2, 3, 4)))
    assert (x.size, x.numel(), x.dim(), x.ndim) == (24, 24, 3, 3)
    assert x.size() == (2, 3, 4) == x.shape and (x.size(0), x.size(-1)) == (2, 4)
    batch, channels = x.size()[:2]
    assert (batch, channels) == (2, 3) and np.zeros(x.size).shape == (24,)
    assert f"{x.size}" == "24" and type(x.numel()) is int
    assert (Tensor(1.0).size, Tensor(1.0).size(), Tensor([]).size) == (1, (), 0)
    with pytest.raises(IndexError, match=r"size: dim 3 does not exist; the shape is \(2, 3, 4\)"):
        x.size(3)


def test_tolist():
    assert Tensor([[1.0, 2.5]]).tolist() == [[1.0, 2.5]]
    assert Tensor(3).tolist() == 3 and isinstance(Tensor(3).tolist(), int)
    assert Tensor(cupy.asarray(np.ones(2))).tolist() == [1.0, 1.0]


def test_transposes():
    x = Tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    x.T.backward(np.array([[1.0], [2.0], [3.0]]))
    assert x.grad.tolist() == [[1.0, 2.0, 3.0]]
    vector = Tensor([1.0, 2.0])
    assert vector.T is vector
    maps = Tensor(np.zeros((5, 2, 3)))
    assert maps.mT.shape == (5, 3, 2)
    with pytest.raises(ValueError, match=r"T: x has 3 axes, .*mT .* x\.permute\(2, 1, 0\)"):
        maps.T  # noqa: B018
    with pytest.raises(ValueError, match=r"mT: expected at least two axes but the shape is \(2,\)"):
        vector.mT  # noqa: B018
