"""What a card and its driver describe themselves as, and the most that it really gives."""

from __future__ import annotations

import importlib
import shutil
import statistics
import subprocess
import sys
from typing import Any

from benchmarks import inputs
from benchmarks.gpu_cases import BYTES, FLOAT32, TF32
from benchmarks.gpu_side import Library, time_on_gpu
from minicv import backend

GEMM_SIDE = 8192
COPIED_NUMBERS = 2**28  # 1 GiB
ROUNDS, CALLS = 5, 4


def describe_card() -> dict[str, Any]:
    """Name, driver and versions, as plain JSON."""
    cupy = importlib.import_module("cupy")
    runtime = cupy.cuda.runtime
    properties = runtime.getDeviceProperties(0)
    return {
        "card": properties["name"].decode(),
        "multiprocessors": properties["multiProcessorCount"],
        "memory_gib": round(properties["totalGlobalMem"] / 2**30, 1),
        "driver": _driver(),
        "cuda_of_driver": runtime.driverGetVersion(),
        "cuda_runtime": runtime.runtimeGetVersion(),
        "cupy": cupy.__version__,
    }


def _driver() -> str | None:
    """The version of the driver, where its own program tells it."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    query = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    return done.stdout.split("\n")[0].strip() or None


def describe_libraries(libraries: dict[str, Library]) -> dict[str, Any]:
    """Their versions, and that of cuDNN."""
    versions: dict[str, Any] = {name: one.module.VERSION for name, one in libraries.items()}
    if torch := sys.modules.get("torch"):
        versions["cudnn"] = torch.backends.cudnn.version()
    return versions


def measure_ceilings() -> dict[str, float]:
    """TFLOP/s of one large matrix product in each precision, GB/s of one large copy.

    A copy reads and writes, and both are counted.
    """
    cupy = importlib.import_module("cupy")
    side = GEMM_SIDE
    a, b = (cupy.asarray(inputs.normal(name, (side, side))) for name in ("ceiling a", "ceiling b"))
    ceilings = {}
    for precision in (FLOAT32, TF32):
        with backend.matmul_precision(precision):
            seconds = statistics.median(time_on_gpu(lambda: a @ b, CALLS) for _ in range(ROUNDS))
        ceilings[f"{precision}_tflops"] = 2 * side**3 / seconds / 1e12
    x = cupy.asarray(inputs.normal("ceiling copy", (COPIED_NUMBERS,)))
    y = cupy.empty_like(x)
    seconds = statistics.median(
        time_on_gpu(lambda: cupy.copyto(y, x), CALLS) for _ in range(ROUNDS)
    )
    ceilings["copy_gb_per_s"] = 2 * BYTES * COPIED_NUMBERS / seconds / 1e9
    return ceilings
