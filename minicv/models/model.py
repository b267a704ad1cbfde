"""The contract of every system: a loss to train by, predictions to use, stages to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minicv.autograd import Tensor, no_grad
from minicv.inspection.stage import Stage, StageRecorder
from minicv.models.photographs import check_image, checked_images
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
        colours: red, green and blue of each class in the data set it was trained on, 0..255, to
            draw label maps in; None if unknown.
    """

    classes: tuple[str, ...]
    settings: Any
    colours: tuple[tuple[int, int, int], ...] | None = None

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
        """What the model finds in each image: arrays by name, such as ``"boxes"``.

        Raises:
            ValueError: no list of images, or one that is not (3, H, W) with finite numbers in 0..1;
                names the image and says what to write.
        """
        images = self.checked(images, "predict")
        if len(images) == 0:
            return []
        with no_grad(), evaluating(self):
            return self.run(images, StageRecorder(keep=False))

    def stages(self, image: np.ndarray) -> list[Stage]:
        """What `predict` does to one image, step by step."""
        return self.predict_for_picture(image, keep_stages=True)[1]

    def predict_for_picture(
        self, image: np.ndarray, keep_stages: bool = False
    ) -> tuple[Result, list[Stage]]:
        """`predict` of one image, and its `stages` in the same run.

        Args:
            image: (3, H, W), RGB float in 0..1.
            keep_stages: without them the list is empty.

        Returns:
            the result, of which a large array may be absent that no picture of it shows; and the
            stages.

        Raises:
            ValueError: see `predict`.
        """
        if keep_stages:
            return self.run_recorded(image, StageRecorder(keep=True))
        (result,) = self.predict([image])
        return result, []

    def run_recorded(self, image: np.ndarray, record: StageRecorder) -> tuple[Result, list[Stage]]:
        """`run` of one image in evaluation mode: its result and what ``record`` kept."""
        if isinstance(image, (list, tuple)):
            raise ValueError(
                f"{type(self).__name__}.stages: got a {type(image).__name__}; expected one image, "
                "(3, height, width): write image, without brackets"
            )
        check_image(image, f"{type(self).__name__}.stages: image")
        with no_grad(), evaluating(self):
            result = self.run_for_picture(image.astype(np.float32, copy=False), record)
        return result, record.stages

    def checked(
        self, images: Sequence[np.ndarray], method: str, targets: Sequence[Target] = ()
    ) -> list[np.ndarray]:
        """The images in float32, if they are what a model takes; see `checked_images`.

        Args:
            images: of ``predict`` or ``loss``.
            method: which of them; the message begins with it.
            targets: may name the images, by "image_id".
        """
        ids = [repr(target.get("image_id", index)) for index, target in enumerate(targets)]
        return checked_images(images, f"{type(self).__name__}.{method}", ids)

    def run(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        """The numbered stages, from images to results, in evaluation mode and without gradients.

        Args:
            images: see `loss`.
            record: records each stage of the first image.
        """
        raise NotImplementedError(f"{type(self).__name__}: run is not written")

    def run_for_picture(self, image: np.ndarray, record: StageRecorder) -> Result:
        """`run` of one image; a subclass may leave out what no picture of the result shows."""
        (result,) = self.run([image], record)
        return result
