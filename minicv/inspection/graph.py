"""The recorded graph behind a result, as boxes and arrows: every operation, folded where many.

1. walk    result     -> its operations, from the first made to the last
2. fold    operations -> boxes: of a module, or of steps that repeat, where there are too many
3. place   boxes      -> `minicv.inspection.graph_layout`
4. draw    places     -> `minicv.inspection.graph_pictures`
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from minicv.autograd import Function, Tensor, grad
from minicv.autograd.backward import results_by_order
from minicv.backend import Array, to_numpy

Kind = Literal["operation", "group", "leaf"]
Shape = tuple[int, ...]
LONGEST_PATTERN = 12  # operations that repeat together


@dataclass
class Box:
    """One box of the picture.

    Attributes:
        title: of an operation its name, of a group its module's, of a leaf its name.
        kind: what it stands for.
        lines: shapes, parameters and norms, as text.
        operations: how many it stands for.
        seconds: forward and backward, None where nobody measured; see `minicv.autograd.profile`.
    """

    title: str
    kind: Kind
    lines: list[str] = field(default_factory=list)
    operations: int = 1
    seconds: tuple[float | None, float | None] = (None, None)


@dataclass
class RecordedGraph:
    """Attributes:
    boxes: each after all from which an arrow leads to it.
    arrows: pairs of places in ``boxes``, from a result to the operation that takes it.
    operations: in all boxes together.
    """

    boxes: list[Box]
    arrows: list[tuple[int, int]]
    operations: int


@dataclass
class _Step:
    """An operation: what made it, what it made, and the name of the module that it belongs to."""

    function: Function
    result: Tensor
    path: str
    parameters: list[tuple[str, Tensor]]
    norm: float | None = None

    @property
    def signature(self) -> tuple[str, Shape]:
        return self.function.name, self.result.shape


def recorded_graph(
    result: Tensor,
    names: Mapping[str, Tensor] | None = None,
    *,
    most: int = 30,
    gradients: bool = False,
) -> RecordedGraph:
    """The operations from which a result was made, as boxes and arrows.

    Call it before `Tensor.backward`, which frees the graph, or after
    ``backward(retain_graph=True)``; then the norm of each leaf's gradient is shown. Where more than
    ``most`` operations were recorded, those of one module become one box, at the finest level of
    modules that suffices; then steps that repeat three times or more become one box.

    Args:
        result: such as a loss.
        names: of leaves, ``dict(model.named_parameters())``; a name with a dot is that of a
            parameter, and is written in the box of the operation that takes it.
        most: boxes, if folding reaches it.
        gradients: also compute the gradient of ``result`` with respect to the result of each
            operation, and show its norm: where it vanishes, learning ends. Leaves ``.grad`` alone.

    Raises:
        RuntimeError: nothing was recorded, or a backward pass freed the graph; with ``gradients``
            also where ``result`` is no single number.

    >>> import minicv
    >>> w = Tensor([[2.0, 1.0]], requires_grad=True)
    >>> graph = recorded_graph((w * 3.0).relu().sum(), {"w": w})
    >>> [(box.title, box.kind) for box in graph.boxes]
    [('w', 'leaf'), ('Multiply', 'operation'), ('Relu', 'operation'), ('Sum', 'operation')]
    >>> graph.arrows
    [(0, 1), (1, 2), (2, 3)]
    """
    if result.creator is None:
        raise RuntimeError(
            "recorded_graph: no operation was recorded behind this tensor; compute it from a leaf "
            "with requires_grad=True, outside of no_grad()"
        )
    leaves: dict[int, Tensor] = {}
    recorded = results_by_order(result, leaves)[::-1]
    name_of = {id(tensor): name for name, tensor in (names or {}).items()}
    steps = _steps(recorded, name_of)
    if gradients:
        of_results = grad(result, [step.result for step in steps], retain_graph=True)
        for step, gradient in zip(steps, of_results, strict=True):
            step.norm = _norm(gradient)
    parts = _folded(steps, most)
    return _as_boxes(parts, leaves, name_of, len(steps))


def _steps(recorded: Sequence[Tensor], name_of: Mapping[int, str]) -> list[_Step]:
    steps: list[_Step] = []
    path_of: dict[int, str] = {}  # of results
    for tensor in recorded:
        function = tensor.creator
        if function is None:
            continue
        parameters = [
            (name_of[id(each)], each)
            for each in function.inputs
            if each is not None and "." in name_of.get(id(each), "")
        ]
        if parameters:
            path = parameters[0][0].rpartition(".")[0]
        else:  # such as a ReLU: it belongs to what was made last before it
            made = [path_of[id(each)] for each in function.inputs if id(each) in path_of]
            path = made[-1] if made else ""
        path_of[id(tensor)] = path
        steps.append(_Step(function, tensor, path, parameters))
    return steps


@dataclass
class _Part:
    """Steps that one box stands for; ``times`` where they are a pattern that repeats."""

    steps: list[_Step]
    title: str = ""
    times: int = 1


def _folded(steps: list[_Step], most: int) -> list[_Part]:
    """Runs of steps, in the order in which they were made, so that arrows only lead onwards."""
    parts = [_Part([step]) for step in steps]
    deepest = max((step.path.count(".") + 1 for step in steps if step.path), default=0)
    for depth in range(deepest, 0, -1):
        if len(parts) <= most:
            return parts
        parts = _by_module(steps, depth)
    return parts if len(parts) <= most else _by_repetition(parts)


def _by_module(steps: list[_Step], depth: int) -> list[_Part]:
    parts: list[_Part] = []
    label_before = ""
    for step in steps:
        label = ".".join(step.path.split(".")[:depth])
        if parts and label and label == label_before:
            parts[-1].steps.append(step)
        else:
            parts.append(_Part([step], title=label))
        label_before = label
    return parts


def _by_repetition(parts: list[_Part]) -> list[_Part]:
    """The longest stretches of a pattern that comes three times or more, as one part each."""
    signatures = [tuple(step.signature for step in part.steps) for part in parts]
    folded: list[_Part] = []
    at = 0
    while at < len(parts):
        period, times = 1, 1
        for length in range(1, min(LONGEST_PATTERN, (len(parts) - at) // 3) + 1):
            pattern = signatures[at : at + length]
            count = 1
            while signatures[at + count * length : at + (count + 1) * length] == pattern:
                count += 1
            if count >= 3 and count * length > period * times:
                period, times = length, count
        if times == 1:
            folded.append(parts[at])
        else:
            together = parts[at : at + period * times]
            titles = [part.title or part.steps[0].function.name for part in together[:period]]
            every = [step for part in together for step in part.steps]
            folded.append(_Part(every, title=", ".join(titles), times=times))
        at += period * times
    return folded


def _as_boxes(
    parts: Sequence[_Part], leaves: Mapping[int, Tensor], name_of: Mapping[int, str], count: int
) -> RecordedGraph:
    boxes: list[Box] = []
    arrows: dict[tuple[int, int], None] = {}
    box_of: dict[int, int] = {}  # the box that made a tensor, or of a leaf
    for part in parts:
        sources: list[int] = []
        for step in part.steps:
            for tensor in step.function.inputs:
                if tensor is None or "." in name_of.get(id(tensor), ""):
                    continue
                if id(tensor) in leaves and id(tensor) not in box_of:
                    box_of[id(tensor)] = len(boxes)
                    boxes.append(_leaf_box(tensor, name_of.get(id(tensor), "leaf")))
                if id(tensor) in box_of:
                    sources.append(box_of[id(tensor)])
        own = len(boxes)
        boxes.append(_box(part, leaves, name_of))
        box_of.update((id(step.result), own) for step in part.steps)
        arrows.update(((source, own), None) for source in sources if source != own)
    return RecordedGraph(boxes, sorted(arrows), count)


def _leaf_box(leaf: Tensor, name: str) -> Box:
    lines = [shape_text(leaf.shape)]
    if leaf.grad is not None:
        lines.append(f"gradient: norm {_norm(leaf.grad):.3g}")
    return Box(name, "leaf", lines, operations=0)


def _box(part: _Part, leaves: Mapping[int, Tensor], name_of: Mapping[int, str]) -> Box:
    if len(part.steps) > 1:
        return _group_box(part)
    (step,) = part.steps
    function = step.function
    lines, constants = [], []
    for tensor in function.inputs:
        if tensor is None:
            continue
        if "." in name_of.get(id(tensor), ""):
            gradient = "" if tensor.grad is None else f", gradient {_norm(tensor.grad):.3g}"
            lines.append(f"{name_of[id(tensor)]} {shape_text(tensor.shape)}{gradient}")
        elif tensor.creator is None and id(tensor) not in leaves:
            one = tensor.numel() == 1
            constants.append(f"{tensor.item():.4g}" if one else shape_text(tensor.shape))
    if constants:
        lines.append(f"constant{'s' * (len(constants) > 1)} {', '.join(constants)}")
    taken = [
        shape_text(tensor.shape)
        for tensor in function.inputs
        if tensor is not None and (tensor.creator is not None or id(tensor) in leaves)
        if "." not in name_of.get(id(tensor), "")
    ]
    lines.append(f"{', '.join(taken)} → {shape_text(step.result.shape)}".lstrip())
    if step.norm is not None:
        lines.append(f"gradient: norm {step.norm:.3g}")
    seconds = function.forward_seconds, function.backward_seconds
    return Box(function.name, "operation", lines, seconds=seconds)


def _group_box(part: _Part) -> Box:
    """A box for many steps: what they are, what they hold, and what comes out of the last one."""
    kinds = Counter(step.function.name for step in part.steps)
    lines = [f"{len(part.steps)} operations: {_listed(kinds)}"]
    parameters = {id(each): each for step in part.steps for _, each in step.parameters}.values()
    if parameters:
        gradients = [each.grad for each in parameters if each.grad is not None]
        text = f"{sum(each.numel() for each in parameters):,} parameters"
        if gradients:
            text += f", gradient {math.hypot(*map(_norm, gradients)):.3g}"
        lines.append(text)
    last = part.steps[-1]
    lines.append(f"→ {shape_text(last.result.shape)}")
    if last.norm is not None:
        lines.append(f"gradient: norm {last.norm:.3g}")
    title = f"{part.title} × {part.times}" if part.times > 1 else part.title
    functions = [step.function for step in part.steps]
    seconds = (
        _sum(function.forward_seconds for function in functions),
        _sum(function.backward_seconds for function in functions),
    )
    return Box(title, "group", lines, len(part.steps), seconds)


def _listed(kinds: Counter[str], most: int = 3) -> str:
    common = [f"{count} {kind}" for kind, count in kinds.most_common(most)]
    return ", ".join([*common, "…"] if len(kinds) > most else common)


def _sum(seconds: Iterable[float | None]) -> float | None:
    known = [each for each in seconds if each is not None]
    return sum(known) if known else None


def _norm(array: Array) -> float:
    return float(np.linalg.norm(to_numpy(array).ravel().astype(np.float64)))


def shape_text(shape: Shape) -> str:
    """The shape as a product; a number without axes is "1".

    >>> shape_text((1, 3, 224, 224)), shape_text(())
    ('1×3×224×224', '1')
    """
    return "×".join(map(str, shape)) or "1"
