"""Algorithm 1 of Goodfellow et al. 2014: the two networks of a GAN learn in turn.

    for each step:
        for each of k shares of the batch:                       the discriminator
            1. draw      latent vectors z, as many as the share has examples x
            2. generate  G(z), without gradients: the generator stands still
            3. learn     D down the gradient of -log D(x) - log(1 - D(G(z)))
                                                                 the generator
        4. draw      new latent vectors z
        5. judge     D(G(z)); the discriminator stands still, but gradients pass through it
        6. learn     G down the gradient of -log D(G(z)), or of log(1 - D(G(z)))

Real and generated examples pass through the discriminator apart, so batch normalisation takes the
statistics of either alone, as Radford et al. 2016 did.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import numpy as np

from minicv.autograd import no_grad
from minicv.backend import Array
from minicv.models.generative.gan import (
    GAN,
    GeneratorLoss,
    check_generator_loss,
    discriminator_loss,
    generator_loss,
)
from minicv.nn import Module
from minicv.optim import Optimizer
from minicv.training.divergence import Images, Targets, check_losses
from minicv.training.step import loss_values

_GENERATOR, _DISCRIMINATOR = "generator/", "discriminator/"


class AdversarialStep:
    """One step of the game, with an optimizer for each player.

    Latent vectors come from the generator of numbers that `fit` passes and keeps in its
    checkpoints, so a training that resumes plays the same game.

    Args:
        gan: generator and discriminator; see `minicv.models.generative.gan.GAN`.
        generator_optimizer: of the parameters of ``gan.generator``.
        discriminator_optimizer: of the parameters of ``gan.discriminator``.
        loss: of the generator, ``"non_saturating"`` or ``"minimax"``.
        label_smoothing: of the real labels; see `discriminator_loss`.
        discriminator_steps: k. A batch of the loader is divided into k shares, so its size is k
            times that of the paper's m.

    Attributes:
        model: the GAN.
        steps: finished so far, of the generator.

    Raises:
        ValueError: a loss, a smoothing or a number of steps that is none; when it is called, a
            batch with fewer examples than k.
        DivergenceError: when it is called, a loss is no finite number.

    Source: Goodfellow et al., Generative adversarial nets, 2014, algorithm 1.

    >>> from minicv.models.generative.point_gan import GaussianRing, PointGAN
    >>> from minicv.optim import Adam
    >>> rng = np.random.default_rng(0)
    >>> gan = PointGAN(latent=2, units=8, rng=rng)
    >>> step = AdversarialStep(
    ...     gan, Adam(gan.generator.parameters()), Adam(gan.discriminator.parameters()))
    >>> points = GaussianRing().sample(16, rng)
    >>> sorted(step(points, [{}] * 16, rng)), step.steps
    (['loss_discriminator', 'loss_generator'], 1)
    """

    def __init__(
        self,
        gan: GAN,
        generator_optimizer: Optimizer,
        discriminator_optimizer: Optimizer,
        *,
        loss: GeneratorLoss = "non_saturating",
        label_smoothing: float = 0.0,
        discriminator_steps: int = 1,
    ) -> None:
        check_generator_loss(loss)
        if not 0 <= label_smoothing < 1 or discriminator_steps < 1:
            raise ValueError(
                f"AdversarialStep: label_smoothing={label_smoothing}, "
                f"discriminator_steps={discriminator_steps}; expected a share from 0 to less than "
                "1, and at least one step"
            )
        self.gan = gan
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.loss = loss
        self.label_smoothing = label_smoothing
        self.discriminator_steps = discriminator_steps
        self.steps = 0

    @property
    def model(self) -> Module:
        """The GAN."""
        return self.gan

    @property
    def learning_rate(self) -> float:
        """Of the generator."""
        return float(self.generator_optimizer.param_groups[0]["lr"])

    def __call__(
        self, images: Images, targets: Targets, rng: np.random.Generator
    ) -> dict[str, float]:
        """The losses of this batch; that of the discriminator is the mean of its k steps."""
        k = self.discriminator_steps
        if len(images) < k:
            raise ValueError(
                f"AdversarialStep: a batch of {len(images)} for {k} steps of the discriminator; "
                "expected at least one example for each"
            )
        totals = {"loss_discriminator": 0.0, "loss_generator": 0.0}
        for share in range(k):
            totals["loss_discriminator"] += self.learn_to_judge(images[share::k], rng) / k
        totals["loss_generator"] = self.learn_to_draw(len(images[::k]), rng)
        check_losses(totals, targets, self.learning_rate, self.steps, images)
        self.steps += 1
        return totals

    def learn_to_judge(self, images: Images, rng: np.random.Generator) -> float:
        """A step of the discriminator on these examples and as many generated ones; its loss."""
        gan = self.gan
        with no_grad():
            generated = gan.generator(gan.latents(len(images), rng))  # (m, Z) -> (m, ...)
        of_real = gan.discriminator(gan.real(images))  # (m, ...) -> (m,) logits
        of_generated = gan.discriminator(generated)
        loss = discriminator_loss(of_real, of_generated, self.label_smoothing)
        self.discriminator_optimizer.zero_grad()
        loss.backward()
        self.discriminator_optimizer.step()
        return loss_values({"loss": loss})["loss"]

    def learn_to_draw(self, n: int, rng: np.random.Generator) -> float:
        """A step of the generator on n new examples; its loss."""
        gan = self.gan
        with standing_still(gan.discriminator):
            judged = gan.discriminator(gan.generator(gan.latents(n, rng)))  # (n, Z) -> (n,)
            loss = generator_loss(judged, self.loss)
            self.generator_optimizer.zero_grad()
            loss.backward()
        self.generator_optimizer.step()
        return loss_values({"loss": loss})["loss"]

    def state_dict(self) -> dict[str, Array]:
        """The state of both optimizers, and the number of steps."""
        state = {
            prefix + name: array
            for prefix, optimizer in self._optimizers()
            for name, array in optimizer.state_dict().items()
        }
        return {**state, "steps": np.array(self.steps)}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue where `state_dict` was taken.

        Raises:
            ValueError: the state of another optimizer, or of other parameters.
        """
        for prefix, optimizer in self._optimizers():
            optimizer.load_state_dict(
                {n.removeprefix(prefix): a for n, a in state.items() if n.startswith(prefix)}
            )
        self.steps = int(state["steps"])

    def _optimizers(self) -> tuple[tuple[str, Optimizer], ...]:
        return (
            (_GENERATOR, self.generator_optimizer),
            (_DISCRIMINATOR, self.discriminator_optimizer),
        )


@contextlib.contextmanager
def standing_still(network: Module) -> Iterator[None]:
    """No parameter of the network gets a gradient in this block; gradients pass through it.

    >>> from minicv.nn import Linear
    >>> layer = Linear(1, 1, rng=np.random.default_rng(0))
    >>> with standing_still(layer):
    ...     layer.weight.requires_grad
    False
    >>> layer.weight.requires_grad
    True
    """
    learning = [p for p in network.parameters() if p.requires_grad]
    network.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad = True
