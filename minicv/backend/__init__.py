"""Floor 0: where arrays live, and the kernels that NumPy and CuPy lack."""

from minicv.backend.convolution_layer import use_conv_algorithm
from minicv.backend.cpu.convolution import explain_conv
from minicv.backend.cpu.memory import keep_freed_memory
from minicv.backend.deterministic import use_deterministic
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
from minicv.backend.precision import matmul_precision
from minicv.backend.ranking import descending
from minicv.backend.selection import (
    kept_where,
    product_or_zero,
    surely_finite,
    zero_where_zero,
)
from minicv.backend.storage import use_storage

keep_freed_memory()

__all__ = [
    "Array",
    "DeviceError",
    "descending",
    "explain_conv",
    "gpu_status",
    "keep_freed_memory",
    "kept_where",
    "kernels_of",
    "matmul_precision",
    "product_or_zero",
    "register_array_module",
    "resolve_device",
    "surely_finite",
    "to_device",
    "to_numpy",
    "use_conv_algorithm",
    "use_deterministic",
    "use_storage",
    "xp_of",
    "zero_where_zero",
]
