"""What every classifier shares: an image in, a score for each class out, two losses to choose from.

    1. input    image    -> a square of S x S pixels, normalised   (N, 3, S, S)
    2. network  pixels   -> a score for each class                 (N, K)
    3. order    scores   -> the classes, the best first            (K,) for each image

A system of `minicv.models.classification` writes step 2, its method ``scores``.

Two losses make scores of a network:

- **Softmax**: exp(scores) divided by their sum are probabilities, and the loss is the surprise
  -log p at the true class. It always wants the true class to be surer still.
- **SVM**: Σ over the wrong classes of max(0, their score - that of the true class + 1). It is
  content once the true class leads by 1, and then has no gradient. Its scores are no probabilities;
  only their differences mean something.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import descending, to_numpy, xp_of
from minicv.data.transforms.square import Fit, Resample, square
from minicv.inspection.stage import StageRecorder, record_input
from minicv.models.model import Model, Result, Target
from minicv.models.photographs import denormalised, normalised_batch

Head = Literal["pooled", "fully_connected"]
Loss = Literal["softmax", "hinge"]
USUAL_SIZE = 128
AT_ONCE = 32  # images in one pass of a prediction
SILENT = StageRecorder(keep=False)


@dataclass(frozen=True)
class ClassifierSettings:
    """How a classifier sees an image, its head, and its loss.

    Attributes:
        size: S, the side of the square that the network sees. None is 128; `minicv train` makes it
            the shorter side of the training images, where that is less.
        fit: how an image becomes a square, cropped or stretched; see
            `minicv.data.transforms.square.square`.
        crop_fraction: share of the shorter side that a crop keeps.
        resample: how pixels are interpolated there; EfficientNets were trained on ``"bicubic"``.
        head: ``"pooled"``: the mean over the feature map, and one layer from its C numbers to the
            class scores (Lin et al. 2014). ``"fully_connected"``: the map pooled to a fixed grid,
            two layers of ``units`` with ReLU, and the layer of the scores (AlexNet, VGG-16).
        pooled_size: rows and columns of that grid.
        units: 4096 in the paper and on the slide.
        dropout: share of the units that training drops; of a pooled head, of the C numbers.
        loss: ``"softmax"``, or ``"hinge"``, that of an SVM.
        label_smoothing: ε, for softmax. The true class is to have 1 - ε + ε / K, each other ε / K
            (Szegedy et al. 2016).

    Raises:
        ValueError: a size below 1, a share that is none, or a choice that is none.

    >>> ClassifierSettings().size, ClassifierSettings(head="fully_connected").units
    (224, 4096)
    """

    size: int | None = 224
    fit: Fit = "crop"
    crop_fraction: float = 0.875
    resample: Resample = "bilinear"
    head: Head = "pooled"
    pooled_size: int = 7
    units: int = 4096
    dropout: float = 0.0
    loss: Loss = "softmax"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        for name in ("size", "pooled_size", "units"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ValueError(f"ClassifierSettings: {name}={number}; expected at least 1")
        shares = ("dropout", "label_smoothing")
        for name in shares:
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"ClassifierSettings: {name}={getattr(self, name)}; expected a share from 0 to "
                    "less than 1"
                )
        if not 0 < self.crop_fraction <= 1:
            raise ValueError(
                f"ClassifierSettings: crop_fraction={self.crop_fraction}; expected a share above 0 "
                "and up to 1"
            )
        choices_of = {"fit": Fit, "resample": Resample, "head": Head, "loss": Loss}
        for name, choices in choices_of.items():
            if getattr(self, name) not in get_args(choices):
                raise ValueError(
                    f"ClassifierSettings: {name}={getattr(self, name)!r}; expected "
                    f"{' or '.join(map(repr, get_args(choices)))}"
                )
        if self.label_smoothing and self.loss == "hinge":
            raise ValueError(
                f"ClassifierSettings: label_smoothing={self.label_smoothing}, which is for "
                "probabilities, and an SVM has none; expected 0"
            )


class ImageClassifier(Model):
    """A network from pixels to a score for each class, with loss and prediction.

    A subclass sets ``mean`` and ``std`` and writes ``scores(x, record)``.

    Attributes:
        classes: the K names; label k means ``classes[k]``.
        settings: see `ClassifierSettings`.
        mean, std: per colour, in the units of an image (0..1); the input is (image - mean) / std.

    Args:
        classes: the K names.
        settings: None takes the defaults.

    Raises:
        ValueError: fewer than two classes, of which there is nothing to tell apart.

    >>> from minicv.nn import Linear
    >>> class ByColour(ImageClassifier):
    ...     def __init__(self, classes, settings=None, *, rng):
    ...         super().__init__(classes, settings)
    ...         self.fc = Linear(3, len(classes), rng=rng)
    ...
    ...     def scores(self, x, record=SILENT):
    ...         return self.fc(F.mean(x, dim=(2, 3)))
    >>> model = ByColour(("cow", "duck"), ClassifierSettings(8), rng=np.random.default_rng(0))
    >>> image = np.full((3, 10, 12), 0.5, "float32")
    >>> found = model.predict([image])[0]
    >>> found["scores"].shape, sorted(found["labels"].tolist()), round(float(found["scores"].sum()))
    ((2,), [0, 1], 1)
    >>> list(model.loss([image], [{"label": 1}]))
    ['loss_classifier']
    """

    settings: ClassifierSettings
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)

    def __init__(self, classes: Sequence[str], settings: ClassifierSettings | None = None) -> None:
        name = type(self).__name__
        settings = settings or ClassifierSettings()
        if len(classes) < 2:
            raise ValueError(
                f"{name}: the classes are {', '.join(classes) or 'none'}; expected two at least, "
                "or there is nothing to tell apart"
            )
        self.classes = tuple(classes)
        self.settings = settings
        self.size = USUAL_SIZE if settings.size is None else settings.size

    def scores(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        """(N, 3, S, S), normalised -> (N, K), any real numbers; may record the stages between."""
        raise NotImplementedError(f"{type(self).__name__}: scores is not written")

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The loss of the settings, the mean over the images.

        Args:
            images: each (3, H, W), RGB float in 0..1; sizes may differ.
            targets: for each image ``"label"``, 0..K-1.
            rng: not used; dropout has its own.

        Raises:
            ValueError: no images, a wrong image, or a label that is none; names the image.
        """
        images = self.checked(images, "loss", targets)
        labels = self._check_targets(images, targets)
        scores = self.scores(self._network_input(images))
        truth = xp_of(scores.data).asarray(labels)
        if self.settings.loss == "hinge":
            return {"loss_classifier": F.multiclass_hinge(scores, truth)}
        loss = F.softmax_cross_entropy(scores, truth)
        smoothing = self.settings.label_smoothing
        if smoothing:
            # -Σₖ qₖ log pₖ for q = (1 - ε) at the true class and ε / K at all of them.
            of_all = -F.mean(F.log_softmax(scores, dim=1))
            loss = (1 - smoothing) * loss + smoothing * of_all
        return {"loss_classifier": loss}

    def run(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        """The classes of each image, the best first.

        Returns:
            dictionaries of ``"scores"`` (K,) float32, by label: probabilities, whose sum is 1, or
            the scores of an SVM; and ``"labels"`` (K,) int64, the classes with the best first.
        """
        results = []
        for start in range(0, len(images), AT_ONCE):
            part = images[start : start + AT_ONCE]
            results += self._classify(part, record if start == 0 else SILENT)
        return results

    def _classify(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        pixels = self._pixels(images)
        record_input(record, pixels.shape[2:], lambda: denormalised(pixels[0], self.mean, self.std))
        scores = self.scores(self._on_device(pixels), record)
        if self.settings.loss == "softmax":
            scores = F.softmax(scores, dim=1)
        of_images = to_numpy(scores.data).astype(np.float32, copy=False)
        what = "probabilities" if self.settings.loss == "softmax" else "scores of an SVM"
        record(
            "class_scores",
            f"Class scores\n{what} of {len(self.classes)} classes",
            "class scores",
            lambda: {"class_scores": of_images[0]},
        )
        return [{"scores": own, "labels": descending(own)} for own in of_images]

    def _network_input(self, images: Sequence[np.ndarray]) -> Tensor:
        return self._on_device(self._pixels(images))

    def _pixels(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """The images as squares, normalised: (N, 3, S, S)."""
        s = self.settings
        squares = [square(image, self.size, s.fit, s.crop_fraction, s.resample) for image in images]
        return normalised_batch(squares, self.mean, self.std)

    def _on_device(self, pixels: np.ndarray) -> Tensor:
        xp = xp_of(next(iter(self.parameters())).data)  # the pixels go where the weights are
        return Tensor(xp.asarray(pixels))

    def _check_targets(self, images: Sequence[np.ndarray], targets: Sequence[Target]) -> np.ndarray:
        name = type(self).__name__
        if len(images) == 0 or len(images) != len(targets):
            raise ValueError(
                f"{name}: {len(images)} images and {len(targets)} targets; expected as many "
                "targets as images, and at least one"
            )
        return np.array(
            [
                label_of(target, len(self.classes), f"{name}: image {target.get('image_id', i)!r}")
                for i, target in enumerate(targets)
            ]
        )


def label_of(target: Target, num_classes: int, name: str) -> int:
    """The label of a whole image.

    Args:
        target: has ``"label"``.
        num_classes: K.
        name: what a message begins with.

    Raises:
        ValueError: there is none, or it is no whole number of 0..K-1.

    >>> label_of({"label": 7}, 3, "image 'a.jpg'")
    Traceback (most recent call last):
    ...
    ValueError: image 'a.jpg': label is 7; expected a whole number 0..2, for there are 3 classes
    """
    if "label" not in target:
        raise ValueError(
            f"{name}: the target has no 'label', only {', '.join(sorted(target)) or 'nothing'}"
        )
    label = target["label"]
    whole = isinstance(label, (int, np.integer)) and not isinstance(label, bool)
    if not whole or not 0 <= label < num_classes:
        raise ValueError(
            f"{name}: label is {label!r}; expected a whole number 0..{num_classes - 1}, for there "
            f"are {num_classes} classes"
        )
    return int(label)
