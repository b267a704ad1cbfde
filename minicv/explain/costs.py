"""How many multiplications each stage of a system takes, counted while its layers run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minicv.inspection.stage import Arrays, StageRecorder
from minicv.models.counting_multiplications import Count, counting_multiplications
from minicv.models.model import Model
from minicv.models.segmentation import PatchClassifier


class _CountRecorder(StageRecorder):
    """Notes at the end of each stage how far the count is; keeps no arrays."""

    def __init__(self, count: Count) -> None:
        super().__init__(keep=True)  # so that the model records what it records for `stages`
        self.count = count
        self.ends: list[int] = []

    def __call__(self, name: str, caption: str, kind: str, arrays: Callable[[], Arrays]) -> None:
        self.ends.append(self.count.multiplications)


def multiplications_by_stage(model: Model, image: np.ndarray) -> list[int]:
    """The multiplications of convolutions and fully connected layers, stage by stage.

    The model runs once, layer by layer; see
    `minicv.models.counting_multiplications.counting_multiplications`.

    Args:
        model: any.
        image: (3, H, W), RGB float in 0..1.

    Returns:
        a number for each of ``model.stages(image)``, in their order.
    """
    if isinstance(model, PatchClassifier):
        model = model.network_for(image)
    with counting_multiplications(model) as count:
        recorder = _CountRecorder(count)
        model.run_recorded(image, recorder)
    starts = [0, *recorder.ends[:-1]]
    return [end - start for start, end in zip(starts, recorder.ends, strict=True)]


def spoken_count(number: int) -> str:
    """A large number with three digits and a word.

    >>> [spoken_count(n) for n in (0, 950, 12_345, 6_540_000, 1_900_000_000, 2_500_000_000_000)]
    ['0', '950', '12,345', '6.54 million', '1.9 billion', '2.5 trillion']
    """
    for size, word in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return f"{number:,}"
