"""How many objects do proposals cover, how well, and how long do they take?

    python -m benchmarks proposals --data pennfudan:DIR --data coco:DIR
        [--proposer NAME ...] [--opencv-python PYTHON]

On every tenth Penn-Fudan photograph and every second of a COCO folder (train2017/ and
annotations/instances_train2017.json): recall at 0.5 and 0.7, MABO, and seconds for a photograph on
one core, for each proposer and for OpenCV's Selective Search where it is installed. What has to be
trained is, on the photographs between. Values go to benchmarks/results/proposals.json, beside
those of proposers that are not measured now; recall curves, and proposals on the first photographs,
are drawn in runs/proposals.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.peers import find_peers, option_of
from benchmarks.proposers import OPENCV, PROPOSERS, Proposed, propose_with, propose_with_opencv
from minicv.data import CocoDetection, PennFudan, Subset
from minicv.data.loader import Dataset
from minicv.inspection import contact_sheet, draw_curves, draw_proposals
from minicv.metrics import ProposalRecall, proposal_recall

COUNTS = (10, 20, 50, 100, 200, 300, 500, 750, 1000, 1500, 2000)
PRINTED_COUNTS = ("100", "500", "1000", "2000")
THRESHOLDS = (0.5, 0.7)
EVERY = {"pennfudan": 10, "coco": 2}  # takes this share of the photographs
PICTURES = 3  # photographs with their proposals
OUT = Path("runs") / "proposals"


def main(arguments: Sequence[str]) -> int:
    """Measure, print a table for each data set, draw, write the record."""
    parser = _parser()
    options = parser.parse_args(arguments)
    names = options.proposer or [*PROPOSERS, OPENCV]
    peers = find_peers(["opencv"], {"opencv": options.opencv_python}) if OPENCV in names else {}
    names = [name for name in names if name != OPENCV or peers]
    if not names:
        return 2
    try:
        sources = {source.partition(":")[0]: _open(source) for source in options.data}
    except (ValueError, FileNotFoundError) as error:
        parser.error(str(error))
    sets = _kept_before()
    for kind, dataset in sources.items():
        numbers = np.arange(len(dataset))
        chosen = numbers % EVERY[kind] == 0
        images, targets = zip(*Subset(dataset, numbers[chosen]), strict=True)
        training = Subset(dataset, numbers[~chosen])
        measured = sets.setdefault(kind, {}).setdefault("proposers", {})
        for name in names:
            if name == OPENCV:
                proposed = propose_with_opencv(peers["opencv"], images)
            else:
                proposed = propose_with(PROPOSERS[name](training), images, name)
            recall = proposal_recall(proposed.found, targets, COUNTS, THRESHOLDS)
            measured[name] = _values(recall, proposed)
            _draw_proposals(kind, name, images, proposed)
        sets[kind] |= {
            "images": len(images),
            "objects": recall.objects,
            "megapixels_per_image": round(
                float(np.mean([image[0].size for image in images])) / 1e6, 3
            ),
        }
        print(f"\n{kind}: {sets[kind]['images']} photographs, {sets[kind]['objects']} objects")
        print(table(measured))
        _draw_curves(kind, measured)
    print(f"\nkept in {record.write_record('proposals', {'sets': sets})}; pictures in {OUT}")
    return 0


def table(measured: Mapping[str, Mapping[str, Any]]) -> str:
    """A line for each proposer: three values for each number of boxes, and seconds.

    >>> by_count = {"100": 0.5, "2000": 0.912}
    >>> values = {"recall at 0.5": by_count, "MABO": by_count, "cpu_seconds_per_image": 0.7}
    >>> print(table({"a proposer": values}))
                  recall at 0.5            MABO  CPU s
                     100   2000     100   2000
    a proposer     0.500  0.912   0.500  0.912   0.70
    """
    width = max(map(len, measured))
    first = next(iter(measured.values()))
    curves = [name for name, value in first.items() if isinstance(value, Mapping)]
    counts = [count for count in PRINTED_COUNTS if count in first[curves[0]]]
    room = 7 * len(counts) + 1
    lines = [
        " " * width + "".join(f"{name:>{room}}" for name in curves) + "  CPU s",
        " " * width + (" " + "".join(f"{count:>7}" for count in counts)) * len(curves),
    ]
    for name, values in measured.items():
        cells = ""
        for curve in curves:
            cells += " " + "".join(f"{values[curve][count]:7.3f}" for count in counts)
        lines.append(f"{name:<{width}}{cells}{values['cpu_seconds_per_image']:7.2f}")
    return "\n".join(lines)


def _values(recall: ProposalRecall, proposed: Proposed) -> dict[str, Any]:
    """What is kept of one proposer on one set."""
    curves = {f"recall at {t:g}": row for t, row in zip(THRESHOLDS, recall.recall, strict=True)}
    curves["MABO"] = recall.mabo
    return {
        **{
            name: {str(n): round(float(value), 4) for n, value in zip(COUNTS, row, strict=True)}
            for name, row in curves.items()
        },
        "boxes_per_image_of_2000": round(float(recall.boxes_per_image[-1]), 1),
        "seconds_per_image": round(float(np.mean(proposed.seconds)), 3),
        "cpu_seconds_per_image": round(float(np.mean(proposed.cpu_seconds)), 3),
        "commit": record.commit(),
    }


def _kept_before() -> dict[str, Any]:
    """The values of an earlier run, which this one replaces where it measures anew."""
    path = record.RESULTS / "proposals.json"
    return json.loads(path.read_text(encoding="utf-8"))["sets"] if path.exists() else {}


def _draw_curves(kind: str, measured: Mapping[str, Mapping[str, Any]]) -> None:
    """Recall and MABO against the number of boxes, of this run and of earlier ones."""
    panels: dict[str, dict[str, tuple]] = {}
    for name, values in measured.items():
        for title, curve in values.items():
            if isinstance(curve, Mapping):
                series = ([int(count) for count in curve], list(curve.values()))
                panels.setdefault(title, {})[name] = series
    OUT.mkdir(parents=True, exist_ok=True)
    draw_curves(panels, x_label="boxes", size=(1100, 420)).save(OUT / f"{kind}_recall.png")


def _draw_proposals(kind: str, name: str, images: Sequence[np.ndarray], proposed: Proposed) -> None:
    pictures = [
        draw_proposals(image, *found)
        for image, found in zip(images[:PICTURES], proposed.found, strict=False)
    ]
    captions = [f"{name}\nThe first 100 of {len(boxes)}" for boxes, _ in proposed.found[:PICTURES]]
    OUT.mkdir(parents=True, exist_ok=True)
    file_name = "_".join(name.lower().replace(",", "").split())
    sheet = contact_sheet(pictures, captions, PICTURES, tile_width=520)
    sheet.save(OUT / f"{kind}_{file_name}.png")


def _open(source: str) -> Dataset:
    kind, _, folder = source.partition(":")
    if kind == "pennfudan":
        return PennFudan(folder)
    if kind == "coco":
        annotations = Path(folder) / "annotations" / "instances_train2017.json"
        return CocoDetection(Path(folder) / "train2017", annotations)
    raise ValueError(f"--data {source}: expected pennfudan:DIR or coco:DIR")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks proposals",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--data", action="append", required=True, help="pennfudan:DIR or coco:DIR; may be repeated")
    add("--proposer", action="append", choices=[*PROPOSERS, OPENCV], help="measure this one only")
    add(option_of("opencv"), metavar="PYTHON", help="an interpreter that can import cv2")
    return parser
