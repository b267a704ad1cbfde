"""What is said of a convolution on a GPU is what is done there."""

from typing import get_args

import numpy as np
import pytest
from convolution_cases import Case

from minicv.backend import explain_conv, matmul_precision
from minicv.backend.convolution_layer import Direction
from minicv.backend.cuda.convolution import ALGORITHMS, choose_algorithm
from minicv.backend.cuda.explain_convolution import IDEAS

pytestmark = pytest.mark.host_only
SHAPES = [((8, 64, 56, 56), (64, 64, 3, 3)), ((8, 64, 56, 56), (256, 64, 1, 1))]


def test_each_algorithm_has_its_idea():
    assert set(IDEAS) == set(ALGORITHMS) and len(set(IDEAS.values())) == len(IDEAS)


@pytest.mark.parametrize("precision", ["float32", "tf32"])
@pytest.mark.parametrize("shapes", SHAPES)
def test_what_is_chosen_is_named(shapes, precision):
    with matmul_precision(precision):
        lines = explain_conv(*shapes, device="cuda").splitlines()
        for direction in get_args(Direction):
            chosen = choose_algorithm(Case(*shapes).layer, direction)
            assert any(line.startswith(f"{direction}: {chosen}, ") for line in lines)
    assert lines[0].startswith("conv2d (8, 64, 56, 56) with")
    assert len(lines) == (7 if precision == "tf32" else 4)
    assert ("us by cuBLAS" in lines[2]) == (precision == "tf32")


def test_float64_has_no_tensor_cores():
    with matmul_precision("tf32"):
        text = explain_conv(*SHAPES[0], dtype="float64", device="cuda")
    assert "tf32" not in text.lower() and np.dtype("float64").name in text
