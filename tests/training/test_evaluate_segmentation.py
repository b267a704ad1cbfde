"""Figures of a segmenter on a data set: one confusion matrix, held against the label maps."""

import math

import numpy as np
import pytest
from brightness_segmenter import BrightnessSegmenter, Stripes

from minicv.data import Subset
from minicv.metrics import values_of_confusion, segmentation_values
from minicv.training import (
    named_figures,
    run_segmenter,
    segmentation_validator,
    validation_losses,
)
from minicv.vision.label_maps import VOID

CLASSES = ("dark", "grey", "light")


def model(**options):
    return BrightnessSegmenter(CLASSES, **options)


class Overwritten:
    """`Stripes`, with one label map replaced."""

    def __init__(self, index, label_map):
        self.dataset, self.index, self.label_map = Stripes(3), index, label_map

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        image, target = self.dataset[index]
        if index == self.index:
            target = {**target, "segmentation": self.label_map}
        return image, target


@pytest.mark.parametrize("wrong", [0, 2])
def test_one_confusion_matrix_for_the_whole_set(wrong):
    data = Stripes(5, wrong=wrong)
    result = run_segmenter(model(), data)
    assert result.confusions.shape == (5, 3, 3) and result.seconds.shape == (5,)
    assert (result.seconds > 0).all()
    samples = [data[i] for i in range(5)]
    predictions = model().predict([image for image, _ in samples])
    whole = segmentation_values(predictions, [target for _, target in samples], 3)
    np.testing.assert_array_equal(result.figures.confusion, whole.confusion)
    assert result.figures.mean_iou == whole.mean_iou
    assert (whole.mean_iou == 1) == (wrong == 0)
    # Each image's own mean IoU, which is another number than that of all pixels together.
    for index, (image, target) in enumerate(samples):
        alone = segmentation_values(model().predict([image]), [target], 3).mean_iou
        assert result.mean_ious[index] == alone


def test_names_of_the_figures():
    figures = named_figures(
        values_of_confusion(np.array([[6, 2, 0], [0, 2, 0], [0] * 3])), CLASSES
    )
    assert figures.pop("IoU light") != figures  # NaN: truth and prediction lack it
    assert figures == {
        "mIoU": pytest.approx(0.625),
        "pixel accuracy": pytest.approx(0.8),
        "mean accuracy": pytest.approx(0.875),
        "fwIoU": pytest.approx(0.7),
        "IoU dark": 0.75,
        "IoU grey": 0.5,
    }
    assert all(type(value) is float for value in figures.values())
    assert math.isnan(named_figures(values_of_confusion(np.zeros((1, 1), int)), ["a"])["mIoU"])


def test_no_images_and_images_without_a_class():
    nothing = run_segmenter(model(), Subset(Stripes(2), []))
    assert nothing.confusions.shape == (0, 3, 3) and math.isnan(nothing.figures.mean_iou)
    height, width = Stripes(3)[1][0].shape[1:]
    result = run_segmenter(model(), Overwritten(1, np.full((height, width), VOID)))
    assert np.isnan(result.mean_ious).tolist() == [False, True, False]
    assert result.figures.mean_iou == 1


def test_a_wrong_label_map_is_named():
    height, width = Stripes(3)[2][0].shape[1:]
    with pytest.raises(ValueError, match="image 'stripes2': truth: label 3 in row 0"):
        run_segmenter(model(), Overwritten(2, np.full((height, width), 3)))
    with pytest.raises(ValueError, match="image 'stripes2': the prediction has shape"):
        run_segmenter(model(), Overwritten(2, np.zeros((height + 1, width), int)))


def test_the_validator_holds_what_the_functions_say():
    data = Stripes(5, wrong=1)
    weighted = model(class_weights=np.array([1.0, 2.0, 3.0]))
    figures = segmentation_validator(data, batch_size=2)(weighted)
    losses = validation_losses(weighted, data, batch_size=2)
    run = run_segmenter(weighted, data).figures
    assert figures == {
        "val_loss": losses["val loss_pixels"],
        "val loss_pixels": losses["val loss_pixels"],
        "mIoU": run.mean_iou,
        "pixel accuracy": run.pixel_accuracy,
    }
    assert 0 < figures["mIoU"] < 1 and figures["val_loss"] > 0
