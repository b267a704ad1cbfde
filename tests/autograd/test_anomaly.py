"""detect_anomaly: planted NaN and infinity, forward and backward; the line of code; sound code."""

import numpy as np
import pytest

from minicv import Function, Tensor
from minicv import functional as F
from minicv.autograd import detect_anomaly
from minicv.nn import Linear, Sequential


def test_sound_code_runs_as_ever():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with detect_anomaly():
        (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_the_first_bad_result_is_named_with_its_line():
    x = Tensor([[1.0, -1.0, 0.0]], requires_grad=True)
    with pytest.raises(RuntimeError) as caught, detect_anomaly():
        y = x * 2.0
        y = y.log()  # the planted fault
        y.sum()
    message = str(caught.value)
    assert "detect_anomaly: Log made 1 of 3 numbers NaN, the first at [0, 1]," in message
    assert "test_anomaly.py, line" in message
    assert (
        "in test_the_first_bad_result_is_named_with_its_line: y = y.log()  # the planted" in message
    )
    assert "input 0  (1, 3) float32, from -2 to 2" in message


def test_the_line_is_outside_of_the_engine_even_from_a_module():
    net = Sequential(Linear(2, 2, rng=np.random.default_rng(0)))
    next(net.parameters()).data[0, 0] = np.inf
    with pytest.raises(RuntimeError) as caught, detect_anomaly():
        net(Tensor([[1.0, 1.0]]))  # asked here
    message = str(caught.value)
    assert "input 1 of Linear is not finite already; Linear made 1 of 2 numbers infinite" in message
    assert "net(Tensor([[1.0, 1.0]]))  # asked here" in message


def test_backward_names_the_line_of_the_forward_pass():
    x = Tensor([4.0, 0.0], requires_grad=True)
    with pytest.raises(RuntimeError) as caught, detect_anomaly():
        y = F.sqrt(x)  # 1 / (2 sqrt(0))
        loss = y.sum()
        loss.backward()
    message = str(caught.value)
    assert "the backward of Sqrt made 1 of 2 numbers infinite, the first at [1]" in message
    assert "in the gradient of input 0" in message
    assert "y = F.sqrt(x)  # 1 / (2 sqrt(0))" in message
    assert "arriving  (2,) float32, from 1 to 1" in message


def test_the_operation_of_a_forward_pass_outside_has_no_line():
    x = Tensor([0.0], requires_grad=True)
    y = F.sqrt(x)
    message = "outside of detect_anomaly; put the forward pass into"
    with pytest.raises(RuntimeError, match=message), detect_anomaly():
        y.backward()


def test_a_gradient_that_arrives_bad_is_not_blamed_on_the_operation():
    x = Tensor([1.0], requires_grad=True)
    message = "the gradient that arrives is not finite already"
    with pytest.raises(RuntimeError, match=message), detect_anomaly():
        (x * 2.0).backward(np.array([np.nan]))


def test_a_wrong_backward_is_found():
    class Wrong(Function):
        def forward(self, x, y):
            return x + y

        def backward(self, grad):
            return grad, grad * np.float32(np.nan)

    x, y = (Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    message = r"the backward of Wrong made 2 of 2 .* of input 1"
    with pytest.raises(RuntimeError, match=message), detect_anomaly():
        Wrong()(x, y).sum().backward()


def test_whole_numbers_and_nothing_pass():
    with detect_anomaly():
        assert Tensor(np.array([1, 2]))[0].item() == 1
        assert F.relu(Tensor(np.zeros((0, 3)))).shape == (0, 3)


def test_after_the_block_nothing_is_checked():
    with pytest.raises(ZeroDivisionError), detect_anomaly():
        raise ZeroDivisionError
    with np.errstate(all="ignore"):
        assert np.isnan(Tensor([-1.0]).log().item())
