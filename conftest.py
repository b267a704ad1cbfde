"""Before any test: one BLAS thread a worker, and the package imported as a user imports it."""

import importlib
import os
import pkgutil

# pytest-xdist gives every core a worker. A BLAS that also took every core would only get in its
# way; it reads these names when NumPy is first imported, so they are set before anything else.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")

import minicv

# For doctests pytest imports the files one by one, and hangs each into its package: the module
# `relu` would take the place of the function `relu`. It leaves alone what is imported already.
for package in pkgutil.walk_packages(minicv.__path__, "minicv."):
    if package.ispkg:
        importlib.import_module(package.name)
