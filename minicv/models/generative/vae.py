"""The variational autoencoder: a code that pictures can be drawn from (Kingma & Welling 2014).

    1. encode   picture -> mean and log variance of a normal distribution     (N, D) each
    2. draw     z = mean + deviation · noise                                  (N, D)
    3. decode   z       -> the probability that each pixel is white           (N, C, S, S)

An autoencoder's codes lie anywhere; between them the decoder has learnt nothing. Here each picture
takes a small cloud of codes, and all clouds together are pressed towards the standard normal
distribution. So a code that is drawn from it is a picture too. The loss is the negative ELBO, a
lower bound of the log probability of the picture, in nats:

    log p(x)  >=  E[log p(x | z)]  -  KL( N(mean, variance) || N(0, 1) )
                  reconstruction      how far the cloud is from the standard one

Drawing has no derivative. But step 2 draws the noise beside the network, and lets gradients pass
through mean and deviation: the *reparameterisation*.

**The likelihood** p(x | z) is Bernoulli's: each number of the square is white with a probability
that the decoder gives. For black and white pictures that is exact. A grey of 0.3 counts as a pixel
that is white in 3 of 10 copies of the picture; the ELBO then bounds the mean log probability of
these copies. It needs no variance to be chosen, as a normal likelihood does, and its logits have a
gradient that does not vanish where pixels are black.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.inspection.stage import StageRecorder, record_input
from minicv.models.generative.conv_autoencoder import Decoder, Encoder, widths_of
from minicv.models.generative.picture_autoencoder import (
    AutoencoderSettings,
    PictureAutoencoder,
    on_host,
)
from minicv.models.generative.pictures import as_rgb, generator_of
from minicv.models.model import Result, Target
from minicv.nn import Linear, evaluating


@dataclass(frozen=True)
class VAESettings(AutoencoderSettings):
    """The settings of a `VAE`; see also `AutoencoderSettings`.

    Attributes:
        filters: channels of the first level; each further level has twice as many.
        beta: factor of the KL term in the loss; 1 makes the loss the negative ELBO. More presses
            the clouds harder, and each number of the code then means one thing more often.

    Raises:
        ValueError: no channels, or a factor that is negative or not finite.
    """

    code: int = 16
    filters: int = 32
    beta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.filters < 1 or not 0 <= self.beta < np.inf:
            raise ValueError(
                f"VAESettings: filters={self.filters}, beta={self.beta}; expected at least 1 "
                "channel, and a factor from 0 on"
            )


class Terms(NamedTuple):
    """The two terms of the ELBO, in nats, one of each for each picture: (N,).

    Attributes:
        reconstruction: -log p(x | z), to be small.
        kl: of the code's distribution from the standard normal one, to be small.
    """

    reconstruction: Tensor
    kl: Tensor

    @property
    def elbo(self) -> Tensor:
        """(N,), to be large: a lower bound of log p(x)."""
        return -(self.reconstruction + self.kl)


class VAE(PictureAutoencoder):
    """Convolutions with stride 2 to mean and log variance, transposed ones from a code.

    In a prediction the code is the mean, and its reconstruction the probability of white.

    Args:
        classes: the names of the data's labels.
        settings: see `VAESettings`; None takes the defaults.
        rng: draws the initial weights.

    Source: Kingma & Welling, Auto-Encoding Variational Bayes, ICLR 2014; ``beta`` is of Higgins et
    al., beta-VAE, ICLR 2017.

    >>> model = VAE(("any",), VAESettings(28, 1, code=4), rng=np.random.default_rng(0))
    >>> model.sample(3, np.random.default_rng(0)).shape
    (3, 1, 28, 28)
    """

    settings: VAESettings

    def __init__(
        self,
        classes: Sequence[str],
        settings: VAESettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(classes, settings or VAESettings())
        widths = widths_of(self.settings.filters, self.shape[1])
        self.encoder = Encoder(self.shape, widths, "stride", rng=rng)
        self.to_mean = Linear(self.encoder.features, self.settings.code, rng=rng)
        self.to_logvar = Linear(self.encoder.features, self.settings.code, rng=rng)
        self.from_code = Linear(self.settings.code, self.encoder.features, rng=rng)
        self.decoder = Decoder(self.shape, widths, "stride", rng=rng)

    def distribution(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of a picture's codes: (N, C, S, S) -> (N, D) each."""
        features, _ = self.encoder(x)
        return self.to_mean(features), self.to_logvar(features)

    def encode(self, x: Tensor) -> Tensor:
        """The means: (N, C, S, S) -> (N, D)."""
        return self.distribution(x)[0]

    def decode(self, code: Tensor) -> Tensor:
        """(N, D) -> (N, C, S, S), logits of the probability of white."""
        return self.decoder(self.from_code(code))

    def terms(self, x: Tensor, noise: Tensor) -> Terms:
        """The two terms of the ELBO, with one code drawn for each picture.

        Args:
            x: (N, C, S, S) in 0..1.
            noise: (N, D), of the standard normal distribution.
        """
        mean, logvar = self.distribution(x)
        return self._terms(x, mean, logvar, noise)

    def _terms(self, x: Tensor, mean: Tensor, logvar: Tensor, noise: Tensor) -> Terms:
        z = reparameterised(mean, logvar, noise)  # (N, D)
        each = F.binary_cross_entropy_with_logits(self.decode(z), x, reduction="none")
        # (N, C, S, S) -> (N,): a sum, for the probability of a picture is a product over pixels.
        return Terms(F.sum(each, dim=(1, 2, 3)), F.kl_divergence(mean, logvar, reduction="none"))

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """Both terms in nats for a picture, the mean over the pictures; the KL term times beta.

        Args:
            images, targets: see `PictureAutoencoder.loss`.
            rng: draws the noise; None draws the same noise at every call.
        """
        squares = self.squares(images, "loss", targets)
        if rng is None:
            rng = np.random.default_rng(0)
        noise = rng.standard_normal((len(squares), self.settings.code), np.float32)
        terms = self.terms(self.tensor(squares), self.tensor(noise))
        return {
            "loss_reconstruction": F.mean(terms.reconstruction),
            "loss_kl": self.settings.beta * F.mean(terms.kl),
        }

    def elbo(self, images: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """(N,) the ELBO of each image in nats, with one code drawn for each; in evaluation mode."""
        squares = self.squares(images, "elbo")
        noise = rng.standard_normal((len(squares), self.settings.code), np.float32)
        with no_grad(), evaluating(self):
            return on_host(self.terms(self.tensor(squares), self.tensor(noise)).elbo)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """(n, C, S, S) pictures in 0..1, of codes that are drawn from N(0, 1)."""
        codes = rng.standard_normal((n, self.settings.code), np.float32)
        with no_grad(), evaluating(self):
            return on_host(F.sigmoid(self.decode(self.tensor(codes))))

    def run_squares(self, squares: np.ndarray, record: StageRecorder) -> list[Result]:
        """As of every autoencoder; also both terms of the ELBO, in nats.

        They are ``"loss_reconstruction"`` and ``"loss_kl"``, single numbers (), without beta; the
        code for the first is drawn by a generator that the picture seeds.
        """
        record_input(record, squares.shape[2:], lambda: np.array(as_rgb(squares[0])))
        x = self.tensor(squares)
        mean, logvar = self.distribution(x)
        codes = on_host(mean)
        self.record_code(record, codes)
        pictures = on_host(F.sigmoid(self.decode(mean)))
        self.record_reconstruction(record, pictures)
        noise = [generator_of(own).standard_normal(codes.shape[1], np.float32) for own in squares]
        terms = self._terms(x, mean, logvar, self.tensor(np.stack(noise)))
        of_pictures = zip(
            squares, codes, pictures, on_host(terms.reconstruction), on_host(terms.kl), strict=True
        )
        return [
            {
                "picture": square,
                "code": code,
                "reconstruction": picture,
                "loss_reconstruction": reconstruction,
                "loss_kl": kl,
            }
            for square, code, picture, reconstruction, kl in of_pictures
        ]


def reparameterised(mean: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    """mean + exp(logvar / 2) · noise: codes of N(mean, variance), with gradients to both.

    >>> reparameterised(Tensor([1.0]), Tensor([0.0]), Tensor([0.5])).data.tolist()
    [1.5]
    """
    return mean + F.exp(0.5 * logvar) * noise
