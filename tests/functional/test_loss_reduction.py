import numpy as np
import pytest

from minicv.functional.loss_reduction import (
    check_reduction,
    check_same_shape,
    difference_of,
    grad_of_losses,
    reduce_losses,
)

LOSSES = np.array([[1.0, 2.0], [3.0, 6.0]])


def test_values():
    assert reduce_losses(LOSSES, "mean") == 3.0
    assert reduce_losses(LOSSES, "sum") == 12.0
    assert reduce_losses(LOSSES, "none") is LOSSES


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_of_no_losses_is_zero_in_their_dtype(reduction):
    value = reduce_losses(np.zeros((0, 3), np.float32), reduction)
    assert value == 0
    assert value.dtype == np.float32


def test_gradient_is_that_of_the_reduction():
    grad = np.array(6.0)
    assert grad_of_losses(grad, "mean", 4) == 1.5
    assert grad_of_losses(grad, "sum", 4) == 6.0
    assert grad_of_losses(LOSSES, "none", 4) is LOSSES
    assert grad_of_losses(grad, "mean", 0) == 6.0


def test_messages():
    with pytest.raises(ValueError, match="l1_loss: reduction must be 'mean', 'sum' or 'none' but"):
        check_reduction("l1_loss", "average")
    with pytest.raises(ValueError, match=r"same shape; input=\(2,\), target=\(2, 1\)"):
        check_same_shape("l1_loss", input=np.zeros(2), target=np.zeros((2, 1)))


def test_the_same_infinity_differs_by_nothing():
    input, target = np.array([np.inf, -np.inf, np.inf, 5.0]), np.array([np.inf, -np.inf, 1, 3])
    assert difference_of(input, target).tolist() == [0.0, 0.0, np.inf, 2.0]
    assert np.isnan(difference_of(np.array([np.nan]), np.array([np.nan]))).all()
