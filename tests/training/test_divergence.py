"""What ends a training, and what does not; the sentence names what to look at."""

import numpy as np
import pytest

from minicv.training import DivergenceError
from minicv.training.divergence import Guard, check_losses, picture_fault

TARGETS = [
    {"image_id": "im1", "boxes": np.array([[0.0, 0, 9, 9], [1, 1, 3, 2]])},
    {"image_id": "im2", "boxes": np.zeros((0, 4))},
]


def message(losses, targets, rate=0.01):
    with pytest.raises(DivergenceError) as caught:
        check_losses(losses, targets, rate, step=7)
    return str(caught.value)


def test_divergence_names_what_to_look_at():
    said = message({"loss_a": 1.0, "loss_b": float("inf")}, TARGETS)
    assert "at step 7: loss_b is inf; images im1, im2; smallest box 2 x 1 pixels (im1)" in said
    assert "learning rate 0.01 for a batch of 2" in said
    assert "no boxes" in message({"a": float("nan")}, TARGETS[1:])
    maps = [
        {"image_id": "im3", "segmentation": np.array([[0, 255], [255, 255]])},
        {"image_id": "im4", "segmentation": np.array([[0, 1]])},
    ]
    said = message({"a": float("nan")}, maps)
    assert "fewest pixels with a class 1 of 4 (im3)" in said and "box" not in said
    check_losses({"a": 1.0, "b": -2.0}, TARGETS, 0.1, 0)  # finite losses pass


IMAGES = [np.zeros((3, 2, 2), np.float32), np.ones((3, 2, 2), np.float32)]


def test_pictures_with_pixels_that_are_no_numbers_are_named():
    for wrong in (np.nan, np.inf, -np.inf):
        images = [IMAGES[0], IMAGES[1].copy()]
        images[1][0, 1, 1] = wrong
        with pytest.raises(ValueError, match="image im2: 1 of its 12 numbers are NaN"):
            Guard().pictures(images, TARGETS)
        assert "image 1: 1 of" in picture_fault(images, [])
    huge = np.full((3, 2, 2), 3e38, np.float32)  # the sum overflows, the numbers do not
    for fine in (IMAGES, [huge, np.array([255], np.uint8)], []):
        Guard().pictures(fine, TARGETS)


def test_a_picture_is_blamed_before_the_learning_rate():
    spoilt = np.full((3, 2, 2), np.nan, np.float32)
    with pytest.raises(DivergenceError, match="loss_a is nan; image im1: 12 of its 12") as caught:
        check_losses({"loss_a": float("nan")}, TARGETS, 0.1, 3, [spoilt])
    assert "learning rate" not in str(caught.value)


def test_the_bound_of_a_step_lies_far_above_the_first_losses():
    guard = Guard()
    guard.losses({"loss_a": 2.0, "loss_b": -1.0}, TARGETS, 0.1, 0)
    guard.losses({"loss_a": 2.9e6, "loss_b": 0.0}, TARGETS, 0.1, 1)
    with pytest.raises(DivergenceError, match=r"step 2: loss_b is -3.1e\+06, .* began at 3; im"):
        guard.losses({"loss_a": 0.0, "loss_b": -3.1e6}, TARGETS, 0.1, 2)


def test_first_losses_near_zero_are_no_measure():
    """A first batch without objects has no loss of boxes."""
    guard = Guard()
    guard.losses({"loss_a": 0.0}, TARGETS, 0.1, 0)
    guard.losses({"loss_a": 9e5}, TARGETS, 0.1, 1)


def test_the_bounds_of_an_epoch_and_the_images_of_its_greatest_loss():
    def guard():
        own = Guard()
        for step, (loss, name) in enumerate([(2.0, "a"), (90.0, "b"), (80.0, "c")]):
            own.losses({"loss_a": loss}, [{"image_id": name}], 0.1, step)
        return own

    guard().epoch({"loss_a": 1.9e3}, {"val loss_a": 1.9e6, "val_loss": 1.9e6, "AP": 1e9}, 1, 0.1)
    greatest = "the greatest loss was on images b; learning rate 0.1 for a batch of 1"
    with pytest.raises(DivergenceError, match=f"in epoch 1: loss_a is 2.1e.03, .*{greatest}"):
        guard().epoch({"loss_a": 2.1e3}, {}, 1, 0.1)
    for judged in ({"val loss_a": 2.1e6}, {"val_loss": float("inf")}, {"val_loss": float("nan")}):
        with pytest.raises(DivergenceError, match=f"in epoch 1: val.loss.*{greatest}"):
            guard().epoch({"loss_a": 1.0}, judged, 1, 0.1)
    guard().epoch({"loss_a": 1.0}, {"AP": float("nan")}, 1, None)  # no object was labelled


def test_a_training_that_goes_on_is_measured_by_its_first_epoch():
    guard = Guard([{"epoch": 1, "step": 9, "loss_a": 50.0, "val_loss": 1.0}, {"epoch": 2}])
    guard.losses({"loss_a": 49e6}, TARGETS, 0.1, 18)
    with pytest.raises(DivergenceError, match="began at 50"):
        guard.losses({"loss_a": 51e6}, TARGETS, 0.1, 19)
    Guard([{"epoch": 1, "distance": 3.0}]).losses({"distance": 1e5}, TARGETS, 0.1, 3)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_numbers_that_a_checkpoint_would_hold(wrong):
    arrays = {name: np.zeros(3, np.float32) for name in ("weight", "running_var", "momentum", "a")}
    arrays["steps"] = np.array(4)
    guard = Guard()
    guard.losses({"loss_a": 1.0}, TARGETS, 0.1, 0)
    guard.numbers(arrays, 1, 0.1)
    arrays["running_var"][1] = wrong
    with pytest.raises(DivergenceError, match=r"in epoch 2: running_var holds NaN .* im1, im2; "):
        guard.numbers(arrays, 2, 0.1)
    for name in ("weight", "momentum", "a"):
        arrays[name][0] = wrong
    with pytest.raises(DivergenceError, match="weight, running_var, momentum and 1 more hold NaN"):
        guard.numbers(arrays, 2, None)
