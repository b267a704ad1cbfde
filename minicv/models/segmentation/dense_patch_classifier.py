"""A patch classifier after the step to fully convolutional: the same answer, much sooner.

1. levels    image          -> pyramid, mirrored on all sides    (3, h + P - 1, w + P - 1)
2. features  each level     -> the net with holes                (units, h, w)
3. align     each level     -> repeated to the image's size      (units, H, W)
4. classify  all levels     -> 1x1 convolution                   (K, H, W)
"""

from __future__ import annotations

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import Array
from minicv.models.segmentation.convolutionalize import convolutionalize
from minicv.models.segmentation.cut import cut
from minicv.models.segmentation.every_window import a_trous
from minicv.models.segmentation.patch_classifier import PatchClassifier
from minicv.models.segmentation.patches import bordered_pyramid
from minicv.models.segmentation.segmenter import Segmenter
from minicv.nn import Flatten, Sequential


class DensePatchClassifier(Segmenter):
    """What a `PatchClassifier` says of every pixel, computed by convolutions of the whole image.

    Its `loss` counts every pixel of the images, which is what training on patches samples from
    (Long et al. 2015, section 3.4).

    Args:
        model: a patch classifier; its weights are copied.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> slow = PatchClassifier(("sky", "grass"), patch_size=8, channels=(4,), kernel_size=3,
    ...                        units=8, rng=rng)
    >>> images = [rng.random((3, 10, 7), dtype="float32")]
    >>> fast = DensePatchClassifier(slow).predict(images)[0]["probabilities"]
    >>> bool(np.allclose(fast, slow.predict(images)[0]["probabilities"], rtol=1e-4))
    True
    """

    def __init__(self, model: PatchClassifier) -> None:
        super().__init__(
            model.classes,
            class_weights=model.class_weights,
            min_size=model.min_size,
            max_size=model.max_size,
        )
        self.mean, self.std = model.mean, model.std
        self.patch_size, self.scales = model.patch_size, model.scales
        patch_shape = (3, self.patch_size, self.patch_size)
        self.features = a_trous(convolutionalize(model.features, patch_shape))
        units = model.classifier[0].in_features
        vector_as_map = Sequential(Flatten(), *model.classifier)  # (R, units, 1, 1) -> (R, K)
        self.classifier = convolutionalize(vector_as_map, (units, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), normalised -> logits (N, K, H, W); x is a constant, without a gradient."""
        return F.concatenate([self._classify_every_pixel(pixels) for pixels in x.data])

    def _classify_every_pixel(self, pixels: Array) -> Tensor:
        aligned = []
        for number, level in enumerate(bordered_pyramid(pixels, self.scales, self.patch_size)):
            features = self.features(Tensor(level[None]))  # -> (1, units, h, w)
            repeated = F.unpool_nearest(features, 2**number)  # pixel i lies under cell i >> number
            aligned.append(cut(repeated, pixels.shape[1:]))  # -> (1, units, H, W)
        return self.classifier(F.concatenate(aligned, dim=1))  # -> (1, K, H, W)
