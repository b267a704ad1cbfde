"""What a network looked at: effective receptive fields, and Grad-CAM.

**Effective receptive field.** The gradient of one unit with respect to every pixel says how much
each pixel could change it. In the middle of the theoretical field there are many paths from a pixel
to the unit, at the rim there is one, so the gradients fall off like a bell, and the effective field
grows only with the root of the number of layers (Luo et al. 2016).

**Grad-CAM.** A map A of C channels says what is where. How much the class needs channel c is the
mean of its gradient, and the map of the class is the sum of the channels with these weights::

    α_c = 1/(h w) Σ_ij ∂score / ∂A_cij        L_ij = max(0, Σ_c α_c A_cij)

Where the scores are a linear layer of the channels' means, ∂score / ∂A_cij = w_c / (h w), and L is
the class activation map of Zhou et al. 2016, up to the factor 1/(h w) (Selvaraju et al. 2017).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.autograd import Tensor, grad
from minicv.autograd.backward import results_by_order
from minicv.backend import to_numpy, xp_of
from minicv.inspection.stage import StageRecorder
from minicv.models.classification.image_classifier import ImageClassifier
from minicv.models.detection import FasterRCNN, FastRCNN
from minicv.models.photographs import normalised_batch
from minicv.models.segmentation.segmenter import Segmenter
from minicv.nn import Module, evaluating


def effective_receptive_field(
    output: Tensor,
    image: Tensor,
    row: int | None = None,
    column: int | None = None,
    channel: int | None = None,
) -> np.ndarray:
    """How much each pixel of an image bears on one cell of a map, |∂ cell / ∂ pixel|.

    It is that of this image, where ReLUs and poolings let through what they do; Luo et al. average
    it over many images and initial weights.

    Args:
        output: (1, C, h, w), computed from ``image``.
        image: (1, 3, H, W), a leaf that requires a gradient, or any result on the way.
        row, column: of the cell; the middle one by default.
        channel: the gradient of this channel, by default of the sum of all.

    Returns:
        (H, W), sums over the colours.

    Raises:
        ValueError: shapes other than these, or a cell that is not on the map.
        RuntimeError: see `minicv.autograd.grad`.

    Source: Luo, Li, Urtasun & Zemel, Understanding the effective receptive field in deep
    convolutional neural networks, NIPS 2016, section 3.

    >>> from minicv import functional as F
    >>> image = Tensor(np.zeros((1, 1, 1, 9)), requires_grad=True)
    >>> ones = np.ones((1, 1, 1, 3))
    >>> twice = F.conv2d(F.conv2d(image, ones, padding=(0, 1)), ones, padding=(0, 1))
    >>> effective_receptive_field(twice, image).tolist()
    [[0.0, 0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.0, 0.0]]
    """
    if output.ndim != 4 or image.ndim != 4 or len(output) != 1:
        raise ValueError(
            f"effective_receptive_field: output={output.shape}, image={image.shape}; expected the "
            "map of one image, (1, C, h, w) and (1, 3, H, W)"
        )
    _, channels, height, width = output.shape
    row = height // 2 if row is None else row
    column = width // 2 if column is None else column
    if not (0 <= row < height and 0 <= column < width and 0 <= (channel or 0) < channels):
        raise ValueError(
            f"effective_receptive_field: cell ({row}, {column}) of channel {channel} is not on the "
            f"map of {height} × {width} cells and {channels} channels"
        )
    arriving = xp_of(output.data).zeros(output.shape, output.dtype)
    arriving[0, slice(None) if channel is None else channel, row, column] = 1
    (gradient,) = grad(output, image, arriving, retain_graph=True)
    return np.abs(to_numpy(gradient[0])).sum(axis=0)


def grad_cam(score: Tensor, features: Tensor) -> np.ndarray:
    """Where a map speaks for a score: the class's own map, at the resolution of ``features``.

    Args:
        score: one number, the class score before any softmax.
        features: (1, C, h, w), from which the score was computed.

    Returns:
        (h, w) from 0 on; only ratios mean something.

    Raises:
        ValueError: features of another shape.
        RuntimeError: see `minicv.autograd.grad`; the graph is kept, for the next class.

    Source: Selvaraju et al., Grad-CAM: Visual explanations from deep networks via gradient-based
    localization, ICCV 2017, equations 1 and 2.

    >>> features = Tensor([[[[0.0, 4.0]], [[2.0, 0.0]]]], requires_grad=True)
    >>> score = 3.0 * features[0, 0].mean() - features[0, 1].mean()
    >>> grad_cam(score, features).tolist()  # the weights are 1.5 and -0.5
    [[0.0, 6.0]]
    """
    if features.ndim != 4 or len(features) != 1:
        raise ValueError(
            f"grad_cam: features={features.shape}; expected the map of one image, (1, C, h, w)"
        )
    (gradient,) = grad(score, features, retain_graph=True)
    return _class_map(to_numpy(gradient[0]), to_numpy(features.data[0]))


def _class_map(gradient: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Both (C, h, w) -> (h, w)."""
    weights = gradient.mean(axis=(1, 2))  # (C,)
    return np.maximum(np.tensordot(weights, features, axes=1), 0)


