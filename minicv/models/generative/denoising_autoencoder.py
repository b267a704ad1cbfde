"""The denoising autoencoder: the picture again, from one that noise has damaged (Vincent 2008).

    1. damage   picture -> picture + noise, cut to 0..1            (N, C, S, S)
    2. encode   damaged -> code                                    (N, D)
    3. decode   code    -> picture                                 (N, C, S, S)

Step 1 belongs to training and judging; a prediction takes a picture with the noise that it has.

The loss compares with the clean picture, which the network has not seen. So it must know what
pictures look like: noise leads away from them, and the network leads back. Its code may be long,
even longer than the picture, for copying what it sees does not help.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.inspection.stage import StageRecorder
from minicv.models.generative.conv_autoencoder import ConvAutoencoder, ConvSettings
from minicv.models.generative.picture_autoencoder import on_host
from minicv.models.generative.pictures import generator_of
from minicv.models.model import Result, Target


@dataclass(frozen=True)
class DenoisingSettings(ConvSettings):
    """The settings of a `DenoisingAutoencoder`; see also `ConvSettings`.

    Attributes:
        noise: standard deviation of the noise, of pixels in 0..1.

    Raises:
        ValueError: a deviation that is not positive, or above 1.
    """

    code: int = 128
    noise: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.noise <= 1:
            raise ValueError(
                f"DenoisingSettings: noise={self.noise}; expected a deviation above 0 and up to 1"
            )


class DenoisingAutoencoder(ConvAutoencoder):
    """A `ConvAutoencoder` that learns to take normally distributed noise away.

    `predict` takes a picture as it is, with the noise that it has. To judge by clean pictures, it
    also tries itself: its results hold the picture with noise of its settings added, and
    what it makes of that. The noise is drawn by a generator that the picture seeds, so that it is
    the same at every call and in any batch.

    Args:
        classes: the names of the data's labels.
        settings: see `DenoisingSettings`; None takes the defaults.
        rng: draws the initial weights.

    Source: Vincent et al., Extracting and composing robust features with denoising autoencoders,
    ICML 2008; the normally distributed noise is of their paper of 2010, section 3.3.

    >>> settings = DenoisingSettings(8, 1, filters=2, code=3)
    >>> model = DenoisingAutoencoder(("any",), settings, rng=np.random.default_rng(0))
    >>> sorted(model.predict([np.full((3, 8, 8), 0.5)])[0])
    ['code', 'denoised', 'noisy', 'picture', 'reconstruction']
    """

    settings: DenoisingSettings

    def __init__(
        self,
        classes: Sequence[str],
        settings: DenoisingSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(classes, settings or DenoisingSettings(), rng=rng)

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The mean squared error to the clean pictures, of pictures with noise.

        Args:
            images, targets: see `PictureAutoencoder.loss`.
            rng: draws the noise; None draws the same noise at every call.
        """
        clean = self.squares(images, "loss", targets)
        if rng is None:
            rng = np.random.default_rng(0)
        noisy = damaged(clean, self.settings.noise, rng)
        _, logits = self(self.tensor(noisy))
        return {"loss_reconstruction": F.l2_loss(F.sigmoid(logits), self.tensor(clean))}

    def run_squares(self, squares: np.ndarray, record: StageRecorder) -> list[Result]:
        """As of every autoencoder; also ``"noisy"`` and ``"denoised"``, both (C, S, S) float32."""
        results = super().run_squares(squares, record)
        noisy = np.stack([damaged(own, self.settings.noise, generator_of(own)) for own in squares])
        _, logits = self(self.tensor(noisy))
        denoised = on_host(F.sigmoid(logits))
        for result, before, after in zip(results, noisy, denoised, strict=True):
            result |= {"noisy": before, "denoised": after}
        return results


def damaged(pictures: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Pictures with normally distributed noise, cut to 0..1 as a file would store them.

    Args:
        pictures: floats in 0..1, any shape.
        sigma: standard deviation of the noise.
        rng: draws it.

    Returns:
        float32 in 0..1.

    >>> rng = np.random.default_rng(0)
    >>> grey = damaged(np.full(10_000, 0.5), 0.1, rng)
    >>> round(float(grey.mean()), 2), round(float(grey.std()), 2)
    (0.5, 0.1)
    """
    noise = rng.standard_normal(pictures.shape, np.float32)
    return np.clip(pictures + np.float32(sigma) * noise, 0, 1).astype(np.float32, copy=False)
