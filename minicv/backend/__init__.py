"""Floor 0: where arrays live, and the kernels that NumPy and CuPy lack."""

from minicv.backend.device import (
    Array,
    DeviceError,
    gpu_status,
    register_array_module,
    resolve_device,
    to_device,
    to_numpy,
    xp_of,
)
from minicv.backend.kernels import kernels_of

__all__ = [
    "Array",
    "DeviceError",
    "gpu_status",
    "kernels_of",
    "register_array_module",
    "resolve_device",
    "to_device",
    "to_numpy",
    "xp_of",
]
