"""Reconstruction, a picture from a code of few numbers: the task, its recipe, the autoencoders."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from PIL import Image

from minicv.data import Dataset
from minicv.data.sources import Splits
from minicv.inspection.reconstruction import draw_denoising, draw_reconstruction
from minicv.metrics.metric import Metric
from minicv.metrics.reconstruction import ReconstructionMetric, mse, psnr
from minicv.models.generative import (
    VAE,
    Autoencoder,
    ConvAutoencoder,
    ConvSettings,
    DenoisingAutoencoder,
    DenoisingSettings,
    FullyConnectedSettings,
    VAESettings,
)
from minicv.models.generative.conv_autoencoder import Down
from minicv.models.model import Model, Result, Target
from minicv.optim import Adam, CosineAnnealingLR, WarmupThen
from minicv.tasks.generative_data import (
    CHANNELS,
    FILTERS,
    classes_of_pictures,
    evenly_spread,
    measured,
    squares_kept,
)
from minicv.tasks.task import OPTIONS_OF_A_SQUARE, Option, Prediction, Spec, System, Task
from minicv.training import GradientStep, Learning, Preparation, Recipe, Step, learning_groups

UNITS = {"PSNR": "dB", "PSNR of the noisy input": "dB", "ELBO": "nats"}


def _said(error: float) -> str:
    return f"MSE {error:.4f}, PSNR {psnr(error):.1f} dB"


def _draw(prediction: Prediction, threshold: float) -> Image.Image:
    """Picture, code, reconstruction. The threshold is not used."""
    result = prediction.result
    return draw_reconstruction(result, _said(mse(result["reconstruction"], result["picture"])))


def _compare(prediction: Prediction, target: Target, dataset: Dataset) -> Image.Image:
    """The same; of a denoising autoencoder what it was judged by."""
    result, title = prediction.result, prediction.name
    if "noisy" not in result:
        error = mse(result["reconstruction"], result["picture"])
        return draw_reconstruction(result, _said(error), title)
    errors = [_said(mse(result[name], result["picture"])) for name in ("noisy", "denoised")]
    return draw_denoising(result, errors, title)


def _to_json(prediction: Prediction) -> list[dict[str, Any]]:
    """One entry for a picture: its name, the seconds, the code, the error of the reconstruction."""
    result = prediction.result
    error = mse(result["reconstruction"], result["picture"])
    nats = {}
    if "loss_kl" in result:
        reconstruction, kl = float(result["loss_reconstruction"]), float(result["loss_kl"])
        nats = {"ELBO": round(-reconstruction - kl, 3), "KL": round(kl, 3)}
    return [
        {
            "image_id": prediction.name,
            "seconds": round(prediction.seconds, 4),
            "size": list(np.shape(result["picture"])),
            "code": [round(number, 5) for number in np.asarray(result["code"]).tolist()],
            "MSE": round(error, 6),
            "PSNR": round(psnr(error), 3),
            **nats,
            "picture": prediction.picture,
        }
    ]


def _summary(prediction: Prediction, threshold: float) -> str:
    """The length of the code and the error.

    >>> square = np.zeros((1, 2, 2))
    >>> found = {"picture": square, "reconstruction": square + 0.1, "code": np.zeros(2)}
    >>> _summary(Prediction("a.jpg", np.zeros((3, 9, 9)), found, ("any",), 0.5), 0.5)
    'code of 2 numbers, MSE 0.0100, PSNR 20.0 dB (0.50 s)'
    """
    result = prediction.result
    said = _said(mse(result["reconstruction"], result["picture"]))
    return f"code of {len(result['code'])} numbers, {said} ({prediction.seconds:.2f} s)"


def _own_psnr(result: Result, target: Target) -> float:
    """Of one picture, as the metric has it."""
    made = "denoised" if "noisy" in result else "reconstruction"
    return psnr(mse(result[made], result["picture"]))


def report(metric: Metric) -> list[str]:
    """A line for each value, with its unit.

    >>> metric = ReconstructionMetric()
    >>> square = np.zeros((1, 2, 2))
    >>> metric.add({"picture": square, "reconstruction": square + 0.1}, {})
    >>> print("\\n".join(report(metric)))
    MSE   0.0100
    PSNR  20.00 dB
    """
    values = metric.values()
    width = max(map(len, values))
    lines = []
    for name, value in values.items():
        digits = 4 if name == "MSE" else 2
        number = f"{value:.{digits}f}" if math.isfinite(value) else "-"
        lines.append(f"{name:<{width}}  {number} {UNITS.get(name, '')}".rstrip())
    return lines


RECONSTRUCTION = Task(
    name="reconstruction",
    needs=(),
    prefers=("label",),
    metric=ReconstructionMetric,
    best_by="PSNR",
    draw=_draw,
    to_json=_to_json,
    summary=_summary,
    watched=("MSE",),
    picture="reconstruction",
    results="reconstructions",
    compare=_compare,
    report=report,
    classes_of=classes_of_pictures,
    rank=("PSNR", _own_psnr),
)


@dataclass(frozen=True)
class ReconstructionRecipe(Recipe):
    """Adam, on the pictures as they are.

    Attributes:
        validation_images: how many validation images, evenly spread, are predicted after each
            epoch; 0 takes all.

    Raises:
        ValueError: a negative number of images; see also `Recipe`.
    """

    weight_decay: float = 0.0
    validation_images: int = 2000

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.validation_images < 0:
            raise ValueError(
                f"recipe: validation_images={self.validation_images}; expected a number from 0 on"
            )

    def optimizer(self, parameters: Learning) -> Adam:
        """Adam with the recipe's weight decay."""
        return Adam(parameters, lr=self.lr, weight_decay=self.weight_decay)

    def prepare(self, splits: Splits, settings: Any, *, workers: int = 1) -> Preparation:
        """Size and channels are those of the training pictures, where the settings have none."""
        settings = measured(settings, splits.train)
        size = settings.shape[1]
        train, validation = (squares_kept(own, size) for own in (splits.train, splits.validation))
        validation = evenly_spread(validation, self.validation_images)
        return Preparation(self, settings, train, validation, None)

    def step(self, model: Model, total: int) -> Step:
        """See `Recipe.step`; gradients keep their length, for nats are large and Adam scales."""
        optimizer = self.optimizer(learning_groups(model, self.backbone_lr_ratio))
        schedule = WarmupThen(
            CosineAnnealingLR(self.lr, max(total, 1)), min(self.warmup_steps, total // 4)
        )
        return GradientStep(model, optimizer, schedule, max_norm=math.inf)


def _builder(model: Callable[..., Model]) -> Callable[[Spec, np.random.Generator], Model]:
    def build(spec: Spec, rng: np.random.Generator) -> Model:
        return model(spec.classes, spec.settings, rng=rng)

    return build


RECIPE: dict[str | None, Recipe] = {None: ReconstructionRecipe(epochs=20, batch_size=32, lr=2e-3)}
OPTIONS = {
    "size": OPTIONS_OF_A_SQUARE["size"],
    "channels": CHANNELS,
    "code": Option("numbers of a code; default: by the system", int, "N"),
}
_UNITS = {"units": OPTIONS_OF_A_SQUARE["units"]}
_FILTERS = {"filters": FILTERS}
_DOWN = {
    "down": Option(
        "strided convolutions down and transposed ones up, stride; or max pooling and max "
        "unpooling by switches, which pass beside the code, pool; default: stride",
        choices=get_args(Down),
    )
}
_NOISE = {
    "noise": Option("its standard deviation, of pixels in 0..1; default: 0.3", float, "SIGMA")
}
_BETA = {"beta": Option("factor of the KL term in the loss; default: 1", float, "FACTOR")}

SYSTEMS = (
    System(
        "autoencoder", "fully connected autoencoder", "Hinton 2006", RECONSTRUCTION,
        _builder(Autoencoder), {None: FullyConnectedSettings()}, RECIPE, options=OPTIONS | _UNITS,
    ),
    System(
        "conv_autoencoder", "convolutional autoencoder", "Masci 2011", RECONSTRUCTION,
        _builder(ConvAutoencoder), {None: ConvSettings()}, RECIPE,
        options=OPTIONS | _FILTERS | _DOWN,
    ),
    System(
        "denoising_autoencoder", "denoising autoencoder", "Vincent 2008", RECONSTRUCTION,
        _builder(DenoisingAutoencoder), {None: DenoisingSettings()}, RECIPE,
        options=OPTIONS | _FILTERS | _DOWN | _NOISE,
    ),
    System(
        "vae", "variational autoencoder", "Kingma 2014", RECONSTRUCTION,
        _builder(VAE), {None: VAESettings()}, RECIPE, options=OPTIONS | _FILTERS | _BETA,
    ),
)  # fmt: skip
