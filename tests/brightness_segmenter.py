"""The smallest segmenter: a pixel's class is the level that its redness is nearest to."""

import numpy as np

from minicv.models.segmentation.segmenter import SILENT, Segmenter, SegmenterSettings
from minicv.nn import Parameter


class BrightnessSegmenter(Segmenter):
    """K learned levels of redness; no pixel looks at another, so every answer is known by hand."""

    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)

    def __init__(self, classes, settings=None, *, levels=None, rng=None):
        super().__init__(classes, settings or SegmenterSettings())
        levels = np.linspace(0, 1, len(self.classes)) if levels is None else levels
        self.levels = Parameter(np.float32(levels))

    def forward(self, x, record=SILENT):
        distance = x[:, :1] - self.levels.reshape(1, len(self.classes), 1, 1)
        return -30 * distance * distance  # (N, K, H, W)


class Stripes:
    """Images of one colour a column; the label is the nearest of `levels`, or another on purpose.

    Every image is of another size. `wrong` of its columns carry a label that the colour belies.
    """

    def __init__(self, length, classes=("dark", "grey", "light"), wrong=0, seed=0):
        self.length, self.segmentation_classes, self.wrong = length, tuple(classes), wrong
        self.classes, self.seed = (), seed

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        rng = np.random.default_rng([self.seed, index])
        count = len(self.segmentation_classes)
        height, width = 3 + index % 3, count + 5 + index % 2
        labels = np.concatenate([np.arange(count), rng.integers(0, count, width - count)])
        image = np.zeros((3, height, width), np.float32)
        image[0] = labels / (count - 1)
        labels = labels.copy()
        if self.wrong:
            labels[-self.wrong :] = (labels[-self.wrong :] + 1) % count
        segmentation = np.repeat(labels[None], height, axis=0)
        return image, {"segmentation": segmentation, "image_id": f"stripes{index}"}
