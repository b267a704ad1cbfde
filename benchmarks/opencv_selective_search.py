"""OpenCV's Selective Search on a folder of pictures; run by an interpreter that can import cv2.

    PYTHON -m benchmarks.opencv_selective_search FOLDER

The folder holds pictures 0.npy, 1.npy, ... (H, W, 3) uint8 RGB. Beside each comes N.npz with boxes
(R, 4) x1, y1, x2, y2, best first, and the seconds they took, by the wall clock and of the CPU.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import cv2
import numpy as np


def main(folder: Path) -> None:
    """Fast mode, on one thread."""
    cv2.setNumThreads(1)
    for path in sorted(folder.glob("*.npy")):
        blue_green_red = np.ascontiguousarray(np.load(path)[:, :, ::-1])
        started, cpu = time.perf_counter(), time.process_time()
        search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
        search.setBaseImage(blue_green_red)
        search.switchToSelectiveSearchFast()
        found = search.process()  # (R, 4) x, y, width, height
        seconds = time.perf_counter() - started, time.process_time() - cpu
        boxes = np.concatenate([found[:, :2], found[:, :2] + found[:, 2:]], axis=1)
        np.savez(path.with_suffix(".npz"), boxes=boxes, seconds=seconds)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