def last_map(result: Tensor) -> Tensor:
    """The last map (N, C, h, w) of more than one cell from which a result was computed.

    Raises:
        ValueError: there is none.

    >>> x = Tensor(np.ones((1, 2, 3, 3)), requires_grad=True)
    >>> last_map((x * 2.0).mean(dim=(2, 3)).sum()).shape
    (1, 2, 3, 3)
    """
    for tensor in results_by_order(result, {}):
        if tensor.ndim == 4 and tensor.shape[2] * tensor.shape[3] > 1:
            return tensor
    raise ValueError("last_map: no map (N, C, h, w) of several cells leads to this result")


def classifier_grad_cam(
    model: ImageClassifier, square: np.ndarray, labels: Sequence[int]
) -> list[np.ndarray]:
    """`grad_cam` of some classes of a classifier, on the last map before the scores.

    Args:
        model: any classifier. Nothing in it changes.
        square: (3, S, S), RGB in 0..1, what the network sees: the image of the stage "input".
        labels: 0..K-1.

    Returns:
        (h, w) for each label.

    >>> from minicv.models.backbones import SmallBackbone
    >>> from minicv.models.classification import Classifier, ClassifierSettings
    >>> rng = np.random.default_rng(0)
    >>> settings = ClassifierSettings(size=32)
    >>> model = Classifier(SmallBackbone(4, rng=rng), ("cow", "duck"), settings, rng=rng)
    >>> [heat.shape for heat in classifier_grad_cam(model, np.ones((3, 32, 32), "float32"), [1])]
    [(4, 4)]
    """
    with evaluating(model):
        scores = model.scores(network_input(model, square, model.mean, model.std))
        features = last_map(scores)
        return [grad_cam(scores[0, label], features) for label in labels]


