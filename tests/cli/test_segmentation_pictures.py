"""Which images are drawn, and that they are drawn beside the truth."""

import numpy as np
import pytest
from brightness_segmenter import BrightnessSegmenter, Stripes
from PIL import Image

from minicv.cli.segmentation_pictures import best_to_worst, write_pictures
from minicv.training import run_segmenter

CLASSES = ("dark", "grey", "light")


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], [8, 6, 4, 2, 0]),
        ([0.5, 0.9], [1, 0]),
        ([0.5], [0]),
        ([0.5, 0.5, 0.5], [0, 1, 2]),
        ([np.nan, 0.3, np.nan, 0.6], [3, 1]),
        ([np.nan], []),
        ([], []),
    ],
)
def test_from_the_best_to_the_worst(figures, expected):
    assert best_to_worst(np.array(figures, float)) == expected


def test_pictures_are_numbered_and_tell_good_from_bad(tmp_path):
    class Worse(Stripes):
        """The later the image, the more of its columns are labelled against their colour."""

        def __getitem__(self, index):
            self.wrong = index
            return super().__getitem__(index)

    data = Worse(6)
    model = BrightnessSegmenter(CLASSES)
    mean_ious = run_segmenter(model, data).mean_ious
    assert (np.diff(mean_ious) < 0).all() and mean_ious[0] == 1
    paths = write_pictures(model, data, mean_ious, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == [
        "1_stripes0.png",
        "2_stripes1.png",
        "3_stripes3.png",
        "4_stripes4.png",
        "5_stripes5.png",
    ]
    assert set(paths) == set((tmp_path / "new" / "folder").iterdir())
    shares = []
    for path in paths:
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(int)
        orange = (pixels[..., 0] > 180) & (pixels[..., 2] < 90) & (pixels[..., 1] < 150)
        shares.append(orange.mean())
    assert shares[0] < shares[2] < shares[4]  # wrong pixels are orange


def test_nothing_to_draw(tmp_path):
    assert write_pictures(BrightnessSegmenter(CLASSES), Stripes(0), np.zeros(0), tmp_path) == []
