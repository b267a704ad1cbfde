"""Export: a model of minicv as an ONNX file that runs without minicv.

    1. network    model            -> the part that can be exported                (`network`)
    2. record     random pixels    -> the operations of one forward pass
    3. replay     operations       -> nodes, each an ONNX operator                 (`replay`)
    4. free axes  2 and 3 again at another batch and another size: what is the same each time
                  holds for every batch and every size
    5. write      nodes            -> the file, checked by onnx                    (`onnx_file`)
    6. compare    the file, the model: do they give the same numbers?              (`comparison`)

The input is the picture itself, RGB in 0..1; normalisation is part of the network.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minicv.autograd import Tensor
from minicv.export.comparison import largest_difference
from minicv.export.graph import IMAGE, ExportError, Graph, is_same
from minicv.export.network import Network, network_of
from minicv.export.onnx_file import OPSET, check_opset, onnx_bytes, onnx_package
from minicv.export.replay import replay
from minicv.files import write_whole
from minicv.nn import Module, evaluating

PROBED = (256, 256)  # where neither user nor model names a size: it will do if sizes are free
# Added to height and width: more than any stride, so that all maps change, and of other remainders.
OTHER_SIZES = ((65, 67), (94, 105))


@dataclass(frozen=True)
class Exported:
    """A network that was exported, or can be.

    Attributes:
        graph: its nodes. A length of the image that is free has a name: N, H or W.
        network: of which model, with what mean and std.
        size: (H, W) at which it was recorded; the only one, unless sizes are free.
        difference: from the model's own outputs in onnxruntime, see `largest_difference`; None
            where that is not installed.
    """

    graph: Graph
    network: Network
    size: tuple[int, int]
    difference: float | None = None

    @property
    def any_size(self) -> bool:
        """Whether the image may have any height and width."""
        return "H" in self.graph.shapes[IMAGE]

    @property
    def before(self) -> str:
        """What a user does to a picture before."""
        fixed = _pixels(self.size)
        if self.network.before:
            shape = "of any size" if self.any_size else f"of {fixed}"
            return f"read the picture as RGB, 0 to 1, {shape}: {self.network.before}"
        if self.any_size:
            least = self.network.least_side
            limit = f" from {least} x {least} pixels on" if least > 1 else ""
            best = "" if self.network.size is None else f"; {_pixels(self.network.size)} suit it"
            return f"read the picture as RGB, 0 to 1; any size{limit} will do{best}"
        return f"read the picture as RGB, 0 to 1, and resize it to {fixed}"

    @property
    def after(self) -> str:
        """What the outputs mean, and what is left to the user."""
        return self.network.after


def export_onnx(
    model: Module,
    path: str | Path,
    size: tuple[int, int] | None = None,
    *,
    opset: int = OPSET,
    metadata: Mapping[str, str] | None = None,
) -> Exported:
    """Write a model, or the part of it that can be exported, as an ONNX file.

    The input is called "image": (N, 3, H, W) float32, RGB in 0..1. The file says in its metadata
    the classes, mean and std, and in plain sentences what is left to do before and after.

    Args:
        model: a segmenter, detector, backbone or classifier; it is exported as in evaluation.
        path: of the file, which appears whole or not at all.
        size: (H, W) of the image; None takes the one that suits the model. It matters where the
            network works at one size only.
        opset: version of ONNX's operators, 13 to 21.
        metadata: more texts by name, such as the name of the system.

    Raises:
        ExportError: onnx is not installed, or an operation cannot be exported, see `exported`; or
            onnxruntime is installed and gives other numbers.
        OSError: the file cannot be written.
    """
    check_opset(opset)
    onnx_package()  # before the work, not after it
    result = exported(model, size)
    own = {"before": result.before, "after": result.after, **described(result.network)}
    content = onnx_bytes(result.graph, opset, {**own, **(metadata or {})})
    difference = largest_difference(content, result.network, result.size)
    write_whole(path, content)
    return dataclasses.replace(result, difference=difference)


def exported(model: Module, size: tuple[int, int] | None = None) -> Exported:
    """What `export_onnx` writes, without the package onnx.

    Raises:
        ExportError: an operation without an ONNX operator, and why; a number that was computed from
            the pixels outside of the recorded operations; weights that are not float32; no size,
            where the model needs one.

    >>> from minicv.models.backbones import SmallBackbone
    >>> result = exported(SmallBackbone(4, rng=np.random.default_rng(0)), (32, 32))
    >>> result.graph.shapes["image"], result.graph.nodes[-1].operator
    (('N', 3, 'H', 'W'), 'Relu')
    """
    network = network_of(model)
    _check_dtype(network.module)
    height, width = size or network.size or PROBED
    if min(height, width) < 1:
        raise ExportError(f"size {height} x {width}: expected at least one pixel")
    rng = np.random.default_rng(0)
    graph = larger = record(network, (1, height, width), rng, follows=True)
    free_size = True
    for taller, wider in OTHER_SIZES:
        larger = record(network, (1, height + taller, width + wider), rng, follows=True)
        free_size = free_size and is_same(graph, larger)
        if not free_size:  # then sizes are numbers, which suits more runtimes
            graph = record(network, (1, height, width), rng, follows=False)
            break
    more = record(network, (2, height, width), rng, follows=free_size)
    free_batch = is_same(graph, more)
    if not free_batch and not is_same(
        graph, record(network, (1, height, width), rng, follows=free_size)
    ):
        raise ExportError(
            f"{type(model).__name__} cannot be exported: a part of it is computed from the pixels "
            "in NumPy, outside of the recorded operations, and would be the same for every image"
        )
    if not free_size and size is None and network.size is None:
        raise ExportError(
            f"{type(model).__name__} works at one size of image only; name it as size (height, "
            "width)"
        )
    shapes = {
        name: _shape(name, graph, more if free_batch else graph, larger if free_size else graph)
        for name in graph.shapes
    }
    return Exported(Graph(graph.nodes, graph.constants, shapes), network, (height, width))


def record(
    network: Network, size: tuple[int, int, int], rng: np.random.Generator, *, follows: bool
) -> Graph:
    """The graph of one forward pass with random pixels, normalisation included.

    Args:
        network: what runs.
        size: (N, H, W) of the images.
        rng: draws the pixels.
        follows: see `minicv.export.graph.GraphBuilder`.
    """
    batch, height, width = size
    pixels = rng.random((batch, 3, height, width), np.float32)
    image = Tensor(network.like(pixels), requires_grad=True)
    with evaluating(network.module):
        return replay(image, network.run(image), network.module, follows)


def described(network: Network) -> dict[str, str]:
    """Classes, mean and std as texts, lists in JSON."""
    return {
        "classes": json.dumps(network.classes, ensure_ascii=False),
        "mean": json.dumps(network.mean),
        "std": json.dumps(network.std),
    }


def _pixels(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]} pixels (height x width)"


def _check_dtype(module: Module) -> None:
    for name, parameter in module.named_parameters():
        if parameter.dtype != np.float32:
            raise ExportError(
                f"{name} is {parameter.dtype}, and exported networks compute in float32; write "
                'model.astype("float32")'
            )


def _shape(name: str, graph: Graph, more: Graph, larger: Graph) -> tuple[int | str, ...]:
    """The shape in ``graph``, with names for lengths that differ in the two others."""
    images = graph.shapes[IMAGE], larger.shapes[IMAGE]
    shape: list[int | str] = []
    lengths = zip(graph.shapes[name], more.shapes[name], larger.shapes[name], strict=True)
    for axis, (length, of_more, of_larger) in enumerate(lengths):
        if length != of_more:
            shape.append("N")
        elif length == of_larger:
            shape.append(length)
        elif axis in (2, 3) and (length, of_larger) == tuple(image[axis] for image in images):
            shape.append("HW"[axis - 2])
        else:
            shape.append(f"{name}_{'height' if axis == 2 else 'width' if axis == 3 else axis}")
    return tuple(shape)
