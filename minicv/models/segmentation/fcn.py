"""Fully convolutional networks: the deep map says what is there, the shallow maps say where.

    1. backbone  pixels                  -> maps at strides 8, 16, 32 (pool3, pool4, fc7)
    2. score     each map                -> 1x1 convolution           (N, K, h, w)
    3. fuse      scores of a coarse map  -> enlarged twofold, plus those of the next finer map
    4. enlarge   scores of stride s      -> transposed convolution    (N, K, H, W)

FCN-32s enlarges the coarsest scores alone, FCN-16s adds those of stride 16 before, FCN-8s also
those of stride 8 (Long, Shelhamer & Darrell 2015, Figure 3).

Alignment: a cell of stride s stands for s x s pixels, and a transposed convolution by f with a
kernel of 2 f and a padding of f/2 places its f x f results exactly over these pixels. So nothing is
shifted. A result is larger than the image only where the last cells reach beyond the image, at the
bottom and the right, and the rest is cut off. (The paper pads the image by 100 and cuts at an
offset from all sides.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.autograd import Tensor
from minicv.inspection.stage import StageRecorder, record_features
from minicv.models.backbones import (
    AlexNetBackbone,
    EfficientNetLite0Backbone,
    ResNet18Backbone,
    ResNet50Backbone,
    SmallBackbone,
    VGG16Backbone,
)
from minicv.models.backbones.backbone import Backbone
from minicv.models.segmentation.segmenter import SILENT, Segmenter, SegmenterSettings
from minicv.models.segmentation.upsampling import cut
from minicv.nn import Conv2d, ConvTranspose2d
from minicv.nn.initializers import bilinear_upsampling, constant

# Pixels beyond a cell of stride 32, on each side, on which the cell depends: see
# `minicv.models.segmentation.large_photographs`. The enlargements add less than two cells.
REACHES: dict[type[Backbone], int] = {
    SmallBackbone: 91,
    AlexNetBackbone: 200,
    VGG16Backbone: 186,
    ResNet18Backbone: 217,
    ResNet50Backbone: 213,
    EfficientNetLite0Backbone: 425,
}


class FCNSettings(SegmenterSettings):
    """The settings of an FCN: those of every segmenter. See `SegmenterSettings`."""


class _FCN(Segmenter):
    """The backbone and the scores of its deepest map, which all three forms have."""

    settings: FCNSettings

    def __init__(
        self,
        backbone: Backbone,
        classes: Sequence[str],
        settings: FCNSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(classes, settings or FCNSettings())
        if backbone.strides != (8, 16, 32):
            raise ValueError(
                f"{type(self).__name__}: the backbone has maps of strides {backbone.strides}, "
                "expected (8, 16, 32)"
            )
        self.mean, self.std = backbone.mean, backbone.std
        self.backbone = backbone
        self.step = backbone.strides[-1]
        if type(backbone) in REACHES:
            self.reach = REACHES[type(backbone)] + 2 * self.step
        self.score_fr = self._score(2, rng)
        self._build(rng)

    def _build(self, rng: np.random.Generator) -> None:
        raise NotImplementedError(f"{type(self).__name__}: _build is not written")

    def _maps(self, x: Tensor, record: StageRecorder) -> tuple[Tensor, Tensor, Tensor]:
        """(N, 3, H, W) -> (N, C, H/8, W/8), (N, C, H/16, W/16), (N, C, H/32, W/32)."""
        pool3, pool4, fc7 = self.backbone(x)
        for features, stride in zip((pool3, pool4, fc7), self.backbone.strides, strict=True):
            record_features(record, features.data[0], stride, f"feature_map_{stride}")
        return pool3, pool4, fc7

    def _score(self, level: int, rng: np.random.Generator) -> Conv2d:
        """1x1 convolution, zero at first: no class is preferred, and a skip changes nothing."""
        layer = Conv2d(self.backbone.out_channels[level], len(self.classes), 1, rng=rng)
        assert layer.bias is not None
        for parameter in (layer.weight, layer.bias):
            parameter.data = constant(parameter.shape, 0)
        return layer

    def _upscore(self, factor: int, rng: np.random.Generator, learned: bool) -> ConvTranspose2d:
        """Enlarges the scores; bilinear interpolation at first, or for good."""
        count, size = len(self.classes), 2 * factor
        layer = ConvTranspose2d(
            count, count, size, stride=factor, padding=factor // 2, bias=False, rng=rng
        )
        layer.weight.data = bilinear_upsampling(layer.weight.shape)
        return layer.requires_grad_(learned)


class FCN32s(_FCN):
    """One stream: the scores of stride 32, enlarged at once.

    Args:
        backbone: pixels to feature maps of strides 8, 16 and 32; brings its normalisation.
        classes: the K names.
        settings: see `SegmenterSettings`; None takes the defaults.
        rng: without effect on the weights: score layers start at 0, and enlargements are bilinear.

    Raises:
        ValueError: a backbone with maps of other strides.

    >>> from minicv.models.backbones import SmallBackbone
    >>> rng = np.random.default_rng(0)
    >>> model = FCN32s(SmallBackbone(4, (8, 16, 32), rng=rng), ("sky", "grass"), rng=rng)
    >>> result = model.predict([rng.random((3, 45, 70), dtype="float32")])[0]
    >>> result["segmentation"].shape, result["probabilities"].shape
    ((45, 70), (2, 45, 70))
    """

    def _build(self, rng: np.random.Generator) -> None:
        self.upscore = self._upscore(32, rng, learned=False)

    def forward(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        _, _, fc7 = self._maps(x, record)
        score = self.score_fr(fc7)  # (N, C, H/32, W/32) -> (N, K, H/32, W/32)
        return cut(self.upscore(score), x.shape[2:])  # -> (N, K, H, W)


class FCN16s(_FCN):
    """Two streams: the scores of stride 32, enlarged, plus those of stride 16. See `FCN32s`.

    The paper starts from a trained FCN-32s: ``load_state_dict(state, strict=False)`` takes over the
    layers of the same names. The new score layer starts at 0, so that at first nothing is added.
    """

    def _build(self, rng: np.random.Generator) -> None:
        self.score_pool4 = self._score(1, rng)
        self.upscore2 = self._upscore(2, rng, learned=True)
        self.upscore16 = self._upscore(16, rng, learned=False)

    def forward(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        _, pool4, fc7 = self._maps(x, record)
        at16 = self.score_pool4(pool4)  # (N, C, H/16, W/16) -> (N, K, H/16, W/16)
        score = self.score_fr(fc7)  # -> (N, K, H/32, W/32)
        score = cut(self.upscore2(score), at16.shape[2:]) + at16  # -> (N, K, H/16, W/16)
        return cut(self.upscore16(score), x.shape[2:])  # -> (N, K, H, W)


class FCN8s(_FCN):
    """Three streams: the fused scores of `FCN16s`, enlarged, plus those of stride 8. See `FCN32s`.

    The two enlargements between the streams are learned; the last one stays bilinear (Long et al.
    2015, section 4.3).
    """

    def _build(self, rng: np.random.Generator) -> None:
        self.score_pool4 = self._score(1, rng)
        self.score_pool3 = self._score(0, rng)
        self.upscore2 = self._upscore(2, rng, learned=True)
        self.upscore_pool4 = self._upscore(2, rng, learned=True)
        self.upscore8 = self._upscore(8, rng, learned=False)

    def forward(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        pool3, pool4, fc7 = self._maps(x, record)
        at16 = self.score_pool4(pool4)  # (N, C, H/16, W/16) -> (N, K, H/16, W/16)
        at8 = self.score_pool3(pool3)  # -> (N, K, H/8, W/8)
        score = self.score_fr(fc7)  # -> (N, K, H/32, W/32)
        score = cut(self.upscore2(score), at16.shape[2:]) + at16  # -> (N, K, H/16, W/16)
        score = cut(self.upscore_pool4(score), at8.shape[2:]) + at8  # -> (N, K, H/8, W/8)
        return cut(self.upscore8(score), x.shape[2:])  # -> (N, K, H, W)
