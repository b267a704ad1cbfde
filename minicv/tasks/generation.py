"""Generation, pictures of nothing but random numbers: the task, its recipe, the DCGAN."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from PIL import Image

from minicv.data import Dataset
from minicv.data.sources import Splits
from minicv.inspection.generation import draw_generation, picture_grid
from minicv.metrics.generation import GenerationMetric
from minicv.metrics.metric import Metric
from minicv.models.classification import Classifier
from minicv.models.generative import DCGAN, DCGANSettings, as_rgb
from minicv.models.generative.gan import GeneratorLoss, between, check_generator_loss
from minicv.models.model import Model, Result, Target
from minicv.optim import Adam
from minicv.tasks.generative_data import (
    CHANNELS,
    FILTERS,
    classes_of_pictures,
    evenly_spread,
    measured,
    squares_kept,
)
from minicv.tasks.task import OPTIONS_OF_A_SQUARE, Option, Prediction, Spec, System, Task
from minicv.training import AdversarialStep, Learning, Preparation, Recipe, Step

SAMPLES, COLUMNS = 64, 8  # of a grid
WALKS, STEPS = 6, 10  # of an interpolation


class ClassifierJudge:
    """A trained classifier that judges generated pictures; see `minicv.metrics.generation`.

    Args:
        model: a classifier of `minicv train classifier`, trained on pictures of the same kind.

    Raises:
        ValueError: it is another model.
    """

    def __init__(self, model: Model) -> None:
        if not isinstance(model, Classifier):
            raise ValueError(
                f"--judge: a {type(model).__name__} cannot judge pictures; expected the best.npz "
                "of `minicv train classifier`, whose features and classes it needs"
            )
        self._classifier = model

    @property
    def classes(self) -> tuple[str, ...]:
        """Of the classifier."""
        return self._classifier.classes

    def features_and_labels(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of pictures (N, C, S, S) in 0..1: see `Classifier.features_and_labels`."""
        return self._classifier.features_and_labels([as_rgb(picture) for picture in pictures])


def metric_by(classes: Sequence[str], judge: Model) -> GenerationMetric:
    """An empty metric with a classifier as its judge.

    Raises:
        ValueError: the model is no classifier.
    """
    return GenerationMetric(classes, ClassifierJudge(judge))


def _draw(prediction: Prediction, threshold: float) -> Image.Image:
    """The picture beside a sample. The threshold is not used."""
    return draw_generation(prediction.result)


def _compare(prediction: Prediction, target: Target, dataset: Dataset) -> Image.Image:
    return draw_generation(prediction.result, prediction.name)


def _to_json(prediction: Prediction) -> list[dict[str, Any]]:
    """One entry for a picture: its name, the seconds, the discriminator's probability."""
    return [
        {
            "image_id": prediction.name,
            "seconds": round(prediction.seconds, 4),
            "size": list(np.shape(prediction.result["picture"])),
            "realness": round(float(prediction.result["realness"]), 6),
            "picture": prediction.picture,
        }
    ]


def _summary(prediction: Prediction, threshold: float) -> str:
    """The discriminator's probability.

    >>> found = {"realness": np.array(0.75)}
    >>> _summary(Prediction("a.jpg", np.zeros((3, 9, 9)), found, ("any",), 0.5), 0.5)
    'real with a probability of 0.75 (0.50 s)'
    """
    realness = float(prediction.result["realness"])
    return f"real with a probability of {realness:.2f} ({prediction.seconds:.2f} s)"


def _realness(result: Result, target: Target) -> float:
    return float(result["realness"])


def report(metric: Metric) -> list[str]:
    """A line for each value; with a judge one for each class that it sees.

    >>> metric = GenerationMetric(())
    >>> for level in (0.0, 1.0):
    ...     square = np.full((1, 4, 4), level)
    ...     metric.add({"picture": square, "sample": square}, {})
    >>> print("\\n".join(report(metric)))
    Fréchet distance of thumbnails  0.000
    distance between samples        1.000
    distance between pictures       1.000
    realness of pictures            -
    """
    values = metric.values()
    width = max(map(len, values))
    return [
        f"{name:<{width}}  {f'{value:.3f}' if math.isfinite(value) else '-'}"
        for name, value in values.items()
    ]


def without_pictures(model: Any, rng: np.random.Generator) -> dict[str, Image.Image]:
    """A grid of 64 samples, and walks through the latent space, a row each."""
    assert isinstance(model, DCGAN)
    ends = rng.standard_normal((WALKS, 2, model.latent))
    walks = np.concatenate([between(first, last, STEPS) for first, last in ends])
    return {
        "samples": picture_grid(model.sample(SAMPLES, rng), COLUMNS),
        "interpolation": picture_grid(model.draw(walks), STEPS),
    }


