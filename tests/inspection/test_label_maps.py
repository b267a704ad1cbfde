"""Label maps: the colour of each class, void, borders, legends, and errors against the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minicv.inspection import (
    border_window,
    draw_label_maps,
    draw_segmentation,
    draw_segmentation_comparison,
    draw_segments,
)
from minicv.inspection.label_maps import OPACITY, paint_errors, paint_label_map, percent
from minicv.inspection.palette import class_palette
from minicv.metrics.segmentation import boundary_band
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
        pixels = np.asarray(draw_segmentation(image, np.full(shape, label), ["meadow"]))
        factor = -(-512 // max(shape))
        assert pixels.shape[1] == factor * shape[1]
        painted = pixels[: factor * shape[0]].astype(int)
        colourful = np.ptp(painted, axis=2) > 60  # void is grey
        assert colourful.all() if label == 0 else not colourful.any()


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
    void, meadow = (
        draw_label_maps(pixel, {"a": np.full((1, 1), label)}, NAMES, [(250, 0, 0)] * 4)
        for label in (VOID, 0)
    )
    red = [
        (np.asarray(sheet)[..., 0] > 150) & (np.asarray(sheet)[..., 1] < 60)
        for sheet in (void, meadow)
    ]
    assert red[0].sum() == 0 and red[1].sum() > 512 * 512


def test_refuses_by_the_heading():
    image, truth = scene()
    with pytest.raises(ValueError, match="draw_label_maps: FCN-8s: label 4 in row 0, column 0"):
        draw_label_maps(image, {"FCN-8s\nmIoU 0.8": np.full_like(truth, 4)}, NAMES)
    with pytest.raises(ValueError, match="draw_label_maps: b: the label map is 59 x 80"):
        draw_label_maps(image, {"a": truth, "b": truth[1:]}, NAMES)


def scene_with_void():
    truth = np.zeros((60, 80), int)
    truth[20:, 10:50] = 2
    truth[:5] = VOID
    image = np.full((3, 60, 80), 0.5, np.float32)
    return image, truth, np.where(truth == VOID, 0, truth)


def test_errors_are_orange_where_the_prediction_is_wrong_and_nowhere_else():
    image, truth, _ = scene_with_void()
    wrong = np.zeros((60, 80), bool)
    wrong[30:40, 20:30] = True
    pixels = np.asarray(paint_errors(image, truth, wrong)).astype(int)
    factor = pixels.shape[0] // 60
    found = (pixels[..., 0] - pixels[..., 2] > 60)[::factor, ::factor]
    np.testing.assert_array_equal(found, wrong)
    assert (np.ptp(pixels, axis=2) == 0).mean() > 0.9  # all else is grey
    brightness = pixels[..., 0][::factor, ::factor]
    assert brightness[:5].max() < 0.6 * brightness[5:][~wrong[5:]].min()  # void is dark


def test_a_better_prediction_has_less_orange():
    image, truth, predicted = scene_with_void()
    worse = predicted.copy()
    worse[20:, 40:50] = 0

    def orange(prediction):
        sheet = np.asarray(draw_segmentation_comparison(image, truth, prediction, list("abc")))
        lower_right = sheet[sheet.shape[0] // 2 : -80, sheet.shape[1] // 2 :].astype(int)
        return (np.abs(lower_right - (203, 90, 10)).sum(axis=-1) < 100).sum()

    assert orange(predicted) == 0 and orange(worse) > 5000


def test_sheet_has_four_pictures_in_any_number_of_columns():
    image, truth, predicted = scene_with_void()
    sizes = [
        draw_segmentation_comparison(image, truth, predicted, columns=columns).size
        for columns in (1, 2, 4)
    ]
    widths, heights = zip(*sizes, strict=True)
    assert widths[0] < widths[1] < widths[2] < 1800
    assert heights[0] > heights[1] > heights[2]
    titled = draw_segmentation_comparison(image, truth, predicted, columns=4, title="A meadow")
    assert titled.height > heights[2]


@pytest.mark.parametrize("shape", [(1, 1), (6, 9)])
def test_nothing_but_void_and_one_pixel(shape):
    image, zeros = np.zeros((3, *shape), np.float32), np.zeros(shape, int)
    red = []
    for truth in (np.full(shape, VOID), zeros):
        sheet = draw_segmentation_comparison(image, truth, zeros, ["meadow"], [(250, 0, 0)])
        pixels = np.asarray(sheet).astype(int)
        red.append(((pixels[..., 0] > 150) & (pixels[..., 1:].max(axis=2) < 60)).sum())
    picture = shape[0] * shape[1] * (-(-512 // max(shape))) ** 2
    assert red[0] == picture  # the prediction alone: no class has an IoU, so the legend is empty
    assert 2 * picture < red[1] < 2.02 * picture  # the truth too, and the patch of the legend


def test_comparison_refuses():
    image, truth, predicted = scene_with_void()
    name = "draw_segmentation_comparison"
    with pytest.raises(ValueError, match=f"{name}: prediction: label 3 in row 0, column 0"):
        draw_segmentation_comparison(image, truth, np.full_like(truth, 3), list("abc"))
    with pytest.raises(ValueError, match=f"{name}: truth: label 2 in row 20, column 10"):
        draw_segmentation_comparison(image, truth, predicted, list("ab"))
    with pytest.raises(ValueError, match=f"{name}: prediction: the label map is 60 x 79"):
        draw_segmentation_comparison(image, truth, predicted[:, 1:], list("abc"))
    with pytest.raises(ValueError, match=r"the prediction is 255 \(void\) in row 5, column 0"):
        draw_segmentation_comparison(image, truth, np.full_like(truth, VOID), list("abc"))


HALVES = np.repeat(np.arange(600)[None] >= 300, 200, axis=0).astype(np.int64)


def test_mean_colours_and_a_border_between():
    rng = np.random.default_rng(0)
    image = rng.random((3, 200, 600), dtype=np.float32)
    image[0, :, 300:] = 1
    pixels = np.asarray(draw_segments(image, HALVES)).astype(int)
    assert (pixels[:, 299] == 255).all()
    for columns in (slice(0, 300), slice(300, 600)):
        mean = image[:, :, columns].mean(axis=(1, 2)) * 255
        inside = pixels[:, columns][:, :295]
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


@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 9), st.integers(1, 10))
def test_no_window_has_more_pixels_at_borders(seed, height, width, side):
    labels = np.random.default_rng(seed).integers(0, 2, (height, width))
    labels = np.where(np.random.default_rng(seed + 1).random(labels.shape) < 0.2, VOID, labels)
    near = boundary_band(labels, 1) != VOID
    rows, columns = border_window(labels, side)
    own_height, own_width = min(side, height), min(side, width)
    found = near[rows, columns]
    assert found.shape == (own_height, own_width)
    counts = [
        near[top : top + own_height, left : left + own_width].sum()
        for top in range(height - own_height + 1)
        for left in range(width - own_width + 1)
    ]
    assert found.sum() == max(counts)
    first = int(np.argmax(counts))
    assert (rows.start, columns.start) == divmod(first, width - own_width + 1)


def test_one_class_has_no_borders_and_the_first_window_is_taken():
    assert border_window(np.zeros((5, 5), int), 2) == (slice(0, 2), slice(0, 2))


def test_a_window_without_pixels_is_refused():
    with pytest.raises(ValueError, match="border_window: side is 0, expected at least 1 pixel"):
        border_window(np.zeros((5, 5), int), 0)
