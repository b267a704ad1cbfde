"""One worked case for each differentiable operation, for the tests that hold for all of them.

A case says how to call the operation, on which numbers, and two facts about it: in which inputs it
is linear (there the adjoint identity must hold), and whether it needs a hand-written kernel or is
plain array mathematics that runs on any device.

Whoever adds a Function adds a case; `test_every_operation_has_a_case` names those that have none.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicv import Function, Tensor, functional
from minicv import functional as F


@dataclass(frozen=True)
class OperationCase:
    """``apply(*inputs, *constants)`` is one call of an operation.

    Attributes:
        name: the operation, and what is special about this case.
        apply: takes a Tensor for each input and an array for each constant.
        inputs: float64 arrays away from kinks and ties; the gradient is tested for each.
        constants: labels, masks, boxes and the like, on the same device as the inputs.
        linear: the inputs in which the operation is linear.
        needs_kernel: forward or backward calls `kernels_of`.
        same_everywhere: whether every device gives the same; dropout draws on each in its own way.
    """

    name: str
    apply: Callable[..., Tensor]
    inputs: tuple[np.ndarray, ...]
    constants: tuple[np.ndarray, ...] = ()
    linear: tuple[int, ...] = ()
    needs_kernel: bool = False
    same_everywhere: bool = True

    def operation(self, *tensors: Tensor) -> Tensor:
        """The call with the constants filled in: what gradcheck and adjoint_check take."""
        return self.apply(*tensors, *self.constants)

    @property
    def function(self) -> type[Function]:
        """The Function subclass whose backward this case tests."""
        return type(self.operation(*[Tensor(x, requires_grad=True) for x in self.inputs]).creator)

    def __str__(self) -> str:
        return self.name


def all_functions() -> set[type[Function]]:
    """Every Function subclass defined in a module of minicv.functional."""
    found = set()
    for module_info in pkgutil.iter_modules(functional.__path__):
        module = importlib.import_module(f"minicv.functional.{module_info.name}")
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, Function)
                and value.__module__ == module.__name__
            ):
                found.add(value)
    return found


def spread(*shape: int, seed: int = 0) -> np.ndarray:
    """Values within ±1 in random order, evenly spaced: no two are near each other or near 0."""
    size = int(np.prod(shape))
    steps = np.random.default_rng(seed).permutation(size)
    return ((2 * steps + 0.8) / size - 1).reshape(shape)


def positive(*shape: int, seed: int = 0) -> np.ndarray:
    """Values within 0.5..2.5, for operations that need them positive."""
    return 1.5 + spread(*shape, seed=seed)


def _case(
    name: str, apply: Callable[..., Tensor], *inputs: np.ndarray, **facts: Any
) -> OperationCase:
    return OperationCase(name, apply, inputs, **facts)


X, Y = spread(3, 4), spread(3, 4, seed=1)
ROW = spread(4, seed=2)  # broadcasts against X
MAPS = spread(2, 3, 5, 6)  # (N, C, H, W)
CHANNELS = spread(3, seed=3)
LABELS = np.array([1, 3, 0])  # one for each row of X
SIGNS = np.where(Y > 0, 1.0, -1.0)
BOXES = np.array([[0.3, 0.2, 4.1, 3.7], [1.2, 1.1, 5.6, 4.8], [2.2, 0.4, 3.1, 4.6]])
IMAGE_OF_BOX = np.array([0, 1, 1])
SWITCHES = np.array([[[[0, 3], [13, 23]], [[7, 4], [12, 17]]]])  # flat positions in 4 x 6

ELEMENTWISE = [
    _case("add", F.add, X, ROW),
    _case("subtract", F.subtract, X, ROW),
    _case("multiply", F.multiply, X, ROW, linear=(0, 1)),
    _case("divide", F.divide, X, positive(4), linear=(0,)),
    _case("negative", F.negative, X, linear=(0,)),
    _case("power by a number", lambda x: F.power(x, 2.5), positive(3, 4)),
    _case("power", F.power, positive(3, 4), ROW),
    _case("exp", F.exp, X),
    _case("log", F.log, positive(3, 4)),
    _case("sqrt", F.sqrt, positive(3, 4)),
    _case("abs", F.abs, X),
    _case("clip", lambda x: F.clip(x, -0.5, 0.6), X),
    _case("maximum", F.maximum, X, ROW),
    _case("minimum", F.minimum, X, ROW),
    _case("where", lambda x, y, chosen: F.where(chosen, x, y), X, ROW, constants=(Y > 0,)),
    _case("relu", F.relu, X),
    _case("leaky_relu", lambda x: F.leaky_relu(x, 0.1), X),
    _case("relu6", F.relu6, 8 * X),
    _case("elu", lambda x: F.elu(x, 0.6), X),
    _case("gelu", F.gelu, 3 * X, needs_kernel=True),
    _case("gelu by tanh", lambda x: F.gelu(x, "tanh"), 3 * X),
    _case("prelu", F.prelu, X, ROW),
    _case("prelu with one slope", F.prelu, X, np.array([0.3])),
    _case("sigmoid", F.sigmoid, X),
    _case("silu", F.silu, 3 * X),
    _case("tanh", F.tanh, X),
    _case(
        "dropout",
        lambda x: F.dropout(x, 0.4, rng=np.random.default_rng(0)),
        X,
        linear=(0,),
        needs_kernel=True,
        same_everywhere=False,
    ),
]

SHAPES_AND_SUMS = [
    _case("sum", lambda x: F.sum(x, dim=1), MAPS, linear=(0,)),
    _case("mean", lambda x: F.mean(x, dim=(0, 2), keepdim=True), MAPS, linear=(0,)),
    _case("max", lambda x: F.max(x, dim=2), MAPS),
    _case("max_with_indices", lambda x: F.max_with_indices(x, dim=2).values, MAPS),
    _case("min", lambda x: F.min(x, dim=(1, 3)), MAPS),
    _case("min_with_indices", lambda x: F.min_with_indices(x, 0, keepdim=True).values, X),
    _case("norm", lambda x: F.norm(x, dim=(1, 2)), MAPS),
    _case("norm, p = 1", lambda x: F.norm(x, 1, 1), X),
    _case("norm, p = 2.5", lambda x: F.norm(x, 2.5, 0), X),
    _case("norm, p = infinity", lambda x: F.norm(x, np.inf, 1, keepdim=True), X),
    _case("std", lambda x: F.std(x, dim=(0, 3)), MAPS),
    _case("var", lambda x: F.var(x, dim=1, correction=0, keepdim=True), X),
    _case("squeeze", lambda x: F.squeeze(x[None], 0), X, linear=(0,)),
    _case("unsqueeze", lambda x: F.unsqueeze(x, 1), X, linear=(0,)),
    _case("reshape", lambda x: F.reshape(x, (4, 3)), X, linear=(0,)),
    _case("permute", lambda x: F.permute(x, (1, 3, 2, 0)), MAPS, linear=(0,)),
    _case("concatenate", lambda x, y: F.concatenate([x, y], dim=1), X, spread(3, 2)),
    _case("stack", lambda x, y: F.stack([x, y], dim=1), X, Y),
    _case("pad", lambda x: F.pad(x, (1, 2, 0, 1)), X, linear=(0,)),
    _case("getitem by slices", lambda x: F.getitem(x, (slice(1, None), 2)), X, linear=(0,)),
    _case(
        "getitem by numbers that repeat",
        lambda x, rows: F.getitem(x, rows),
        X,
        constants=(np.array([2, 0, 2]),),
        linear=(0,),
        needs_kernel=True,
    ),
]

PRODUCTS = [
    _case("matmul", F.matmul, spread(2, 3, 4), spread(4, 5), linear=(0, 1)),
    _case("linear", F.linear, X, spread(5, 4), spread(5)),
    _case("linear without bias", F.linear, X, spread(5, 4), linear=(0, 1)),
    _case(
        "conv2d",
        lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1),
        *(MAPS, spread(4, 3, 3, 2), spread(4)),
        needs_kernel=True,
    ),
    _case(
        "conv2d in groups without bias",
        lambda x, w: F.conv2d(x, w, dilation=(1, 2), groups=3),
        *(MAPS, spread(6, 1, 3, 2)),
        linear=(0, 1),
        needs_kernel=True,
    ),
    _case(
        "conv2d with padding same",
        lambda x, w: F.conv2d(x, w, padding="same", dilation=(1, 3)),
        *(MAPS, spread(4, 3, 3, 2)),
        linear=(0, 1),
        needs_kernel=True,
    ),
    _case(
        "conv_norm_relu",
        lambda x, w, a, b, y: F.conv_norm_relu(x, w, a, b, y, "relu", padding=(1, 0)),
        *(MAPS, spread(4, 3, 3, 2), spread(4), spread(4)),
        spread(MAPS.shape[0], 4, MAPS.shape[2], MAPS.shape[3] - 1),
        needs_kernel=True,
    ),
    _case(
        "conv_norm_relu without a step",
        lambda x, w: F.conv_norm_relu(x, w, stride=2),
        *(MAPS, spread(4, 3, 3, 2)),
        linear=(0, 1),
        needs_kernel=True,
    ),
    _case(
        "conv_transpose2d",
        lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1),
        *(MAPS, spread(3, 4, 3, 2), spread(4)),
        needs_kernel=True,
    ),
    _case(
        "conv_transpose2d without bias",
        lambda x, w: F.conv_transpose2d(x, w, stride=(1, 2)),
        *(MAPS, spread(3, 4, 3, 2)),
        linear=(0, 1),
        needs_kernel=True,
    ),
]

POOLING_AND_UPSAMPLING = [
    _case("max_pool2d", lambda x: F.max_pool2d(x, 3, 2, padding=1), MAPS, needs_kernel=True),
    _case(
        "avg_pool2d",
        lambda x: F.avg_pool2d(x, 3, 2, padding=1, count_include_pad=False),
        MAPS,
        linear=(0,),
        needs_kernel=True,
    ),
    _case(
        "adaptive_max_pool2d",
        lambda x: F.adaptive_max_pool2d(x, (3, 4)),
        MAPS,
        needs_kernel=True,
    ),
    _case("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (3, 4)), MAPS, linear=(0,)),
    _case(
        "max_unpool2d",
        lambda x, switches: F.max_unpool2d(x, switches, 2, output_size=(4, 6)),
        spread(1, 2, 2, 2),
        constants=(SWITCHES,),
        linear=(0,),
        needs_kernel=True,
    ),
    _case(
        "unpool_nearest",
        lambda x: F.unpool_nearest(x, (2, 3)),
        MAPS,
        linear=(0,),
        needs_kernel=True,
    ),
    _case("unpool_bed_of_nails", lambda x: F.unpool_bed_of_nails(x, (2, 3)), MAPS, linear=(0,)),
    _case(
        "resize_bilinear",
        lambda x: F.resize_bilinear(x, (7, 4)),
        MAPS,
        linear=(0,),
        needs_kernel=True,
    ),
    _case(
        "roi_pool",
        lambda x, boxes, images: F.roi_pool(x, boxes, images, (2, 3)),
        MAPS,
        constants=(BOXES, IMAGE_OF_BOX),
        needs_kernel=True,
    ),
    _case(
        "roi_align",
        lambda x, boxes, images: F.roi_align(x, boxes, images, (2, 3), sampling_ratio=2),
        MAPS,
        constants=(BOXES, IMAGE_OF_BOX),
        linear=(0,),
        needs_kernel=True,
    ),
]

NORMALISATIONS = [
    _case("softmax", lambda x: F.softmax(x, dim=1), X),
    _case("log_softmax", lambda x: F.log_softmax(x, dim=0), X),
    _case(
        "batch_norm",
        lambda x, w, b: F.batch_norm(x, w, b, training=True),
        *(MAPS, CHANNELS, CHANNELS),
        needs_kernel=True,
    ),
    _case(
        "batch_norm with ReLU",
        lambda x, w, b: F.batch_norm(x, w, b, training=True, activation="relu"),
        *(MAPS, 0.5 + CHANNELS, CHANNELS),
        needs_kernel=True,
    ),
    _case(
        "frozen_batch_norm",
        F.frozen_batch_norm,
        *(MAPS, CHANNELS, CHANNELS),
        constants=(spread(3, seed=4), positive(3, seed=5)),
    ),
    _case("layer_norm", lambda x, w, b: F.layer_norm(x, 4, w, b), X, ROW, ROW),
    _case(
        "layer_norm over maps", lambda x, w: F.layer_norm(x, (5, 6), w), MAPS, spread(5, 6, seed=1)
    ),
    _case(
        "group_norm",
        lambda x, w, b: F.group_norm(x, 2, w, b),
        *(spread(2, 6, 3, 4), spread(6, seed=3), spread(6, seed=4)),
    ),
    _case("instance_norm", F.instance_norm, MAPS),
    _case("local_response_norm", lambda x: F.local_response_norm(x, 2, alpha=0.5), MAPS),
]

LOSSES = [
    _case(
        "softmax_cross_entropy",
        lambda x, labels, weight: F.softmax_cross_entropy(x, labels, weight, reduction="none"),
        X,
        constants=(LABELS, positive(4)),
        needs_kernel=True,
    ),
    _case(
        "softmax_cross_entropy, mean",
        F.softmax_cross_entropy,
        X,
        constants=(LABELS,),
        needs_kernel=True,
    ),
    _case(
        "softmax_cross_entropy with label smoothing",
        lambda x, labels, w: F.softmax_cross_entropy(x, labels, w, label_smoothing=0.3),
        X,
        constants=(LABELS, positive(4)),
        needs_kernel=True,
    ),
    _case("binary_cross_entropy_with_logits", F.binary_cross_entropy_with_logits, X, (Y + 1) / 2),
    _case("multiclass_hinge", F.multiclass_hinge, 3 * X, constants=(LABELS,)),
    _case("binary_hinge, L1", F.binary_hinge, 3 * X, constants=(SIGNS,)),
    _case("binary_hinge, L2", lambda x, t: F.binary_hinge(x, t, "l2"), 3 * X, constants=(SIGNS,)),
    _case("l1_loss", F.l1_loss, X, Y + 0.01),
    _case("l2_loss", F.l2_loss, X, Y),
    _case("smooth_l1", lambda x, y: F.smooth_l1(x, y, beta=0.5, reduction="none"), X, Y),
    _case("kl_divergence", F.kl_divergence, X, Y),
]

CASES = [
    *ELEMENTWISE,
    *SHAPES_AND_SUMS,
    *PRODUCTS,
    *POOLING_AND_UPSAMPLING,
    *NORMALISATIONS,
    *LOSSES,
]
