"""``minicv weights``: what is in a file of weights; ``--fetch NAME`` gets a published one."""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minicv.cli.arguments import path
from minicv.cli.doctor_tables import aligned
from minicv.cli.weights_candidates import Shape, fits, translated_shapes
from minicv.weights import WeightsError, fetch
from minicv.weights.known_files import KNOWN_FILES
from minicv.weights.published import TABLES, Fit, read_weights_file, table_of
from minicv.weights.published.reading import CHECKPOINT, WeightsFile

MOST_GROUPS = 24  # of names, in the compact table
SHOWN = 4  # entries that are missing or of another shape
_STATISTICS = {
    *("running_mean", "running_var", "num_batches_tracked"),
    *("avg_mean", "avg_var", "N", "rm", "riv"),
}
_WIDE_ENOUGH = 0.1  # of a network's entries must be there for it to be called the nearest
_LONGEST = 90  # characters of a name that are printed


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    parser = commands.add_parser(
        "weights",
        help="what is in a file of weights, and for which network it is; or fetch a published one",
        description="Print what is in files of weights: PyTorch's .pth, .safetensors, detectron2's "
        "and Caffe2's .pkl, chainercv's .npz, and checkpoints of minicv train. The first bytes of "
        "a file say what it is, not its name. PyTorch is not needed, and nothing in a file is "
        "executed. The networks are named that need no entry that the file does not have. With "
        "--fetch, files that torchvision publishes come from its server, whole and checked, once; "
        "a transfer that is cut goes on where it ended. Printed is where a file stands. Known are "
        f"{', '.join(dict.fromkeys(known.network for known in KNOWN_FILES))}.",
    )
    add = parser.add_argument
    add("files", nargs="*", type=path, metavar="FILE", help="a file of weights")
    add(
        "--fetch",
        action="append",
        default=[],
        metavar="NAME",
        help="fetch the published weights of this network, of this file, or at this URL; may be "
        "given more than once",
    )
    add(
        "--folder",
        type=path,
        metavar="DIR",
        help="keep what is fetched there; default: the folder in MINICV_WEIGHTS, else one in your "
        "caches",
    )
    add("--all", action="store_true", help="print every entry, with its dtype and its shape")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Fetch, and describe each file; 2 if one of them cannot be had or read.

    Raises:
        ValueError: there is nothing to do.
    """
    if not options.files and not options.fetch:
        raise ValueError("FILE is missing: files of weights to describe, or --fetch NAME")
    if options.folder is not None and not options.fetch:
        raise ValueError("--folder says where --fetch NAME keeps a file, but there is no --fetch")
    status = 0
    for name in options.fetch:
        try:
            print(fetch(name, folder=options.folder))
        except (WeightsError, OSError) as error:
            print(f"minicv weights: {error}", file=sys.stderr)
            status = 2
    for number, file in enumerate(options.files):
        try:
            lines = list(described(file, options.all))
        except (WeightsError, OSError) as error:
            print(f"minicv weights: {error}", file=sys.stderr)
            status = 2
            continue
        print(*([""] if number or options.fetch else []), *lines, sep="\n")
    return status


def described(file: Path, every: bool) -> Iterator[str]:
    """The lines on one file; ``every`` for all of its entries.

    Raises:
        WeightsError: it cannot be read.
    """
    found = read_weights_file(file)
    yield f"{file}: {found.form}, {_bytes(file.stat().st_size)}"
    if found.form == CHECKPOINT:
        yield f"  {_training(found.description)}"
    yield f"  {_sums(found.arrays)}"
    if not found.arrays:
        return
    yield from (f"  {line}" for line in (_entries if every else _groups)(found.arrays))
    yield from (f"  {line}" for line in _fitting(found))


def _training(description: Mapping[str, Any]) -> str:
    """What a checkpoint says of its training, as far as it says it."""
    classes = description.get("classes")
    named = ", ".join(map(_printable, classes)) if isinstance(classes, list) else "unknown classes"
    said = [_printable(description.get("system", "unknown system"))]
    if description.get("backbone") is not None:
        said.append(f"on {_printable(description['backbone'])}")
    training = description.get("training")
    epochs = training.get("epoch") if isinstance(training, dict) else None
    if epochs is None and isinstance(description.get("chosen_from"), list):
        epochs = len(description["chosen_from"])
    after = "" if not isinstance(epochs, int) else f"; {epochs} epoch{'s' * (epochs != 1)}"
    more = ", and a training to resume" if isinstance(training, dict) else ""
    return f"{' '.join(said)}, of {_cut(named, 400)}{after}{more}"


def _sums(arrays: Mapping[str, np.ndarray]) -> str:
    """Number of entries, parameters and bytes, and the dtypes."""
    entries = f"{len(arrays):,} entr{'y' if len(arrays) == 1 else 'ies'}"
    parameters = sum(array.size for name, array in arrays.items() if not _is_statistic(name))
    others = sum(array.size for array in arrays.values()) - parameters
    also = f" and {others:,} statistics of batch normalisation" if others else ""
    dtypes = Counter(str(array.dtype) for array in arrays.values())
    kinds = ", ".join(f"{dtype} ({count:,})" for dtype, count in dtypes.most_common())
    size = _bytes(sum(array.nbytes for array in arrays.values()))
    return f"{entries}: {parameters:,} parameters{also}; {size} of {kinds or 'nothing'}"


def _groups(arrays: Mapping[str, np.ndarray]) -> list[str]:
    """The entries in groups of the same beginning of the name, as deep as there is room for."""
    groups = _grouped(list(arrays), 1)
    for depth in range(2, 6):
        deeper = _grouped(list(arrays), depth)
        if len(deeper) > MOST_GROUPS:
            break
        groups = deeper
    shown = dict(list(groups.items())[:MOST_GROUPS])
    rows = [("name", "entries", "numbers")]
    for group, names in shown.items():
        count = sum(arrays[name].size for name in names)
        rows.append((_printable(group), f"{len(names):,}", f"{count:,}"))
    lines = aligned(rows)
    for number, (group, names) in enumerate(shown.items(), 1):
        if len(names) <= 2:
            parts = (f"{_printable(_rest(n, group))} {_shape(arrays[n].shape)}" for n in names)
            lines[number] += "  " + _cut(", ".join(part.strip() for part in parts), _LONGEST)
    if len(groups) > len(shown):
        left = sum(len(names) for names in groups.values()) - sum(map(len, shown.values()))
        lines.append(f"and {left:,} entries more: --all prints them")
    return lines


def _grouped(names: list[str], depth: int) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        mark = next((mark for mark in "./_" if mark in name), ".")
        parts = name.split(mark, depth)
        start = mark.join(parts[:depth] if len(parts) > depth else parts[:-1] or parts)
        groups.setdefault(start, []).append(name)
    return groups


def _rest(name: str, group: str) -> str:
    return name[len(group) + 1 :]


def _entries(arrays: Mapping[str, np.ndarray]) -> list[str]:
    rows = [("name", "dtype", "shape")]
    rows += [(_printable(n), str(a.dtype), _shape(a.shape)) for n, a in arrays.items()]
    return aligned(rows)


def _fitting(found: WeightsFile) -> Iterator[str]:
    """For which networks the file is; or which is the nearest, and what it lacks for that."""
    if found.form == CHECKPOINT:
        yield "fits: minicv predict and minicv eval (--weights), minicv train (--backbone-weights)"
        return
    shapes: Mapping[str, Shape] = {name: array.shape for name, array in found.arrays.items()}
    table = table_of(shapes, TABLES)
    if table is not None:
        known = sum(table.our_name(name) is not None for name in shapes)
        shapes = translated_shapes(table, shapes)
        yield (
            f"names of {table.title}; {known:,} of {len(found.arrays):,} entries are known and "
            "compared. Input and strides are others: see minicv.weights.published.NameTable"
        )
    by_name = fits(shapes)
    fitting = [name for name, fit in by_name.items() if fit.fits]
    if fitting:
        prefix = by_name[fitting[0]].prefix
        before = f" (the file puts {_printable(prefix)!r} before the names)" if prefix else ""
        yield f"fits: {', '.join(fitting)}{before}"
        return
    nearest = next(iter(by_name), None)
    if nearest is None or by_name[nearest].there < _WIDE_ENOUGH * by_name[nearest].needed:
        yield "fits: no network that minicv has, nor is one near"
        return
    yield from _lacking(nearest, by_name[nearest])


def _lacking(name: str, fit: Fit) -> Iterator[str]:
    yield (
        f"fits: no network that minicv has; the nearest is {name}: {fit.there:,} of {fit.needed:,} "
        "entries are there"
    )
    if fit.missing:
        some = [f"{entry} {_shape(shape)}" for entry, shape in list(fit.missing.items())[:SHOWN]]
        yield f"  missing: {', '.join(some)}{_and_more(len(fit.missing))}"
    if fit.others:
        some = [
            f"{entry} is {_shape(there)}, not {_shape(wanted)}"
            for entry, there, wanted in fit.others[:SHOWN]
        ]
        yield f"  of another shape: {', '.join(some)}{_and_more(len(fit.others))}"


def _and_more(count: int) -> str:
    return f" and {count - SHOWN:,} more" if count > SHOWN else ""


def _is_statistic(name: str) -> bool:
    last = name.replace("/", ".").rpartition(".")[2]
    return last in _STATISTICS or last.endswith(("_bn_rm", "_bn_riv"))


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) if shape else "one number"


def _bytes(count: int) -> str:
    """A size as disks are measured.

    >>> _bytes(999), _bytes(102_500_000)
    ('999 bytes', '102.5 MB')
    """
    if count < 1000:
        return f"{count} bytes"
    power = min(3, int(math.log10(count)) // 3)
    return f"{count / 1000**power:.1f} {['', 'kB', 'MB', 'GB'][power]}"


def _printable(text: Any) -> str:
    """A text of a file without what would steer a terminal."""
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text)[:_LONGEST])
    return shown if len(str(text)) <= _LONGEST else f"{shown}..."


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
