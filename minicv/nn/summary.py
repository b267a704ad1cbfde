"""What the layers of a network do to one input: sizes, parameters and multiply-adds, as a table."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minicv.autograd import Tensor, no_grad
from minicv.backend import xp_of
from minicv.nn.arguments import as_count
from minicv.nn.convolution import Conv2d, ConvTranspose2d
from minicv.nn.evaluating import evaluating
from minicv.nn.linear import Linear
from minicv.nn.module import Module
from minicv.nn.parameter import Parameter


@dataclass
class Layer:
    """A row of the table.

    Attributes:
        name: such as ``layer1.0.conv1``, as in ``state_dict``; "" for the network itself.
        kind: its class.
        output: shape of the result; of several results, or of another kind, a text.
        parameters: its own, not those of modules in it; those counted in a row above do not count.
        multiply_adds: of a convolution or a fully connected layer; of others 0.
        repeated: whether the layer has a row above already.
    """

    name: str
    kind: str
    output: tuple[int, ...] | str
    parameters: int
    multiply_adds: int
    repeated: bool = False


@dataclass
class Summary:
    """The table that `summary` makes; `print` shows it.

    Attributes:
        input: shape of the input.
        layers: in the order in which they ran.
        unused: those with parameters that did not run, with their number of parameters.
        parameters: of the whole network, each once.
        frozen: how many of these do not learn.
        multiply_adds: of all layers together.
    """

    input: tuple[int, ...]
    layers: list[Layer]
    unused: dict[str, int]
    parameters: int
    frozen: int

    @property
    def multiply_adds(self) -> int:
        return sum(layer.multiply_adds for layer in self.layers)

    def __repr__(self) -> str:
        rows = [("layer", "kind", "output", "parameters", "multiply-adds")]
        rows.append(("input", "", str(self.input), "", ""))
        for layer in self.layers:
            parameters = "as above" if layer.repeated else _number(layer.parameters)
            name = layer.name or "(itself)"
            rows.append(
                (name, layer.kind, str(layer.output), parameters, _number(layer.multiply_adds))
            )
        rows += [(name, "", "not run", _number(count), "") for name, count in self.unused.items()]
        total = ("total", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}")
        widths = [max(map(len, column)) for column in zip(*rows, total, strict=True)]
        lines = [_line(row, widths) for row in (*rows, total)]
        rule = "-" * max(map(len, lines))
        shown = [lines[0], rule, *lines[1:-1], rule, lines[-1]]
        if self.frozen:
            shown.append(f"frozen: {self.frozen:,} of the parameters")
        return "\n".join(shown)


def summary(model: Module, input_shape: Sequence[int]) -> Summary:
    """Run ``model`` once and note what each layer returns, in the order in which the layers run.

    A layer is a module that holds no other, or that has parameters of its own. What a ``forward``
    calls as a function, such as ``F.relu``, has no row. A layer that runs twice has two rows; its
    parameters count once.

    A convolution needs (numbers in its result) · (C / groups · KH · KW) multiply-adds, a fully
    connected layer (numbers in its result) · in_features, and a transposed convolution (numbers in
    its input) · (O / groups · KH · KW). The other layers need few, which are not counted.

    The run is in evaluation mode, without gradients, on an input of zeros that has the dtype of the
    parameters and is on the CPU or on CUDA as they are. Nothing in the model changes: no
    statistics, no mode, no generator. While it runs, layers that usually run as one operation run
    one by one (see `minicv.nn.run_conv_relu`). No other thread should use the model meanwhile.

    Args:
        model: anything with a ``forward`` of one input. Of a detector take ``model.backbone``.
        input_shape: shape of that input with its first axis, such as (1, 3, 224, 224).

    Raises:
        TypeError: no module, no shape, or a model without a ``forward`` of one input.
        ValueError: what the layers raise when the shape does not suit them.

    >>> import numpy as np
    >>> from minicv.nn import Flatten, MaxPool2d, Sequential
    >>> rng = np.random.default_rng(0)
    >>> body = Sequential(Conv2d(1, 8, 3, rng=rng), MaxPool2d(2))
    >>> summary(Sequential(body, Flatten(), Linear(392, 10, rng=rng)), (1, 1, 16, 16))
    layer  kind       output          parameters  multiply-adds
    -----------------------------------------------------------
    input             (1, 1, 16, 16)
    0.0    Conv2d     (1, 8, 14, 14)          80         14,112
    0.1    MaxPool2d  (1, 8, 7, 7)
    1      Flatten    (1, 392)
    2      Linear     (1, 10)              3,930          3,920
    -----------------------------------------------------------
    total                                  4,010         18,032
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: model must be a Module but is {_what(model)}")
    shape = _checked_shape(input_shape)
    if type(model).forward is Module.forward and "forward" not in vars(model):
        raise TypeError(
            f"summary: {type(model).__name__} has no forward that could run; give a part that has, "
            "such as model.backbone"
        )
    parameters = list(model.parameters())
    x = Tensor(_zeros(shape, parameters))
    layers: list[Layer] = []
    with no_grad(), evaluating(model), _noted(model, layers):
        model(x)
    counted = {layer.name for layer in layers}
    unused = {
        name: _size(part.own_parameters())
        for name, part in _layers(model)
        if name not in counted and _size(part.own_parameters())
    }
    frozen = sum(p.data.size for p in parameters if not p.requires_grad)
    return Summary(shape, layers, unused, sum(p.data.size for p in parameters), frozen)


