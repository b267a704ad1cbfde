"""How each segmenter is trained: the numbers, and what they take from the training images."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from minicv.autograd import Tensor
from minicv.cli.recipe import Recipe, train_by
from minicv.data import DataLoader, Subset
from minicv.data.transforms import ColorJitter, Compose, RandomHorizontalFlip, RandomScaleCrop
from minicv.models.segmentation.dense_patch_classifier import DensePatchClassifier
from minicv.models.segmentation.patch_classifier import PatchClassifier
from minicv.models.segmentation.segmenter import Segmenter
from minicv.optim import Adam
from minicv.training import segmentation_validator
from minicv.vision.label_maps import class_frequencies, median_frequency_weights


@dataclass(frozen=True)
class SegmentationRecipe(Recipe):
    """Adam, and pictures that are mirrored, zoomed, cut to one window and changed in colour.

    Attributes:
        weight_decay: as for all recipes; by default none.
        balance: how far pixels of rare classes count more in the loss: the power to which the
            weights by median frequency are taken. 1 lets all classes count alike, and finds rare
            ones at the price of false alarms; 1/2 lies between that and 0, every pixel alike.
        scale: least and greatest factor of the zoom.
        jitter: of brightness, contrast and saturation.
        validation_images: so many, evenly spread, are looked at after each epoch; None looks at
            all. For systems that are slow to predict.

    Raises:
        ValueError: a balance below 0; see also `Recipe`.
    """

    weight_decay: float = 0.0
    balance: float = 0.5
    scale: tuple[float, float] = (0.75, 1.5)
    jitter: float = 0.2
    validation_images: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.balance < math.inf:
            raise ValueError(f"recipe: balance={self.balance}; expected a number from 0 on")

    def class_weights(self, by_frequency: np.ndarray) -> np.ndarray | None:
        """Of the loss, (K,), from those of a `Survey`; None where every pixel counts alike.

        >>> recipe = SegmentationRecipe(epochs=1, batch_size=1, lr=0.1, balance=0.5)
        >>> recipe.class_weights(np.array([0.25, 1, 4])).tolist()
        [0.5, 1.0, 2.0]
        """
        return by_frequency**self.balance if self.balance else None

    def optimizer(self, parameters: Iterable[Tensor]) -> Adam:
        """Adam with the recipe's weight decay."""
        return Adam(parameters, lr=self.lr, weight_decay=self.weight_decay)

    def transform(self, window: tuple[int, int]) -> Compose:
        """The augmentation, to pictures of ``window`` (height, width)."""
        return Compose(
            [
                RandomHorizontalFlip(0.5),
                RandomScaleCrop(window, self.scale),
                ColorJitter(self.jitter, self.jitter, self.jitter),
            ]
        )


# For a system that stands on a trunk, what suits that trunk.
RECIPES = {
    "small": SegmentationRecipe(epochs=8, batch_size=8, lr=2e-3, balance=0),
    "efficientnet_lite0": SegmentationRecipe(epochs=30, batch_size=8, lr=1e-3),
    "vgg16": SegmentationRecipe(epochs=30, batch_size=8, lr=1e-4),
    "patch_classifier": SegmentationRecipe(
        epochs=3, batch_size=8, lr=1e-3, balance=0, validation_images=10
    ),
    "full_resolution": SegmentationRecipe(epochs=4, batch_size=8, lr=3e-3, balance=0),
    "encoder_decoder": SegmentationRecipe(epochs=7, batch_size=8, lr=3e-3, balance=0),
    "segnet": SegmentationRecipe(epochs=6, batch_size=4, lr=2e-3),
    "deconvnet": SegmentationRecipe(epochs=30, batch_size=8, lr=1e-3),
}
# Drawn scenes are as many as are wanted, each of another scale and light, so they are only
# mirrored; photographs are few.
AS_DRAWN = {"scale": (1.0, 1.0), "jitter": 0.0}


class Survey(NamedTuple):
    """What is known of a training set once its label maps have been counted.

    Attributes:
        class_weights: (K,) float32, median frequency over frequency; 0 for a class that is absent.
            See `minicv.vision.median_frequency_weights`.
        size: median height and median width of the images.
    """

    class_weights: np.ndarray
    size: tuple[int, int]


def survey(train: Any, num_classes: int, *, workers: int = 1, progress: bool = True) -> Survey:
    """Look at every training image once; a data set that is `Cached` has them all afterwards.

    Raises:
        ValueError: no images, or a label outside of 0..K-1.
    """
    if len(train) == 0:
        raise ValueError("survey: there are no training images")
    sizes = []

    def label_maps() -> Iterator[np.ndarray]:
        loader = DataLoader(train, batch_size=1, workers=workers)
        bar = tqdm(loader, "counting classes", leave=False, disable=not progress)
        for (image,), (target,) in bar:
            sizes.append(image.shape[1:])
            yield target["segmentation"]

    weights = median_frequency_weights(class_frequencies(label_maps(), num_classes))
    height, width = np.median(sizes, axis=0).astype(int).tolist()
    return Survey(weights, (height, width))


def train_segmenter(
    model: Segmenter,
    train: Any,
    validation: Any,
    recipe: SegmentationRecipe,
    *,
    window: tuple[int, int],
    description: dict[str, Any],
    out: Path,
    seed: int,
    resume: bool = False,
    workers: int = 1,
) -> list[dict[str, float]]:
    """Train ``model`` by ``recipe``; the best weights have the best mIoU on ``validation``.

    Args:
        window: (height, width) to which augmentation cuts the training images.
        description: of the model, from `describe_segmenter`.

    For the other arguments and what is returned see `train_by`.
    """
    few = recipe.validation_images
    if few is not None and few < len(validation):
        validation = Subset(validation, np.arange(few) * len(validation) // few)
    validate = segmentation_validator(validation, recipe.batch_size)

    def validate_fast(model: Segmenter) -> Mapping[str, float]:
        if isinstance(model, PatchClassifier):  # the same answers in a thirtieth of the time
            model = DensePatchClassifier(model)
        return validate(model)

    return train_by(
        recipe,
        model,
        train,
        validate=validate_fast,
        best_by="mIoU",
        description=description,
        out=out,
        seed=seed,
        transform=recipe.transform(window),
        resume=resume,
        workers=workers,
    )
