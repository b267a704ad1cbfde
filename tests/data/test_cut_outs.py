"""Objects alone on black: which pixels, where, and what is left out."""

import numpy as np
import pytest

from minicv.data.cut_outs import CutOuts, cut_out
from minicv.data.farmyard import Farmyard


class Scene:
    classes = ("cow", "duck")

    def __init__(self, masks):
        self.image = np.random.default_rng(0).random((3, 12, 9), np.float32) + 0.01
        self.masks = np.array(masks)

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.image, {"masks": self.masks, "labels": np.array([1, 0]), "image_id": "im"}


def mask(rows, columns):
    own = np.zeros((12, 9), bool)
    own[rows, columns] = True
    return own


def test_the_pixels_of_the_mask_in_the_middle_and_black_elsewhere():
    scene = Scene([mask(slice(2, 12), slice(3, 6)), mask(slice(0, 1), slice(0, 2))])
    (image, target) = CutOuts(scene, least=2)[0]
    assert image.shape == (3, 12, 12)  # ten rows and one black one on each side
    np.testing.assert_array_equal(image[:, 1:11, 4:7], scene.image[:, 2:12, 3:6])
    assert np.count_nonzero(image) == 3 * 30
    assert target == {"label": 1, "image_id": "im object 1"}


def test_small_objects_are_left_out_and_labels_stay_with_their_objects():
    scene = Scene([mask(slice(0, 1), slice(0, 2)), mask(slice(4, 8), slice(2, 5))])
    cut = CutOuts(scene, least=3)
    assert len(cut) == 1 and cut[0][1] == {"label": 0, "image_id": "im object 2"}
    assert cut.labels_of(0).tolist() == [0] and cut.classes == ("cow", "duck")
    with pytest.raises(ValueError, match="no object shows 99 pixels or more in 1 pictures"):
        CutOuts(scene, least=99)


def test_a_single_pixel_and_a_mask_with_a_hole():
    ring = mask(slice(3, 6), slice(3, 6))
    ring[4, 4] = False
    image = np.ones((3, 12, 9), np.float32)
    assert cut_out(image, mask(5, 5)).sum() == 3 and cut_out(image, mask(5, 5)).shape == (3, 3, 3)
    assert cut_out(image, ring)[0, 2, 2] == 0 and cut_out(image, ring)[0].sum() == 8


def test_of_drawn_scenes():
    cut = CutOuts(Farmyard(6, (96, 96), 1))
    assert {target["label"] for _, target in cut} <= set(range(5))
    for image, _ in cut:
        assert image.shape[1] == image.shape[2] and image[:, [0, -1]].max() == 0
