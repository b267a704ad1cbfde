"""``python -m benchmarks NAME``: one of the measurements."""

from __future__ import annotations

import functools
import sys

from benchmarks import (
    autoencoders,
    boxes,
    choice,
    classification,
    detection,
    fuzz,
    gans,
    gpu,
    growth,
    instances,
    kills,
    lineage,
    localization,
    parity,
    pose,
    proposals,
    records,
    roofline,
    rounding,
    segmentation,
    speed,
    transfer,
)

BENCHMARKS = {name: functools.partial(speed.main, name) for name in speed.BENCHMARKS}
BENCHMARKS |= {
    "autoencoders": autoencoders.main,
    "detection": detection.main,
    "instances": instances.main,
    "boxes": boxes.main,
    "choice": choice.main,
    "classification": classification.main,
    "segmentation": segmentation.main,
    "proposals": proposals.main,
    "lineage": lineage.main,
    "localization": localization.main,
    "parity": parity.main,
    "pose": pose.main,
    "records": records.main,
    "roofline": roofline.main,
    "rounding": rounding.main,
    "fuzz": fuzz.main,
    "kills": kills.main,
    "gans": gans.main,
    "gpu": gpu.main,
    "growth": growth.main,
    "transfer": transfer.main,
}


def main() -> int:
    """Run the measurement that the first argument names."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in BENCHMARKS:
        print(f"usage: python -m benchmarks {{{','.join(BENCHMARKS)}}} ...", file=sys.stderr)
        return 2
    return BENCHMARKS[name](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
