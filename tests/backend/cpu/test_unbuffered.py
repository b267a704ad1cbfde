"""The buffer size is put back, also after an error, and never changes a result."""

import numpy as np
import pytest

from minicv.backend.cpu.unbuffered import unbuffered


def test_restored_after_an_error():
    before = np.getbufsize()
    with pytest.raises(KeyError), unbuffered():
        assert np.getbufsize() < before
        raise KeyError
    assert np.getbufsize() == before


def test_results_are_the_same():
    rng = np.random.default_rng(0)
    x, scale = rng.normal(size=(20, 33))[:, 1:-1], rng.normal(size=(20, 1))
    expected = x * scale
    with unbuffered():
        np.testing.assert_array_equal(x * scale, expected)
