"""The contract of every system: a loss to train by, predictions to use, stages to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minicv.autograd import Tensor
from minicv.inspection.stage import Stage
from minicv.nn import Module

Target = Mapping[str, Any]
Result = dict[str, np.ndarray]


class Model(Module):
    """A network with all that belongs to it, from photographs to results.

    A subclass writes `loss`, `predict` and `stages`; `predict` and `stages` run the same code. All
    three work at any time, in training mode or not.

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
        raise NotImplementedError(f"{type(self).__name__}: predict is not written")

    def stages(self, image: np.ndarray) -> list[Stage]:
        """What `predict` does to one image, step by step."""
        raise NotImplementedError(f"{type(self).__name__}: stages is not written")
