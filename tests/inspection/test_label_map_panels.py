import numpy as np
import pytest

from minicv.inspection import draw_label_maps
from minicv.inspection.class_palette import class_palette
from minicv.vision.label_maps import VOID

NAMES = ["meadow", "sky", "cow", "barn"]


def scene():
    truth = np.zeros((60, 80), int)
    truth[20:, 10:50] = 2
    return np.ones((3, 60, 80), np.float32), truth


def shares_of_colour(sheet, label):
    """How many pixels have about the colour of a class laid over white."""
    colour = 0.66 * np.array(class_palette(len(NAMES))[label]) + 0.34 * 255
    return (np.abs(np.asarray(sheet) - colour).sum(axis=2) < 12).sum()


def test_every_map_is_painted_and_all_share_a_legend():
    image, truth = scene()
    other = np.full_like(truth, 3)
    one = draw_label_maps(image, {"Truth": truth}, NAMES)
    two = draw_label_maps(image, {"Truth": truth, "All barn\nwrong": other}, NAMES)
    twice = draw_label_maps(image, {"Truth": truth, "Again": truth}, NAMES)
    assert shares_of_colour(one, 3) == 0 < shares_of_colour(two, 3)
    assert shares_of_colour(twice, 2) == 2 * shares_of_colour(one, 2) > 10000
    assert shares_of_colour(two, 1) == 0  # a class that is nowhere
    nothing = draw_label_maps(image, {}, NAMES)
    assert nothing.width < one.width < two.width


def test_columns_title_void_and_one_pixel():
    image, truth = scene()
    maps = {"a": truth, "b": truth, "c": truth}
    wide, tall = (draw_label_maps(image, maps, NAMES, columns=columns) for columns in (4, 1))
    assert wide.width > 3 * tall.width and tall.height > 3 * wide.height
    assert draw_label_maps(image, maps, NAMES, columns=4, title="A meadow").height > wide.height
    pixel = np.zeros((3, 1, 1), np.float32)
    draw_label_maps(pixel, {"no class": np.full((1, 1), VOID)}, NAMES, [(1, 2, 3)] * 4)


def test_refuses_by_the_heading():
    image, truth = scene()
    with pytest.raises(ValueError, match="draw_label_maps: FCN-8s: label 4 in row 0, column 0"):
        draw_label_maps(image, {"FCN-8s\nmIoU 0.8": np.full_like(truth, 4)}, NAMES)
    with pytest.raises(ValueError, match="draw_label_maps: b: the label map is 59 x 80"):
        draw_label_maps(image, {"a": truth, "b": truth[1:]}, NAMES)
