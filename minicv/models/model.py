"""The contract of every system: a loss to train by, predictions to use, stages to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minicv.autograd import Tensor, no_grad
from minicv.inspection.stage import Stage, StageRecorder
from minicv.nn import Module, evaluating

Target = Mapping[str, Any]
Result = dict[str, np.ndarray]


class Model(Module):
    """A network with all that belongs to it, from photographs to results.

    A subclass writes `loss` and `run`. `predict` and `stages` both call `run`, so `stages` shows
    what `predict` does. All of them work in training mode and in evaluation mode.

    Attributes:
        classes: the K names; label k means ``classes[k]``.
        settings: a frozen dataclass of numbers and options, written in the model's own file. With
            it and the classes the model can be built again.
    """

    classes: tuple[str, ...]
    settings: Any

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The losses by name. Their sum is what training minimises.

        Args:
            images: each (3, H, W), RGB float in 0..1; sizes may differ.
            targets: the labels of each image, by name.
            rng: for a loss that draws samples. None draws the same ones at every call, so that a
                validation loss can be compared between epochs.

        Raises:
            ValueError: labels that cannot be learnt from; names the image and the field.
        """
        raise NotImplementedError(f"{type(self).__name__}: loss is not written")

    def predict(self, images: Sequence[np.ndarray]) -> list[Result]:
        """What the model finds in each image: arrays by name, such as ``"boxes"``."""
        if len(images) == 0:
            return []
        with no_grad(), evaluating(self):
            return self.run(images, StageRecorder(keep=False))

    def stages(self, image: np.ndarray) -> list[Stage]:
        """What `predict` does to one image, step by step."""
        record = StageRecorder(keep=True)
        with no_grad(), evaluating(self):
            self.run([image], record)
        return record.stages

    def run(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        """The numbered stages, from images to results, in evaluation mode and without gradients.

        Args:
            images: see `loss`.
            record: records each stage of the first image.
        """
        raise NotImplementedError(f"{type(self).__name__}: run is not written")
