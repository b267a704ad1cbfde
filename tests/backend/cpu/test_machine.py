"""What the kernels know of the machine."""

from minicv.backend.cpu.machine import Blas, blas


def test_the_library_of_numpy_is_one_that_is_loaded():
    library = blas()
    assert isinstance(library, Blas) and blas() is library
    assert all(isinstance(field, str) for field in library)
