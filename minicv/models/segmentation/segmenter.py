"""What every segmenter shares: images in, one class for every pixel out, one loss.

    1. batch     images   -> normalised, padded pixels          (N, 3, H, W)
    2. network   pixels   -> a score for every class and pixel  (N, K, H, W)
    3. label     scores   -> the class with the highest         (H, W) for each image

A system of `minicv.models.segmentation` writes step 2, its method ``forward``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import Array, to_numpy, xp_of
from minicv.inspection.stage import Stage, StageRecorder, record_input
from minicv.models.model import Model, Result, Target
from minicv.models.photographs import (
    normalised_batch,
    resize_image,
    resized_size,
)
from minicv.models.segmentation.large_photographs import (
    Tile,
    label_in_blocks,
    label_tiles,
    tiles,
)
from minicv.vision.label_maps import VOID, check_label_map

SILENT = StageRecorder(keep=False)  # for a network that records nothing
SCORES_AT_ONCE = 1 << 24  # numbers; more are enlarged and compared block by block


@dataclass(frozen=True, kw_only=True)
class SegmenterSettings:
    """The settings of every segmenter.

    Attributes:
        class_weights: K numbers, how much a pixel of each class counts in the loss; None counts
            all alike. See `minicv.vision.median_frequency_weights`.
        min_size, max_size: where given, `Segmenter.predict` makes the shorter side ``min_size``,
            but the longer at most ``max_size``, and brings the scores back to the size of the
            image. With the size of the training images, photographs of any other size come to the
            scale that was learnt. With None every image stays as it is.

    Raises:
        ValueError: a weight that is not a finite number from 0 on; one size without the other, or
            below 1.

    >>> SegmenterSettings(class_weights=np.float32([0.5, 2.0])).class_weights
    (0.5, 2.0)
    """

    class_weights: tuple[float, ...] | None = None
    min_size: int | None = None
    max_size: int | None = None

    def __post_init__(self) -> None:
        name = type(self).__name__
        if self.class_weights is not None:
            weights = tuple(float(weight) for weight in self.class_weights)  # also from an array
            if not all(0 <= weight < np.inf for weight in weights):
                raise ValueError(
                    f"{name}: class_weights is {weights}, expected finite numbers from 0 on"
                )
            object.__setattr__(self, "class_weights", weights)
        sizes = [size for size in (self.min_size, self.max_size) if size is not None]
        if len(sizes) == 1 or any(size < 1 for size in sizes):
            raise ValueError(
                f"{name}: min_size={self.min_size}, max_size={self.max_size}; expected two "
                "positive sizes, or None for both"
            )


class Segmenter(Model):
    """A network from pixels to a score for every class at every pixel, with loss and prediction.

    A subclass sets ``mean`` and ``std`` and writes ``forward(x, record)``: (N, 3, H, W),
    normalised, to logits (N, K, H, W), of exactly the image's size for any H and W from 1 on. It
    may record its feature maps with ``record``, see `minicv.inspection.stage.StageRecorder`.

    Attributes:
        classes: the K names; label k means ``classes[k]``.
        settings: see `SegmenterSettings`.
        mean, std: per colour, in the units of an image (0..1); the input is (image - mean) / std.
        reach: pixels around a place, on each side, on which its scores depend; None if unknown.
        step: the product of all strides.
        most_at_once: pixels; where the reach is known, a larger image runs tile by tile, see
            `minicv.models.segmentation.large_photographs`.

    Args:
        classes: the K names.
        settings: None takes the defaults.

    Raises:
        ValueError: no classes, or not one class weight for each.

    >>> from minicv.nn import Conv2d
    >>> class ByColour(Segmenter):
    ...     def __init__(self, classes, settings=None, *, rng):
    ...         super().__init__(classes, settings or SegmenterSettings())
    ...         self.score = Conv2d(3, len(classes), 1, rng=rng)
    ...
    ...     def forward(self, x, record=SILENT):
    ...         return self.score(x)
    >>> model = ByColour(("sky", "grass"), rng=np.random.default_rng(0))
    >>> image = np.full((3, 4, 6), 0.5, "float32")
    >>> model.predict([image])[0]["segmentation"].shape
    (4, 6)
    >>> target = {"segmentation": np.full((4, 6), VOID)}
    >>> model.loss([image], [target])["loss_pixels"].item()
    0.0
    """

    settings: SegmenterSettings
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)
    reach: int | None = None
    step: int = 1
    most_at_once: int = 1_500_000

    def __init__(self, classes: Sequence[str], settings: SegmenterSettings) -> None:
        name = type(self).__name__
        if len(classes) == 0:
            raise ValueError(f"{name}: classes is empty, expected at least one name")
        weights = settings.class_weights
        if weights is not None and len(weights) != len(classes):
            raise ValueError(
                f"{name}: {len(weights)} class_weights, expected one for each of {len(classes)} "
                "classes"
            )
        self.classes = tuple(classes)
        self.settings = settings

    def forward(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        """(N, 3, H, W), normalised -> logits (N, K, H, W)."""
        raise NotImplementedError(f"{type(self).__name__}: forward is not written")

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
        images = self.checked(images, "loss", targets)
        labels = self._check_targets(images, targets)
        pixels = self._batch(images)
        padded = np.full((len(images), *pixels.shape[2:]), VOID)  # (N, H, W)
        for row, label_map in zip(padded, labels, strict=True):
            row[: label_map.shape[0], : label_map.shape[1]] = label_map
        logits = self._network(pixels)  # (N, 3, H, W) -> (N, K, H, W)
        xp = xp_of(logits.data)
        weights = None if self.class_weights is None else xp.asarray(self.class_weights)
        loss = F.softmax_cross_entropy(logits, xp.asarray(padded), weights, ignore_index=VOID)
        return {"loss_pixels": loss}

    @property
    def class_weights(self) -> np.ndarray | None:
        """The class weights of the settings, (K,) float32."""
        weights = self.settings.class_weights
        return None if weights is None else np.array(weights, np.float32)

    def run(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        """The class of every pixel of each image. Images run one by one.

        Returns:
            dictionaries of ``"segmentation"`` (H, W) int64, 0..K-1, and ``"probabilities"``
            (K, H, W) float32, which sum to 1 over the classes.
        """
        return [self._segment(image, record, keep_probabilities=True) for image in images]

    def predict_for_picture(
        self, image: np.ndarray, keep_stages: bool = False
    ) -> tuple[Result, list[Stage]]:
        """See `Model.predict_for_picture`; the result is the label map alone."""
        return self.run_recorded(image, StageRecorder(keep_stages))

    def run_for_picture(self, image: np.ndarray, record: StageRecorder) -> Result:
        """As `run`, without the probabilities: of 12 million pixels and 21 classes, a gigabyte."""
        return self._segment(image, record, keep_probabilities=False)

    def _segment(
        self, image: np.ndarray, record: StageRecorder, keep_probabilities: bool
    ) -> Result:
        size = image.shape[1], image.shape[2]
        working = self._working_size(image)
        record_input(record, working.shape[1:], lambda: working)
        if self.reach is None or working[0].size <= self.most_at_once:
            logits = self._network(self._batch([working]), record)  # (1, K, h, w)
            self._record_class_maps(record, logits.data[0])
            result = self._label(logits, size, keep_probabilities)
        else:
            scored = self._network_in_tiles(working, self.reach, record)
            result = label_tiles(
                scored, len(self.classes), working.shape[1:], size, keep_probabilities
            )
        record(
            "label_map",
            f"Label map\nthe likeliest class at each of {size[1]} × {size[0]} pixels",
            "label map",
            lambda: {"image": image, "segmentation": result["segmentation"]},
        )
        return result

    def _working_size(self, image: np.ndarray) -> np.ndarray:
        """The image at the size of the settings."""
        min_size, max_size = self.settings.min_size, self.settings.max_size
        if min_size is None or max_size is None:
            return image
        height, width = image.shape[1:]
        return resize_image(image, *resized_size(height, width, min_size, max_size))

    def _network_in_tiles(
        self, image: np.ndarray, reach: int, record: StageRecorder
    ) -> Iterator[tuple[Tile, Array]]:
        """The tiles of a large image, each with its scores (K, its height, its width); see
        `large_photographs`. The stages are those of the tile in the middle."""
        parts = list(tiles((image.shape[1], image.shape[2]), reach, self.step))
        for number, tile in enumerate(parts):
            shown = record if number == len(parts) // 2 else SILENT
            window = image[(slice(None), *tile.window)]
            caption = (
                f"Tile {number + 1} of {len(parts)}\nthe network sees {window.shape[2]} × "
                f"{window.shape[1]} pixels at a time"
            )
            shown("tile", caption, "image", functools.partial(dict, image=window))
            scores = self._network(self._batch([window]), shown).data[0]
            self._record_class_maps(shown, scores)
            yield tile, scores[(slice(None), *tile.inside)]

    def _record_class_maps(self, record: StageRecorder, logits: Array) -> None:
        record(
            "class_maps",
            f"Class maps\nprobability of each of {len(self.classes)} classes, cell by cell",
            "class maps",
            lambda: {"class_maps": to_numpy(F.softmax(Tensor(logits[None]), dim=1).data[0])},
        )

    def _batch(self, images: Sequence[np.ndarray]) -> np.ndarray:
        return normalised_batch(images, self.mean, self.std)

    def _network(self, pixels: np.ndarray, record: StageRecorder = SILENT) -> Tensor:
        xp = xp_of(next(iter(self.parameters())).data)  # the pixels go where the weights are
        return self.forward(Tensor(xp.asarray(pixels)), record)

    def _label(
        self, logits: Tensor, size: tuple[int, int], keep_probabilities: bool = True
    ) -> Result:
        if len(self.classes) * size[0] * size[1] > SCORES_AT_ONCE:
            return label_in_blocks(logits.data[0], size, keep_probabilities)
        if logits.shape[2:] != size:
            logits = F.resize_bilinear(logits, size)  # (1, K, h, w) -> (1, K, H, W)
        probabilities: Array = F.softmax(logits, dim=1).data[0]  # (K, H, W)
        result = {"segmentation": to_numpy(probabilities.argmax(axis=0))}
        return (
            {**result, "probabilities": to_numpy(probabilities)} if keep_probabilities else result
        )

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
            if "segmentation" not in target:
                raise ValueError(
                    f"{name}: the target of {which} has no 'segmentation', only "
                    f"{', '.join(sorted(target)) or 'nothing'}"
                )
            label_map = target["segmentation"]
            check_label_map(label_map, len(self.classes), f"{name}: {which}", image.shape[1:])
            labels.append(label_map)
        return labels
