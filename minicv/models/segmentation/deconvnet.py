"""DeconvNet: VGG-16 down to one cell, and its mirror image up again (Noh, Hong & Han 2015).

    1. encoder   pixels  -> thirteen convolutions, five poolings with switches   (N, 512, h, w)
    2. fc6, fc7  map     -> a 7x7 and a 1x1 convolution                          (N, 4096, h-6, w-6)
    3. fc6 back  cells   -> a 7x7 transposed convolution                         (N, 512, h, w)
    4. decoder   map     -> five unpoolings by the switches, thirteen transposed
                            convolutions                                         (N, 64, H, W)
    5. score     map     -> a 1x1 convolution                                    (N, K, H, W)

Unpooling puts values back where the encoder's maxima were, and so restores the structure of this
image. The transposed convolutions after it fill in the shape of the class. So deep a network trains
only with batch normalisation in every layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import Array, to_numpy
from minicv.inspection.stage import StageRecorder, record_features
from minicv.models.backbones.vgg16 import CONFIGURATION_D, VGG16
from minicv.models.model import Result
from minicv.models.photographs import check_image, resize_image
from minicv.models.segmentation.conv_block import ConvBNReLU, DeconvBNReLU, conv_blocks
from minicv.models.segmentation.segmenter import SILENT, Segmenter, SegmenterSettings
from minicv.models.segmentation.upsampling import Switches, cut, unpool
from minicv.nn import (
    BatchNorm2d,
    Conv2d,
    MaxPool2d,
    Module,
    ModuleList,
    ReLU,
    Sequential,
    conv_bn_relu,
    evaluating,
)
from minicv.vision.boxes import as_float_boxes, clip_boxes_to_image, remove_small_boxes

Aggregate = Literal["max", "mean"]

FC6_SIDE = 7  # cells that one unit of fc6 looks at
LEAST_SIDE = 32 * (FC6_SIDE - 1) + 1  # of an image, for FC6_SIDE cells after five halvings


@dataclass(frozen=True, kw_only=True)
class DeconvNetSettings(SegmenterSettings):
    """The settings of a `DeconvNet`; see also `SegmenterSettings`.

    Attributes:
        width: multiplies all numbers of channels; 1 is the paper's network.
        proposal_size: side to which `DeconvNet.predict_with_proposals` brings every crop.

    Raises:
        ValueError: width is not positive, or proposal_size below 1.
    """

    width: float = 1.0
    proposal_size: int = 224

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.width < np.inf or self.proposal_size < 1:
            raise ValueError(
                f"DeconvNetSettings: width={self.width}, proposal_size={self.proposal_size}; "
                "expected a factor above 0 and a side of at least 1"
            )


class DeconvNet(Segmenter):
    """The deconvolution network, 252 million weights at its full width.

    Any image size: poolings round up and the unpoolings come back to the same sizes. A side below
    193 pixels would leave fewer than the seven cells that fc6 needs. It is padded at the bottom or
    the right with the mean colour, and the logits are cut back. On 224x224, the paper's size,
    fc6 and fc7 are a single cell; on larger images they slide over the map.

    Public weights of VGG-16 with batch normalisation, in torchvision's names, fit the encoder:
    ``minicv.weights.load_published(model.encoder, weights, "vgg16_bn")``.

    Args:
        classes: the K names.
        settings: see `DeconvNetSettings`; None takes the defaults.
        rng: draws the initial weights.

    Source: Noh, Hong & Han, Learning deconvolution network for semantic segmentation (ICCV 2015),
    "Architecture" and the table of its detailed configuration.

    >>> settings = DeconvNetSettings(width=1 / 64)
    >>> model = DeconvNet(("cow", "sky"), settings, rng=np.random.default_rng(0)).eval()
    >>> model(Tensor(np.zeros((1, 3, 200, 50), "float32"))).shape
    (1, 2, 200, 50)
    """

    settings: DeconvNetSettings
    mean = VGG16.mean
    std = VGG16.std

    def __init__(
        self,
        classes: Sequence[str],
        settings: DeconvNetSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(classes, settings or DeconvNetSettings())
        width = self.settings.width
        self.encoder = VGG16Encoder(width, rng=rng)
        levels = self.encoder.levels
        deep, units = levels[-1][-1], max(1, round(4096 * width))
        self.fc6 = ConvBNReLU(deep, units, FC6_SIDE, padding=0, rng=rng)
        self.fc7 = ConvBNReLU(units, units, 1, rng=rng)
        self.fc6_back = DeconvBNReLU(units, deep, FC6_SIDE, padding=0, rng=rng)
        self.decoder = ModuleList()
        for number, channels in enumerate(levels):
            last = channels[0] if number > 0 else channels[1]  # level 0 ends at 64, not at 3
            mirrored = (*channels[:0:-1], last)
            self.decoder.append(conv_blocks(mirrored, block=DeconvBNReLU, rng=rng))
        self.score = Conv2d(levels[0][1], len(self.classes), 1, rng=rng)
        self.step = 32
        one_way = sum((len(own) - 1) * 2**number for number, own in enumerate(levels))
        # fc6 and fc6_back together see 6 cells on each side; the unpoolings see whole blocks.
        self.reach = 2 * one_way + 32 * (FC6_SIDE - 1) + 2 * self.step

    def forward(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        """(N, 3, H, W), normalised -> logits (N, K, H, W)."""
        height, width = x.shape[2:]
        missing = max(0, LEAST_SIDE - height), max(0, LEAST_SIDE - width)
        if any(missing):
            x = F.pad(x, (0, missing[1], 0, missing[0]))  # 0 is the mean colour
        x, switches = self.encoder(x)  # -> (N, 512, h, w), h = ceil(H / 32)
        x = self.fc7(self.fc6(x))  # -> (N, 4096, h - 6, w - 6)
        record_features(record, x.data[0], 32)
        x = self.fc6_back(x)  # -> (N, 512, h, w)
        for deconvolutions in reversed(list(self.decoder)):
            x = deconvolutions(unpool(x, switches.pop()))  # each doubles the map
        return cut(self.score(x), (height, width))  # (N, 64, H, W) -> (N, K, H, W)

    def predict_with_proposals(
        self,
        image: np.ndarray,
        boxes: np.ndarray,
        *,
        aggregate: Aggregate = "max",
        whole_image: bool = True,
    ) -> Result:
        """As `predict` for one image, by an ensemble over proposals.

        Each box is cut out and resized to a square of ``proposal_size``, so that a small object
        fills the network's input. The scores of the square go back to the size and the place of the
        box, with zeros around. At each pixel the largest score of each class over all boxes counts,
        and the softmax turns these scores into probabilities. A misplaced box does little harm,
        because its scores are low and those of other boxes are higher.

        Args:
            image: (3, H, W), RGB float in 0..1.
            boxes: (R, 4), x1, y1, x2, y2 in pixels: the best proposals, 50 in the paper. A box
                without area, or outside of the image, is skipped.
            aggregate: "max", or "mean" over the boxes.
            whole_image: whether the image as a whole is one proposal more. Without it a pixel
                outside of all boxes scores 0 for every class, and the first class is taken: right
                where that is the background.

        Raises:
            ValueError: an image or boxes of the wrong shape, a box that is not finite, or another
                name for ``aggregate``.

        Source: Noh et al. (ICCV 2015), "Aggregating instance-wise segmentation maps".
        """
        with no_grad(), evaluating(self):
            check_image(image, "DeconvNet: image")
            size = image.shape[1:]
            windows = proposal_windows(boxes, size)  # (R, 4)
            if whole_image:
                windows = np.concatenate([[[0, 0, size[1], size[0]]], windows])
            scores = (self._score_window(image, window) for window in windows)
            shape = (len(self.classes), *size)
            logits = aggregate_scores(windows, scores, shape, aggregate)  # (K, H, W)
            return self._label(Tensor(logits[None]), size)

    def _score_window(self, image: np.ndarray, window: np.ndarray) -> np.ndarray:
        """Logits (K, h, w) of the h x w pixels in a window."""
        x1, y1, x2, y2 = window.tolist()
        side = self.settings.proposal_size
        crop = resize_image(image[:, y1:y2, x1:x2], side, side)
        logits = self._network(self._batch([crop]))  # (1, K, size, size)
        return to_numpy(F.resize_bilinear(logits, (y2 - y1, x2 - x1)).data[0])


class VGG16Encoder(Module):
    """Thirteen 3x3 convolutions, each with batch normalisation and ReLU, and five 2x2 poolings.

    (N, 3, H, W) -> (N, 512, ceil(H / 32), ceil(W / 32)), and five `Switches`, that of the largest
    map first. Layer names and numbers are those of torchvision's vgg16_bn.

    Args:
        width: multiplies the channels of every layer; with 1 published weights fit.
        rng: draws the initial weights.

    Attributes:
        levels: for each pooling the channels before it, e.g. (64, 128, 128) for the second: 64 come
            in, and two convolutions give 128 each.

    Source: Simonyan & Zisserman, Very Deep Convolutional Networks, ICLR 2015, Table 1 D.

    >>> encoder = VGG16Encoder(1 / 64, rng=np.random.default_rng(0))
    >>> x, switches = encoder(Tensor(np.zeros((1, 3, 40, 33), "float32")))
    >>> x.shape, [places.size for places in switches]
    ((1, 8, 2, 2), [(40, 33), (20, 17), (10, 9), (5, 5), (3, 3)])
    """

    def __init__(self, width: float = 1.0, *, rng: np.random.Generator) -> None:
        layers: list[Module] = []
        self.levels: list[tuple[int, ...]] = []
        level = [3]
        for full in CONFIGURATION_D:
            if full is None:
                layers.append(MaxPool2d(2, ceil_mode=True, return_indices=True))
                self.levels.append(tuple(level))
                level = level[-1:]
            else:
                level.append(max(1, round(full * width)))
                convolution = Conv2d(level[-2], level[-1], 3, padding=1, rng=rng)
                layers += [convolution, BatchNorm2d(level[-1]), ReLU()]
        self.features = Sequential(*layers)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Switches]]:
        switches = []
        layers = iter(self.features)
        for layer in layers:
            if isinstance(layer, MaxPool2d):
                size = x.shape[2], x.shape[3]
                x, indices = layer(x)  # (N, C, h, w) -> (N, C, ceil(h / 2), ceil(w / 2))
                switches.append(Switches(indices, size))
            else:
                norm, _ = next(layers), next(layers)
                assert isinstance(layer, Conv2d) and isinstance(norm, BatchNorm2d)
                x = conv_bn_relu(x, layer, norm, activation="relu")
        return x, switches


def proposal_windows(boxes: Array, size: tuple[int, int]) -> np.ndarray:
    """The pixels of an image that each box touches, as whole numbers x1, y1, x2, y2, half-open.

    A box without area, or outside of the image, touches none and is left out.

    Args:
        boxes: (R, 4), x1, y1, x2, y2 in pixels.
        size: (H, W) of the image.

    Returns:
        (at most R, 4) int64, on the host.

    Raises:
        ValueError: not (R, 4), or a box that is not finite.

    >>> boxes = np.array([[1.5, 0.0, 3.2, 9.0], [2.0, 1.0, 2.0, 4.0]])
    >>> proposal_windows(boxes, (6, 8)).tolist()
    [[1, 0, 4, 6]]
    """
    boxes = to_numpy(as_float_boxes(boxes, "proposal_windows", "boxes"))
    if not np.isfinite(boxes).all():
        wrong = int(np.argmin(np.isfinite(boxes).all(axis=1)))
        raise ValueError(
            f"proposal_windows: box {wrong} is {boxes[wrong].tolist()}, expected finite numbers"
        )
    boxes = clip_boxes_to_image(boxes, size)
    boxes = boxes[remove_small_boxes(boxes, 0)]
    return np.concatenate([np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])], axis=1).astype(np.int64)


def aggregate_scores(
    windows: np.ndarray,
    scores: Iterable[np.ndarray],
    shape: tuple[int, int, int],
    aggregate: Aggregate = "max",
) -> np.ndarray:
    """P = max over i of Gᵢ, or their mean, at every pixel and for every class.

    Gᵢ are the scores of window i in their place in the image, with zeros outside of the window.

    Args:
        windows: (R, 4), see `proposal_windows`.
        scores: for each window (K, its height, its width); a generator will do.
        shape: (K, H, W) of the result.
        aggregate: "max" or "mean".

    Returns:
        (K, H, W) float32; zeros without any window.

    Raises:
        ValueError: another name for ``aggregate``.

    Source: Noh et al., Learning deconvolution network for semantic segmentation (ICCV 2015),
    "Aggregating instance-wise segmentation maps". The paper has a sum instead of the mean; but many
    boxes cover a pixel, and their sum would make every softmax certain.

    >>> windows = np.array([[0, 0, 2, 1], [1, 0, 3, 1]])
    >>> scores = [np.array([[[1.0, 5.0]]]), np.array([[[2.0, -3.0]]])]
    >>> aggregate_scores(windows, scores, (1, 1, 3)).tolist()
    [[[1.0, 5.0, 0.0]]]
    >>> aggregate_scores(windows, scores, (1, 1, 3), "mean").tolist()
    [[[0.5, 3.5, -1.5]]]
    """
    if aggregate not in get_args(Aggregate):
        raise ValueError(f"aggregate_scores: aggregate is {aggregate!r}, expected 'max' or 'mean'")
    combine = np.maximum if aggregate == "max" else np.add
    total: np.ndarray = np.zeros(shape, np.float32)
    for number, ((x1, y1, x2, y2), inside) in enumerate(zip(windows, scores, strict=True)):
        here = total[:, y1:y2, x1:x2]
        both = inside if number == 0 else combine(here, inside)
        if number > 0 and aggregate == "max":  # outside of this window its score is 0
            np.maximum(total, 0, out=total)
        total[:, y1:y2, x1:x2] = both
    return total if aggregate == "max" else total / np.float32(max(1, len(windows)))
