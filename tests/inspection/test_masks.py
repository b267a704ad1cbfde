import numpy as np
import pytest

from minicv.inspection import draw_masks
from minicv.inspection.palette import class_colour


def test_mask_is_tinted_inside_outlined_at_its_edge_and_nowhere_else():
    image = np.full((3, 600, 600), 0.5, dtype=np.float32)
    masks = np.zeros((1, 600, 600), dtype=bool)
    masks[0, 100:300, 200:500] = True
    pixels = np.asarray(draw_masks(image, masks, [1])).astype(int)
    assert (pixels[~masks[0]] == 128).all()
    assert (pixels[101, 250:450] == class_colour(1)).all()  # the outline
    inside = pixels[150:250, 250:450].reshape(-1, 3)
    expected = 128 + 0.4 * (np.array(class_colour(1)) - 128)
    assert np.abs(inside - expected).max() <= 2


def test_every_object_has_its_own_colour_without_labels():
    masks = np.zeros((2, 600, 600), dtype=bool)
    masks[0, 10:200], masks[1, 300:500] = True, True
    pixels = np.asarray(draw_masks(np.zeros((3, 600, 600), np.float32), masks))
    assert not np.array_equal(pixels[100, 300], pixels[400, 300])


def test_enlarged_mask_covers_the_enlarged_area():
    image = np.zeros((3, 64, 64), dtype=np.float32)
    masks = np.zeros((1, 64, 64), dtype=bool)
    masks[0, 16:32, 16:48] = True
    painted = np.asarray(draw_masks(image, masks)).any(axis=2)
    perimeter = 8 * 2 * (16 + 32)  # its pixels may be painted in part
    assert abs(int(painted.sum()) - 16 * 32 * 64) <= perimeter
    assert painted[8 * 17 : 8 * 31, 8 * 17 : 8 * 47].all()


def test_single_pixel_of_a_small_image_stays_visible():
    masks = np.zeros((1, 64, 64), dtype=bool)
    masks[0, 20, 30] = True
    painted = np.asarray(draw_masks(np.zeros((3, 64, 64), np.float32), masks)).any(axis=2)
    assert painted[8 * 20 + 4, 8 * 30 + 4]
    assert painted.sum() <= 2 * 64


def test_empty_mask_no_mask_and_one_pixel():
    image = np.full((3, 1, 1), 0.5, dtype=np.float32)
    assert (np.asarray(draw_masks(image, np.zeros((1, 1, 1), bool))) == 128).all()
    assert (np.asarray(draw_masks(image, np.zeros((0, 1, 1), bool))) == 128).all()
    assert not (np.asarray(draw_masks(image, np.ones((1, 1, 1), bool))) == 128).any()


def test_refuses():
    image = np.zeros((3, 8, 9), dtype=np.float32)
    with pytest.raises(ValueError, match=r"masks expect .* \(1, 9, 8\); image=\(3, 8, 9\)"):
        draw_masks(image, np.zeros((1, 9, 8), bool))
    with pytest.raises(ValueError, match="2 masks but 1 labels"):
        draw_masks(image, np.zeros((2, 8, 9), bool), [0])
