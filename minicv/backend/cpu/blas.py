"""Which library multiplies NumPy's matrices."""

from __future__ import annotations

import functools
from typing import NamedTuple

from threadpoolctl import ThreadpoolController


class Blas(NamedTuple):
    """The library behind NumPy's matrix products.

    Attributes:
        name: "openblas", "mkl", "blis", ...; empty where it is not known.
        version: as the library prints it.
        architecture: of the kernels that OpenBLAS chose for this processor, "SkylakeX" or "Haswell"
            say; empty for other libraries.
    """

    name: str
    version: str
    architecture: str


@functools.cache
def blas() -> Blas:
    """The BLAS library of NumPy.

    >>> isinstance(blas().name, str)
    True
    """
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    # SciPy may bring one of its own.
    for library in sorted(libraries, key=lambda library: "numpy" not in str(library.filepath)):
        version, architecture = library.version, getattr(library, "architecture", None)
        return Blas(str(library.internal_api), str(version or ""), str(architecture or ""))
    return Blas("", "", "")
