"""Squares: the middle, the whole, a random window; shifts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minicv.data.transforms.square import RandomShift, RandomSquare, square, window_of


def rng(seed=0):
    return np.random.default_rng(seed)


def ramp(height, width):
    """(3, H, W): row, column and 0 of each pixel, as fractions of 100."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32) / 100
    return np.stack([rows, columns, 0 * rows])


def test_a_crop_is_the_middle_of_the_shorter_side():
    image = ramp(40, 60)
    np.testing.assert_array_equal(square(image, 20, "crop", 0.5), image[:, 10:30, 20:40])
    np.testing.assert_array_equal(square(image, 40, "crop", 1.0), image[:, :, 10:50])


def test_a_crop_is_what_published_networks_were_tested_on():
    """The shorter side to 256 and the middle 224, but for where the pixels fall."""
    image = rng().random((3, 300, 400), dtype=np.float32)
    smooth = np.stack([
        np.asarray(Image.fromarray(plane).resize((20, 15)).resize((400, 300))) for plane in image
    ])  # fmt: skip
    planes = [Image.fromarray(plane).resize((341, 256), 2) for plane in smooth]
    expected = np.stack([np.asarray(plane)[16:240, 58:282] for plane in planes])
    np.testing.assert_allclose(square(smooth, 224), expected, atol=0.02)


def test_stretching_keeps_all_of_the_picture():
    image = ramp(40, 20)
    found = square(image, 10, "stretch")
    np.testing.assert_allclose(found[0, 1:-1], np.repeat(found[0, 1:-1, :1], 10, 1), atol=1e-6)
    assert found[0].mean() == pytest.approx(image[0].mean(), abs=1e-3)
    assert found[1].max() > 0.17 and found[0].max() > 0.36


@pytest.mark.parametrize("fit", ["crop", "stretch"])
def test_a_picture_of_that_size_is_taken_as_it_is(fit):
    image = rng().random((3, 8, 8), dtype=np.float32)
    assert square(image, 8, fit, 0.5) is image


@pytest.mark.parametrize("fit", ["crop", "stretch"])
def test_a_strip_becomes_a_square_without_much_memory(fit):
    for size in ((1, 3000), (3000, 1), (1, 1)):
        assert square(np.full((3, *size), 0.25, np.float32), 224, fit).shape == (3, 224, 224)


def test_bicubic_is_pillows_within_0_and_1():
    image = (rng().random((3, 9, 9)) > 0.5).astype(np.float32)
    found = window_of(image, (0, 0, 9, 9), 30, "bicubic")
    plane = np.asarray(Image.fromarray(image[0]).resize((30, 30), Image.Resampling.BICUBIC))
    assert plane.max() > 1 and plane.min() < 0
    np.testing.assert_allclose(found[0], np.clip(plane, 0, 1), atol=1e-6)


@pytest.mark.parametrize("fit", ["crop", "stretch"])
@given(st.integers(8, 40), st.integers(8, 40), st.integers(0, 1000))
def test_a_random_window_lies_in_the_picture_and_has_that_share(fit, height, width, seed):
    image, least = ramp(height, width), 0.5
    found, target = RandomSquare(64, fit, least)(image, {"label": 3}, rng(seed))
    assert found.shape == (3, 64, 64) and target == {"label": 3}
    rows, columns = found[0, :, 32] * 100, found[1, 32] * 100  # enlarged: edges are the outermost
    sides = rows.max() - rows.min() + 1, columns.max() - columns.min() + 1
    assert rows.min() >= 0 and rows.max() <= height - 1 + 1e-3
    share = sides[0] * sides[1] / (height * width)
    shorter = min(height, width)
    middle = shorter**2 / (height * width)  # where no window was found
    assert share >= min(least, middle) * 0.75 - 0.1


def test_all_of_a_picture_where_the_least_area_is_1():
    image = ramp(40, 60)
    found, _ = RandomSquare(40, "crop", 1.0)(image, {}, rng())
    np.testing.assert_array_equal(found, image[:, :, 10:50])


def test_windows_differ_from_draw_to_draw():
    image = ramp(40, 60)
    draws = [RandomSquare(8)(image, {}, rng(seed))[0] for seed in range(8)]
    assert len({draw.tobytes() for draw in draws}) == 8


def test_shifts_are_all_equally_likely_and_repeat_the_edge():
    image = ramp(5, 7)
    seen = set()
    for seed in range(200):
        found, _ = RandomShift(1)(image, {}, rng(seed))
        down, across = (round(100 * float(found[axis, 2, 3])) - at for axis, at in ((0, 2), (1, 3)))
        seen.add((down, across))
        padded = np.pad(image, ((0, 0), (1, 1), (1, 1)), mode="edge")
        expected = padded[:, 1 + down : 6 + down, 1 + across : 8 + across]
        np.testing.assert_array_equal(found, expected)
    assert seen == {(down, across) for down in (-1, 0, 1) for across in (-1, 0, 1)}


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (4, 1)])
def test_a_shift_beyond_the_picture_leaves_its_edge(size):
    image = ramp(*size)
    padded = np.pad(image, ((0, 0), (9, 9), (9, 9)), mode="edge")
    for seed in range(60):
        down, across = rng(seed).integers(-9, 10, size=2)
        expected = padded[:, 9 + down : 9 + down + size[0], 9 + across : 9 + across + size[1]]
        np.testing.assert_array_equal(RandomShift(9)(image, {}, rng(seed))[0], expected)


def test_a_shift_of_0_changes_nothing():
    image = ramp(5, 7)
    assert RandomShift(0)(image, {}, rng())[0] is image


def test_what_is_refused():
    with pytest.raises(ValueError, match="RandomSquare: size=0"):
        RandomSquare(0)
    with pytest.raises(ValueError, match="least_area=0"):
        RandomSquare(8, least_area=0)
    with pytest.raises(ValueError, match="RandomShift: most=-1"):
        RandomShift(-1)
    for transform in (RandomSquare(8), RandomShift(1)):
        with pytest.raises(ValueError, match="rng is None"):
            transform(ramp(9, 9), {}, None)
        with pytest.raises(ValueError, match="uint8"):
            transform(np.zeros((3, 9, 9), np.uint8), {}, rng())
