"""How much memory a command of minicv takes at most, on the host and on the device.

    python -m benchmarks.gpu_peaks minicv train faster_rcnn ... --device cuda

runs the command in this process, and says after it the peak of the process's memory and what CuPy's
pool of device memory has grown to. A pool gives nothing back, so that is its peak as well.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence

from minicv.cli.main import main as minicv


def main(words: Sequence[str]) -> int:
    """Run ``minicv ...`` and print the peaks; returns its exit status."""
    if words[:1] != ["minicv"]:
        print("usage: python -m benchmarks.gpu_peaks minicv COMMAND ...", file=sys.stderr)
        return 2
    status = minicv(list(words[1:]))
    for line in peaks():
        print(line)
    return status


def peaks() -> list[str]:
    """A line for the host, and one for the device where CuPy is in use."""
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    lines = [f"peak of host memory: {host / 2**20:.0f} MiB"]
    if "cupy" in sys.modules:
        held = sys.modules["cupy"].get_default_memory_pool().total_bytes()
        lines.append(f"peak of device memory: {held / 2**20:.0f} MiB in CuPy's pool")
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
