"""Train a Faster R-CNN by the command line, test it on held-out images, keep the figures.

    python -m benchmarks detection penn_fudan --data pennfudan:DIR --backbone efficientnet_lite0
    python -m benchmarks detection bccd --data voc:DIR --backbone efficientnet_lite0 --min-size 400

Every option after the name goes to `minicv train faster_rcnn`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.record import write_record
from minicv.cli.main import main as minicv


def main(arguments: Sequence[str]) -> int:
    """Train, evaluate both checkpoints on the test split, write the record."""
    if len(arguments) < 3 or "--data" not in arguments:
        print(__doc__, file=sys.stderr)
        return 2
    name, *options = arguments
    data = options[options.index("--data") + 1]
    out = Path("runs") / name
    started = time.perf_counter()
    status = minicv(["train", "faster_rcnn", *options, "--out", str(out)])
    seconds = time.perf_counter() - started
    if status:
        return status
    tested = {}
    for which in ("best", "last"):
        figures = out / f"{which}.json"
        weights = str(out / f"{which}.npz")
        status = minicv(["eval", "--weights", weights, "--data", data, "--json", str(figures)])
        if status:
            return status
        tested[which] = json.loads(figures.read_text(encoding="utf-8"))
    history = json.loads((out / "history.json").read_text(encoding="utf-8"))
    command = "minicv train faster_rcnn " + " ".join(options)
    path = write_record(
        f"detection_{name}",
        {
            "command": command,
            "seconds_of_the_training_command": round(seconds, 1),
            "test": {
                which: {"images": t["images"], "seconds_per_image": t["seconds_per_image"]}
                | t["figures"]
                for which, t in tested.items()
            },
            **history,
        },
    )
    print(f"kept in {path}")
    return 0
