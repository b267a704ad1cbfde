"""The patch classifier as one recorded network.

`minicv.models.segmentation.DensePatchClassifier` makes its pyramid of arrays, one image at a time,
because no gradient is needed there. Here the same steps are operations on the whole batch, so that
they are recorded and can be exported: a mirrored border is an index, halving is four slices and
sums.
"""

from __future__ import annotations

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.models.segmentation.patch_classifier import DensePatchClassifier
from minicv.models.segmentation.upsampling import cut


def patch_scores(model: DensePatchClassifier, x: Tensor) -> Tensor:
    """(N, 3, H, W), normalised -> logits (N, K, H, W), as ``model`` gives them.

    >>> from minicv.models.segmentation import PatchClassifier, PatchClassifierSettings
    >>> rng = np.random.default_rng(0)
    >>> settings = PatchClassifierSettings(patch_size=8, channels=(4,), kernel_size=3, units=8)
    >>> model = DensePatchClassifier(PatchClassifier(("sky", "grass"), settings, rng=rng))
    >>> x = Tensor(rng.random((2, 3, 10, 7), dtype="float32"))
    >>> bool(np.allclose(patch_scores(model, x).data, model(x).data, rtol=1e-4, atol=1e-6))
    True
    """
    size, patch_size = x.shape[2:], model.settings.patch_size
    aligned = []
    for number, level in enumerate(_laplacian_pyramid(x, model.settings.scales)):
        before = patch_size // 2
        after = patch_size - 1 - before
        bordered = _mirrored(_mirrored(level, 2, before, after), 3, before, after)
        features = model.features(bordered)  # -> (N, units, h, w)
        repeated = F.unpool_nearest(features, 2**number) if number else features
        aligned.append(cut(repeated, size))  # -> (N, units, H, W)
    joined = F.concatenate(aligned, dim=1) if len(aligned) > 1 else aligned[0]
    return model.classifier(joined)  # -> (N, K, H, W)


def _laplacian_pyramid(x: Tensor, levels: int) -> list[Tensor]:
    """See `minicv.models.segmentation.patches.laplacian_pyramid`."""
    pyramid = []
    for _ in range(levels - 1):
        height, width = x.shape[2:]
        smaller = _halved(_halved(x, 2), 3)  # (N, 3, H, W) -> (N, 3, H/2, W/2)
        h, w = smaller.shape[2:]
        expanded = F.resize_bilinear(smaller, (2 * h, 2 * w))
        pyramid.append(x - cut(expanded, (height, width)))
        x = smaller
    return [*pyramid, x]


def _halved(x: Tensor, axis: int) -> Tensor:
    """(1, 3, 3, 1) / 8 at every second place of an axis."""
    length = x.shape[axis]
    half = -(-length // 2)
    padded = _mirrored(x, axis, 1, 1 + length % 2)
    before = (slice(None),) * axis
    far, near, near_too, far_too = (
        padded[(*before, slice(tap, tap + 2 * half - 1, 2))] for tap in range(4)
    )
    return (far + far_too + 3.0 * (near + near_too)) / 8.0


def _mirrored(x: Tensor, axis: int, before: int, after: int) -> Tensor:
    """The axis with a border that mirrors it, the outermost rows included."""
    places = np.pad(np.arange(x.shape[axis]), (before, after), mode="symmetric")
    return x[(*(slice(None),) * axis, places)]
