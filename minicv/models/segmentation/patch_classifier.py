"""The first way to label every pixel: classify the patch around it.

    1. levels    image             -> mirrored on all sides               (3, H + P - 1, W + P - 1)
    2. patches   bordered image    -> the patch around each pixel         (H W, 3, P, P)
    3. features  patches           -> convolutions, fully connected layer (H W, units)
    4. classify  features          -> fully connected layer               (H W, K)

The patches of two neighbouring pixels are nearly the same, and yet everything is computed again for
each. `DensePatchClassifier` gives the same answers by convolutions of the whole image, see
`convolutionalize`:

    1. levels    image             -> mirrored on all sides               (3, H + P - 1, W + P - 1)
    2. features  each level        -> the net with holes                  (units, h, w)
    3. align     each level        -> repeated to the image's size        (units, H, W)
    4. classify  all levels        -> 1x1 convolution                     (K, H, W)

Farabet's form with several ``scales`` runs steps 1 to 3 on each level of a Laplacian pyramid, with
the same weights. Step 4 sees the features of all levels: with 3 scales, a context of 4 P pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.inspection.stage import StageRecorder
from minicv.models.model import Result, Target
from minicv.models.segmentation.convolutionalize import a_trous, convolutionalize
from minicv.models.segmentation.patches import bordered_pyramid, cut_patches, draw_pixels
from minicv.models.segmentation.segmenter import SILENT, Segmenter, SegmenterSettings
from minicv.models.segmentation.upsampling import cut
from minicv.nn import Conv2d, Flatten, Linear, MaxPool2d, Module, ReLU, Sequential

PATCH_BY_PATCH = 1 << 14  # pixels; a larger image would take minutes
_PATCHES_AT_ONCE = 256  # bounds the memory; the result does not depend on it


@dataclass(frozen=True, kw_only=True)
class PatchClassifierSettings(SegmenterSettings):
    """The settings of a `PatchClassifier`; see also `SegmenterSettings`.

    Attributes:
        class_weights: K numbers, how often the loss draws a class, relative to its number of
            pixels; None draws every class that the images contain equally often. See
            `minicv.models.segmentation.patches.draw_pixels`.
        patch_size: P.
        channels: of each convolution.
        kernel_size: of all convolutions.
        units: of the hidden fully connected layer.
        scales: levels of the pyramid; with 1 the patch is cut from the image itself. At level l the
            patch surrounds the cell over the pixel, and a cell is 2ˡ pixels wide.
        patches_per_image: how many the loss draws, on average.

    Raises:
        ValueError: scales or patches_per_image below 1.
    """

    patch_size: int = 46
    channels: tuple[int, ...] = (16, 64)
    kernel_size: int = 7
    units: int = 256
    scales: int = 1
    patches_per_image: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scales < 1 or self.patches_per_image < 1:
            raise ValueError(
                f"PatchClassifierSettings: scales={self.scales}, "
                f"patches_per_image={self.patches_per_image}, expected at least 1"
            )


class PatchClassifier(Segmenter):
    """A ConvNet that tells the class of the centre pixel of a patch; run at every pixel.

    For each of ``channels`` a convolution without padding, ReLU and 2x2 max pooling; then a fully
    connected layer of ``units`` with ReLU, and one of K. With a patch of 46 pixels and two 7x7
    convolutions the maps are those of Farabet et al.: 46, 40, 20, 14, 7 pixels. The classified
    pixel is P // 2 from the top and the left of its patch.

    A prediction for more than `PATCH_BY_PATCH` pixels runs as a `DensePatchClassifier`: the same
    numbers, up to the order of sums, in a thirtieth of the time.

    Attributes:
        features: (R, 3, P, P) -> (R, units), for every scale.
        classifier: (R, scales · units) -> (R, K).

    Args:
        classes: the K names.
        settings: see `PatchClassifierSettings`; None takes the defaults.
        rng: draws the initial weights.

    Raises:
        ValueError: a pooling that would leave out a row of the patch, so that some of its pixels
            are never looked at.

    Source: Farabet, Couprie, Najman & LeCun, Learning hierarchical features for scene labeling
    (TPAMI 2013); Pinheiro & Collobert, Recurrent convolutional neural networks for scene labeling
    (ICML 2014), section 3.1.

    >>> rng = np.random.default_rng(0)
    >>> settings = PatchClassifierSettings(patch_size=8, channels=(4,), kernel_size=3, units=8)
    >>> model = PatchClassifier(("sky", "grass"), settings, rng=rng)
    >>> model.predict([rng.random((3, 5, 7), dtype="float32")])[0]["segmentation"].shape
    (5, 7)
    """

    settings: PatchClassifierSettings

    def __init__(
        self,
        classes: Sequence[str],
        settings: PatchClassifierSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(classes, settings or PatchClassifierSettings())
        inputs = self.settings.scales * self.settings.units
        self.features = _features(self.settings, rng)
        self.classifier = Sequential(Linear(inputs, len(self.classes), rng=rng))
        self.reach, self.step = _reach(self.settings)

    @property
    def patch_net(self) -> Sequential:
        """All layers from a patch to its logits, for a net of one scale: (R, 3, P, P) -> (R, K).

        Raises:
            ValueError: several scales; such a net takes several patches.
        """
        if self.settings.scales > 1:
            raise ValueError(
                "PatchClassifier: patch_net is for one scale, and this model has "
                f"{self.settings.scales}; take features and classifier"
            )
        return Sequential(*self.features, *self.classifier)

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """Softmax cross entropy, the mean over random patches, ``patches_per_image`` · N of them.

        Without any pixel that counts the loss is 0, and so is its gradient.

        Args:
            images, targets: see `Segmenter.loss`.
            rng: draws the patches; None draws the same ones at every call, so that a validation
                loss can be compared between epochs.

        Raises:
            ValueError: see `Segmenter.loss`.
        """
        images = self.checked(images, "loss", targets)
        labels = self._check_targets(images, targets)
        rng = np.random.default_rng(0) if rng is None else rng
        count = self.settings.patches_per_image * len(images)
        positions = draw_pixels(labels, count, rng, self.class_weights)
        patches_of_images = [
            self._cut(self._levels(self._batch([image])[0]), rows, columns)
            for image, (rows, columns) in zip(images, positions, strict=True)
        ]
        xp = xp_of(next(iter(self.parameters())).data)  # the patches go where the weights are
        levels = zip(*patches_of_images, strict=True)  # each level's patches of all images
        patches = [xp.asarray(np.concatenate(level)) for level in levels]
        truth = np.concatenate([own[place] for own, place in zip(labels, positions, strict=True)])
        logits = self._classify(patches)  # (R, 3, P, P) -> (R, K)
        return {"loss_pixels": F.softmax_cross_entropy(logits, xp.asarray(truth))}

    def forward(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        """(N, 3, H, W), normalised -> logits (N, K, H, W); x is a constant, without a gradient."""
        height, width = x.shape[2:]
        everywhere = xp_of(x.data).arange(height * width)
        rows, columns = everywhere // width, everywhere % width
        scores = []
        for pixels in x.data:
            levels = self._levels(pixels)
            parts = [slice(i, i + _PATCHES_AT_ONCE) for i in range(0, len(rows), _PATCHES_AT_ONCE)]
            scores += [self._classify(self._cut(levels, rows[p], columns[p])) for p in parts]
        logits = F.concatenate(scores).reshape(len(x.data), height, width, -1)
        return F.permute(logits, (0, 3, 1, 2))  # (N, H, W, K) -> (N, K, H, W)

    def _segment(
        self, image: np.ndarray, record: StageRecorder, keep_probabilities: bool
    ) -> Result:
        network = self.network_for(image)
        if network is self:
            return super()._segment(image, record, keep_probabilities)
        return network._segment(image, record, keep_probabilities)

    def network_for(self, image: np.ndarray) -> Segmenter:
        """What labels an image (3, H, W): this network patch by patch, or for a larger image the
        same one as convolutions."""
        if self._working_size(image)[0].size <= PATCH_BY_PATCH:
            return self
        return DensePatchClassifier(self)

    def _levels(self, pixels: Array) -> list[Array]:
        return bordered_pyramid(pixels, self.settings.scales, self.settings.patch_size)

    def _cut(self, levels: list[Array], rows: Array, columns: Array) -> list[Array]:
        """The patches (R, 3, P, P) around these pixels of the image, at each level."""
        return [
            cut_patches(level, rows >> number, columns >> number, self.settings.patch_size)
            for number, level in enumerate(levels)
        ]

    def _classify(self, patches: list[Array]) -> Tensor:
        features = [self.features(Tensor(level)) for level in patches]  # each (R, units)
        return self.classifier(F.concatenate(features, dim=1))  # -> (R, K)


class DensePatchClassifier(Segmenter):
    """What a `PatchClassifier` says of every pixel, computed by convolutions of the whole image.

    Its `loss` is the mean over every pixel of the images; `PatchClassifier.loss` draws a sample of
    them (Long et al. 2015, section 3.4).

    Args:
        model: a patch classifier. Its weights are copied, so later training of ``model`` does not
            change the copy. To validate during a training, make a new one: it costs little.

    >>> rng = np.random.default_rng(0)
    >>> settings = PatchClassifierSettings(patch_size=8, channels=(4,), kernel_size=3, units=8)
    >>> slow = PatchClassifier(("sky", "grass"), settings, rng=rng)
    >>> images = [rng.random((3, 10, 7), dtype="float32")]
    >>> fast = DensePatchClassifier(slow).predict(images)[0]["probabilities"]
    >>> bool(np.allclose(fast, slow.predict(images)[0]["probabilities"], rtol=1e-4))
    True
    """

    settings: PatchClassifierSettings

    def __init__(self, model: PatchClassifier) -> None:
        super().__init__(model.classes, model.settings)
        self.mean, self.std = model.mean, model.std
        self.reach, self.step = _reach(model.settings)
        self.most_at_once = 1 << 18  # its maps have ``units`` channels for every pixel
        patch_shape = (3, model.settings.patch_size, model.settings.patch_size)
        self.features = a_trous(convolutionalize(model.features, patch_shape))
        units = model.settings.scales * model.settings.units
        vector_as_map = Sequential(Flatten(), *model.classifier)  # (R, units, 1, 1) -> (R, K)
        self.classifier = convolutionalize(vector_as_map, (units, 1, 1))

    def forward(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        """(N, 3, H, W), normalised -> logits (N, K, H, W); x is a constant, without a gradient."""
        return F.concatenate([self._classify_every_pixel(pixels) for pixels in x.data])

    def _classify_every_pixel(self, pixels: Array) -> Tensor:
        aligned = []
        scales, patch_size = self.settings.scales, self.settings.patch_size
        for number, level in enumerate(bordered_pyramid(pixels, scales, patch_size)):
            features = self.features(Tensor(level[None]))  # -> (1, units, h, w)
            repeated = F.unpool_nearest(features, 2**number)  # pixel i is in cell i >> number
            aligned.append(cut(repeated, pixels.shape[1:]))  # -> (1, units, H, W)
        return self.classifier(F.concatenate(aligned, dim=1))  # -> (1, K, H, W)


def _reach(settings: PatchClassifierSettings) -> tuple[int, int]:
    """Pixels around a place on which its scores depend, and pixels of a cell of the last level."""
    step = 2 ** (settings.scales - 1)
    return (settings.patch_size + 4) * step, step  # the pyramid's own filters see 4 cells


def _features(settings: PatchClassifierSettings, rng: np.random.Generator) -> Sequential:
    patch_size, channels = settings.patch_size, settings.channels
    kernel_size, units = settings.kernel_size, settings.units
    layers: list[Module] = []
    before, size = 3, patch_size
    for width in channels:
        layers += [Conv2d(before, width, kernel_size, rng=rng), ReLU(), MaxPool2d(2, 2)]
        before, size = width, size - kernel_size + 1
        if size < 2 or size % 2:
            raise ValueError(
                f"PatchClassifier: patch_size={patch_size}, kernel_size={kernel_size} leave a map "
                f"of {size}x{size} for a 2x2 pooling, expected an even size; with {len(channels)} "
                f"levels, try {_fitting_sizes(patch_size, len(channels), kernel_size)}"
            )
        size //= 2
    return Sequential(*layers, Flatten(), Linear(before * size**2, units, rng=rng), ReLU())


def _fitting_sizes(patch_size: int, levels: int, kernel_size: int) -> str:
    """The nearest two patch sizes with which the net sees every pixel of a patch."""
    least = 1
    for _ in range(levels):
        least = 2 * least + kernel_size - 1
    step = 2**levels
    below = least + max(0, patch_size - least) // step * step
    return f"{below} or {below + step}"
