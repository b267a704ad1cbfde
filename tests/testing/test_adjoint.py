"""adjoint_check: true transposes pass, wrong ones and operations that are not linear do not."""

from __future__ import annotations

import numpy as np
import pytest
from operation_cases import spread

from minicv import Function, Tensor
from minicv import functional as F
from minicv.testing import GradientError, adjoint_check


class Product(Function):
    """A x for a fixed matrix A; ``backward_matrix`` should be its transpose."""

    def __init__(self, matrix, backward_matrix=None):
        self.matrix = matrix
        self.backward_matrix = matrix.T if backward_matrix is None else backward_matrix

    def forward(self, x):
        return self.matrix @ x

    def backward(self, grad):
        return self.backward_matrix @ grad


A = spread(3, 4)
SQUARE = spread(4, 4)
X = spread(4)


def test_true_transpose_passes():
    adjoint_check(lambda x: Product(A)(x), X)
    adjoint_check(F.matmul, A, X, wrt=0)
    adjoint_check(F.matmul, A, X, wrt=1)


@pytest.mark.parametrize("x", [X, np.ones(4), np.zeros(4)], ids=["spread", "ones", "zeros"])
@pytest.mark.parametrize(
    "wrong",
    [SQUARE, 1.001 * SQUARE.T, -SQUARE.T, 0 * SQUARE, SQUARE.T[::-1], SQUARE.T + 0.01],
    ids=["not transposed", "by 0.1 %", "sign", "zero", "permuted", "shifted"],
)
def test_wrong_transpose_is_refused_wherever_it_is_asked(x, wrong):
    with pytest.raises(GradientError, match="backward is not the transpose of forward"):
        adjoint_check(lambda x: Product(SQUARE, wrong)(x), x)


def test_message_names_operation_input_values_and_seed():
    with pytest.raises(
        GradientError,
        match=r"^Product: backward is not the transpose of forward for input 0 \(shape \(4,\)\): "
        r"<A v, u> = \S+ but <v, A\^T u> = \S+ \(rtol=1e-10, seed=7\); the worst of 4 elements is "
        r"\[\d\], where A\^T u must be \S+ but backward says \S+$",
    ):
        adjoint_check(lambda x: Product(SQUARE, SQUARE)(x), X, seed=7)


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        (lambda x: F.linear(x, Tensor(A), Tensor(np.ones(3))), "Linear"),
        (F.relu, "Relu"),
        (lambda x: x * x, "Multiply"),
        (lambda x: x * x * x / (x * x).sum(), "Divide"),  # odd, of degree 1, and yet not linear
        (lambda x: F.sum(x) + 1.0, "Add"),
    ],
    ids=["bias", "relu", "square", "homogeneous", "constant"],
)
def test_what_is_not_linear_is_refused(operation, name):
    with pytest.raises(GradientError, match=rf"^{name}: not linear in input 0"):
        adjoint_check(operation, X)


def test_linear_in_one_input_only():
    adjoint_check(lambda x, y: F.divide(x, y), X, 2 + X, wrt=0)
    with pytest.raises(GradientError, match="not linear in input 1"):
        adjoint_check(lambda x, y: F.divide(x, y), X, 2 + X, wrt=1)


def test_only_float64_arrays():
    with pytest.raises(TypeError, match="adjoint_check: input 0 must be a float64 array"):
        adjoint_check(F.negative, X.astype(np.float32))


def test_input_without_elements_passes():
    adjoint_check(F.negative, np.zeros((0, 3)))


def test_in_place_change_is_seen():
    class Careless(Product):
        def forward(self, x):
            x *= 2
            return self.matrix @ x / 2

    with pytest.raises(GradientError, match="Careless: input 0 was changed in place"):
        adjoint_check(lambda x: Careless(A)(x), X.copy())


class TestNothingHides:
    BIG = np.random.default_rng(0).normal(size=(300, 400))
    POINT = spread(400)

    @pytest.mark.parametrize("error", [1e-6, 1e-3, -1.0])
    def test_one_wrong_element_of_a_large_operation(self, error):
        wrong = self.BIG.T.copy()
        wrong[17, 33] *= 1 + error
        with pytest.raises(GradientError, match=r"worst of 400 elements is \[17\]"):
            adjoint_check(lambda x: Product(self.BIG, wrong)(x), self.POINT)

    def test_one_element_of_65536(self):
        class Doubles(Function):
            def forward(self, x):
                return 2 * x

            def backward(self, grad):
                gradient = 2 * grad
                gradient[1, 3, 5, 7] *= 1.0001
                return gradient

        with pytest.raises(GradientError, match=r"65536 elements is \[1, 3, 5, 7\]"):
            adjoint_check(lambda x: Doubles()(x), spread(2, 8, 64, 64))

    def test_a_column_far_smaller_than_the_others(self):
        matrix = self.BIG.copy()
        matrix[:, 7] *= 1e-12
        adjoint_check(lambda x: Product(matrix)(x), self.POINT)
        wrong = matrix.T.copy()
        wrong[7] = 0
        with pytest.raises(GradientError, match=r"worst of 400 elements is \[7\]"):
            adjoint_check(lambda x: Product(matrix, wrong)(x), self.POINT)

    @pytest.mark.parametrize("scale", [1e-13, 1e13])
    def test_size_of_the_whole_does_not_matter(self, scale):
        adjoint_check(lambda x: Product(scale * A)(x), X)
        with pytest.raises(GradientError, match="not the transpose"):
            adjoint_check(lambda x: Product(scale * A, 1.001 * scale * A.T)(x), X)
        with pytest.raises(GradientError, match="not linear"):
            adjoint_check(lambda x: scale * x + scale, X)

    def test_gradient_that_is_nan_is_refused(self):
        with pytest.raises(GradientError, match="backward says nan"):
            adjoint_check(lambda x: Product(A, np.nan * A.T)(x), X)


def test_several_outputs():
    adjoint_check(lambda x: (Product(A)(x), 2.0 * x), X)
    with pytest.raises(GradientError, match="not the transpose"):
        adjoint_check(lambda x: (Product(A)(x), Product(SQUARE, SQUARE)(x)), X)


def test_input_that_is_not_there():
    with pytest.raises(ValueError, match="adjoint_check: wrt=1 but there are 1 inputs"):
        adjoint_check(F.negative, X, wrt=1)
