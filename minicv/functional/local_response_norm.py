"""Local response normalisation: AlexNet's competition between neighbouring channels."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of
from minicv.functional.arguments import as_number, check_tensor


class LocalResponseNorm(Function):
    def __init__(self, size: int, alpha: float, beta: float, k: float) -> None:
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, x: Array) -> Array:
        self.x = x
        before, after = self.size // 2, (self.size - 1) // 2
        self.divisor = self.k + (self.alpha / self.size) * _window_sums(x * x, before, after)
        self.power = self.divisor**-self.beta
        return x * self.power

    def backward(self, grad: Array) -> Array:
        # x_j is the numerator of its own output, and a term of D_c for each output c whose window
        # holds j. Those channels c lie in the window around j with its two sides exchanged.
        before, after = (self.size - 1) // 2, self.size // 2
        received = _window_sums(grad * self.x * self.power / self.divisor, before, after)
        factor = 2 * self.alpha * self.beta / self.size
        return grad * self.power - factor * self.x * received


def _window_sums(values: Array, before: int, after: int) -> Array:
    """Sums over channels c - before .. c + after, as far as they exist: (N, C, ...) -> same."""
    channels = values.shape[1]
    sums = xp_of(values).zeros_like(values)
    for offset in range(-min(before, channels), min(after, channels) + 1):
        # sums[c] += values[c + offset] for all c where both exist
        low, high = max(0, -offset), channels - max(0, offset)
        sums[:, low:high] += values[:, low + offset : high + offset]
    return sums


def local_response_norm(
    x: Tensor | Array, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Divide each activation by the strength of its neighbours in other channels.

    Forward, at every pixel on its own: y_c = x_c / D_c^β with D_c = k + α/size · Σ x², summed over
    the ``size`` channels c - size//2 .. c + (size-1)//2 as far as they exist.
    Gradient: dL/dx_j = g_j / D_j^β - 2 α β / size · x_j Σ_c g_c x_c / D_c^(β+1), with g = dL/dy,
    summed over the channels c whose window holds j.

    Shapes: x is (N, C, H, W), or any shape of at least 2 axes with channels second; y as x. An
    empty x gives an empty y. Cost: about size + 4 passes over x; keeps three arrays of its size.

    Args:
        x: activations.
        size: number of channels in a window.
        alpha: strength of the sum. Divided by ``size`` here, as in PyTorch, but not in the paper:
            its n = 5, α = 1e-4, k = 2 are size=5, alpha=5e-4, k=2.
        beta: exponent.
        k: the divisor where all channels of the window are 0; positive.

    Raises:
        ValueError: x has no channel axis, size is below 1, or k is not positive.

    Source: Krizhevsky 2012, ImageNet Classification with Deep CNNs, section 3.3.

    >>> y = local_response_norm(Tensor([[3.0, 4.0]]), size=2, alpha=2.0, beta=0.5, k=1.0)
    >>> y.data.round(4).tolist()  # 3 / √(1 + 9) and 4 / √(1 + 9 + 16)
    [[0.948..., 0.784...]]
    """
    check_tensor("local_response_norm", x)
    numbers = {"size": size, "alpha": alpha, "beta": beta, "k": k}
    for name, value in numbers.items():
        as_number("local_response_norm", name, value)
    if len(x.shape) < 2:
        raise ValueError(
            f"local_response_norm: x must be (N, C) or (N, C, H, W) but has shape {x.shape}"
        )
    if size < 1 or not k > 0:
        raise ValueError(
            f"local_response_norm: size must be at least 1 and k above 0; size={size}, k={k}"
        )
    if size != int(size):
        raise ValueError(f"local_response_norm: size must be a whole number but is {size}")
    return LocalResponseNorm(int(size), float(alpha), float(beta), float(k))(x)
