"""On a real GPU: NVRTC compiles every kernel, the card loads it and runs it.

Whether the kernels are right is asked elsewhere, by the same tests as without a GPU:
``pytest -m gpu`` runs those on CuPy too.
"""

import importlib

import numpy as np
import pytest
from cuda_builds import BUILDS, FOLDER, options_of

from minicv.backend import gpu_status
from minicv.backend.cuda.signature import DTYPES, read_signatures

THREADS = 32
WHOLE_TILES = {"padded_rows": 128}  # numbers that a kernel divides into tiles


@pytest.mark.gpu
@pytest.mark.skipif(not gpu_status()[0], reason=f"no GPU: {gpu_status()[1]}")
def test_every_kernel_is_launched():
    """With one of everything: each number is 1, so that hardly a thread has work."""
    cupy = importlib.import_module("cupy")
    stream, launched = cupy.cuda.get_current_stream(), 0
    for name, builds in BUILDS.items():
        source = (FOLDER / name).read_text(encoding="utf-8")
        for build in builds:
            module = cupy.RawModule(code=source, options=options_of(build))
            types = dict(DTYPES)
            for key, filled_in in build.items():
                if isinstance(filled_in, (type, np.dtype)):
                    types[key] = np.dtype(filled_in)
            for kernel, parameters in read_signatures(source).items():
                arguments = [
                    cupy.zeros(2**18, types[p.type])
                    if p.is_array
                    else types[p.type].type(WHOLE_TILES.get(p.name, 1))
                    for p in parameters
                ]
                module.get_function(kernel)((1, 1, 1), (THREADS, 1, 1), tuple(arguments))
                stream.synchronize()  # an error would appear here
                launched += 1
    assert launched >= sum(map(len, BUILDS.values())) and stream.done
