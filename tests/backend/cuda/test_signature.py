"""Reading what a kernel takes."""

import pytest

from minicv.backend.cuda.signature import Parameter, read_signatures


@pytest.mark.host_only
def test_over_lines_and_with_qualifiers():
    source = """
    __device__ int helper(int x) { return x; }
    extern "C" __global__ void __launch_bounds__(256) one(
        const unsigned char* __restrict__ mask, long long count,
        real *out) { helper(1); }
    extern "C" __global__ void two(int n) {}
    """
    assert read_signatures(source) == {
        "one": (
            Parameter("mask", "unsigned char", True),
            Parameter("count", "long long", False),
            Parameter("out", "real", True),
        ),
        "two": (Parameter("n", "int", False),),
    }


@pytest.mark.host_only
@pytest.mark.parametrize("parameter", ["int", "float x[3]", "int& n"])
def test_a_parameter_of_another_form_is_refused(parameter):
    with pytest.raises(ValueError, match="no parameter of a kernel looks like"):
        read_signatures(f'extern "C" __global__ void one({parameter}) {{}}')
