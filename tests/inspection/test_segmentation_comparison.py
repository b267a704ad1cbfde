import numpy as np
import pytest

from minicv.inspection import draw_segmentation_comparison
from minicv.inspection.segmentation_comparison import paint_errors
from minicv.vision.label_maps import VOID


def scene():
    truth = np.zeros((60, 80), int)
    truth[20:, 10:50] = 2
    truth[:5] = VOID
    image = np.full((3, 60, 80), 0.5, np.float32)
    return image, truth, np.where(truth == VOID, 0, truth)


def test_errors_are_orange_where_the_prediction_is_wrong_and_nowhere_else():
    image, truth, _ = scene()
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
    image, truth, predicted = scene()
    worse = predicted.copy()
    worse[20:, 40:50] = 0

    def orange(prediction):
        sheet = np.asarray(draw_segmentation_comparison(image, truth, prediction, list("abc")))
        lower_right = sheet[sheet.shape[0] // 2 : -80, sheet.shape[1] // 2 :].astype(int)
        return (np.abs(lower_right - (203, 90, 10)).sum(axis=-1) < 100).sum()

    assert orange(predicted) == 0 and orange(worse) > 5000


def test_sheet_has_four_pictures_in_any_number_of_columns():
    image, truth, predicted = scene()
    sizes = [
        draw_segmentation_comparison(image, truth, predicted, columns=columns).size
        for columns in (1, 2, 4)
    ]
    widths, heights = zip(*sizes, strict=True)
    assert widths[0] < widths[1] < widths[2] < 1800
    assert heights[0] > heights[1] > heights[2]
    titled = draw_segmentation_comparison(image, truth, predicted, columns=4, title="A meadow")
    assert titled.height > heights[2]


def test_nothing_but_void_and_one_pixel():
    for shape in ((1, 1), (6, 9)):
        image, zeros = np.zeros((3, *shape), np.float32), np.zeros(shape, int)
        draw_segmentation_comparison(image, np.full(shape, VOID), zeros)
        draw_segmentation_comparison(image, zeros, zeros, ["meadow"], [(1, 2, 3)])


def test_refuses():
    image, truth, predicted = scene()
    name = "draw_segmentation_comparison"
    with pytest.raises(ValueError, match=f"{name}: prediction: label 3 in row 0, column 0"):
        draw_segmentation_comparison(image, truth, np.full_like(truth, 3), list("abc"))
    with pytest.raises(ValueError, match=f"{name}: truth: label 2 in row 20, column 10"):
        draw_segmentation_comparison(image, truth, predicted, list("ab"))
    with pytest.raises(ValueError, match=f"{name}: prediction: the label map is 60 x 79"):
        draw_segmentation_comparison(image, truth, predicted[:, 1:], list("abc"))
    with pytest.raises(ValueError, match=r"the prediction is 255 \(void\) in row 5, column 0"):
        draw_segmentation_comparison(image, truth, np.full_like(truth, VOID), list("abc"))
