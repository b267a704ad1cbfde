"""The graph behind a tensor as a tree of text: which operations made it, and from what."""

from __future__ import annotations

from minicv.autograd import Tensor


def draw_graph(tensor: Tensor, max_depth: int = 40) -> str:
    """Draw the operations that lead to ``tensor``, the last one on top.

    Each line holds the operation that made a tensor, and the tensor's shape. At the ends stand
    ``leaf``, a tensor whose gradient `backward` will fill, and ``constant``, one without. A tensor
    that is used twice is drawn once; a number in brackets leads back to it.

    Args:
        tensor: the result to explain, before ``backward()`` frees its graph.
        max_depth: where to cut: "…" stands for what lies deeper.

    >>> from minicv.functional.arithmetic import add, multiply
    >>> x = Tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    >>> double = add(x, x)
    >>> print(draw_graph(multiply(double, multiply(double, Tensor([3.0])))))
    Multiply (1, 3)
    ├─ [1] Add (1, 3)
    │  ├─ [2] leaf (1, 3)
    │  └─ see [2]
    └─ Multiply (1, 3)
       ├─ see [1]
       └─ constant (1,)
    """
    numbers = _numbers_of_shared(tensor)
    lines: list[str] = []
    drawn: set[int] = set()
    # A stack instead of recursion: a graph may be deeper than Python's call stack.
    stack = [(tensor, "", "", 0)]  # tensor, its branch, indentation of what is below it, depth
    while stack:
        node, branch, indent, depth = stack.pop()
        number = numbers.get(id(node))
        if id(node) in drawn:
            lines.append(f"{branch}see [{number}]")
            continue
        drawn.add(id(node))
        name = f"[{number}] " if number else ""
        lines.append(f"{branch}{name}{_description(node)}")
        inputs = _inputs(node)
        if inputs and depth == max_depth:
            lines.append(f"{indent}└─ …")
            continue
        children = [
            (child, f"{indent}└─ ", f"{indent}   ", depth + 1)
            if i == len(inputs) - 1
            else (child, f"{indent}├─ ", f"{indent}│  ", depth + 1)
            for i, child in enumerate(inputs)
        ]
        stack.extend(reversed(children))
    return "\n".join(lines)


def _description(tensor: Tensor) -> str:
    creator = tensor.creator
    if creator is None:
        return f"{'leaf' if tensor.requires_grad else 'constant'} {tensor.shape}"
    freed = " (freed by backward)" if creator.freed else ""
    return f"{creator.name} {tensor.shape}{freed}"


def _inputs(tensor: Tensor) -> list[Tensor]:
    """The tensors that ``tensor`` was computed from; optional inputs may have been None."""
    if tensor.creator is None:
        return []
    return [given for given in tensor.creator.inputs if given is not None]


def _numbers_of_shared(root: Tensor) -> dict[int, int]:
    """A number for each tensor that is reached more than once, in the order of the drawing."""
    uses: dict[int, int] = {}  # in the order of the first visit
    stack = [root]
    while stack:
        tensor = stack.pop()
        uses[id(tensor)] = uses.get(id(tensor), 0) + 1
        if uses[id(tensor)] == 1:
            stack.extend(reversed(_inputs(tensor)))
    shared = [key for key, count in uses.items() if count > 1]
    return {key: number for number, key in enumerate(shared, start=1)}
