"""Label maps as palette pictures: the numbers come back, and viewers see the colours."""

import numpy as np
import pytest
from PIL import Image

from minicv.data.image_files import read_label_map
from minicv.inspection import background_labels, class_palette, palette_picture
from minicv.vision.label_maps import VOID


@pytest.mark.parametrize("classes", [1, 2, 3, 4, 5, 16, 17, 100, 255])
@pytest.mark.parametrize("void", [False, True])
def test_a_saved_label_map_is_read_back_exactly(tmp_path, classes, void):
    labels = np.random.default_rng(0).integers(0, classes, (23, 31))
    if void:
        labels[3:9] = VOID
    colours = np.random.default_rng(1).integers(0, 256, (classes, 3))
    palette_picture(labels, classes, colours, clear=[0]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_label_map(tmp_path / "a.png"), labels)
    with Image.open(tmp_path / "a.png") as saved:
        assert saved.mode == "P"
        shown = np.asarray(saved.convert("RGBA"))
    for label in range(classes):
        here = shown[labels == label]
        assert (here == (*colours[label], 0 if label == 0 else 255)).all()
    assert (shown[labels == VOID][:, 3] == 0).all()


def test_unknown_colours_are_those_of_the_palette():
    labels = np.arange(4).reshape(2, 2)
    shown = np.asarray(palette_picture(labels, 4).convert("RGB"))
    assert [tuple(pixel) for pixel in shown.reshape(-1, 3).tolist()] == list(class_palette(4))


def test_what_does_not_go_together_is_refused():
    labels = np.array([[0, 2]])
    with pytest.raises(ValueError, match="palette_picture: label 2"):
        palette_picture(labels, 2)
    for wrong in ([(0, 0, 0)], [(0, 0, 0), (0, 0, 256)], [(0, 0, 0), (0, -1, 0)]):
        with pytest.raises(ValueError, match=r"palette_picture: colours expect the shape \(2, 3\)"):
            palette_picture(np.array([[0, 1]]), 2, wrong)


def test_background_is_known_by_its_name():
    names = ("Background", "__background__", "cow", " BG ", "backgrounds", "void", "unlabelled")
    assert background_labels(names) == (0, 1, 3, 5, 6)
    assert background_labels(("sky", "grass")) == ()
