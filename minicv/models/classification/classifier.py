"""A classifier on any backbone: what is in the image?

    1. input     image        -> a square of S x S pixels, normalised     (N, 3, S, S)
    2. features  pixels       -> the backbone's deepest map               (N, C, S/s, S/s)
    3. pooled    the map      -> its mean, or a fixed grid                (N, C) or (N, C, p, p)
    4. units     the grid     -> two fully connected layers               (N, 4096)
    5. scores    units        -> a score for each class                   (N, K)
    6. order     scores       -> the classes, the best first

The lecture's network is that of Krizhevsky et al. 2012: a grid of features, 4096 units twice, and
from the last 4096 numbers to K class scores. Step 4 is where most of its weights are: fc6 alone has
C p² 4096, of VGG-16 103 million of its 138. Newer networks leave step 4 out and pool the map to a
single cell, its mean; then there is hardly anything to learn by heart, and any size of image will
do. Both heads are here, by ``settings.head``.

A network of convolutions, of which all but the last layer are shared by every task, is also what
transfer learns from: `minicv.training.finetuning` freezes the backbone and trains step 5 alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import to_numpy
from minicv.inspection.stage import StageRecorder, record_features
from minicv.models.backbones.backbone import Backbone
from minicv.models.classification.image_classifier import (
    AT_ONCE,
    SILENT,
    ClassifierSettings,
    ImageClassifier,
)
from minicv.models.detection.roi_heads import TwoLayerHead
from minicv.nn import Dropout, Identity, Linear, evaluating


class Classifier(ImageClassifier):
    """The class of a whole image. See the head of this file for its numbered stages.

    Args:
        backbone: pixels to features, of which the deepest map is looked at; brings its
            normalisation.
        classes: the K names; label k means ``classes[k]``.
        settings: None takes the defaults.
        rng: draws the initial weights, and what dropout drops.

    Raises:
        ValueError: fewer than two classes, or a size below a cell of the backbone's map.

    Source: Krizhevsky, Sutskever & Hinton 2012 for the fully connected head; Lin, Chen & Yan,
    Network in network, 2014, section 3.2, for the pooled one.

    >>> from minicv.models.backbones import SmallBackbone
    >>> rng = np.random.default_rng(0)
    >>> settings = ClassifierSettings(size=32)
    >>> model = Classifier(SmallBackbone(4, rng=rng), ("cow", "duck"), settings, rng=rng)
    >>> [stage.name for stage in model.stages(rng.random((3, 30, 40), dtype="float32"))]
    ['input', 'feature_map', 'pooled', 'class_scores']
    """

    def __init__(
        self,
        backbone: Backbone,
        classes: Sequence[str],
        settings: ClassifierSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(classes, settings)
        s, stride = self.settings, backbone.strides[-1]
        if self.size < stride:
            raise ValueError(
                f"Classifier: settings.size is {self.size}, smaller than one cell of the "
                f"backbone's map, which is {stride} pixels wide; expected at least {stride}"
            )
        self.backbone = backbone
        self.mean, self.std = backbone.mean, backbone.std
        channels = backbone.out_channels[-1]
        if s.head == "pooled":
            self.drop = Dropout(s.dropout, rng=rng) if s.dropout > 0 else Identity()
            self.fc = Linear(channels, len(self.classes), rng=rng)
        else:
            inputs = channels * s.pooled_size**2
            self.head = TwoLayerHead(inputs, s.units, dropout=s.dropout, rng=rng)
            self.fc = Linear(s.units, len(self.classes), rng=rng)

    def scores(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        """Stages 2 to 5; see `ImageClassifier.scores`."""
        return self.fc(self.last_features(x, record))  # -> (N, K)

    def last_features(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        """Stages 2 to 4: (N, 3, S, S), normalised -> what the last layer sees, (N, C or units)."""
        features = self.backbone(x)[-1]  # (N, 3, S, S) -> (N, C, S/s, S/s)
        stride = self.backbone.strides[-1]
        record_features(record, features.data[0], stride)
        if self.settings.head == "pooled":
            pooled = F.mean(features, dim=(2, 3))  # -> (N, C)
            record_features(record, pooled.data[0][:, None, None], self.size, "pooled")
            dropped: Tensor = self.drop(pooled)
            return dropped
        grid = F.adaptive_max_pool2d(features, self.settings.pooled_size)  # -> (N, C, p, p)
        record_features(record, grid.data[0], self.size / self.settings.pooled_size, "pooled")
        units: Tensor = self.head(grid)  # -> (N, units)
        record_features(record, units.data[0][:, None, None], self.size, "units")
        return units

    def features_and_labels(self, images: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """What the last layer sees of each image, (N, C or units) float32, and the best class (N,).

        By these features another model's pictures are compared with real ones; see
        `minicv.metrics.generation`.

        Args:
            images: each (3, H, W), RGB float in 0..1; sizes may differ.

        Raises:
            ValueError: see `predict`.
        """
        images = self.checked(images, "features_and_labels")
        features, labels = [np.zeros((0, self.fc.in_features), np.float32)], [np.zeros(0, np.int64)]
        with no_grad(), evaluating(self):
            for start in range(0, len(images), AT_ONCE):
                own = self.last_features(self._network_input(images[start : start + AT_ONCE]))
                features.append(to_numpy(own.data).astype(np.float32, copy=False))
                labels.append(to_numpy(self.fc(own).data).argmax(axis=1))
        return np.concatenate(features), np.concatenate(labels)
