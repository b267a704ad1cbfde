"""What to write in place of a name that PyTorch has and minicv has not.

A reader who knows PyTorch types its names. Most of them exist. Where one does not, the error says
what does the same here, instead of only that the name is unknown.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NoReturn

_BY_NUMPY = "it has no gradient here; compute it on the plain array, x.data, with NumPy or CuPy"
_BY_PARTS = "slices do it: x[:, :k] and x[:, k:]"
_CAST = "convert the array: Tensor(x.data.astype('float64'))"
_ON_DEVICE = "move the array: Tensor(minicv.backend.to_device(x.data, 'cuda'))"
_PAIR = "max(dim) and min(dim) give values alone; max_with_indices(dim) has .values and .indices"

METHODS: dict[str, str] = {
    **dict.fromkeys(("cumprod", "cumsum", "median", "prod", "quantile"), _BY_NUMPY),
    **dict.fromkeys(("argsort", "sort", "topk"), _BY_NUMPY),
    **dict.fromkeys(("chunk", "narrow", "split"), _BY_PARTS),
    **dict.fromkeys(("astype", "bool", "byte", "double", "float", "half", "int", "long"), _CAST),
    **dict.fromkeys(("cuda", "device", "get", "is_cuda", "to"), _ON_DEVICE),
    **dict.fromkeys(("indices", "values"), _PAIR),
    **dict.fromkeys(("bmm", "dot", "mm", "mv"), "write x @ y"),
    **dict.fromkeys(("expand", "expand_as"), "operators broadcast by themselves, such as x + y"),
    **dict.fromkeys(("gather", "index_select", "take"), "an index does it: x[numbers]"),
    **dict.fromkeys(("movedim", "swapaxes", "swapdims"), "write x.transpose(dim0, dim1)"),
    **dict.fromkeys(("repeat", "tile"), "write concatenate([x, x], dim)"),
    **dict.fromkeys(("all", "any"), "compare first: (x > 0).any(); a comparison is a plain array"),
    **dict.fromkeys(("clone", "copy"), "a Tensor never changes, so it needs no copy"),
    "add": "write x + y",
    "amax": "write x.max(dim), which gives values alone",
    "amin": "write x.min(dim), which gives values alone",
    "clamp": "write x.clip(min, max)",
    "contiguous": "leave it out: every operation takes every memory layout",
    "cpu": "write x.numpy() for the array in host memory",
    "div": "write x / y",
    "grad_fn": "it is called x.creator here",
    "is_leaf": "ask whether x.creator is None",
    "masked_fill": "write where(mask, value, x)",
    "masked_select": "an index does it: x[mask]",
    "matmul": "write x @ y",
    "mul": "write x * y",
    "ndimension": "write x.dim()",
    "neg": "write -x",
    "nelement": "write x.numel()",
    "pow": "write x ** exponent",
    "register_hook": "there are no hooks; look at .grad of a leaf after backward()",
    "requires_grad_": "write Tensor(x.data, requires_grad=True)",
    "reshape_as": "write x.reshape(y.shape)",
    "retain_grad": "only leaves keep a gradient; make one with Tensor(x.data, requires_grad=True)",
    "square": "write x ** 2",
    "sub": "write x - y",
    "t": "write x.T",
    "type": "write x.dtype",
    "unbind": "iterate over x, or write list(x)",
    "view_as": "write x.reshape(y.shape)",
    "zero_grad": "write optimizer.zero_grad(), or x.grad = None",
}
_NEVER_IN_PLACE = "it never changes in place, so write x = ... with the result"
_FILLS = ("bernoulli_", "exponential_", "fill_", "normal_", "random_", "uniform_", "zero_")
_LOGITS = "it takes the scores, before the sigmoid, and loses no digits"
FUNCTIONS: dict[str, str] = {
    "amax": "write max(x, dim), which gives values alone",
    "amin": "write min(x, dim), which gives values alone",
    "binary_cross_entropy": f"write binary_cross_entropy_with_logits; {_LOGITS}",
    "cat": "write concatenate",
    "clamp": "write clip(x, min, max)",
    "cross_entropy": "write softmax_cross_entropy, with the same arguments by name",
    "huber_loss": "write smooth_l1(input, target, beta) times beta",
    "interpolate": "write resize_bilinear(x, size), or unpool_nearest(x, scale_factor)",
    "kl_div": "kl_divergence is that of a normal distribution from the standard one, for a VAE",
    "mse_loss": "it is called l2_loss here",
    "multi_margin_loss": "write multiclass_hinge",
    "nll_loss": "write softmax_cross_entropy, which takes the scores, before log_softmax",
    "normalize": "write x / norm(x, dim=1, keepdim=True)",
    "one_hot": "write numpy.eye(classes)[labels]",
    "smooth_l1_loss": "it is called smooth_l1 here",
    "swish": "write silu",
    "upsample": "write resize_bilinear(x, size), or unpool_nearest(x, scale_factor)",
}


class Absent:
    """Stands in a class under a name that its instances have not, and says what to write.

    Asked for, it raises `AttributeError`, so that `hasattr` says False. A ``__getattr__`` would
    serve every name, but Python would then take a slower way to every attribute that is there.

    >>> class Box:
    ...     colour = Absent("colour", "a Box has no 'colour'; write box.paint")
    >>> hasattr(Box(), "colour")
    False
    """

    def __init__(self, name: str, message: str) -> None:
        self.name, self.message = name, message

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        raise AttributeError(self.message, name=self.name, obj=instance)


def absent_methods(methods: Collection[str], functions: Collection[str]) -> dict[str, Absent]:
    """By name, what PyTorch's tensors have, or `minicv.functional`, and a Tensor has not.

    Args:
        methods: the names of the operations that a Tensor has.
        functions: the names in minicv.functional.

    >>> absent = absent_methods(["sigmoid"], ["gelu", "sigmoid"])
    >>> absent["cuda"].message
    "a Tensor has no 'cuda'; move the array: Tensor(minicv.backend.to_device(x.data, 'cuda'))"
    >>> absent["gelu"].message
    "a Tensor has no 'gelu'; write minicv.functional.gelu(x)"
    >>> absent["sigmoid_"].message
    "a Tensor has no 'sigmoid_'; it never changes in place, so write x = ... with the result"
    """
    advice = {name: f"write minicv.functional.{name}(x)" for name in {*functions} - {*methods}}
    advice |= METHODS
    in_place = {f"{name}_" for name in {*advice, *methods} if not name.endswith("_")}
    advice = dict.fromkeys(in_place | {*_FILLS}, _NEVER_IN_PLACE) | advice
    return {
        name: Absent(name, f"a Tensor has no {name!r}; {text}") for name, text in advice.items()
    }


def function_advice(name: str) -> str:
    """The message for a function that minicv.functional has not.

    >>> function_advice("mse_loss")
    "minicv.functional has no 'mse_loss'; it is called l2_loss here"
    >>> function_advice("no_such_thing")
    "minicv.functional has no 'no_such_thing'"
    """
    advice = FUNCTIONS.get(name)
    return f"minicv.functional has no {name!r}" + (f"; {advice}" if advice else "")
