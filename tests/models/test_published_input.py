"""Photographs come in the size and the pixels of torchvision's detectors."""

from pathlib import Path

import numpy as np
import pytest

from minicv.functional import resize_bilinear
from minicv.models.photographs import make_batch
from minicv.models.published_input import published_size, resize_unsmoothed

KEPT = np.load(Path(__file__).parent.parent / "fixtures" / "published_input.npz")


def test_sizes_are_those_of_torchvision():
    ours = [published_size(*row) for row in KEPT["sizes"].tolist()]
    # Where a side would vanish torchvision fails; here it keeps one pixel.
    expected = np.maximum(KEPT["resized"], 1)
    failing = (KEPT["resized"] == 0).all(1)
    assert len(ours) > 400 and failing.sum() == 3
    np.testing.assert_array_equal(np.array(ours)[~failing], expected[~failing])
    assert all(1 in size for size in np.array(ours)[failing])


def test_a_size_by_hand():
    # 800 · 640 / 480 is 1066.67, and 1333 / 640 lets the shorter side grow to 999.75.
    assert published_size(480, 640, 800, 1333) == (800, 1066)
    # Here the longer side decides: 1333 / 1000 · 375 is 499.875.
    assert published_size(375, 1000, 800, 1333) == (499, 1333)
    sides = [published_size(side, side, 800, 1333)[0] for side in range(200, 1001)]
    assert sorted(set(sides)) == [799, 800] and sides.count(799) == 391


@pytest.mark.parametrize("number", range(5))
def test_pixels_are_those_of_torch(number):
    image = KEPT[f"image{number}"].astype(np.float32) / 255
    expected = KEPT[f"output{number}"]
    found = resize_unsmoothed(image, *expected.shape[1:])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_pixels_are_those_of_resize_bilinear_with_the_rounded_step():
    rng = np.random.default_rng(0)
    for height, width, new_height, new_width in rng.integers(1, 40, size=(50, 4)).tolist():
        image = rng.random((3, height, width), dtype=np.float32)
        scales = [
            1 / float(np.float32(old) / np.float32(new))
            for old, new in ((height, new_height), (width, new_width))
        ]
        expected = resize_bilinear(image[None], (new_height, new_width), scale_factor=scales)
        found = resize_unsmoothed(image, new_height, new_width)
        np.testing.assert_allclose(found, expected.data[0], rtol=0, atol=1e-6)


def test_an_image_of_that_size_stays_as_it_is():
    image = np.random.default_rng(0).random((3, 5, 4), dtype=np.float32)
    before = image.copy()
    assert resize_unsmoothed(image, 5, 4) is image
    assert resize_unsmoothed(image, 5, 9).shape == (3, 5, 9)
    np.testing.assert_array_equal(image, before)


def test_a_batch_takes_them_where_nothing_is_smoothed():
    image = np.random.default_rng(0).random((3, 30, 20), dtype=np.float32)
    options = dict(min_size=11, max_size=99, mean=[0.0] * 3, std=[1.0] * 3, multiple_of=8)
    batch = make_batch([image], **options, smoothed=False)
    height, width = published_size(30, 20, 11, 99)
    assert batch.sizes == [(height, width)]
    np.testing.assert_array_equal(
        batch.pixels[0, :, :height, :width], resize_unsmoothed(image, height, width)
    )
