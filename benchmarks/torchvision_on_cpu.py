"""torchvision from its registry beside a PyTorch without CUDA.

    T/bin/pip install --no-deps torchvision==0.28.0
    T/bin/python benchmarks/torchvision_on_cpu.py T/bin/torchvision-python

The registry's torchvision is built for PyTorch with CUDA: its library asks for two of PyTorch's
that a CPU build lacks. Its CPU kernels never call them. So this script has gcc make two libraries
that hold the missing names and nothing else, and writes a starter: a Python that finds them. With
it the newest torchvision is a peer:

    python -m benchmarks detectors --torchvision-python T/bin/torchvision-python
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

STANDARD = ("_ITM_", "__gmon_start__", "__tls_get_addr", "_ZTH")  # weak, or of the linker
STARTER = '#!/bin/sh\nLD_LIBRARY_PATH={folder} exec {python} "$@"\n'


def main(starter: str) -> None:
    """Make the two libraries beside torchvision, and the starter."""
    vision, torch = (Path(_origin(name)).parent for name in ("torchvision", "torch"))
    folder = vision.parent / "torchvision.libs"
    present = [*(torch / "lib").glob("*.so*"), *folder.glob("*.so*")]
    present += [Path(line.split()[2]) for line in _lines("ldd", vision / "_C.so") if "/" in line
                and "=>" in line and "not found" not in line]  # fmt: skip
    defined = {name for library in present for name in _names(library, "--defined-only")}
    missing = sorted(
        name
        for name in _names(vision / "_C.so", "--undefined-only") - defined
        if not name.startswith(STANDARD)
    )
    source = "\n".join(
        f'void *missing_{number}[2] __asm__("{name}");' for number, name in enumerate(missing)
    )
    for library, text in (("libc10_cuda.so", source), ("libtorch_cuda.so", "char nothing;")):
        command = ["gcc", "-shared", "-fPIC", f"-Wl,-soname,{library}", "-x", "c", "-"]
        subprocess.run([*command, "-o", str(folder / library)], input=text, text=True, check=True)
    path = Path(starter)
    path.write_text(STARTER.format(folder=folder, python=sys.executable), encoding="utf-8")
    path.chmod(0o755)
    print(f"{len(missing)} names; {path}")


def _origin(name: str) -> str:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise SystemExit(f"{sys.executable} has no {name}")
    return found.origin


def _names(library: Path, which: str) -> set[str]:
    return {line.split()[-1].partition("@")[0] for line in _lines("nm", "-D", which, library)}


def _lines(*command: object) -> list[str]:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    return [line for line in done.stdout.splitlines() if line.strip()]


if __name__ == "__main__":
    main(*sys.argv[1:])
