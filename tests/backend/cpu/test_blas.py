"""Which library multiplies NumPy's matrices."""

from minicv.backend.cpu.blas import Blas, blas


def test_the_library_of_numpy_is_one_that_is_loaded():
    library = blas()
    assert isinstance(library, Blas) and blas() is library
    assert all(isinstance(field, str) for field in library)