def _layers(model: Module) -> Iterator[tuple[str, Module]]:
    for name, part in model.named_modules():
        holds_others = next(part.children(), None) is not None
        if not holds_others or next(part.own_parameters(), None) is not None:
            yield name, part


@contextlib.contextmanager
def _noted(model: Module, layers: list[Layer]) -> Iterator[None]:
    """Within the block each layer adds its row to ``layers`` when it runs."""
    counted: set[int] = set()  # the parameters that have been
    hidden: list[tuple[Module, Any]] = []
    try:
        for name, part in _layers(model):
            hidden.append((part, vars(part).get("forward")))
            vars(part)["forward"] = _noting(name, part, layers, counted)  # hides that of the class
        yield
    finally:
        for part, before in hidden:
            if before is None:
                del vars(part)["forward"]
            else:
                vars(part)["forward"] = before


def _noting(name: str, part: Module, layers: list[Layer], counted: set[int]) -> Callable[..., Any]:
    run = part.forward
    ran = False

    def forward(*inputs: Any, **options: Any) -> Any:
        nonlocal ran
        own = [(key, p) for key, p in part.own_parameters() if id(p) not in counted]
        counted.update(id(parameter) for _, parameter in own)
        layer = Layer(name, type(part).__name__, "", _size(own), 0, repeated=ran)
        ran = True
        layers.append(layer)
        y = run(*inputs, **options)
        layer.output = _described(y)
        layer.multiply_adds = _multiply_adds(part, inputs, y)
        return y

    return forward


def _multiply_adds(part: Module, inputs: tuple[Any, ...], y: Any) -> int:
    if isinstance(part, (Conv2d, Linear)):
        return math.prod(y.shape) * math.prod(part.weight.shape[1:])
    if isinstance(part, ConvTranspose2d):
        return math.prod(inputs[0].shape) * math.prod(part.weight.shape[1:])
    return 0


def _described(y: Any) -> tuple[int, ...] | str:
    if hasattr(y, "shape"):
        return tuple(y.shape)
    if isinstance(y, Mapping):
        return ", ".join(f"{name} {_described(value)}" for name, value in y.items())
    if isinstance(y, (tuple, list)):
        return ", ".join(str(_described(value)) for value in y)
    return type(y).__name__


def _zeros(shape: tuple[int, ...], parameters: Sequence[Parameter]) -> Any:
    for parameter in parameters:
        return xp_of(parameter.data).zeros(shape, parameter.dtype)
    return xp_of().zeros(shape, "float32")


def _checked_shape(input_shape: Any) -> tuple[int, ...]:
    if not isinstance(input_shape, (tuple, list)):
        hint = "; give the shape, x.shape" if hasattr(input_shape, "shape") else ""
        raise TypeError(
            "summary: input_shape must be a tuple, such as (1, 3, 224, 224), but is "
            f"{_what(input_shape)}{hint}"
        )
    return tuple(as_count("summary", "each of input_shape", size) for size in input_shape)


def _what(given: Any) -> str:
    if isinstance(given, type):
        return f"the class {given.__name__}"
    return f"a {type(given).__name__}"


def _size(parameters: Any) -> int:
    return sum(parameter.data.size for _, parameter in parameters)


def _number(value: int) -> str:
    return f"{value:,}" if value else ""


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Words to the left, numbers to the right."""
    aligned = [cell.ljust(width) for cell, width in zip(cells[:3], widths[:3], strict=True)]
    aligned += [cell.rjust(width) for cell, width in zip(cells[3:], widths[3:], strict=True)]
    return "  ".join(aligned).rstrip()
