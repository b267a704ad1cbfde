"""The results as text: a line for each case, and what each row comes to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.case import Wanted

Result = Mapping[str, Any]


def summarise(
    results: Sequence[Result], wanted: Mapping[str, Mapping[str, Wanted]]
) -> list[dict[str, Any]]:
    """For each row and peer: geometric mean and least of the ratios of time and of memory, and what
    was wanted.

    Ratios multiply, so their mean is the geometric one: twice and half make one.

    >>> results = [{"row": "r", "ratio": {"torch": 2.0}, "memory_mib": {}},
    ...            {"row": "r", "ratio": {"torch": 0.5}, "memory_mib": {}}]
    >>> summarise(results, {"r": {"torch": Wanted(0.9, least=0.7)}})
    [{'row': 'r', 'peer': 'torch', 'cases': 2, 'mean': 1.0, 'least': 0.5,
      'wanted': 0.9, 'wanted_least': 0.7, 'reached': False}]
    """
    groups: dict[tuple[str, str], list[float]] = {}
    for result in results:
        for peer, ratio in result["ratio"].items():
            groups.setdefault((result["row"], peer), []).append(ratio)
    summary = []
    for (row, peer), ratios in groups.items():
        mean = geometric_mean(ratios)
        line = {"row": row, "peer": peer, "cases": len(ratios), "mean": mean, "least": min(ratios)}
        memory = memory_ratios([result for result in results if result["row"] == row], peer)
        if memory:
            line |= {"memory_mean": geometric_mean(memory), "memory_least": min(memory)}
        aim = wanted.get(row, {}).get(peer)
        if aim is not None:
            reached = mean >= aim.mean and min(ratios) >= aim.least
            line |= {"wanted": aim.mean, "wanted_least": aim.least, "reached": reached}
        summary.append(line)
    return summary


def geometric_mean(ratios: Sequence[float]) -> float:
    """Of twice and half it is one.

    >>> geometric_mean([2.0, 0.5])
    1.0
    """
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def memory_ratios(results: Sequence[Result], peer: str) -> list[float]:
    """Peer's peak / minicv's peak, of each case that the peer has computed."""
    return [
        result["memory_mib"][peer] / result["memory_mib"]["minicv"]
        for result in results
        if peer in result["ratio"] and result["memory_mib"].get(peer)
    ]


def format_results(results: Sequence[Result], summary: Sequence[Mapping[str, Any]]) -> str:
    """A table for each row of ``results``, its summary below."""
    lines: list[str] = []
    for row in dict.fromkeys(result["row"] for result in results):
        own = [result for result in results if result["row"] == row]
        lines += [row, *align(_cells(own))]
        lines += ["  " + _sentence(line) for line in summary if line["row"] == row]
        lines.append("")
    return "\n".join(lines)


def format_seconds(seconds: float) -> str:
    """Three digits with the unit that suits.

    >>> [format_seconds(s) for s in (2.5, 0.0312, 7.94e-6)]
    ['2.50 s', '31.2 ms', '7.94 µs']
    """
    units = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
    size, unit = next((pair for pair in units if seconds >= pair[0]), units[-1])
    value = seconds / size
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:.{digits}f} {unit}"


def _cells(results: Sequence[Result]) -> list[list[str]]:
    """One list of cells for the head and each case."""
    libraries = list(dict.fromkeys(name for result in results for name in result["seconds"]))
    peers = libraries[1:]
    head = ["", *libraries, *(f"{peer} / minicv" for peer in peers)]
    head += [f"MiB {name}" for name in libraries]
    with_error = any("error" in result for result in results)
    head += [f"error {name}" for name in libraries] if with_error else []
    table = [head]
    for result in results:
        cells = [result["case"]]
        seconds, ratios = result["seconds"], result["ratio"]
        cells += [format_seconds(seconds[n]) if n in seconds else "-" for n in libraries]
        cells += [f"{ratios[peer]:.2f}" if peer in ratios else "-" for peer in peers]
        cells += [str(result["memory_mib"].get(name, "-")) for name in libraries]
        if with_error:
            errors = result.get("error", {})
            cells += [f"{errors[name]:.1e}" if name in errors else "-" for name in libraries]
        table.append(cells)
    return table


def align(table: list[list[str]]) -> list[str]:
    """Columns of equal width: the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for cells in table:
        first = cells[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        lines.append("  " + "  ".join([first, *rest]))
    return lines


def _sentence(line: Mapping[str, Any]) -> str:
    text = f"{line['peer']} / minicv: {line['mean']:.2f}"
    if line["cases"] > 1:
        text = f"{text} (geometric mean), least {line['least']:.2f}"
    if "memory_mean" in line:
        text = f"{text}, of the memory {line['memory_mean']:.2f}"
        if line["cases"] > 1:
            text = f"{text}, least {line['memory_least']:.2f}"
    if "wanted" in line:
        least = f", none below {line['wanted_least']:g}" if line["wanted_least"] else ""
        verdict = "reached" if line["reached"] else "not reached"
        text += f"; wanted {line['wanted']:g}{least}: {verdict}"
    return text
