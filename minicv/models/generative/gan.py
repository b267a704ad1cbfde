"""A game of two networks: the generator draws, the discriminator tells drawn from real.

    1. draw      z ~ N(0, 1)     latent vectors                            (N, Z)
    2. generate  x̂ = G(z)        as real examples look                     (N, ...)
    3. judge     D(x), D(x̂)      the probability of being real, a logit    (N,)

The discriminator maximises the value of the game, the generator minimises it:

    V(D, G) = E[log D(x)] + E[log(1 - D(G(z)))]

Where the discriminator is the best possible one and drawn examples are distributed as real ones, D
is 1/2 everywhere and V = -2 log 2. `minicv.training.adversarial` plays the game.

Source: Goodfellow et al., Generative adversarial nets, 2014, equation 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import to_numpy, xp_of
from minicv.nn import Module, evaluating

GeneratorLoss = Literal["non_saturating", "minimax"]
AT_ONCE = 256  # examples that are generated in one pass


class GAN(Module):
    """Generator and discriminator.

    A subclass sets ``generator``, ``discriminator`` and ``latent``, and writes ``real``.

    Attributes:
        generator: latent vectors (N, Z) -> examples (N, ...), as the discriminator takes them.
        discriminator: examples (N, ...) -> logits (N,); their sigmoid is the probability that an
            example is real.
        latent: Z.
    """

    generator: Module
    discriminator: Module
    latent: int

    def real(self, images: Sequence[np.ndarray]) -> Tensor:
        """Examples of a data set as the discriminator takes them: (N, ...), on its device."""
        raise NotImplementedError(f"{type(self).__name__}: real is not written")

    def latents(self, n: int, rng: np.random.Generator) -> Tensor:
        """n latent vectors, standard normal numbers: (n, Z), on the generator's device."""
        return self.on_device(rng.standard_normal((n, self.latent), dtype=np.float32))

    def generate(self, latents: np.ndarray) -> np.ndarray:
        """What the generator makes of latent vectors (N, Z), in evaluation mode: (N, ...).

        So each example depends on its own latent vector alone, whatever stands beside it.
        """
        parts = []
        with no_grad(), evaluating(self):
            for start in range(0, max(len(latents), 1), AT_ONCE):
                z = self.on_device(np.asarray(latents[start : start + AT_ONCE], np.float32))
                parts.append(to_numpy(self.generator(z).data))
        return np.concatenate(parts)

    def probabilities(self, examples: Tensor) -> np.ndarray:
        """The discriminator's, that each example is real, in evaluation mode: (N,) float32."""
        with no_grad(), evaluating(self):
            return as_probabilities(self.discriminator(examples))

    def on_device(self, array: np.ndarray) -> Tensor:
        """The array where the weights are."""
        return Tensor(xp_of(next(iter(self.parameters())).data).asarray(array))


def as_probabilities(logits: Tensor) -> np.ndarray:
    """The sigmoid of logits, float32, in the host's memory.

    >>> as_probabilities(Tensor([0.0, 1000.0])).tolist()
    [0.5, 1.0]
    """
    return np.asarray(to_numpy(F.sigmoid(logits).data), np.float32)