GENERATION = Task(
    name="generation",
    needs=(),
    prefers=("label",),
    metric=GenerationMetric,
    best_by="Fréchet distance of thumbnails",
    draw=_draw,
    to_json=_to_json,
    summary=_summary,
    watched=("distance between samples",),
    picture="generation",
    results="generations",
    compare=_compare,
    report=report,
    classes_of=classes_of_pictures,
    rank=("realness", _realness),
    smaller_is_better=True,
    metric_by=metric_by,
    without_pictures=without_pictures,
)


@dataclass(frozen=True)
class GenerationRecipe(Recipe):
    """Adam for each network, at one rate, with a short memory of the gradients.

    With the usual β₁ of 0.9 an optimizer still follows gradients of an opponent that has moved on.

    Attributes:
        beta1: of both optimizers.
        generator_loss: ``"non_saturating"`` or ``"minimax"``.
        one_sided_smoothing: of the labels of real pictures, see
            `minicv.models.generative.gan.discriminator_loss`.
        discriminator_steps: for each step of the generator; they share the batch.
        validation_images: how many validation images, evenly spread, are predicted after each
            epoch; 0 takes all.

    Raises:
        ValueError: a number out of its range; see also `Recipe`.

    Source: Radford et al. 2016, section 4. Small batches and a higher rate than the paper's 2e-4
    give better pictures in the minutes that a CPU has.
    """

    weight_decay: float = 0.0
    warmup_steps: int = 0  # the rate stays the same
    beta1: float = 0.5
    generator_loss: GeneratorLoss = "non_saturating"
    one_sided_smoothing: float = 0.0
    discriminator_steps: int = 1
    validation_images: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        check_generator_loss(self.generator_loss)
        for name in ("beta1", "one_sided_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"recipe: {name}={getattr(self, name)}; expected a number from 0 to less than 1"
                )
        if self.discriminator_steps < 1 or self.validation_images < 0:
            raise ValueError(
                f"recipe: discriminator_steps={self.discriminator_steps}, "
                f"validation_images={self.validation_images}; expected at least one step, and a "
                "number of images from 0 on"
            )
        if self.discriminator_steps > self.batch_size:
            raise ValueError(
                f"recipe: discriminator_steps={self.discriminator_steps} of a batch of "
                f"{self.batch_size}; expected at most as many, for they share it"
            )

    def optimizer(self, parameters: Learning) -> Adam:
        """Adam with the recipe's β₁."""
        return Adam(
            parameters, lr=self.lr, betas=(self.beta1, 0.999), weight_decay=self.weight_decay
        )

    def prepare(self, splits: Splits, settings: Any, *, workers: int = 1) -> Preparation:
        """Size and channels are those of the training pictures, where the settings have none."""
        settings = measured(settings, splits.train)
        size = settings.shape[1]
        train, validation = (squares_kept(own, size) for own in (splits.train, splits.validation))
        return Preparation(
            self, settings, train, evenly_spread(validation, self.validation_images), None
        )

    def step(self, model: Model, total: int) -> Step:
        """The two players, each with an optimizer; the rate stays the same."""
        assert isinstance(model, DCGAN)
        return AdversarialStep(
            model,
            self.optimizer(model.generator.parameters()),
            self.optimizer(model.discriminator.parameters()),
            loss=self.generator_loss,
            label_smoothing=self.one_sided_smoothing,
            discriminator_steps=self.discriminator_steps,
        )


def _build(spec: Spec, rng: np.random.Generator) -> DCGAN:
    return DCGAN(spec.classes, spec.settings, rng=rng)


OPTIONS = {
    "size": OPTIONS_OF_A_SQUARE["size"],
    "channels": CHANNELS,
    "latent": Option("numbers of a latent vector", int, "N"),
    "filters": FILTERS,
    "generator_loss": Option(
        "minimax is the game's own loss, whose gradient vanishes where the discriminator wins; "
        "default: non_saturating",
        choices=get_args(GeneratorLoss),
    ),
    "one_sided_smoothing": Option(
        "how much the labels of real pictures are below 1; default: 0", float, "SHARE"
    ),
    "discriminator_steps": Option("for each step of the generator; they share a batch", int, "K"),
    "beta1": Option("of both Adams", float, "BETA"),
}

SYSTEMS = (
    System(
        "dcgan", "DCGAN", "Radford 2016", GENERATION, _build, {None: DCGANSettings()},
        {None: GenerationRecipe(epochs=10, batch_size=32, lr=5e-4)}, options=OPTIONS,
    ),
)  # fmt: skip
