"""A network that classifies by itself, as it was published, with what belongs around it."""

from __future__ import annotations

from collections.abc import Sequence

from minicv.autograd import Tensor
from minicv.inspection.stage import StageRecorder, record_features
from minicv.models.classification.image_classifier import (
    SILENT,
    ClassifierSettings,
    ImageClassifier,
)
from minicv.nn import Module


class WholeNetwork(ImageClassifier):
    """A network from pixels to class scores, such as `minicv.models.backbones.ResNet18`.

    Args:
        network: its ``feature_map`` of (N, 3, S, S), normalised by its ``mean`` and ``std``, goes
            to its ``logits`` (N, K).
        classes: the K names.
        settings: size, crop and loss count; the head is the network's own. None is the middle 224
            pixels of an image whose shorter side is 256, as published networks are tested.

    Raises:
        ValueError: fewer than two classes.

    >>> import numpy as np
    >>> from minicv.models.backbones import ResNet18
    >>> network = ResNet18(3, rng=np.random.default_rng(0))
    >>> model = WholeNetwork(network, ("cow", "cat", "duck"), ClassifierSettings(size=32))
    >>> len(model.predict([np.zeros((3, 20, 30), "float32")])[0]["scores"])
    3
    """

    def __init__(
        self,
        network: Module,
        classes: Sequence[str],
        settings: ClassifierSettings | None = None,
    ) -> None:
        super().__init__(classes, settings)
        self.network = network
        self.mean, self.std = network.mean, network.std  # type: ignore[attr-defined]

    def scores(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        """The network as it is; see `ImageClassifier.scores`."""
        features = self.network.feature_map(x)  # type: ignore[attr-defined]
        record_features(record, features.data[0], self.size / features.shape[3])
        scores: Tensor = self.network.logits(features)  # type: ignore[attr-defined]
        return scores
