"""torchvision's FCN: a ResNet that keeps its maps fine, two convolutions, one enlargement.

    1. batch    image    -> normalised pixels                              (1, 3, H, W)
    2. features pixels   -> a dilated ResNet-50, stride 8                  (1, 2048, H/8, W/8)
    3. scores   features -> 3x3 convolution to 512, 1x1 convolution to K   (1, K, H/8, W/8)
    4. enlarge  scores   -> bilinear, to the size of the image             (1, K, H, W)
    5. label    scores   -> the class with the highest                     (H, W)

`FCN8s` gets back from shallower maps what strides have lost. This network does not lose it: from
stride 8 on it spreads kernels instead of halving maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.inspection.stage import StageRecorder, record_features
from minicv.models.backbones.resnet import DilatedResNet50
from minicv.models.segmentation.segmenter import SILENT, Segmenter, SegmenterSettings
from minicv.nn import BatchNorm2d, Conv2d, Dropout, ReLU, Sequential
from minicv.nn.fusion import conv_bn_relu

HIDDEN = 512  # channels between the two convolutions, a quarter of those of the features


@dataclass(frozen=True, kw_only=True)
class FCNResNet50Settings(SegmenterSettings):
    """The settings of every segmenter, at the size that published weights were trained for."""

    min_size: int | None = 520
    max_size: int | None = 1333


class FCNResNet50(Segmenter):
    """A dilated ResNet-50 with a score for every class and cell, enlarged to the image.

    Args:
        classes: the K names.
        settings: see `SegmenterSettings`; None takes the published size, 520 pixels on the shorter
            side.
        rng: draws the weights. Published ones come with `minicv.models.load`.

    Source: Long et al., Fully Convolutional Networks, 2015; layers and names of torchvision's
    ``fcn_resnet50``, without the second head that helped its training.

    >>> model = FCNResNet50(("sky", "grass"), rng=np.random.default_rng(0)).eval()
    >>> model(Tensor(np.zeros((1, 3, 33, 40), "float32"))).shape
    (1, 2, 33, 40)
    """

    def __init__(
        self,
        classes: Sequence[str],
        settings: FCNResNet50Settings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(classes, settings or FCNResNet50Settings())
        self.backbone = DilatedResNet50(rng=rng)
        self.mean, self.std = self.backbone.mean, self.backbone.std
        self.step = self.backbone.stride
        features = self.backbone.out_channels
        self.classifier = Sequential(
            Conv2d(features, HIDDEN, 3, padding=1, bias=False, rng=rng),
            BatchNorm2d(HIDDEN),
            ReLU(),
            Dropout(0.1, rng=rng),
            Conv2d(HIDDEN, len(self.classes), 1, rng=rng),
        )

    def forward(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        features = self.backbone(x)  # (N, 3, H, W) -> (N, 2048, H/8, W/8)
        record_features(record, features.data[0], self.step)
        convolution, norm, _, drop, score = self.classifier
        assert isinstance(convolution, Conv2d) and isinstance(norm, BatchNorm2d)
        hidden = conv_bn_relu(features, convolution, norm, activation="relu")  # (N, 512, ...)
        scores = score(drop(hidden))  # -> (N, K, H/8, W/8)
        height, width = x.shape[2:]
        return F.resize_bilinear(scores, (height, width))  # -> (N, K, H, W)
