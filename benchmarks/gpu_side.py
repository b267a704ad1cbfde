"""A side of a comparison on a GPU: a library, in this process, in one precision.

On a GPU the sides share a process: CuPy and PyTorch queue their work on the same stream, so one
clock times both, and neither has to start anew for each case.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from benchmarks.fingerprint import fingerprint
from benchmarks.gpu_cases import TF32, GpuCase
from minicv import backend

Step = Callable[[], Sequence[Any]]
MINICV_DEVICE = "cuda"
TORCH_DEVICE = "cuda"
BY = "minicv by "
WARM_UP_CALLS = 3


@dataclass(frozen=True)
class Library:
    """A library that can be timed here.

    Attributes:
        module: its file in benchmarks/libraries/.
        within: a block in which it multiplies in "float32" or "tf32".
        free: gives back the memory that it keeps for later.
    """

    module: ModuleType
    within: Callable[[str], AbstractContextManager[Any]]
    free: Callable[[], None]


class GpuSide:
    """A case made ready; it takes turns as `benchmarks.side.Side` does.

    Attributes:
        seconds: of one call, after the warm-up.
        results: of the first call, on the host.
        fingerprint: of these.
    """

    def __init__(self, library: Library, case: GpuCase, precision: str) -> None:
        self._library, self._precision = library, precision
        build = getattr(library.module, case.case.operation)
        with library.within(precision):
            self._step: Step = build("float32", **case.case.parameters)
            self.results = [library.module.to_numpy(result) for result in self._step()]
            for _ in range(WARM_UP_CALLS - 1):
                self._step()
            self.seconds = time_on_gpu(self._step, WARM_UP_CALLS)
        self.fingerprint = fingerprint(self.results)

    def time(self, calls: int) -> list[float]:
        """Seconds of a call, the mean over so many; a list, as sides that time each call give."""
        with self._library.within(self._precision):
            return [time_on_gpu(self._step, calls)]


def time_on_gpu(step: Callable[[], Any], calls: int) -> float:
    """Seconds of one of ``calls`` calls, by the GPU's own clock, which the queue runs past.

    One call goes before, so that the GPU has work while the host gets ahead of it, as in use. Where
    it cannot get ahead, as with many small kernels, the time is the host's.
    """
    cuda = importlib.import_module("cupy").cuda
    step()
    start, end = cuda.Event(), cuda.Event()
    start.record()
    for _ in range(calls):
        step()
    end.record()
    end.synchronize()
    return cuda.get_elapsed_time(start, end) / 1e3 / calls


def load_libraries(algorithms: Sequence[str] = ()) -> dict[str, Library]:
    """minicv, and the peers that are here; a printed line for each that is not.

    Args:
        algorithms: of convolution: each makes one more side, called ``BY`` and its name.
    """
    ours = importlib.import_module("benchmarks.libraries.with_minicv")
    ours.device = MINICV_DEVICE
    libraries = {"minicv": Library(ours, backend.matmul_precision, _free_cupy)}
    for name in algorithms:
        within = functools.partial(_minicv_within, name)
        libraries[BY + name] = Library(ours, within, _free_cupy)
    for name in ("torch", "torchvision"):
        try:
            module = importlib.import_module(f"benchmarks.libraries.with_{name}")
            torch = importlib.import_module("torch")
            torch.empty(1, device=TORCH_DEVICE)
        except Exception as error:  # absent, built for another CUDA, built without: each its own
            reason = (str(error).splitlines() or [""])[0]
            print(
                f"{name} is left out: {type(error).__name__}: {reason}; to compare with it: "
                "pip install torch torchvision, of the CUDA that CuPy is for"
            )
            continue
        importlib.import_module("benchmarks.libraries.with_torch").device = TORCH_DEVICE
        torch.backends.cudnn.benchmark = True  # it may try all its algorithms and take the best
        libraries[name] = Library(module, _torch_within, torch.cuda.empty_cache)
    return libraries


@contextlib.contextmanager
def _minicv_within(algorithm: str, precision: str) -> Iterator[None]:
    with backend.matmul_precision(precision), backend.use_conv_algorithm(algorithm):
        yield


@contextlib.contextmanager
def _torch_within(precision: str) -> Iterator[None]:
    torch = importlib.import_module("torch")
    switches = (torch.backends.cudnn, torch.backends.cuda.matmul)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions have more switches, and keep these
        before = [switch.allow_tf32 for switch in switches]
        for switch in switches:
            switch.allow_tf32 = precision == TF32
        try:
            yield
        finally:
            for switch, value in zip(switches, before, strict=True):
                switch.allow_tf32 = value


def _free_cupy() -> None:
    importlib.import_module("cupy").get_default_memory_pool().free_all_blocks()


def free_memory(libraries: Sequence[Library]) -> None:
    """Of the last case, for the next."""
    gc.collect()
    for library in libraries:
        library.free()
