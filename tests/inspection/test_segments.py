"""draw_segments: mean colours, borders where regions meet, and shapes that do not fit."""

import numpy as np
import pytest

from minicv.inspection import draw_segments

HALVES = np.repeat(np.arange(600)[None] >= 300, 200, axis=0).astype(np.int64)


def test_mean_colours_and_a_border_between():
    rng = np.random.default_rng(0)
    image = rng.random((3, 200, 600), dtype=np.float32)
    image[0, :, 300:] = 1
    pixels = np.asarray(draw_segments(image, HALVES)).astype(int)
    assert (pixels[:, 300] == 255).all()
    for columns in (slice(0, 300), slice(300, 600)):
        mean = image[:, :, columns].mean(axis=(1, 2)) * 255
        inside = pixels[:, columns][:, 5:]
        assert (inside == inside[0, 0]).all()
        np.testing.assert_allclose(inside[0, 0], mean, atol=0.51)


def test_small_images_are_enlarged_with_sharp_regions():
    labels = np.array([[0, 0, 5], [0, 5, 5]])
    image = np.where(labels == 5, 0.0, 1.0)[None].repeat(3, axis=0).astype(np.float32)
    pixels = np.asarray(draw_segments(image, labels))
    assert pixels.shape == (342, 513, 3)
    assert set(np.unique(pixels)) == {0, 255}
    assert (pixels[100, 345:] == 0).all() and (pixels[250, 175:] == 0).all()


def test_one_pixel():
    assert (np.asarray(draw_segments(np.zeros((3, 1, 1), np.float32), np.array([[0]]))) == 0).all()


@pytest.mark.parametrize("labels", [HALVES[:, 1:], HALVES.astype(float), HALVES - 1])
def test_labels_that_do_not_fit(labels):
    with pytest.raises(ValueError, match="draw_segments: labels expect whole numbers"):
        draw_segments(np.zeros((3, 200, 600), np.float32), labels)
