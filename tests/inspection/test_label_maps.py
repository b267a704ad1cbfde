import numpy as np
import pytest
from PIL import Image

from minicv.inspection import draw_segmentation
from minicv.inspection.class_palette import class_palette
from minicv.inspection.label_maps import OPACITY, paint_label_map, percent
from minicv.vision.label_maps import VOID


def test_each_class_has_its_colour_over_the_grey_image():
    image = np.full((3, 600, 600), 0.5, np.float32)
    image[0] = 0.9  # its own colour must not show
    labels = np.zeros((600, 600), int)
    labels[:, 300:] = 1
    colours = np.array([[250, 0, 0], [0, 0, 250]])
    pixels = np.asarray(paint_label_map(image, labels, colours)).astype(int)
    for side, colour in ((pixels[:, :299], colours[0]), (pixels[:, 300:], colours[1])):
        assert len(np.unique(side.reshape(-1, 3), axis=0)) == 1
        rest = side[0, 0] - OPACITY * colour
        assert np.ptp(rest) <= 1 and rest.min() > 0  # what is not the class's colour is grey
    # A dark line on one side of the border.
    assert (pixels[:, 299] < pixels[:, 298]).any(axis=1).all()


def test_dark_photographs_keep_classes_apart():
    labels = np.repeat(np.arange(11), 60)[None].repeat(600, axis=0)
    black = np.zeros((3, 600, 660), np.float32)
    pixels = np.asarray(paint_label_map(black, labels, np.array(class_palette(11)))).astype(int)
    middles = pixels[300, 30::60]
    apart = np.abs(middles[:, None] - middles).sum(axis=-1) + 1000 * np.eye(11, dtype=int)
    assert apart.min() > 40


def test_void_is_striped_and_without_colour():
    image = np.random.default_rng(0).uniform(size=(3, 600, 600)).astype(np.float32)
    labels = np.full((600, 600), VOID)
    labels[:, :300] = 0
    red = np.array([[250, 0, 0]])
    void = np.asarray(paint_label_map(image, labels, red))[:, 300:].astype(int)
    assert (np.ptp(void, axis=2) == 0).all()
    white = np.asarray(paint_label_map(np.ones_like(image), labels, red))[0, 300:, 0].astype(int)
    assert len(np.unique(white)) == 2 and white.max() < 140  # a light stripe and a dark one
    assert 40 < (np.diff(white) != 0).sum() < 100


def test_small_maps_become_squares():
    labels = np.random.default_rng(0).integers(0, 3, size=(16, 16))
    colours = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250]])
    picture = paint_label_map(np.full((3, 16, 16), 0.5, np.float32), labels, colours)
    assert picture.size == (512, 512)
    middles = np.asarray(picture)[16::32, 16::32]
    np.testing.assert_array_equal(middles.argmax(axis=2), labels)


def test_legend_has_the_classes_that_occur():
    image = np.full((3, 600, 800), 0.5, np.float32)
    labels = np.zeros((600, 800), int)
    labels[:300] = 4
    colours = class_palette(6)
    picture = draw_segmentation(image, labels, list("abcdef"))
    assert isinstance(picture, Image.Image) and picture.width == 800
    legend = np.asarray(picture)[600:]
    shown = [(legend == colour).all(axis=2).sum() > 100 for colour in colours]
    assert shown == [True, False, False, False, True, False]
    labels[:, :20] = VOID
    with_void = np.asarray(draw_segmentation(image, labels, list("abcdef")))[600:]
    assert (with_void < 100).all(axis=2).sum() > (legend < 100).all(axis=2).sum() + 100


def test_own_colours_and_no_names():
    image = np.full((3, 600, 800), 0.5, np.float32)
    labels = np.zeros((600, 800), int)
    own = np.array([[10, 200, 30]], np.uint8)
    for names in (None, ["meadow"]):
        legend = np.asarray(draw_segmentation(image, labels, names, own))[600:]
        assert (legend == own[0]).all(axis=2).sum() > 100
    draw_segmentation(image, labels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 1)])
def test_tiny_and_all_void(shape):
    image = np.zeros((3, *shape), np.float32)
    for label in (0, VOID):
        assert draw_segmentation(image, np.full(shape, label), ["meadow"]).width >= 1


def test_refuses():
    image = np.zeros((3, 8, 9), np.float32)
    with pytest.raises(ValueError, match=r"draw_segmentation: the label map is 9 x 8 .* 8 x 9"):
        draw_segmentation(image, np.zeros((9, 8), int))
    with pytest.raises(ValueError, match="draw_segmentation: label 2 in row 0, column 0"):
        draw_segmentation(image, np.full((8, 9), 2), ["cow", "cat"])
    for colours in ([[1, 2, 3]], [[1, 2]] * 2, [[1, 2, 300]] * 2, [[1, 2, -1]] * 2):
        with pytest.raises(ValueError, match=r"colours expect the shape \(2, 3\)"):
            draw_segmentation(image, np.zeros((8, 9), int), ["cow", "cat"], colours)


def test_percents():
    shares = [0, 0.0004, 0.0006, 0.0512, 0.0994, 0.0996, 1]
    assert [percent(share) for share in shares] == [
        "0 %", "< 0.1 %", "0.1 %", "5.1 %", "9.9 %", "10 %", "100 %",
    ]  # fmt: skip
