"""The parameters of the kernels of a CUDA source, read from the source."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

# Types of CUDA C, and the dtypes with the same bytes.
DTYPES: dict[str, np.dtype] = {
    "float": np.dtype(np.float32),
    "double": np.dtype(np.float64),
    "signed char": np.dtype(np.int8),
    "unsigned char": np.dtype(np.uint8),
    "unsigned short": np.dtype(np.uint16),
    "unsigned int": np.dtype(np.uint32),
    "unsigned long long": np.dtype(np.uint64),
    "bool": np.dtype(np.bool_),
    "int": np.dtype(np.int32),
    "long long": np.dtype(np.int64),
}
_KERNEL = re.compile(
    r'extern "C" __global__ void\s+(?:__launch_bounds__\([^)]*\)\s+)?(\w+)\(([^)]*)\)'
)
_PARAMETER = re.compile(r"(?:const )?(?P<type>\w+(?: \w+)*?)\s*(?P<star>\*|\s)\s*(?P<name>\w+)")


class Parameter(NamedTuple):
    """One parameter of a kernel; its type is in `DTYPES`, or a name that compilation fills in."""

    name: str
    type: str
    is_array: bool


def read_signatures(source: str) -> dict[str, tuple[Parameter, ...]]:
    """The parameters of each ``extern "C" __global__`` function.

    >>> read_signatures('extern "C" __global__ void twice(const real* __restrict__ x, int n) {}')
    {'twice': (Parameter(name='x', type='real', is_array=True),
               Parameter(name='n', type='int', is_array=False))}
    """
    return {
        name: tuple(_read_parameter(text) for text in parameters.split(","))
        for name, parameters in _KERNEL.findall(source)
    }


def _read_parameter(text: str) -> Parameter:
    plain = " ".join(text.replace("__restrict__", " ").split())
    match = _PARAMETER.fullmatch(plain)
    if match is None:
        raise ValueError(f"read_signatures: no parameter of a kernel looks like {plain!r}")
    return Parameter(match["name"], match["type"], match["star"] == "*")
