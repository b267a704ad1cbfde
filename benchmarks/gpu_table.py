"""The results of a GPU as text: a line for each case, with what was wanted beside the ratio."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.gpu_side import BY
from benchmarks.table import align, format_seconds

Result = Mapping[str, Any]
HEAD = ("", "minicv", "peer", "peer / minicv", "wanted")
HEAD_OF_RATES = ("TFLOP/s", "of GEMM", "GB/s", "of copy", "error minicv", "error peer")


def format_gpu_results(results: Sequence[Result]) -> str:
    """A table for each row, what it comes to below."""
    lines: list[str] = []
    for row in dict.fromkeys(result["row"] for result in results):
        own = [result for result in results if result["row"] == row]
        head, *cases = align([[*HEAD, *HEAD_OF_RATES], *map(_cells, own)])
        lines += [row, head]
        for case, result in zip(cases, own, strict=True):
            lines += [case, *_by_algorithm(result)]
        lines += [f"  {_total(own)}", ""]
    return "\n".join(lines)


def _by_algorithm(result: Result) -> list[str]:
    """A line below a case whose convolution was also made by other algorithms."""
    times = [
        f"{name.removeprefix(BY)} {format_seconds(seconds)}"
        for name, seconds in result["seconds"].items()
        if name.startswith(BY)
    ]
    return [f"    by {', '.join(times)}"] if times else []


def _peer_of(result: Result) -> str | None:
    return next((name for name in result["ratio"] if not name.startswith(BY)), None)


def _cells(result: Result) -> list[str]:
    seconds, error = result["seconds"], result.get("error", {})
    peer = _peer_of(result)
    cells = [result["case"]]
    cells += [format_seconds(seconds[n]) if n in seconds else "-" for n in ("minicv", peer)]
    cells.append(f"{result['ratio'][peer]:.2f}" if peer else "-")
    verdict = "reached" if result.get("reached") else "not reached"
    cells.append(f"{result['wanted']:g} {verdict}" if "wanted" in result and peer else "-")
    for rate, part in (("tflops", "of_gemm"), ("gb_per_s", "of_copy")):
        known = rate in result
        cells += [f"{result[rate]:.3g}", f"{result[part]:.0%}"] if known else ["-", "-"]
    cells += [f"{error[name]:.1e}" if name in error else "-" for name in ("minicv", peer)]
    return cells


def _total(results: Sequence[Result]) -> str:
    """One sentence.

    >>> aimed = {"ratio": {"torch": 2.0}, "wanted": 0.7, "reached": True}
    >>> _total([aimed, {"ratio": {"torch": 0.5}}])
    'geometric mean 1.00, least 0.50; 1 of 1 that have an aim reach it'
    """
    ratios = [result["ratio"][_peer_of(result)] for result in results if _peer_of(result)]
    if not ratios:
        return "no peer to compare with"
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    text = f"geometric mean {mean:.2f}, least {min(ratios):.2f}"
    aimed = [result for result in results if "wanted" in result and _peer_of(result)]
    if aimed:
        reached = sum(result["reached"] for result in aimed)
        text += f"; {reached} of {len(aimed)} that have an aim reach it"
    return text
