"""Every kernel compiles as it is launched, for an old and for a new GPU, and wastes nothing there.

The emulator shows that kernels compute the right thing. What it cannot show is what a CUDA compiler
says: that it understands them at all, that no value is moved out to memory for want of registers
(a spill), that a block's shared memory fits, and that no double has crept into arithmetic on
floats, which most GPUs do at a thirty-second of the speed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import cuda_compiler
import numpy as np
import pytest
from cuda_builds import BUILDS, FOLDER, Build, every, missing_build, options_of
from cuda_compiler import CompilationError, Compiler

from minicv.backend.cuda.signature import read_signatures

ARCHITECTURES = ["sm_75", "sm_90"]  # Turing, the oldest that CUDA 13 knows; Hopper
BUILD = re.compile(r"_?build_(\d+)_")  # in a name, of `_as_one_source`
MOST_SHARED_MEMORY = 48 * 1024  # bytes a block has everywhere

needs_cuda_compiler = pytest.mark.skipif(
    cuda_compiler.cuda_compiler() is None,
    reason="no nvcc, and no NVRTC (pip install nvidia-cuda-nvrtc) to compile CUDA kernels",
)


def faults(
    compiler: Compiler, name: str, source: str, arch: str, builds: Sequence[Build]
) -> list[str]:
    """What is wrong with builds of a file; each sentence names file, kernel and architecture.

    All are compiled in one go, which is three times as fast. Only where something is wrong each is
    compiled by itself, to say which it is.
    """
    found = list(_faults(compiler, name, _as_one_source(source, builds), arch, builds))
    if not found or len(builds) == 1:
        return found
    return [
        fault for build in builds for fault in faults(compiler, name, source, arch, [build])
    ] or found


def _as_one_source(source: str, builds: Sequence[Build]) -> str:
    """The file once for each build, in a namespace ``build_3_``; kernels are ``pool_build_3_``.

    >>> print(_as_one_source("// ...", [{"real": np.float32}]))
    #define real float
    namespace build_0_ {
    #line 1
    // ...
    }
    #undef real
    """
    parts = []
    for number, build in enumerate(builds):
        names = dict(option[2:].split("=", 1) for option in _macros(build))
        names |= {kernel: f"{kernel}_build_{number}_" for kernel in read_signatures(source)}
        parts += [f"#define {name} {value}" for name, value in names.items()]
        parts += [f"namespace build_{number}_ {{", "#line 1", source, "}"]
        parts += [f"#undef {name}" for name in names]
    return "\n".join(parts)


def _macros(build: Build) -> list[str]:
    return [option for option in options_of(build) if option.startswith("-D")]


def _faults(
    compiler: Compiler, name: str, source: str, arch: str, builds: Sequence[Build]
) -> Iterator[str]:
    macros = " ".join(_macros(builds[0]))
    options = [option for option in options_of(builds[0]) if not option.startswith("-D")]
    try:
        compiled = compiler(source, arch, options)
    except CompilationError as error:
        yield f"{name} does not compile for {arch} with {macros}:\n{error}"
        return
    kernels = dict(_reports_by_kernel(compiled.report))
    if len(kernels) != len(builds) * len(read_signatures(source)):
        yield f"{name}: the compiler reports {len(kernels)} kernels for {arch}:\n{compiled.report}"
    for kernel, report in kernels.items():
        where = f"{name}: {BUILD.sub('', kernel)} for {arch} with {macros}"
        if any(int(n) for n in re.findall(r"(\d+) bytes spill", report)):
            yield f"{where}: spills registers to memory; hold fewer values at once:\n{report}"
        shared = re.search(r"(\d+) bytes smem", report)
        if shared and int(shared[1]) > MOST_SHARED_MEMORY:
            yield f"{where}: takes more than {MOST_SHARED_MEMORY} bytes of shared memory:\n{report}"
    for kernel, text in _bodies(compiled.ptx):
        if np.float64 in builds[int(BUILD.search(kernel)[1])].values():
            continue
        doubles = [line.strip() for line in text.splitlines() if ".f64" in line and ";" in line]
        doubles = [line for line in doubles if not line.startswith(".reg")]
        if doubles:
            yield (
                f"{name}: {BUILD.sub('', kernel)} for {arch} with {macros}: computes in double; "
                f"write (real)0.5 for 0.5:\n{doubles[0]}"
            )


def _reports_by_kernel(report: str) -> Iterator[tuple[str, str]]:
    """(kernel, what the assembler says of it)"""
    parts = re.split(r"Compiling entry function '(\w+)'[^\n]*\n", report)
    return zip(parts[1::2], parts[2::2], strict=True)


def _bodies(ptx: str) -> Iterator[tuple[str, str]]:
    """(function, its instructions)"""
    parts = re.split(r"\.(?:entry|func)\s+(?:\([^)]*\)\s*)?(\w+)", ptx)
    return zip(parts[1::2], parts[2::2], strict=True)


@needs_cuda_compiler
@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("name", BUILDS)
def test_kernels_compile(name: str, arch: str):
    source = (FOLDER / name).read_text(encoding="utf-8")
    found = faults(cuda_compiler.cuda_compiler(), name, source, arch, BUILDS[name])
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("name", sorted(file.name for file in FOLDER.glob("*.cu")))
def test_every_file_is_in_the_table(name: str):
    assert BUILDS.get(name), (
        f'{name} is compiled by no test: add "{name}": every(real=REAL, ...) to BUILDS in '
        "tests/cuda_builds.py, with every type and number that its launches fill in"
    )


def test_no_file_of_the_table_is_missing():
    assert [name for name in BUILDS if not (FOLDER / name).exists()] == []


def test_a_launch_that_is_not_in_the_table_says_what_to_add(monkeypatch):
    source = (FOLDER / "pooling.cu").read_text(encoding="utf-8")
    build = BUILDS["pooling.cu"][0]
    assert missing_build(source, options_of(build)) is None
    assert missing_build(source, list(reversed(options_of(build)))) is None
    monkeypatch.setitem(BUILDS, "pooling.cu", every(real=[np.float32], SH=[1, 2], LANES=[1]))
    assert missing_build(source, ("-std=c++17", "-Dreal=float", "-DSH=7", "-DLANES=1")) is None
    for options in (("-Dreal=float", "-DSH=1", "-DLANES=2"), ("-Dreal=float", "-DLANES=1")):
        assert missing_build(source, ("-std=c++17", *options)) is not None
    assert missing_build("// of a test", ("-Dreal=int",)) is None
    said = missing_build(source, ("-std=c++17", "-Dreal=float", "-Dindex_t=int"))
    assert said.startswith("pooling.cu is launched with -Dreal=float -Dindex_t=int, which no test")


PLANTED = {
    "spills registers": """
        extern "C" __global__ void __launch_bounds__(1024) wrong(const real* x, real* y, int n) {
            real sum[128];
        #pragma unroll
            for (int i = 0; i < 128; i++) sum[i] = x[threadIdx.x + i];
            for (int k = 0; k < n; k++) {
        #pragma unroll
                for (int i = 0; i < 128; i++) sum[i] = sum[i] * x[k] + x[k + 1 + i];
            }
        #pragma unroll
            for (int i = 0; i < 128; i++) y[threadIdx.x * 128 + i] = sum[i];
        }""",
    "computes in double": """
        extern "C" __global__ void wrong(real* y) { y[threadIdx.x] = y[threadIdx.x] * 0.1; }""",
    "does not compile": """
        extern "C" __global__ void wrong(real* y) { y[threadIdx.x] = no_such_name; }""",
    "shared memory|shared data|bytes smem": """
        extern "C" __global__ void wrong(real* y) {
            __shared__ real tile[16384];
            tile[threadIdx.x] = y[threadIdx.x];
            __syncthreads();
            y[threadIdx.x] = tile[(threadIdx.x * 7919) % 16384];
        }""",
    "does not (know|compile)": """
        extern "C" __global__ void wrong(real* y) { y[threadIdx.x] = INFINITY; }""",
}


@needs_cuda_compiler
@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_seen(fault: str, arch: str):
    compiler = cuda_compiler.cuda_compiler()
    builds = every(real=[np.float32])
    (found,) = faults(compiler, "planted.cu", PLANTED[fault], arch, builds)
    assert re.search(fault, found)
    assert "planted.cu" in found and "wrong" in found and arch in found


@needs_cuda_compiler
def test_a_build_for_doubles_may_compute_in_double():
    source = PLANTED["computes in double"]
    compiler = cuda_compiler.cuda_compiler()
    assert faults(compiler, "planted.cu", source, "sm_75", every(real=[np.float64])) == []


@needs_cuda_compiler
def test_of_many_builds_the_one_at_fault_is_named():
    source = """
        extern "C" __global__ void wrong(real* y) { y[threadIdx.x] *= (real)1.5 * NUMBER; }"""
    builds = every(real=[np.float32, np.float64], NUMBER=["(real)0.1", "0.1", "(real)0.2"])
    (found,) = faults(cuda_compiler.cuda_compiler(), "planted.cu", source, "sm_90", builds)
    assert "planted.cu: wrong for sm_90 with -Dreal=float -DNUMBER=0.1: computes in dou" in found
