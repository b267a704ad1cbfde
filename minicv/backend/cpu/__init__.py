"""The CPU kernels, in NumPy, one file per family. `KERNELS` is the table of names."""

KERNELS: tuple[str, ...] = ()

__all__ = ["KERNELS"]
