"""The door: what an operation computes in, for every operation and every narrow dtype."""

import cupy_stand_in as cupy
import numpy as np
import pytest
from operation_cases import CASES, OperationCase

from minicv import Function, Tensor
from minicv import functional as F
from minicv.autograd.door import admit, plain
from minicv.autograd.tensor import gradient_dtype

NARROW = ("bool", "uint8", "int8", "uint16", "int32", "int64", "float16")
SEVERAL = [case for case in CASES if len(case.inputs) > 1]


def whole(x: np.ndarray, dtype: str) -> np.ndarray:
    """Numbers from 1 to 9, which every dtype holds (a bool as 1), in place of the case's own."""
    return np.floor(3 * np.abs(x) + 1).astype(dtype)


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_operation_widens_or_refuses(case: OperationCase, dtype: str):
    """The same as in float32, to the last bit; or a sentence that says what to convert."""
    inputs = [whole(x, dtype) for x in case.inputs]
    expected = case.operation(*[Tensor(x.astype("float32")) for x in inputs])
    try:
        result = case.operation(*[Tensor(x) for x in inputs])
    except TypeError as error:
        assert f"must be floating point but is {dtype}; convert its array with" in str(error)
        return
    np.testing.assert_array_equal(result.data, expected.data)
    moved = case.function.keeps_whole_numbers and dtype != "float16"
    assert result.dtype == (dtype if moved else "float32")


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("case", SEVERAL, ids=str)
def test_beside_a_float32_tensor_the_result_is_float32(case: OperationCase, dtype: str):
    """For every input that may get the gradient, with narrow ones in all other places."""
    for place in range(len(case.inputs)):
        x = Tensor(case.inputs[place].astype("float32"), requires_grad=True)
        same = Tensor(x.data, requires_grad=True)
        others = [whole(array, dtype) for array in case.inputs]
        mixed = [x if i == place else Tensor(o) for i, o in enumerate(others)]
        single = [same if i == place else o.astype("float32") for i, o in enumerate(others)]
        try:
            result = case.operation(*mixed)
        except TypeError as error:
            assert f"must be floating point but is {dtype}; convert its array with" in str(error)
            continue
        expected = case.operation(*single)
        grad = np.random.default_rng(0).uniform(0.5, 1, result.shape)
        result.backward(grad)
        expected.backward(grad)
        assert result.dtype == x.grad.dtype == np.float32
        np.testing.assert_array_equal(result.data, expected.data)
        np.testing.assert_array_equal(x.grad, same.grad)
        assert all(each.grad is None for each in mixed if each is not x)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradient_of_float16_is_computed_and_kept_in_float32(case: OperationCase):
    narrow = [Tensor(x.astype("float16"), requires_grad=True) for x in case.inputs]
    wide = [Tensor(x.data.astype("float32"), requires_grad=True) for x in narrow]
    for tensors in (narrow, wide):
        result = case.operation(*tensors)
        result.backward(np.random.default_rng(0).uniform(0.5, 1, result.shape))
    for x, y in zip(narrow, wide, strict=True):
        assert x.grad.dtype == np.float32
        np.testing.assert_array_equal(x.grad, y.grad)


