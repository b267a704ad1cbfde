"""DCGAN: pictures drawn by transposed convolutions, judged by strided ones (Radford 2016).

The generator:

    1. draw     z ~ N(0, 1)                                        (N, Z)
    2. project  one layer to a small map, batch norm, ReLU         (N, top, s, s)
    3. enlarge  levels of a 4x4 transposed convolution, stride 2,
                batch norm and ReLU; half the channels each        (N, filters, S/2, S/2)
    4. picture  the last one, and tanh: -1 black, 1 white          (N, C, S, S)

The discriminator, its mirror image:

    5. reduce   levels of a 4x4 convolution, stride 2, batch norm
                (but for the first) and LeakyReLU; twice the
                channels each                                      (N, top, s, s)
    6. judge    one layer to a logit: is the picture real?         (N,)

No pooling and no hidden fully connected layer; the strides are learnt. A kernel of 4 with stride 2
covers each pixel the same number of times, so no checkerboard is built in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import to_numpy
from minicv.inspection.stage import StageRecorder, record_features, record_input
from minicv.models.generative.gan import GAN, as_probabilities, discriminator_loss, generator_loss
from minicv.models.generative.pictures import (
    PictureSettings,
    as_rgb,
    as_squares,
    checked_squares,
    generator_of,
)
from minicv.models.model import Model, Result, Target
from minicv.nn import BatchNorm2d, Conv2d, ConvTranspose2d, Linear, Module, ModuleList
from minicv.nn.initializers import normal

AT_ONCE = 128  # pictures in one pass of a prediction
LEAK = 0.2  # slope of LeakyReLU below 0
DEVIATION = 0.02  # of the first weights
SMALLEST = range(4, 8)  # side of the smallest map
SILENT = StageRecorder(keep=False)


@dataclass(frozen=True)
class DCGANSettings(PictureSettings):
    """The settings of a `DCGAN`; see also `PictureSettings`.

    Attributes:
        latent: Z, numbers of a latent vector.
        filters: channels of the largest map; each smaller one has twice as many.

    Raises:
        ValueError: no latent number, no channel, or a side that does not halve evenly down to
            4..7 pixels, as 28, 32 and 64 do.

    >>> DCGANSettings(28).sides, DCGANSettings(64).sides
    ((28, 14, 7), (64, 32, 16, 8, 4))
    """

    latent: int = 100
    filters: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("latent", "filters"):
            number = getattr(self, name)
            if number < 1:
                raise ValueError(
                    f"DCGANSettings: {name}={number}; expected a whole number from 1 on"
                )
        if len(self.sides) < 2 or self.sides[-1] not in SMALLEST:
            raise ValueError(
                f"DCGANSettings: size={self.size}; expected a side that halves evenly down to "
                f"{SMALLEST[0]}..{SMALLEST[-1]} pixels, such as 28, 32 or 64"
            )

    @property
    def sides(self) -> tuple[int, ...]:
        """Of the picture and of each smaller map."""
        sides = [self.shape[1]]
        while sides[-1] > SMALLEST[-1] and sides[-1] % 2 == 0:
            sides.append(sides[-1] // 2)
        return tuple(sides)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each map below the picture, the largest map first."""
        return tuple(self.filters * 2**level for level in range(len(self.sides) - 1))


