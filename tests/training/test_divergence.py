"""The guard against divergence."""

import numpy as np
import pytest

from minicv.training.divergence import DivergenceError, check_losses
from minicv.vision.label_maps import VOID


def test_finite_losses_pass():
    check_losses({"a": 0.0, "b": 1e30}, [], 0.1, 1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_only_the_bad_terms_are_named(value):
    targets = [
        {"image_id": "street", "boxes": np.array([[0.0, 0.0, 8.0, 2.0], [1.0, 1.0, 3.0, 2.5]])},
        {"image_id": "empty", "boxes": np.zeros((0, 4))},
    ]
    with pytest.raises(DivergenceError) as caught:
        check_losses({"good": 1.0, "bad": value}, targets, 0.02, 7)
    message = str(caught.value)
    assert f"bad is {value}" in message and "good" not in message
    assert "images street, empty" in message
    assert "smallest box 2 x 1.5 pixels (street)" in message
    assert "learning rate 0.02 for a batch of 2" in message


def test_without_boxes():
    with pytest.raises(DivergenceError, match="no boxes"):
        check_losses({"a": float("nan")}, [{"boxes": np.zeros((0, 4))}], 1.0, 0)


def test_segmentations_name_the_image_with_the_fewest_pixels():
    whole, scarce = np.zeros((4, 5), int), np.full((4, 5), VOID)
    scarce[2, 1:3] = 1
    targets = [
        {"image_id": "road", "segmentation": whole},
        {"image_id": "fog", "segmentation": scarce},
    ]
    with pytest.raises(DivergenceError) as caught:
        check_losses({"loss_pixels": float("nan")}, targets, 0.001, 3)
    message = str(caught.value)
    assert "fewest pixels with a class 2 of 20 (fog); learning rate 0.001" in message
    assert "box" not in message


def test_without_any_labels_there_is_nothing_to_look_at_first():
    with pytest.raises(DivergenceError, match="images a; learning rate"):
        check_losses({"loss": float("inf")}, [{"image_id": "a"}], 1.0, 0)
