"""The tables of docs/speed.md, from the records.

A table stands between ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->``; the words around it are
written by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.record import RESULTS
from benchmarks.table import format_seconds, geometric_mean, memory_ratios

PAGE = RESULTS.parent.parent / "docs" / "speed.md"
BENCHMARKS = ("conv", "layers", "models", "detectors", "autograd", "training", "start")
PEERS = ("torch", "torchvision", "chainer")
TITLES = {"torch": "PyTorch", "torchvision": "torchvision", "chainer": "Chainer"}
Records = Mapping[str, Mapping[str, Any]]


def read_records() -> dict[str, Any]:
    """All records that there are, by name."""
    return {
        path.stem: json.loads(path.read_text("utf-8")) for path in sorted(RESULTS.glob("*.json"))
    }


def write_page(records: Records, page: Path = PAGE) -> Path:
    """Put the tables into the page."""
    text = page.read_text("utf-8")
    for name, table in tables(records).items():
        text = put_between(text, name, table)
    page.write_text(text, encoding="utf-8")
    return page


def tables(records: Records) -> dict[str, str]:
    """Each table by the name of its place."""
    return {
        "rows": table_of_rows(records),
        "growth": table_of_growth(records.get("growth")),
        "roofline": table_of_bounds(records.get("roofline")),
    }


def put_between(text: str, name: str, table: str) -> str:
    """The text with the table in its place.

    >>> put_between("<!-- a: begin -->old<!-- a: end -->, and more", "a", "new")
    '<!-- a: begin -->\\nnew\\n<!-- a: end -->, and more'
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = text.partition(begin)
    _, also_found, after = rest.partition(end)
    if not found or not also_found:
        raise ValueError(f"the page has no place {begin} ... {end}")
    return f"{before}{begin}\n{table}\n{end}{after}"


def table_of_rows(records: Records) -> str:
    """Every row of every benchmark: ratios of time and of peak memory, peer / minicv."""
    of_benchmarks = [records[name]["cases"] for name in BENCHMARKS if name in records]
    everything = [result for results in of_benchmarks for result in results]
    peers = [peer for peer in PEERS if time_ratios(everything, peer)]
    head = ["work"]
    for peer in peers:
        head += [f"{TITLES[peer]}: time", "memory"]
    lines = [_line(head), _line(["---"] * len(head))]
    for results in of_benchmarks:
        for row in dict.fromkeys(result["row"] for result in results):
            own = [result for result in results if result["row"] == row]
            cells = [row]
            for peer in peers:
                cells += [_of_cases(time_ratios(own, peer)), _of_cases(memory_ratios(own, peer))]
            lines.append(_line(cells))
    return "\n".join(lines)


def time_ratios(results: Sequence[Mapping[str, Any]], peer: str) -> list[float]:
    """Peer time / minicv time of each case that the peer has."""
    return [result["ratio"][peer] for result in results if peer in result["ratio"]]


def _of_cases(ratios: Sequence[float]) -> str:
    """The geometric mean, and of several cases the least and the greatest.

    >>> _of_cases([0.5, 2.0]), _of_cases([1.234]), _of_cases([])
    ('1.00 (0.50 to 2.00)', '1.23', '')
    """
    if not ratios:
        return ""
    mean = geometric_mean(ratios)
    if len(ratios) == 1:
        return _digits(mean)
    return f"{_digits(mean)} ({_digits(min(ratios))} to {_digits(max(ratios))})"


def _digits(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}"


def table_of_growth(record: Mapping[str, Any] | None) -> str:
    """The exponents of time and memory of both sides."""
    if record is None:
        return "(no record yet)"
    head = ["work", "grows with", "time: minicv", "the other", "memory: minicv", "the other"]
    lines = [_line(head), _line(["---"] * len(head))]
    for series in record["series"]:
        first, last = series["sizes"][0], series["sizes"][-1]
        cells = [series["name"], f"{series['axis']}, {first:,} to {last:,}"]
        for kind in ("time", "memory"):
            powers = list(series["exponents"][kind].values())
            for power in (*powers, None)[:2]:
                cells.append("" if power is None else f"{power:.2f}")
        lines.append(_line(cells))
    return "\n".join(lines)


def table_of_bounds(record: Mapping[str, Any] | None) -> str:
    """What each row below the goal asks for at least, and what it takes."""
    if record is None:
        return "(no record yet)"
    head = ["case", "ratio", "products", "memory", "calls", "measured", "bound by"]
    lines = [_line(head), _line(["---"] * len(head))]
    for own in record["cases"]:
        least = own["least_seconds"]
        times = [least[name] for name in ("products", "memory", "calls")]
        lines.append(
            _line(
                [
                    f"{own['row']}: {own['case']}",
                    f"{min(own['ratio'].values()):.2f}",
                    *map(format_seconds, times),
                    format_seconds(own["seconds"]),
                    own["bound"],
                ]
            )
        )
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