class DCGAN(GAN, Model):
    """Generator and discriminator of pictures; see the head of this file for the stages.

    Args:
        classes: the names of the data's labels, from which nothing is learnt.
        settings: see `DCGANSettings`; None takes the defaults.
        rng: draws the initial weights, N(0, 0.02).

    Source: Radford, Metz & Chintala, Unsupervised representation learning with deep convolutional
    generative adversarial networks, ICLR 2016.

    >>> model = DCGAN(("any",), DCGANSettings(28, 1, filters=4), rng=np.random.default_rng(0))
    >>> model.sample(3, np.random.default_rng(0)).shape
    (3, 1, 28, 28)
    >>> found = model.predict([np.full((3, 30, 20), 0.5)])[0]
    >>> {name: array.shape for name, array in found.items()}
    {'picture': (1, 28, 28), 'sample': (1, 28, 28), 'realness': ()}
    """

    settings: DCGANSettings

    def __init__(
        self,
        classes: Sequence[str],
        settings: DCGANSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        self.classes = tuple(classes)
        self.settings = own = settings or DCGANSettings()
        self.shape = own.shape
        self.latent = own.latent
        self.generator = Generator(own, rng=rng)
        self.discriminator = Discriminator(own, rng=rng)
        for name, parameter in self.named_parameters():
            if name.endswith("weight") and parameter.data.ndim > 1:
                parameter.data = normal(parameter.shape, rng, std=DEVIATION)

    def real(self, images: Sequence[np.ndarray]) -> Tensor:
        """Images (3, H, W) of any size as the discriminator takes them: (N, C, S, S), -1..1."""
        return self.judged(self.squares(images, "real"))

    def judged(self, squares: np.ndarray) -> Tensor:
        """Squares (N, C, S, S) in 0..1 as the discriminator takes them, in -1..1."""
        return self.on_device(2 * squares.astype(np.float32, copy=False) - 1)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """(n, C, S, S) pictures in 0..1."""
        return self.draw(rng.standard_normal((n, self.latent), dtype=np.float32))

    def draw(self, latents: np.ndarray) -> np.ndarray:
        """The pictures of latent vectors: (N, Z) -> (N, C, S, S) in 0..1."""
        return as_picture(self.generate(latents))

    def realness(self, squares: np.ndarray) -> np.ndarray:
        """The probability that each of the squares (N, C, S, S), 0..1, is real: (N,) float32."""
        return self.probabilities(self.judged(squares))

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """Both losses, of these pictures and as many generated ones.

        They are opponents: their sum is what validation shows, but nothing to descend on.
        `minicv.training.adversarial` trains.

        Args:
            images: each (3, H, W), RGB float in 0..1; sizes may differ.
            targets: not learnt from; may name the images, by "image_id".
            rng: draws the latent vectors; None draws the same ones at every call.

        Raises:
            ValueError: no images, or a wrong one.
        """
        real = self.judged(self.squares(images, "loss", targets))
        rng = np.random.default_rng(0) if rng is None else rng
        judged = self.discriminator(self.generator(self.latents(len(images), rng)))
        return {
            "loss_discriminator": discriminator_loss(self.discriminator(real), judged),
            "loss_generator": generator_loss(judged),
        }

    def run(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        """What the discriminator says of each image, and one sample beside it.

        Returns:
            dictionaries of ``"picture"`` (C, S, S) float32, the square that the discriminator saw;
            ``"realness"`` () float32, its probability that the picture is real; and ``"sample"``
            (C, S, S) float32 in 0..1, whose latent vector a generator draws that the picture seeds.
        """
        results = []
        for start in range(0, len(images), AT_ONCE):
            squares = as_squares(images[start : start + AT_ONCE], *self.shape[1::-1])
            results += self._run_squares(squares, record if start == 0 else SILENT)
        return results

    def _run_squares(self, squares: np.ndarray, record: StageRecorder) -> list[Result]:
        record_input(record, squares.shape[2:], lambda: np.array(as_rgb(squares[0])))

        # 5, 6. Reduce, judge.
        realness = as_probabilities(self.discriminator(self.judged(squares), record))
        said = f"Realness {realness[0]:.2f}\nthe discriminator's probability: it is real"
        record("realness", said, "image", lambda: {"image": np.array(as_rgb(squares[0]))})

        # 1. Draw: each picture seeds its own latent vector.
        draws = [generator_of(own).standard_normal(self.latent, np.float32) for own in squares]
        latents = np.stack(draws)
        record(
            "latent",
            f"Latent vector\n{self.latent} random numbers, which the picture seeds",
            "code",
            lambda: {"code": latents[0]},
        )

        # 2 to 4. Project, enlarge, picture.
        samples = as_picture(to_numpy(self.generator(self.on_device(latents), record).data))
        record(
            "sample",
            "Sample\nthe generator's picture of this vector",
            "image",
            lambda: {"image": np.array(as_rgb(samples[0]))},
        )
        return [
            {"picture": square, "sample": sample, "realness": own}
            for square, sample, own in zip(squares, samples, realness, strict=True)
        ]

    def squares(
        self, images: Sequence[np.ndarray], method: str, targets: Sequence[Target] = ()
    ) -> np.ndarray:
        """Images as squares (N, C, S, S) float32 in 0..1.

        Raises:
            ValueError: there are none, or one is wrong.
        """
        return checked_squares(self, self.shape, images, method, targets)


class Generator(Module):
    """Latent vectors (N, Z) -> pictures (N, C, S, S) in -1..1.

    Args:
        settings: of the model.
        rng: draws the initial weights.
    """

    def __init__(self, settings: DCGANSettings, *, rng: np.random.Generator) -> None:
        self.side, self.top = settings.sides[-1], settings.widths[-1]
        # Where batch norm follows, a bias would be taken away again.
        self.project = Linear(settings.latent, self.top * self.side**2, bias=False, rng=rng)
        self.norm = BatchNorm2d(self.top)
        self.enlarge, self.norms = ModuleList(), ModuleList()
        upwards = settings.widths[::-1]
        for before, after in pairwise(upwards):
            self.enlarge.append(ConvTranspose2d(before, after, 4, 2, 1, bias=False, rng=rng))
            self.norms.append(BatchNorm2d(after))
        self.picture = ConvTranspose2d(upwards[-1], settings.shape[0], 4, 2, 1, rng=rng)

    def forward(self, z: Tensor, record: StageRecorder = SILENT) -> Tensor:
        h = F.reshape(self.project(z), (len(z.data), self.top, self.side, self.side))
        h = self.norm(h, "relu")  # (N, Z) -> (N, top, s, s)
        if record.keep:
            record_features(record, h.data[0], 1, "projected")
        for enlarge, norm in zip(self.enlarge, self.norms, strict=True):
            h = norm(enlarge(h), "relu")  # -> (N, half the channels, twice the side)
            if record.keep:
                record_features(record, h.data[0], 1, f"enlarged_to_{h.shape[2]}")
        return F.tanh(self.picture(h))  # -> (N, C, S, S)


class Discriminator(Module):
    """Pictures (N, C, S, S) in -1..1 -> logits (N,); their sigmoid is the probability of real.

    Args:
        settings: of the model.
        rng: draws the initial weights.
    """

    def __init__(self, settings: DCGANSettings, *, rng: np.random.Generator) -> None:
        widths = settings.widths
        self.first = Conv2d(settings.shape[0], widths[0], 4, 2, 1, rng=rng)
        self.reduce, self.norms = ModuleList(), ModuleList()
        for before, after in pairwise(widths):
            self.reduce.append(Conv2d(before, after, 4, 2, 1, bias=False, rng=rng))
            self.norms.append(BatchNorm2d(after))
        self.judge = Linear(widths[-1] * settings.sides[-1] ** 2, 1, rng=rng)

    def forward(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        side = x.shape[2]
        h = F.leaky_relu(self.first(x), LEAK)  # (N, C, S, S) -> (N, filters, S/2, S/2)
        if record.keep:
            record_features(record, h.data[0], side / h.shape[2], f"reduced_to_{h.shape[2]}")
        for reduce, norm in zip(self.reduce, self.norms, strict=True):
            h = F.leaky_relu(norm(reduce(h)), LEAK)  # -> (N, twice the channels, half the side)
            if record.keep:
                record_features(record, h.data[0], side / h.shape[2], f"reduced_to_{h.shape[2]}")
        return F.reshape(self.judge(F.flatten(h, 1)), (-1,))  # -> (N,)


def as_picture(generated: np.ndarray) -> np.ndarray:
    """-1..1, as tanh gives it, to 0..1.

    >>> as_picture(np.array([-1.0, 0.0, 1.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return np.clip((generated + 1) / 2, 0, 1)
