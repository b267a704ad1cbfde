"""Do torchvision's checkpoints give here what they give there?

    python -m benchmarks parity --data DIR --torchvision-python /usr/bin/python3
    python -m benchmarks parity --data DIR --networks fcn_resnet50 maskrcnn_resnet50_fpn

DIR is a folder with COCO's ``annotations`` and ``train2017``. Both libraries get the same weights
(`benchmarks.seeded_weights`) and the same photographs: one nearly square, one portrait, one oblong,
and the last two together in a batch. Every stage is compared (`benchmarks.compare_stages`), then
the losses of two photographs with masks and joints, with the same anchors and regions drawn.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import minicv_models
from benchmarks.compare_stages import Arrays, Difference, compare, compare_losses, compare_scores
from benchmarks.peers import find_peers, option_of
from benchmarks.record import write_record
from benchmarks.seeded_weights import PARTS, seeded_weights
from minicv.data.coco import CocoDetection

ROOT = Path(__file__).parent.parent
FCN = "fcn_resnet50"
SQUARE, PORTRAIT, OBLONG = 256353, 544238, 113488  # 621 x 640, 479 x 640, 640 x 361
RUNS = {
    "square": [SQUARE],
    "portrait": [PORTRAIT],
    "oblong": [OBLONG],
    "batch of two": [PORTRAIT, OBLONG],
}
LEARNT = [SQUARE, PORTRAIT]  # people with masks and joints
# The file with what a network learns, and the fields of its targets.
LABELS = {
    "fasterrcnn_resnet50_fpn": ("instances", ["boxes", "labels"]),
    "maskrcnn_resnet50_fpn": ("instances", ["boxes", "labels", "masks"]),
    "keypointrcnn_resnet50_fpn": ("person_keypoints", ["boxes", "labels", "keypoints"]),
}


def main(arguments: Sequence[str]) -> int:
    """Run both sides, print the stages side by side, write the record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks parity", description=__doc__)
    parser.add_argument("--data", required=True, type=Path, metavar="DIR")
    parser.add_argument("--networks", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--min-size", type=int, help="of a detector; default 800, as published")
    parser.add_argument(option_of("torchvision"), dest="python", metavar="PYTHON")
    given = parser.parse_args(arguments)
    peers = find_peers(["torchvision"], {"torchvision": given.python})
    if not peers:
        return 1
    settings = {}
    if given.min_size:
        settings = {"min_size": given.min_size, "max_size": given.min_size * 5 // 3}
    measured: dict[str, Any] = {}
    agree = True
    for network in given.networks:
        own = {} if network == FCN else settings
        found, version = compare_network(network, given.data, peers["torchvision"], own)
        measured["torchvision"] = version
        measured[network] = {name: summary(rows) for name, rows in found.items()}
        agree &= all(row.agrees for rows in found.values() for row in rows)
        for name, rows in found.items():
            print_rows(f"{network}, {name}", rows)
    if set(given.networks) == set(PARTS) and not given.min_size:
        print(f"kept in {write_record('parity', measured)}")
    print("all stages agree" if agree else "some stages do not agree")
    return 0 if agree else 1


def compare_network(
    network: str, data: Path, python: str, settings: Mapping[str, int]
) -> tuple[dict[str, list[Difference]], str]:
    """All runs of one network: the differences of each photograph and of the losses."""
    labels, fields = LABELS.get(network, ("instances", []))
    coco = CocoDetection(
        data / "train2017", data / "annotations" / f"{labels}_train2017.json", masks=True
    )
    numbers = {int(path.stem): index for index, path in enumerate(coco.paths)}
    samples = {n: coco[numbers[n]] for run in RUNS.values() for n in run}
    images = {n: image for n, (image, _) in samples.items()}
    targets = {n: learnable(target, fields) for n, (_, target) in samples.items()}
    if network == FCN:
        targets = {n: {"segmentation": label_map(target)} for n, (_, target) in samples.items()}
    weights = seeded_weights(network)
    learnt = LEARNT if fields else []
    theirs = ask_torchvision(python, network, weights, images, RUNS, targets, learnt, settings)

    model = minicv_models.build(network, weights, **settings)
    found: dict[str, list[Difference]] = {}
    for name, run in RUNS.items():
        if network == FCN:
            ours = [minicv_models.score_maps(model, images[n], **targets[n]) for n in run]
        else:
            ours = minicv_models.stages(model, [images[n] for n in run])
        for i, own in enumerate(ours):
            other = part(theirs, f"{name}/{i}/")
            rows = compare_scores(own, other) if network == FCN else compare(own, other)
            found[name if len(run) == 1 else f"{name}, {i + 1}"] = rows
    if learnt:
        other = part(theirs, "losses/")
        own = minicv_models.losses(
            model,
            [images[n] for n in learnt],
            [targets[n] for n in learnt],
            [other[f"proposals_{i}"] for i in range(len(learnt))],
        )
        found["losses"] = compare_losses(own, other)
    return found, str(theirs["version"])


def summary(rows: Sequence[Difference]) -> dict[str, Any]:
    """For the record: the largest difference of each stage, counts of boxes, and who is alone.

    >>> summary([Difference("boxes", 0.01, 0.05, 1, 20)])
    {'largest': {'boxes': 0.01}, 'compared': {'boxes': 20}, 'without a pair': {'boxes': 1}}
    """
    boxes = ("proposals", "boxes")
    return {
        "largest": {row.stage: float(f"{row.largest:.2g}") for row in rows},
        "compared": {row.stage: row.count for row in rows if row.stage in boxes},
        "without a pair": {row.stage: row.without for row in rows if row.without},
    }


def learnable(target: Mapping[str, Any], fields: Sequence[str]) -> dict[str, np.ndarray]:
    """The objects that are no crowds, with labels from 1 on and masks of bytes."""
    kept = ~np.asarray(target["iscrowd"], bool)
    found = {name: np.asarray(target[name])[kept] for name in fields}
    if "labels" in found:
        found["labels"] = found["labels"] + 1
    if "masks" in found:
        found["masks"] = found["masks"].astype(np.uint8)
    return found


def label_map(target: Mapping[str, Any]) -> np.ndarray:
    """(H, W) of 21 classes, 255 in a crowd: there is one, though the classes are not VOC's.

    >>> target = {"masks": np.eye(2, dtype=bool)[None], "labels": [41], "iscrowd": [False]}
    >>> label_map(target).tolist()
    [[2, 0], [0, 2]]
    """
    labels = np.zeros(np.shape(target["masks"])[1:], np.int64)
    rows = zip(target["masks"], target["labels"], target["iscrowd"], strict=True)
    for mask, label, crowd in rows:
        labels[mask] = 255 if crowd else 1 + label % 20
    return labels


def ask_torchvision(
    python: str,
    network: str,
    weights: Arrays,
    images: Mapping[int, np.ndarray],
    runs: Mapping[str, Sequence[int]],
    targets: Mapping[int, Arrays] | None = None,
    learnt: Sequence[int] = (),
    settings: Mapping[str, Any] | None = None,
) -> dict[str, np.ndarray]:
    """What `benchmarks.torchvision_models` answers."""
    targets = targets or {}
    asked = {
        "network": network,
        "settings": dict(settings or {}),
        "runs": runs,
        "learnt": list(learnt),
        "fields": list(targets[learnt[0]]) if learnt else [],
    }
    with tempfile.TemporaryDirectory() as folder:
        order, answer = Path(folder) / "order.npz", Path(folder) / "answer.npz"
        np.savez(
            order,
            asked=json.dumps(asked),
            **{f"weights/{name}": array for name, array in weights.items()},
            **{f"images/{n}": image for n, image in images.items()},
            **{f"targets/{n}/{name}": own[name] for n, own in targets.items() for name in own},
        )
        command = [python, "-m", "benchmarks.torchvision_models", str(order), str(answer)]
        subprocess.run(command, check=True, cwd=ROOT)
        with np.load(answer) as file:
            return dict(file)


def part(arrays: Arrays, prefix: str) -> dict[str, np.ndarray]:
    """The arrays whose names begin with the prefix, under the rest of their names.

    >>> part({"square/0/boxes": np.zeros(4), "version": np.array("")}, "square/0/")
    {'boxes': array([0., 0., 0., 0.])}
    """
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}


def print_rows(title: str, rows: Sequence[Difference]) -> None:
    """One line for each stage."""
    print(title)
    for row in rows:
        alone = f", {row.without} without a pair" if row.without else ""
        mark = " " if row.agrees else "!"
        print(f" {mark} {row.stage:18} {row.largest:8.1e} of {row.allowed:g}, {row.count:,}{alone}")