def detection_grad_cam(
    model: FasterRCNN | FastRCNN,
    image: np.ndarray,
    regions: Sequence[int],
    labels: Sequence[int],
) -> list[tuple[np.ndarray, int]]:
    """`grad_cam` of the class of some detections, on the map from which their regions are pooled.

    The system runs once more, as `Model.predict` does. Where a backbone has several maps, the one
    on which a region's score depends is taken. Cells that the region does not touch have no part
    in the score, and are 0.

    Args:
        model: a Fast or a Faster R-CNN, or what builds on it. Nothing in it changes.
        image: (3, H, W), RGB in 0..1, as the model is given it.
        regions: of each detection the number of its region.
        labels: of each detection, 0..K-1.

    Returns:
        for each detection (h, w), and pixels of the resized image per cell.

    Raises:
        ValueError: a region that there is not.
    """
    with evaluating(model), model.capture("backbone", "box_predictor") as captured:
        images, record = [image.astype(np.float32, copy=False)], StageRecorder(keep=False)
        if isinstance(model, FasterRCNN):
            model.detect_in_batch(images, record)  # without masks and key points
        else:
            model.run(images, record)
    maps, (logits, _) = captured["backbone"][0], captured["box_predictor"][-1]
    found = []
    for region, label in zip(regions, labels, strict=True):
        if not 0 <= region < len(logits):
            raise ValueError(
                f"detection_grad_cam: region {region} of {len(logits)}; expected one of the "
                "regions that the head saw"
            )
        score = logits[region, label + 1]  # the background comes first
        behind = {id(tensor) for tensor in results_by_order(score, {})}
        heats = []
        for own, stride in zip(maps, model.backbone.strides, strict=True):
            if id(own) not in behind:
                continue
            gradient = to_numpy(grad(score, own, retain_graph=True)[0][0])  # (C, h, w)
            touched = (gradient != 0).any(axis=0)
            heats.append((_class_map(gradient, to_numpy(own.data[0])) * touched, stride))
        found.append(max(heats, key=lambda pair: float(pair[0].max(initial=0))))
    return found


def segmenter_fields(
    model: Segmenter, image: np.ndarray, spots: Sequence[tuple[int, int, int]]
) -> list[np.ndarray]:
    """`effective_receptive_field` of some class scores of a segmenter.

    Args:
        model: any but a patch classifier, whose field is its patch. Nothing in it changes.
        image: (3, H, W), RGB in 0..1, what the network sees: the image of the stage "input".
        spots: row, column and class 0..K-1 of each.

    Returns:
        (H, W) for each.
    """
    with evaluating(model):
        x = network_input(model, image, model.mean, model.std)
        logits = model.forward(x)
        return [effective_receptive_field(logits, x, *spot) for spot in spots]


def side_of_half(heat: np.ndarray, row: int, column: int) -> int:
    """The side of the smallest square around a pixel that has half of all influence.

    Args:
        heat: (H, W), from 0 on.
        row, column: of the pixel.

    Returns:
        an odd number of pixels, or the longer side of the image where that is less.

    >>> heat = np.array([[0.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 0.0]])
    >>> side_of_half(heat, 1, 1), side_of_half(heat, 0, 0)
    (3, 3)
    """
    total = heat.sum()
    sums = np.pad(heat.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    for reach in range(max(heat.shape)):
        top, left = max(0, row - reach), max(0, column - reach)
        bottom, right = (
            min(n, at + reach + 1) for n, at in zip(heat.shape, (row, column), strict=True)
        )
        inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        if 2 * inside >= total:
            return 2 * reach + 1
    return max(heat.shape)


def in_blocks(heat: np.ndarray, block: int) -> np.ndarray:
    """Sums of squares of ``block`` pixels; the last ones of a row or column may be smaller.

    >>> in_blocks(np.arange(12.0).reshape(3, 4), 2).tolist()
    [[10.0, 18.0], [17.0, 21.0]]
    """
    down = np.add.reduceat(heat, np.arange(0, heat.shape[0], block), axis=0)
    return np.add.reduceat(down, np.arange(0, heat.shape[1], block), axis=1)


def network_input(
    model: Module, image: np.ndarray, mean: Sequence[float], std: Sequence[float]
) -> Tensor:
    """An image as a network takes it, where its weights are, as a leaf with a gradient.

    >>> from minicv.nn import Conv2d
    >>> net = Conv2d(3, 1, 1, rng=np.random.default_rng(0))
    >>> x = network_input(net, np.full((3, 1, 1), 0.75), [0.5] * 3, [0.25] * 3)
    >>> x.tolist(), x.requires_grad
    ([[[[1.0]], [[1.0]], [[1.0]]]], True)
    """
    pixels = normalised_batch([image], mean, std)
    xp = xp_of(next(iter(model.parameters())).data)
    return Tensor(xp.asarray(pixels), requires_grad=True)
