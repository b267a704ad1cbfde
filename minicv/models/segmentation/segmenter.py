"""What every segmenter shares: images in, one class for every pixel out, one loss.

    1. batch     images   -> normalised, padded pixels          (N, 3, H, W)
    2. network   pixels   -> a score for every class and pixel  (N, K, H, W)
    3. label     scores   -> the class with the highest         (H, W) for each image

A system of `minicv.models.segmentation` is the network of step 2, which is its `forward`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import Array, to_numpy, xp_of
from minicv.models.photographs import (
    check_image,
    normalised_batch,
    resize_image,
    resized_size,
)
from minicv.nn import Module, evaluating
from minicv.vision.label_maps import VOID, check_label_map

Target = dict[str, Any]
Result = dict[str, np.ndarray]


class Segmenter(Module):
    """A network from pixels to a score for every class at every pixel, with loss and prediction.

    A subclass sets ``mean`` and ``std`` and writes ``forward(x)``: (N, 3, H, W), normalised, to
    logits (N, K, H, W), of exactly the image's size for any H and W from 1 on.

    Attributes:
        classes: the K names; label k means ``classes[k]``.
        class_weights: (K,) float32, how much a pixel of each class counts in the loss; None counts
            all alike. See `minicv.vision.median_frequency_weights`.
        min_size, max_size: where given, `predict` makes the shorter side ``min_size``, but the
            longer at most ``max_size``, and brings the scores back to the size of the image. Set it
            to the scale of the training images for photographs of any other. None works on every
            image as it is.
        mean, std: per colour, in the units of an image (0..1); the input is (image - mean) / std.

    Raises:
        ValueError: no classes; weights that are not one finite number from 0 on for each class; one
            size without the other, or below 1.

    >>> from minicv.nn import Conv2d
    >>> class ByColour(Segmenter):
    ...     def __init__(self, classes, *, rng):
    ...         super().__init__(classes)
    ...         self.score = Conv2d(3, len(classes), 1, rng=rng)
    ...
    ...     def forward(self, x):
    ...         return self.score(x)
    >>> model = ByColour(("sky", "grass"), rng=np.random.default_rng(0))
    >>> image = np.full((3, 4, 6), 0.5, "float32")
    >>> model.predict([image])[0]["segmentation"].shape
    (4, 6)
    >>> target = {"segmentation": np.full((4, 6), VOID)}
    >>> model.loss([image], [target])["loss_pixels"].item()
    0.0
    """

    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)

    def __init__(
        self,
        classes: Sequence[str],
        *,
        class_weights: np.ndarray | None = None,
        min_size: int | None = None,
        max_size: int | None = None,
    ) -> None:
        name = type(self).__name__
        if len(classes) == 0:
            raise ValueError(f"{name}: classes is empty, expected at least one name")
        if class_weights is not None:
            class_weights = np.array(class_weights, np.float32)
            if class_weights.shape != (len(classes),):
                raise ValueError(
                    f"{name}: class_weights has the shape {class_weights.shape}, expected one "
                    f"weight for each of {len(classes)} classes"
                )
            if not (np.isfinite(class_weights) & (class_weights >= 0)).all():
                raise ValueError(
                    f"{name}: class_weights is {class_weights.tolist()}, expected finite numbers "
                    "from 0 on"
                )
        sizes = [size for size in (min_size, max_size) if size is not None]
        if len(sizes) == 1 or any(size < 1 for size in sizes):
            raise ValueError(
                f"{name}: min_size={min_size}, max_size={max_size}; expected two positive sizes, "
                "or None for both"
            )
        self.classes = tuple(classes)
        self.class_weights = class_weights
        self.min_size, self.max_size = min_size, max_size

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """Softmax cross entropy, the mean over all pixels that have a class.

        Σ w[label] · -log softmax(logits)[label] / Σ w[label], over the pixels of the whole batch;
        pixels that are `VOID` and those beyond a smaller image of the batch do not count. Without
        any pixel that counts the loss is 0, and so is its gradient.

        Args:
            images: each (3, H, W), RGB float in 0..1; sizes may differ.
            targets: for each image ``"segmentation"`` (H, W), whole numbers 0..K-1 or `VOID`.
            rng: for systems whose loss draws samples; this one takes every pixel.

        Raises:
            ValueError: no images; an image or a label map of the wrong shape, or with a label
                outside of the range; names the image.
        """
        labels = self._check_targets(images, targets)
        pixels = self._stage1_batch(images)
        padded = np.full((len(images), *pixels.shape[2:]), VOID)  # (N, H, W)
        for row, label_map in zip(padded, labels, strict=True):
            row[: label_map.shape[0], : label_map.shape[1]] = label_map
        logits = self._stage2_network(pixels)  # (N, 3, H, W) -> (N, K, H, W)
        xp = xp_of(logits.data)
        weight = None if self.class_weights is None else xp.asarray(self.class_weights)
        loss = F.softmax_cross_entropy(logits, xp.asarray(padded), weight, ignore_index=VOID)
        return {"loss_pixels": loss}

    def predict(self, images: Sequence[np.ndarray]) -> list[Result]:
        """For each image the class of every pixel. Images run one by one, each as if alone.

        Returns:
            dictionaries of ``"segmentation"`` (H, W) int64, 0..K-1, and ``"probabilities"``
            (K, H, W) float32, which sum to 1 over the classes.
        """
        return [self._segment(image)["result"] for image in images]

    def stages(self, image: np.ndarray) -> dict[str, Any]:
        """What `predict` does to one image, by name: ``image``, ``input`` (3, h, w), ``logits``
        (K, h, w) at the working size, ``probabilities`` (K, H, W), ``segmentation`` (H, W).
        """
        stages = self._segment(image)
        result = stages.pop("result")
        return {"image": image, **stages, **result}

    def _segment(self, image: np.ndarray) -> dict[str, Any]:
        with no_grad(), evaluating(self):
            check_image(image, f"{type(self).__name__}: image")
            height, width = image.shape[1:]
            working = image
            if self.min_size is not None:
                size = resized_size(height, width, self.min_size, self.max_size)
                working = resize_image(image, *size)
            pixels = self._stage1_batch([working])  # (1, 3, h, w)
            logits = self._stage2_network(pixels)  # (1, K, h, w)
            result = self._stage3_label(logits, (height, width))
        return {"input": pixels[0], "logits": to_numpy(logits.data[0]), "result": result}

    def _stage1_batch(self, images: Sequence[np.ndarray]) -> np.ndarray:
        return normalised_batch(images, self.mean, self.std)

    def _stage2_network(self, pixels: np.ndarray) -> Tensor:
        xp = xp_of(next(iter(self.parameters())).data)  # the pixels go where the weights are
        return self.forward(Tensor(xp.asarray(pixels)))

    def _stage3_label(self, logits: Tensor, size: tuple[int, int]) -> Result:
        if logits.shape[2:] != size:
            logits = F.resize_bilinear(logits, size)  # (1, K, h, w) -> (1, K, H, W)
        probabilities: Array = F.softmax(logits, dim=1).data[0]  # (K, H, W)
        return {
            "segmentation": to_numpy(probabilities.argmax(axis=0)),
            "probabilities": to_numpy(probabilities),
        }

    def _check_targets(
        self, images: Sequence[np.ndarray], targets: Sequence[Target]
    ) -> list[np.ndarray]:
        name = type(self).__name__
        if len(images) == 0 or len(images) != len(targets):
            raise ValueError(
                f"{name}: {len(images)} images and {len(targets)} targets; expected as many "
                "targets as images, and at least one"
            )
        labels = []
        for index, (image, target) in enumerate(zip(images, targets, strict=True)):
            which = f"image {target.get('image_id', index)!r}"
            check_image(image, f"{name}: {which}")
            if "segmentation" not in target:
                raise ValueError(
                    f"{name}: the target of {which} has no 'segmentation', only "
                    f"{', '.join(sorted(target)) or 'nothing'}"
                )
            label_map = target["segmentation"]
            check_label_map(label_map, len(self.classes), f"{name}: {which}", image.shape[1:])
            labels.append(label_map)
        return labels
