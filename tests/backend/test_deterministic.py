"""The switch, and that each kernel which adds by atomics heeds it."""

import threading
from pathlib import Path

import cupy_stand_in as cupy
import numpy as np
import pytest
from cuda_emulator import reversed_order
from cuda_kernels import needs_compiler

from minicv.backend import cuda, to_numpy, use_deterministic
from minicv.backend.cuda import launcher
from minicv.backend.deterministic import is_deterministic

RNG = np.random.default_rng(0)
IMAGES = np.array([0, 1, 0, 0])
BOXES = np.array([[0.0, 0, 3, 3], [1, 0, 4, 4], [0, 1, 4, 4], [0, 0, 4, 4]], np.float32)


def values(*shape):
    """Of very different sizes, so that any other order gives another sum."""
    return (RNG.normal(size=shape) * 10.0 ** RNG.integers(-4, 5, shape)).astype(np.float32)


# Of each kernel that adds by atomics, a call in which many values meet.
CALLS = {
    "roi_align_backward": (
        *(values(4, 2, 3, 2), (2, 2, 4, 4), BOXES, IMAGES, (3, 2), 1.0, 2, True),
    ),
    "roi_pool_backward": (
        *(values(4, 2, 3, 2), RNG.integers(-1, 4, (4, 2, 3, 2)).astype(np.int32)),
        *(IMAGES, (2, 2, 4, 4)),
    ),
    "scatter_add": (values(40, 3), RNG.integers(0, 3, 40), 3),
    "scatter_to_maps": (values(2, 300), RNG.integers(0, 5, (2, 300)), 5),
}


def forwards_and_backwards(name):
    arguments = [cupy.asarray(a) if isinstance(a, np.ndarray) else a for a in CALLS[name]]
    forwards = getattr(cuda, name)(*arguments)
    with reversed_order():
        backwards = getattr(cuda, name)(*arguments)
    return to_numpy(forwards), to_numpy(backwards)


@needs_compiler
@pytest.mark.parametrize("name", CALLS)
def test_in_order_the_order_of_the_threads_does_not_matter(name):
    with use_deterministic():
        forwards, backwards = forwards_and_backwards(name)
    np.testing.assert_array_equal(forwards, backwards)


@needs_compiler
@pytest.mark.parametrize("name", CALLS)
def test_by_atomics_it_does(name):
    """So that the test above can fail."""
    forwards, backwards = forwards_and_backwards(name)
    np.testing.assert_allclose(forwards, backwards, rtol=1e-2, atol=1e-2)
    assert (forwards != backwards).any()


def test_every_file_with_atomics_on_floats_is_known():
    """Who adds one writes a form in order beside it, names it in use_deterministic and above."""
    files = Path(launcher.__file__).parent.glob("*.cu")
    adding = {file.name for file in files if "atomicAdd" in file.read_text(encoding="utf-8")}
    assert adding == {"roi_align.cu", "scatter.cu"}


def test_the_switch_is_off_again_after_the_block_and_in_other_threads():
    seen = []
    assert not is_deterministic()
    with pytest.raises(KeyError), use_deterministic():
        assert is_deterministic()
        thread = threading.Thread(target=lambda: seen.append(is_deterministic()))
        thread.start()
        thread.join()
        raise KeyError
    assert seen == [False]
    assert not is_deterministic()
