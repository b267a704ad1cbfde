"""What every autoencoder shares: a picture in, a code of few numbers, the picture again.

    1. input    images  -> squares of one size                       (N, C, S, S)
    2. encode   squares -> a code, D numbers for each picture        (N, D)
    3. decode   codes   -> a logit for each pixel                    (N, C, S, S)
    4. output   logits  -> the reconstructions, by a sigmoid         (N, C, S, S)

D is less than the number of pixels, so the network cannot copy: it must find what pictures have in
common. An autoencoder of `minicv.models.generative` writes steps 2 and 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import to_numpy, xp_of
from minicv.inspection.stage import StageRecorder, record_input
from minicv.models.generative.pictures import (
    PictureSettings,
    as_rgb,
    as_squares,
    checked_squares,
)
from minicv.models.model import Model, Result, Target

AT_ONCE = 128  # pictures in one pass of a prediction
SILENT = StageRecorder(keep=False)


@dataclass(frozen=True)
class AutoencoderSettings(PictureSettings):
    """The settings of an autoencoder; see also `PictureSettings`.

    Attributes:
        code: D, numbers of a code.

    Raises:
        ValueError: a code of less than one number.
    """

    code: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.code < 1:
            raise ValueError(f"{type(self).__name__}: code={self.code}; expected at least 1 number")


class PictureAutoencoder(Model):
    """Encoder and decoder, with loss and prediction.

    A subclass writes ``encode`` and ``decode``. The loss is the mean squared error over all pixels.

    Attributes:
        classes: the names of the data's labels, from which nothing is learnt.
        settings: of the subclass.
        shape: (C, S, S) of a square.
        seen_by_decoder: in words, what a reconstruction is made of.

    Args:
        classes, settings: see above.

    >>> from minicv.nn import Linear
    >>> class Two(PictureAutoencoder):
    ...     def __init__(self, settings, *, rng):
    ...         super().__init__(("any",), settings)
    ...         self.down, self.up = Linear(16, 2, rng=rng), Linear(2, 16, rng=rng)
    ...     def encode(self, x):
    ...         return self.down(F.flatten(x, 1))
    ...     def decode(self, code):
    ...         return F.reshape(self.up(code), (-1, 1, 4, 4))
    >>> model = Two(AutoencoderSettings(4, 1, code=2), rng=np.random.default_rng(0))
    >>> found = model.predict([np.full((3, 9, 5), 0.5)])[0]
    >>> {name: array.shape for name, array in found.items()}
    {'picture': (1, 4, 4), 'code': (2,), 'reconstruction': (1, 4, 4)}
    """

    settings: AutoencoderSettings
    seen_by_decoder = "nothing but the code"

    def __init__(self, classes: Sequence[str], settings: AutoencoderSettings) -> None:
        self.classes = tuple(classes)
        self.settings = settings
        self.shape = settings.shape

    def encode(self, x: Tensor) -> Tensor:
        """Squares (N, C, S, S) in 0..1 -> codes (N, D)."""
        raise NotImplementedError(f"{type(self).__name__}: encode is not written")

    def decode(self, code: Tensor) -> Tensor:
        """Codes (N, D), any numbers -> logits (N, C, S, S); their sigmoid is the picture."""
        raise NotImplementedError(f"{type(self).__name__}: decode is not written")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Squares (N, C, S, S) -> codes (N, D) and logits (N, C, S, S)."""
        code = self.encode(x)
        return code, self.decode(code)

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The mean squared error of the reconstructions, over all pixels in 0..1.

        Args:
            images: each (3, H, W), RGB float in 0..1; sizes may differ.
            targets: not learnt from; may name the images, by "image_id".
            rng: for a subclass that draws.

        Raises:
            ValueError: no images, or a wrong one.
        """
        x = self.tensor(self.squares(images, "loss", targets))
        _, logits = self(x)
        return {"loss_reconstruction": F.l2_loss(F.sigmoid(logits), x)}

    def run(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        """Code and reconstruction of each image.

        Returns:
            dictionaries of ``"picture"`` (C, S, S) float32, the square that the network saw,
            ``"code"`` (D,) float32, and ``"reconstruction"`` (C, S, S) float32 in 0..1.
        """
        results = []
        for start in range(0, len(images), AT_ONCE):
            squares = as_squares(images[start : start + AT_ONCE], *self.shape[1::-1])
            results += self.run_squares(squares, record if start == 0 else SILENT)
        return results

    def run_squares(self, squares: np.ndarray, record: StageRecorder) -> list[Result]:
        """`run` of some squares (N, C, S, S) at once."""
        record_input(record, squares.shape[2:], lambda: np.array(as_rgb(squares[0])))
        code, logits = self(self.tensor(squares))
        codes = on_host(code)
        self.record_code(record, codes)
        pictures = on_host(F.sigmoid(logits))
        self.record_reconstruction(record, pictures)
        return [
            {"picture": square, "code": own, "reconstruction": picture}
            for square, own, picture in zip(squares, codes, pictures, strict=True)
        ]

    def record_code(self, record: StageRecorder, codes: np.ndarray) -> None:
        """Record the code of the first picture."""
        caption = f"Code\n{codes.shape[1]} numbers instead of {np.prod(self.shape):,}"
        record("code", caption, "code", lambda: {"code": codes[0]})

    def record_reconstruction(self, record: StageRecorder, pictures: np.ndarray) -> None:
        """Record the first of the reconstructions (N, C, S, S)."""
        record(
            "reconstruction",
            f"Reconstruction\nof {self.seen_by_decoder}",
            "image",
            lambda: {"image": np.array(as_rgb(pictures[0]))},
        )

    def squares(
        self, images: Sequence[np.ndarray], method: str, targets: Sequence[Target] = ()
    ) -> np.ndarray:
        """Images as the network sees them, (N, C, S, S) float32.

        Raises:
            ValueError: there are none, or one is wrong.
        """
        return checked_squares(self, self.shape, images, method, targets)

    def tensor(self, array: np.ndarray) -> Tensor:
        """The array where the weights are."""
        return Tensor(xp_of(next(iter(self.parameters())).data).asarray(array))


def on_host(tensor: Tensor) -> np.ndarray:
    """The numbers of a tensor, float32, in the host's memory.

    >>> on_host(Tensor([0.5])).dtype
    dtype('float32')
    """
    return np.asarray(to_numpy(tensor.data), np.float32)