def discriminator_loss(real: Tensor, generated: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """-E[log D(x)] - E[log(1 - D(G(z)))], from logits: -V(D, G).

    With one-sided label smoothing s the real examples are to have the probability 1 - s, not 1.
    The discriminator then has no reason for ever larger logits, which leave the generator without
    a gradient. (The generated ones stay at 0: a target above 0 would praise what the generator
    does already.)

    Args:
        real: (N,) logits of real examples.
        generated: (M,) logits of generated ones.
        label_smoothing: s, 0 to less than 1; 0 is the paper's loss.

    Source: Goodfellow 2014, algorithm 1; Salimans et al. 2016, section 3.4, for the smoothing.

    >>> loss = discriminator_loss(Tensor([0.0]), Tensor([0.0]))  # it knows nothing: 2 log 2
    >>> round(loss.item(), 4)
    1.3863
    """
    xp = xp_of(real.data)
    wanted = xp.full(real.shape, 1 - label_smoothing, real.dtype)
    of_real = F.binary_cross_entropy_with_logits(real, wanted)
    none = xp.zeros(generated.shape, generated.dtype)
    return of_real + F.binary_cross_entropy_with_logits(generated, none)


def generator_loss(generated: Tensor, kind: GeneratorLoss = "non_saturating") -> Tensor:
    """What the generator minimises, from the logits l of its examples, with D = σ(l).

    - ``"minimax"``: E[log(1 - D)], the game's own. dL/dl = -D: where the discriminator is sure
      that an example is generated, D is near 0, and so is the gradient.
    - ``"non_saturating"``: -E[log D]. dL/dl = -(1 - D), which is then near -1. It has the same
      fixed point, and pulls hardest where the generator is worst.

    Args:
        generated: (N,) logits.
        kind: which.

    Raises:
        ValueError: another kind.

    Source: Goodfellow 2014, section 3.

    >>> logits = Tensor([-9.0], requires_grad=True)
    >>> generator_loss(logits, "minimax").backward()
    >>> saturated, logits.grad = round(logits.grad.item(), 4), None
    >>> generator_loss(logits).backward()
    >>> saturated, round(logits.grad.item(), 4)
    (-0.0001, -0.9999)
    """
    check_generator_loss(kind)
    xp = xp_of(generated.data)
    if kind == "minimax":
        none = xp.zeros(generated.shape, generated.dtype)
        return -F.binary_cross_entropy_with_logits(generated, none)
    return F.binary_cross_entropy_with_logits(generated, xp.ones(generated.shape, generated.dtype))


def check_generator_loss(kind: Any) -> None:
    """Refuse what is no loss of a generator.

    Raises:
        ValueError: it is another.

    >>> check_generator_loss("minimax")
    """
    if kind not in get_args(GeneratorLoss):
        choices = " or ".join(map(repr, get_args(GeneratorLoss)))
        raise ValueError(f"generator_loss: kind={kind!r}; expected {choices}")


def between(first: np.ndarray, last: np.ndarray, steps: int) -> np.ndarray:
    """A walk from one latent vector to another, along the great circle between their directions.

    Normal latent vectors of many numbers all have about the length √Z. The middle of a straight
    line between two of them is shorter, by a factor of √2, and the generator has seen no such
    vector. Here direction and length change evenly:

        angle θ between a and b, t in 0..1:  (sin((1 - t) θ) â + sin(t θ) b̂) / sin θ

    times the length (1 - t) |a| + t |b|. Vectors that are parallel are walked between straight.

    Args:
        first, last: (Z,), the ends, which belong to the walk.
        steps: vectors, from 2 on.

    Returns:
        (steps, Z) float32.

    Raises:
        ValueError: less than two steps.

    Source: White, Sampling generative networks, 2016, section 2.

    >>> between(np.array([2.0, 0.0]), np.array([0.0, 2.0]), 3).round(3).tolist()
    [[2.0, 0.0], [1.414..., 1.414...], [0.0, 2.0]]
    """
    if steps < 2:
        raise ValueError(f"between: steps={steps}; expected 2 at least, the two ends")
    a, b = np.asarray(first, np.float64), np.asarray(last, np.float64)
    t = np.linspace(0, 1, steps)[:, None]
    straight = (1 - t) * a + t * b
    long_a, long_b = np.linalg.norm(a), np.linalg.norm(b)
    if long_a == 0 or long_b == 0:
        return straight.astype(np.float32)
    angle = np.arccos(np.clip(a @ b / (long_a * long_b), -1, 1))
    if np.sin(angle) < 1e-6:
        return straight.astype(np.float32)
    turned = np.sin((1 - t) * angle) * a / long_a + np.sin(t * angle) * b / long_b
    length = (1 - t) * long_a + t * long_b
    return (turned / np.sin(angle) * length).astype(np.float32)
