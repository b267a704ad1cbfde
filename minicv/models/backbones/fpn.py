"""Feature pyramid network: maps of every stride that all know what is in the image (Lin et al. 2017).

A backbone's shallow maps are fine but know only edges and textures; its deep maps know objects but
are coarse. The pyramid brings down to the fine maps what the coarse ones know:

    1. lateral   each map of the body     -> 1x1 convolution to O channels     (N, C_l, h, w) -> (N, O, h, w)
    2. top down  from coarse to fine      -> the coarser map, doubled, is added
    3. output    each sum                 -> 3x3 convolution                   (N, O, h, w)
    4. top       the coarsest output      -> every second cell, a further level for large objects

So a detector looks for small objects on fine maps and for large ones on coarse maps, with the same
weights on all.
"""  # noqa: E501

from __future__ import annotations

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.models.backbones.backbone import Backbone
from minicv.nn import Conv2d, Module, ModuleList
from minicv.nn import initializers as init


class FeaturePyramid(Module):
    """Steps 1 to 3: maps of several strides, fine ones first, to as many maps of O channels.

    Layer names are those of torchvision's published files: ``inner_blocks.l`` and
    ``layer_blocks.l``, l = 0 for the finest map.

    Args:
        in_channels: C of each map of the body.
        out_channels: O.
        rng: draws the initial weights.
    """

    def __init__(
        self, in_channels: tuple[int, ...], out_channels: int, *, rng: np.random.Generator
    ) -> None:
        super().__init__()
        self.inner_blocks = ModuleList(
            [_convolution(channels, out_channels, 1, rng) for channels in in_channels]
        )
        self.layer_blocks = ModuleList(
            [_convolution(out_channels, out_channels, 3, rng) for _ in in_channels]
        )

    def forward(self, maps: tuple[Tensor, ...]) -> list[Tensor]:
        laterals = [block(x) for block, x in zip(self.inner_blocks, maps, strict=True)]  # 1
        merged = [laterals[-1]]
        for lateral in reversed(laterals[:-1]):  # 2
            h, w = lateral.shape[2:]
            above = F.unpool_nearest(merged[0], 2)[:, :, :h, :w]  # (N, O, ceil(h/2), ..) -> h, w
            merged.insert(0, lateral + above)
        return [block(x) for block, x in zip(self.layer_blocks, merged, strict=True)]  # 3


class FPN(Backbone):
    """A feature pyramid on another backbone, the body.

    Its maps have the strides of the body and one more, twice the coarsest. Regions are pooled from
    all but that last one, which only the proposal network needs.

    Args:
        body: a backbone with maps of consecutive strides, such as (4, 8, 16, 32).
        out_channels: O, of every map; the paper has 256.
        rng: draws the initial weights of the pyramid.

    Raises:
        ValueError: the body's strides do not double from one map to the next.

    Source: Lin et al., Feature Pyramid Networks for Object Detection, CVPR 2017, section 3; the
    last level of stride 64: section 4.1, footnote 3.

    >>> from minicv.models.backbones.small import SmallBackbone
    >>> rng = np.random.default_rng(0)
    >>> backbone = FPN(SmallBackbone(4, (8, 16), rng=rng), 24, rng=rng)
    >>> backbone.strides, backbone.region_strides
    ((8, 16, 32), (8, 16))
    >>> [features.shape for features in backbone(Tensor(np.zeros((1, 3, 33, 40), "float32")))]
    [(1, 24, 5, 5), (1, 24, 3, 3), (1, 24, 2, 2)]
    """

    def __init__(
        self, body: Backbone, out_channels: int = 256, *, rng: np.random.Generator
    ) -> None:
        Module.__init__(self)
        finest = body.strides[0]
        if body.strides != tuple(finest * 2**level for level in range(len(body.strides))):
            raise ValueError(
                f"FPN: the body has maps of the strides {body.strides}; expected each to be twice "
                "the one before"
            )
        self.strides = (*body.strides, 2 * body.strides[-1])
        self.out_channels = (out_channels,) * len(self.strides)
        self.mean, self.std = body.mean, body.std
        self.body = body
        self.fpn = FeaturePyramid(body.out_channels, out_channels, rng=rng)

    @property
    def region_strides(self) -> tuple[int, ...]:
        """Strides of the maps that a detector pools regions from: those of the body."""
        return self.body.strides

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        maps = self.fpn(self.body(x))  # (N, 3, H, W) -> (N, O, ceil(H/s), ceil(W/s)) for each s
        top = F.max_pool2d(maps[-1], 1, stride=2)  # 4: every second row and column
        return (*maps, top)


def _convolution(
    channels_in: int, channels_out: int, kernel: int, rng: np.random.Generator
) -> Conv2d:
    """With weights uniform in ±sqrt(3 / inputs of a unit), as torchvision draws them; bias 0."""
    layer = Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, rng=rng)
    bound = (3 / (channels_in * kernel**2)) ** 0.5
    layer.weight.data = init.uniform(layer.weight.shape, rng, -bound, bound)
    assert layer.bias is not None
    layer.bias.data = init.constant(layer.bias.shape, 0.0)
    return layer
