"""The kernels: what plain array mathematics cannot do well.

There are two modules of the same names, `minicv.backend.cpu` and `minicv.backend.cuda`. An
operation asks for the one of its arrays: ``kernels_of(x).nms(...)``.
"""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np

from minicv.backend import cpu
from minicv.backend.device import Array, xp_of


def kernels_of(*arrays: Array) -> ModuleType:
    """The backend module whose kernels take these arrays.

    >>> kernels_of(np.zeros(3)).__name__
    'minicv.backend.cpu'
    """
    if xp_of(*arrays) is np:
        return cpu
    # Imported with the first device array, since it takes a tenth of the time of `import minicv`.
    return importlib.import_module("minicv.backend.cuda")