@pytest.mark.parametrize("count", [70_000, 200_000])
def test_counts_beyond_float16(count):
    for operation, slope in ((F.mean, 1 / count), (F.max, 1 / count), (F.sum, 1)):
        x = Tensor(np.ones(count, "float16"), requires_grad=True)
        y = operation(x)
        y.backward()
        np.testing.assert_allclose(y.item(), count if operation is F.sum else 1, rtol=1e-6)
        np.testing.assert_allclose(x.grad, slope, rtol=1e-6)
    loss = F.l2_loss(np.full(count, 3, "float16"), np.zeros(count, "float16"))
    np.testing.assert_allclose(loss.item(), 9, rtol=1e-6)
    pooled = F.adaptive_avg_pool2d(np.ones((1, 1, count // 100, 100), "float16"), 1)
    np.testing.assert_allclose(pooled.item(), 1, rtol=1e-6)


def test_nothing_wraps_or_overflows():
    byte, signed = np.array([1, 200], "uint8"), np.array([-128], "int8")
    assert (-Tensor(byte)).data.tolist() == [-1.0, -200.0]
    assert (Tensor(byte) + Tensor(byte)).data.tolist() == [2.0, 400.0]
    assert (Tensor(byte) * byte).data.tolist() == [1.0, 40_000.0]
    assert (Tensor(byte) - 2).data.tolist() == [-1.0, 198.0]
    assert (Tensor(byte) ** 2).data.tolist() == [1.0, 40_000.0]
    assert F.abs(signed).data.tolist() == [128.0]
    assert F.subtract(np.array([True]), np.array([True])).data.tolist() == [0.0]
    assert F.pad(byte, (1, 0), value=-0.5).data.tolist() == [-0.5, 1.0, 200.0]
    np.testing.assert_allclose(F.exp(np.array([12], "uint8")).data, np.exp(12.0), rtol=1e-6)
    np.testing.assert_allclose(F.exp(np.array([12], "float16")).data, np.exp(12.0), rtol=1e-6)
    np.testing.assert_allclose(F.sigmoid(np.array([2], "uint8")).data, [0.880797], rtol=1e-6)
    assert F.matmul(np.full((1, 90), 200, "uint8"), np.full(90, 200, "uint8")).item() == 3_600_000


def test_operations_that_only_move_numbers_leave_whole_ones_whole():
    large = np.array([2**53 + 1, -5])  # no float holds it
    assert Tensor(large)[:1].data.tolist() == [2**53 + 1]
    assert F.concatenate([large, large[:1]]).data.tolist() == [2**53 + 1, -5, 2**53 + 1]
    assert F.stack([large, large]).dtype == F.reshape(large, (2, 1)).dtype == large.dtype
    assert F.permute(large[None], (1, 0)).dtype == large.dtype
    assert F.concatenate([large, np.array([0.5], "float32")]).dtype == np.float32
    assert F.concatenate([np.array([1, 2]), [0.5]]).data.tolist() == [1.0, 2.0, 0.5]


class Inputs(Function):
    """Keeps what it was given."""

    def forward(self, *arrays):
        self.arrays = arrays
        return arrays[0] + 0


def seen(*inputs):
    operation = Inputs()
    operation(*inputs)
    return [array.dtype.name for array in operation.arrays]


def test_the_dtype_in_which_an_operation_computes():
    single, double, whole = np.ones(2, "float32"), np.ones(2), np.ones(2, int)
    half = np.ones(2, "float16")
    assert seen(whole, single) == seen(Tensor(whole), Tensor(single)) == ["float32", "float32"]
    assert seen(half, double) == seen(whole, double) == ["float64", "float64"]
    assert seen(half, single) == seen(half, whole) == seen(whole, True) == ["float32", "float32"]
    assert seen(single, [1, 2]) == seen(single, np.float64(0.1)) == ["float32", "float32"]
    assert seen(double, [0.1, 0.2]) == seen([1, 2], double) == ["float64", "float64"]
    assert seen(2, 3) == seen([1], 2.5) == seen(True, [False]) == ["float32", "float32"]
    assert seen(np.float64(2), 3) == ["float64", "float64"]
    assert seen(whole, np.float64(2)) == ["float32", "float32"]
    assert seen(np.ones(2, complex), 2) == ["complex128", "complex128"]


def test_numbers_and_lists_keep_the_digits_of_float64():
    double = np.array([0.0])
    assert (Tensor(double) + 0.1).data.tolist() == [0.1]
    assert (Tensor(double) + [0.1]).data.tolist() == [0.1]
    assert F.maximum(double, 0.1).data.tolist() == [0.1]


def test_numbers_are_kept_with_their_sign_and_dtype():
    single, double = Tensor(np.ones(2, "float32")), Tensor(np.ones(2))
    for _ in range(2):
        assert np.signbit((single * -0.0).data).all() and not np.signbit((single * 0.0).data).any()
        assert (double * 0.1).data.tolist() == [0.1, 0.1]
        assert (single * 0.1).data.tolist() == np.float32([0.1, 0.1]).tolist()
        assert (single * 1).dtype == (single * 1.0).dtype == np.float32


def test_a_number_may_come_first_and_stays_first():
    x = Tensor(np.float32([2.0, 4.0]), requires_grad=True)
    tensors, arrays, requires_grad = plain((8, x))
    assert tensors[1] is x and arrays[1] is x.data and requires_grad == (False, True)
    assert arrays[0].item() == tensors[0].item() == 8 and arrays[0].dtype == np.float32
    assert (8 / x).data.tolist() == [4.0, 2.0] and (1.0 - x).data.tolist() == [-1.0, -3.0]
    assert plain((8, 2)) is plain((8, x.data)) is plain((8, Tensor(np.array([1])))) is None


def test_on_a_device_the_numbers_beside_an_array_move_there():
    whole = cupy.asarray(np.array([1, 200], "uint8"))
    assert isinstance((Tensor(whole) * 2).data, cupy.ndarray)
    assert (Tensor(whole) * 2).data.get().tolist() == [2.0, 400.0]
    assert (Tensor(whole) * [2, 3]).data.get().tolist() == [2.0, 600.0]
    with pytest.raises(TypeError, match=r"Multiply: .* live on different devices"):
        Tensor(whole) * Tensor(np.array([1, 2]))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("abc", "Relu: input 0 is no tensor: .*numbers from str"),
        (None, "Relu: input 0 is None; give a tensor, an array or a number"),
        (["a"], "Relu: input 0 is no tensor"),
        ([[1.0], [2.0, 3.0]], "Relu: input 0 is no tensor: .* differ in length"),
        ({}, "Relu: input 0 is no tensor"),
        (np.array(["a"]), "Relu: input 0 is no tensor: .*dtype <U1"),
        (np.array([None]), "Relu: input 0 is no tensor: .*dtype object"),
        (np.ma.masked_less([1.0, -1.0], 0), "Relu: .* masked array; fill it first"),
        ([Tensor(1.0), Tensor(2.0)], "Relu: .* holds Tensors; join them with stack"),
    ],
)
def test_what_holds_no_numbers_is_refused_by_the_name_of_the_operation(value, message):
    with pytest.raises(TypeError, match=message):
        F.relu(value)


def test_complex_beside_real_is_refused():
    for number in (1j, np.complex128(1j)):
        with pytest.raises(TypeError, match="Add: input 1 is complex but is used as float32"):
            F.add(np.ones(2, "float32"), number)


def test_admit_hands_back_the_tensors_themselves():
    x, whole = Tensor([1.0], requires_grad=True), Tensor([1])
    tensors, arrays, requires_grad = admit("add", (x, whole, None))
    assert requires_grad == (True, False, False)
    assert tensors[0] is x and tensors[1] is whole and tensors[2] is None
    assert arrays[0] is x.data and arrays[2] is None


def test_gradient_dtypes():
    assert [gradient_dtype(np.dtype(d)).name for d in ("float16", "float32", "float64")] == [
        "float32",
        "float32",
        "float64",
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_arrays_of_the_other_byte_order_are_turned(case: OperationCase, dtype: str):
    """Such arrays come from files of other machines; NumPy computes with them, and so do we."""
    native = [x.astype(dtype) for x in case.inputs]
    swapped = [x.astype(x.dtype.newbyteorder("S")) for x in native]
    both = []
    for arrays in (native, swapped):
        tensors = [Tensor(x, requires_grad=True) for x in arrays]
        result = case.operation(*tensors)
        result.backward(np.random.default_rng(0).uniform(0.5, 1, result.shape))
        both.append([result.data, *(x.grad for x in tensors)])
        assert case.operation(*arrays).dtype == dtype
    for expected, found in zip(*both, strict=True):
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, expected)
    mixed = case.operation(Tensor(native[0]), *swapped[1:])
    np.testing.assert_array_equal(mixed.data, both[0][0])
