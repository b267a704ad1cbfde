"""Dropout on CUDA: the published generator, the right share, the same mask backward."""

import cuda_emulator
import numpy as np
import pytest
from cuda_kernels import cupy, needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import cuda, to_numpy
from minicv.backend.cuda.dropout import DROPOUT
from minicv.backend.cuda.launcher import CudaFile, Grid
from minicv.testing import strategies

pytestmark = needs_compiler
DTYPES = st.sampled_from([np.float32, np.float64])

# Salmon et al. publish these with their implementation, Random123 (kat_vectors).
ONES = 0xFFFFFFFF
KNOWN_ANSWERS = [
    (
        (0, 0, 0, 0),
        (0, 0),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (ONES, ONES, ONES, ONES),
        (ONES, ONES),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
NUMBERS = """
extern "C" __global__ void numbers(unsigned int* counter, unsigned int key, unsigned int key2) {
    Four in = {counter[0], counter[1], counter[2], counter[3]}, out = philox(in, key, key2);
    counter[0] = out.a, counter[1] = out.b, counter[2] = out.c, counter[3] = out.d;
}
"""


def drop(x, p=0.5, seed=0):
    y, kept = cuda.dropout_forward(cupy.asarray(x), p, np.random.default_rng(seed))
    return to_numpy(y), kept


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_the_generator_gives_the_published_numbers(counter, key, expected):
    file = CudaFile("dropout.cu and a kernel that shows the numbers")
    file.source = DROPOUT.source + NUMBERS
    numbers = cupy.asarray(np.array(counter, np.uint32))
    one = Grid((1, 1, 1), (1, 1, 1))
    file.launch("numbers", one, numbers, *key, real=np.float32, index_t=np.uint32)
    assert tuple(to_numpy(numbers).tolist()) == expected


@given(
    shape=strategies.shapes(allow_empty=True),
    p=st.sampled_from([0.1, 0.5, 0.9, 1.0]),
    dtype=DTYPES,
    seed=strategies.seeds(),
)
def test_backward_drops_what_forward_has_dropped(shape, p, dtype, seed):
    x = np.random.default_rng(1).uniform(1, 2, shape).astype(dtype)
    with cupy.recorded_synchronisations() as reasons:
        y, kept = cuda.dropout_forward(cupy.asarray(x), p, np.random.default_rng(seed))
        grad_x = cuda.dropout_backward(cupy.asarray(3 * x), kept, p)
        with cuda_emulator.reversed_order():
            again, _ = cuda.dropout_forward(cupy.asarray(x), p, np.random.default_rng(seed))
    assert reasons == []
    y = to_numpy(y)
    scale = 1 / (1 - p) if p < 1 else 0
    np.testing.assert_allclose(y, np.where(y == 0, 0, x * dtype(scale)), rtol=1e-6)
    np.testing.assert_allclose(to_numpy(grad_x), 3 * y, rtol=1e-6)
    assert np.array_equal(y, to_numpy(again))
    assert y.dtype == dtype and y.shape == shape


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_drops_a_share_of_p_everywhere(p):
    dropped = drop(np.ones(40_000, np.float32), p)[0] == 0
    for part in (dropped, dropped[:10_000], dropped[30_000:], dropped[::2]):
        deviation = np.sqrt(p * (1 - p) / part.size)
        assert abs(part.mean() - p) < 4 * deviation
    # Neighbours, and the four elements of a thread, know nothing of each other.
    for distance in (1, 2, 10_000, 20_000):
        both = (dropped[distance:] & dropped[:-distance]).mean()
        assert abs(both - p * p) < 0.02


def test_each_call_drops_others_and_a_seed_the_same():
    x, rng = np.ones(200), np.random.default_rng(0)
    first, second = (to_numpy(cuda.dropout_forward(cupy.asarray(x), 0.5, rng)[0]) for _ in range(2))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, drop(x)[0])


def test_one_number_is_drawn_on_the_host():
    rng, other = np.random.default_rng(0), np.random.default_rng(0)
    cuda.dropout_forward(cupy.asarray(np.ones((7, 11))), 0.5, rng)
    other.integers(2**63)
    assert rng.bit_generator.state == other.bit_generator.state


def test_an_array_with_gaps_keeps_its_shape():
    x = np.arange(1.0, 31).reshape(5, 6).T
    assert np.array_equal(drop(x)[0], drop(x.copy())[0])
