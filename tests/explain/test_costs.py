"""Multiplications by stage, derived by hand; and how many are said."""

import numpy as np

from minicv.explain.costs import multiplications_by_stage, spoken_count
from minicv.models.segmentation import PatchClassifier, PatchClassifierSettings
from minicv.models.segmentation import patch_classifier as patches
from minicv.models.segmentation.segmenter import SILENT, Segmenter, SegmenterSettings
from minicv.nn import Conv2d, ConvTranspose2d


class TwoLayers(Segmenter):
    """A convolution, which it records, and a transposed one."""

    def __init__(self):
        super().__init__(("a", "b"), SegmenterSettings())
        rng = np.random.default_rng(0)
        self.down = Conv2d(3, 5, 2, stride=2, rng=rng)
        self.up = ConvTranspose2d(5, 2, 2, stride=2, rng=rng)

    def forward(self, x, record=SILENT):
        x = self.down(x)
        features = {"features": x.data[0], "stride": 2}
        record("feature_map", "Feature map", "features", lambda: features)
        return self.up(x)


def test_each_stage_has_its_own():
    model, image = TwoLayers(), np.ones((3, 8, 12), np.float32)
    found = multiplications_by_stage(model, image)
    names = [stage.name for stage in model.stages(image)]
    cells = 4 * 6
    assert dict(zip(names, found, strict=True)) == {
        "input": 0,
        "feature_map": cells * 5 * 3 * 2 * 2,
        "class_maps": cells * 5 * 2 * 2 * 2,
        "label_map": 0,
    }


def test_of_a_patch_classifier_those_of_the_network_that_runs(monkeypatch):
    settings = PatchClassifierSettings(
        patch_size=8, channels=(4,), kernel_size=3, units=8, scales=1
    )
    model = PatchClassifier(("a", "b"), settings, rng=np.random.default_rng(0))
    image = np.ones((3, 6, 5), np.float32)
    of_a_patch = 6 * 6 * 4 * 3 * 9 + 3 * 3 * 4 * 8 + 8 * 2
    assert sum(multiplications_by_stage(model, image)) == 6 * 5 * of_a_patch
    monkeypatch.setattr(patches, "PATCH_BY_PATCH", 0)
    dense = sum(multiplications_by_stage(model, image))
    assert 0 < dense < 6 * 5 * of_a_patch / 2


def test_large_numbers_have_three_digits_and_a_word():
    assert [spoken_count(n) for n in (999_999, 1_000_000, 343_210_000, 999_400_000)] == [
        "999,999", "1 million", "343 million", "999 million",
    ]  # fmt: skip
