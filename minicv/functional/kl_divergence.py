"""How far a diagonal Gaussian is from the standard one: part of the loss of a VAE."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where, product_or_zero, surely_finite, xp_of
from minicv.functional.loss_reduction import (
    Reduction,
    check_reduction,
    grad_of_losses,
    reduce_losses,
)


class KLDivergence(Function):
    def __init__(self, reduction: Reduction) -> None:
        self.reduction = reduction

    def forward(self, mu: Array, logvar: Array) -> Array:
        if mu.shape != logvar.shape or mu.ndim < 1:
            raise ValueError(
                "kl_divergence: mu and logvar must have the same shape (N, D); "
                f"mu={mu.shape}, logvar={logvar.shape}"
            )
        xp = xp_of(mu, logvar)
        self.mu = mu
        self.excess = xp.expm1(logvar)  # σ² - 1, with no digit lost where σ is near 1
        axes = tuple(range(1, mu.ndim))  # (N, D) -> (N,)
        with np.errstate(invalid="ignore"):
            losses = (0.5 * (mu * mu + (self.excess - logvar))).sum(axis=axes)
        if not surely_finite(losses):
            # An infinite variance outweighs its logarithm, but infinity minus infinity is NaN.
            excess = self.excess - kept_where(logvar != np.inf, logvar)
            losses = (0.5 * (mu * mu + excess)).sum(axis=axes)
        return reduce_losses(losses, self.reduction)

    def backward(self, grad: Array) -> tuple[Array, Array]:
        grad_losses = grad_of_losses(grad, self.reduction, len(self.mu))
        if self.reduction == "none":
            grad_losses = grad_losses.reshape(-1, *[1] * (self.mu.ndim - 1))  # (N,) -> (N, 1)
        grad_mu = product_or_zero(self.mu, grad_losses)
        return grad_mu, product_or_zero(0.5 * self.excess, grad_losses)


def kl_divergence(
    mu: Tensor | Array, logvar: Tensor | Array, reduction: Reduction = "mean"
) -> Tensor:
    """KL( N(μ, σ²) ‖ N(0, 1) ) for diagonal Gaussians, one for each sample.

    Forward, for the D latent numbers of one sample, with σ² = exp(logvar):
    loss = ½ Σ_d (μ² + σ² - log σ² - 1), which is 0 only where μ = 0 and σ = 1.
    Gradients: dL/dμ = μ dL/d(loss), dL/d(logvar) = ½ (σ² - 1) dL/d(loss).

    Shapes: mu and logvar are (N, D), or (N, C, H, W) where everything but N is latent; the result
    is one number, or (N,) with ``reduction="none"``. No kinks. Without samples the loss is 0.
    Cost: a few passes.

    Args:
        mu: means.
        logvar: logarithms of the variances, so that any number is allowed.
        reduction: "mean" over samples (never over latent numbers), "sum", or "none".

    Raises:
        ValueError: the shapes differ, or the reduction is unknown.

    Source: Kingma & Welling, Auto-Encoding Variational Bayes, 2014, appendix B.

    >>> kl_divergence(Tensor([[1.0, 2.0]]), Tensor([[0.0, 0.0]])).item()
    2.5
    """
    check_reduction("kl_divergence", reduction)
    return KLDivergence(reduction)(mu, logvar)
