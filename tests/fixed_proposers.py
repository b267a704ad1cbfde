"""Proposers whose answer a test knows."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FixedBoxes:
    """Proposes the same boxes for every image, the first as the best."""

    boxes: tuple

    def propose(self, image, rng):
        boxes = np.array(self.boxes, np.float32).reshape(-1, 4)
        return boxes, np.linspace(1, 0.5, len(boxes), dtype=np.float32)


@dataclass(frozen=True)
class RandomBoxes:
    """Proposes what the generator says."""

    def propose(self, image, rng):
        corner = rng.uniform(0, 20, (30, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(4, 20, (30, 2))], axis=1)
        return boxes.astype(np.float32), np.ones(30, np.float32)
