"""Real CuPy without a GPU: a fake CUDA under it, whose device is the CPU.

`cupy_stand_in` imitates CuPy; this imitates CUDA, and CuPy is the one that users have. All of CuPy
runs: its arrays, pools, streams, caches, its own kernels, and what it asks of the compiler. The
kernels of minicv and of CuPy are compiled by g++ and run thread by thread; cuBLAS is a few loops.

    make test-cupy                             # the tests marked gpu, here
    PYTHONPATH=tests .venv-cupy/bin/python -m fake_cuda -m minicv train ... --device cuda
    PYTHONPATH=tests .venv-cupy/bin/python -m fake_cuda SCRIPT.py

It counts what the device is asked to do, which is the same on a GPU::

    import fake_cuda                           # after `fake_cuda.install()`, or under -m fake_cuda

    with fake_cuda.counted() as counts:
        loss = step()
    print(counts)                              # launches, copies and waits
    counts.kernels.most_common(10)             # launches by the kernel's name
    counts.places("wait")                      # lines of minicv where the host waited, most first
    counts.places("launch")                    # and lines that launched

A launch is a kernel or a product of cuBLAS; a wait is the host's for the device. The compiler's
work is not counted: `Counts.modules` says how many modules were loaded in the block.

What it cannot show: speed, how a GPU rounds, races between blocks or warps that run at one time,
what NVRTC refuses (tests/test_cuda_compiles.py asks NVRTC itself), and CuPy's reductions by CUB and
sorting by Thrust, which are compiled for a GPU alone: the former are turned off, and NumPy sorts.
A pointer to memory of the host works here as one of the device does; only `cupy_stand_in` refuses.
"""

from fake_cuda.counting import Counts, counted
from fake_cuda.installing import install, installed, missing

__all__ = ["Counts", "counted", "install", "installed", "missing"]
