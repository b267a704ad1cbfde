import numpy as np
import pytest

from minicv import Tensor
from minicv.nn import Buffer, Parameter


def test_a_parameter_is_a_tensor_that_wants_a_gradient():
    parameter = Parameter(np.array([1.0, 2.0]))
    assert isinstance(parameter, Tensor)
    (parameter * 3).sum().backward()
    assert parameter.grad.tolist() == [3.0, 3.0]
    assert not Parameter([1.0], requires_grad=False).requires_grad


@pytest.mark.parametrize("make", [np.asfortranarray, lambda a: a[::-1], lambda a: a[:, ::2]])
def test_its_data_is_a_contiguous_copy(make):
    array = make(np.arange(12.0, dtype=np.float32).reshape(3, 4))
    parameter = Parameter(array)
    assert parameter.data.flags.c_contiguous
    assert parameter.dtype == np.float32
    assert np.array_equal(parameter.data, array)
    assert not np.shares_memory(parameter.data, array)


def test_whole_numbers_cannot_be_trained():
    with pytest.raises(TypeError, match="only floating point data can require a gradient"):
        Parameter(np.arange(3))


def test_a_buffer_holds_a_plain_array():
    array = np.arange(3)
    buffer = Buffer(array)
    assert buffer.data is array
    assert buffer.shape == (3,)
    assert buffer.dtype == array.dtype
    assert Buffer(0).shape == ()


def test_repr():
    assert repr(Parameter([1.0])) == ("Parameter containing:\nTensor([1.], requires_grad=True)")
    assert repr(Buffer(np.zeros(2))) == "Buffer(array([0., 0.]))"
