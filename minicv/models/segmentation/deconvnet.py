"""DeconvNet: VGG-16 down to one cell, and its mirror image up again (Noh, Hong & Han 2015).

    1. encoder   pixels  -> thirteen convolutions, five poolings with switches   (N, 512, h, w)
    2. fc6, fc7  map     -> a 7x7 and a 1x1 convolution                          (N, 4096, h-6, w-6)
    3. fc6 back  cells   -> a 7x7 transposed convolution                         (N, 512, h, w)
    4. decoder   map     -> five unpoolings by the switches, thirteen transposed
                            convolutions                                         (N, 64, H, W)
    5. score     map     -> a 1x1 convolution                                    (N, K, H, W)

Unpooling puts values back where the encoder's maxima were: the structure of this very image. The
transposed convolutions after it fill in the shape that a class has. Batch normalisation everywhere
is what lets so deep a network train at all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import to_numpy
from minicv.models.backbones import VGG16
from minicv.models.photographs import check_image, resize_image
from minicv.models.segmentation.conv_block import ConvBNReLU, DeconvBNReLU, conv_blocks
from minicv.models.segmentation.cut import cut
from minicv.models.segmentation.proposal_ensemble import (
    Aggregate,
    aggregate_scores,
    proposal_windows,
)
from minicv.models.segmentation.segmenter import Result, Segmenter
from minicv.models.segmentation.switches import unpool
from minicv.models.segmentation.vgg16_encoder import VGG16Encoder
from minicv.nn import Conv2d, ModuleList, evaluating

FC6_SIDE = 7  # cells that one unit of fc6 looks at
LEAST_SIDE = 32 * (FC6_SIDE - 1) + 1  # of an image that leaves so many after five halvings


class DeconvNet(Segmenter):
    """The deconvolution network, 252 million weights at its full width.

    Any image size: poolings round up and the unpoolings come back to the same sizes. A side below
    193 pixels, which would leave fewer than the seven cells that fc6 needs, is padded at the bottom
    or the right with the mean colour, and the logits are cut back. On 224x224, the paper's size,
    fc6 and fc7 are a single cell; on larger images they slide over the map.

    Public weights of VGG-16 with batch normalisation, in torchvision's names, fit the encoder:
    ``minicv.weights.load_published(model.encoder, weights, "vgg16_bn")``.

    Args:
        classes: the K names.
        width: multiplies all numbers of channels; 1 is the paper's network.
        proposal_size: side to which `predict_with_proposals` brings every crop.
        class_weights, min_size, max_size: see `Segmenter`.
        rng: draws the initial weights.

    Raises:
        ValueError: width is not positive, or proposal_size below 1.

    Source: Noh, Hong & Han, Learning deconvolution network for semantic segmentation (ICCV 2015),
    "Architecture" and the table of its detailed configuration.

    >>> model = DeconvNet(("cow", "sky"), width=1 / 64, rng=np.random.default_rng(0)).eval()
    >>> model(Tensor(np.zeros((1, 3, 200, 50), "float32"))).shape
    (1, 2, 200, 50)
    """

    mean = VGG16.mean
    std = VGG16.std

    def __init__(
        self,
        classes: Sequence[str],
        width: float = 1.0,
        proposal_size: int = 224,
        *,
        class_weights: np.ndarray | None = None,
        min_size: int | None = None,
        max_size: int | None = None,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(classes, class_weights=class_weights, min_size=min_size, max_size=max_size)
        if not width > 0 or proposal_size < 1:
            raise ValueError(
                f"DeconvNet: width={width}, proposal_size={proposal_size}; expected a factor above "
                "0 and a side of at least 1"
            )
        self.width, self.proposal_size = width, proposal_size
        self.encoder = VGG16Encoder(width, rng=rng)
        levels = self.encoder.levels
        deep, units = levels[-1][-1], max(1, round(4096 * width))
        self.fc6 = ConvBNReLU(deep, units, FC6_SIDE, padding=0, rng=rng)
        self.fc7 = ConvBNReLU(units, units, 1, rng=rng)
        self.fc6_back = DeconvBNReLU(units, deep, FC6_SIDE, padding=0, rng=rng)
        self.decoder = ModuleList()
        for number, channels in enumerate(levels):
            last = channels[0] if number > 0 else channels[1]  # not down to the three colours
            mirrored = (*channels[:0:-1], last)
            self.decoder.append(conv_blocks(mirrored, block=DeconvBNReLU, rng=rng))
        self.score = Conv2d(levels[0][1], len(self.classes), 1, rng=rng)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), normalised -> logits (N, K, H, W)."""
        height, width = x.shape[2:]
        missing = max(0, LEAST_SIDE - height), max(0, LEAST_SIDE - width)
        if any(missing):
            x = F.pad(x, (0, missing[1], 0, missing[0]))  # 0 is the mean colour
        x, switches = self.encoder(x)  # -> (N, 512, h, w), h = ceil(H / 32)
        x = self.fc7(self.fc6(x))  # -> (N, 4096, h - 6, w - 6)
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

        Each box is cut out, brought to ``proposal_size`` squared, so that a small thing fills the
        network's view, and scored; the scores go back to the size and the place of the box, with
        zeros around. Over all boxes the largest score of each class counts at each pixel, and the
        softmax turns those into probabilities. A misplaced box does little harm: where it finds
        nothing, others say more.

        Args:
            image: (3, H, W), RGB float in 0..1.
            boxes: (R, 4), x1, y1, x2, y2 in pixels: the best proposals, 50 in the paper. One
                without area, or outside of the image, is passed over.
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
            return self._stage3_label(Tensor(logits[None]), size)

    def _score_window(self, image: np.ndarray, window: np.ndarray) -> np.ndarray:
        """Logits (K, h, w) of the h x w pixels in a window."""
        x1, y1, x2, y2 = window.tolist()
        crop = resize_image(image[:, y1:y2, x1:x2], self.proposal_size, self.proposal_size)
        logits = self._stage2_network(self._stage1_batch([crop]))  # (1, K, size, size)
        return to_numpy(F.resize_bilinear(logits, (y2 - y1, x2 - x1)).data[0])
