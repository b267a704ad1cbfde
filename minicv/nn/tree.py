"""The text of a module: its parts as a tree, one line each, with the sizes of their parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from minicv.autograd import Tensor

if TYPE_CHECKING:
    from minicv.nn.module import Module


class Row(NamedTuple):
    """A line of the tree.

    Attributes:
        text: what the part is, indented by its depth.
        shapes: of its own parameters, "8×3×3×3 + 8"; "" for a module that holds others.
        parameters: of the part with all inside it, each once.
    """

    text: str
    shapes: str
    parameters: Sequence[Tensor]


def tree(module: Module) -> str:
    """What `repr` shows of a module.

    A module that holds no others is written as it is made. Of another, each part has a line, under
    its name and indented by its depth: what it is; the shapes of its parameters, weight and bias,
    whose products add up to their number; the number itself, which for a module that holds others
    counts each parameter in there once. "frozen" marks what has no parameter that learns. Buffers
    are not counted.

    >>> import numpy as np
    >>> from minicv.nn import Linear, ReLU, Sequential
    >>> rng = np.random.default_rng(0)
    >>> hidden = Sequential(Linear(9, 8, bias=False, rng=rng), ReLU())
    >>> print(Sequential(hidden.requires_grad_(False), Linear(8, 3, rng=rng)))
    Sequential                                                           99 parameters, 72 frozen
      (0): Sequential                                                    72 frozen
        (0): Linear(in_features=9, out_features=8, bias=False)  8×9      72 frozen
        (1): ReLU()
      (1): Linear(in_features=8, out_features=3, bias=True)     3×8 + 3  27
    """
    if next(module.children(), None) is None:
        return _constructor(module)
    rows = list(_rows(module, label="", depth=0))
    if not rows[0].parameters:
        return "\n".join(row.text for row in rows)
    width = max(len(row.text) for row in rows if row.parameters)
    across = max(len(row.shapes) for row in rows)
    digits = len(_number(rows[0].parameters))
    first, *lines = (_line(row, width, across, digits) for row in rows)
    first = f"{first.removesuffix(' frozen')} parameters"
    frozen = [parameter for parameter in rows[0].parameters if not parameter.requires_grad]
    if frozen:
        first += f", {_number(frozen)} frozen"
    return "\n".join([first, *lines])


def shapes_of(parameters: Iterable[Tensor]) -> str:
    """Their shapes as a sum of products.

    >>> from minicv.nn import Parameter
    >>> shapes_of([Parameter([[1.0, 2.0, 3.0]]), Parameter([1.0])])
    '1×3 + 1'
    """
    return " + ".join("×".join(map(str, each.shape)) or "1" for each in parameters)


def _rows(module: Module, label: str, depth: int) -> Iterator[Row]:
    indent = "  " * depth
    own = list(module.own_parameters())
    children = list(module.named_children())
    everything = list(module.parameters())
    if not children:
        parameters = [parameter for _, parameter in own]
        yield Row(f"{indent}{label}{_constructor(module)}", shapes_of(parameters), everything)
        return
    extra = module.extra_repr()
    kind = f"{type(module).__name__}({extra})" if extra else type(module).__name__
    yield Row(f"{indent}{label}{kind}", "", everything)
    for name, parameter in own:
        yield Row(f"{indent}  ({name}): Parameter", shapes_of([parameter]), [parameter])
    for name, child in children:
        yield from _rows(child, f"({name}): ", depth + 1)


def _line(row: Row, width: int, across: int, digits: int) -> str:
    if not row.parameters:
        return row.text
    frozen = "" if any(parameter.requires_grad for parameter in row.parameters) else " frozen"
    number = _number(row.parameters)
    return f"{row.text:<{width}}  {row.shapes:<{across}}  {number:>{digits}}{frozen}"


def _number(parameters: Iterable[Tensor]) -> str:
    return f"{sum(parameter.data.size for parameter in parameters):,}"


def _constructor(module: Module) -> str:
    return f"{type(module).__name__}({module.extra_repr()})"
