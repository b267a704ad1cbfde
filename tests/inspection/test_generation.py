"""Grids, pairs, clouds on a field, films: what is where."""

import io

import numpy as np
import pytest
from PIL import Image

from minicv.inspection.generation import (
    FIELD,
    GAP,
    draw_cloud,
    draw_generation,
    draw_nearest,
    film,
    picture_grid,
    titled,
)
from minicv.inspection.palette import BLUE, VERMILLION


def test_a_grid_has_the_pictures_row_by_row():
    pictures = np.linspace(0, 1, 6)[:, None, None, None] * np.ones((1, 1, 7, 7))
    grid = picture_grid(pictures, columns=3, width=180)
    cell = grid.width // 3
    zoom = (cell - GAP) // 7
    assert zoom == 8 and grid.size == (3 * (56 + GAP), 2 * (56 + GAP))
    pixels = np.asarray(grid)[:, :, 0]
    middles = [pixels[r * cell + cell // 2, c * cell + cell // 2] for r in (0, 1) for c in range(3)]
    np.testing.assert_array_equal(middles, [0, 51, 102, 153, 204, 255])
    assert pixels[0, 0] == 255 and pixels[GAP // 2, GAP // 2] == 0  # white between


def test_a_grid_in_colour_and_one_that_is_not_full():
    pictures = np.zeros((3, 3, 4, 4))
    pictures[:, 1] = 1
    pixels = np.asarray(picture_grid(pictures, columns=2, width=40))
    assert pixels[4, 4].tolist() == [0, 255, 0]
    assert pixels[-4, -4].tolist() == [255, 255, 255]


@pytest.mark.parametrize("pictures", [np.zeros((0, 1, 4, 4)), np.zeros((4, 4))])
def test_no_grid_of_no_pictures(pictures):
    with pytest.raises(ValueError, match="at least one picture"):
        picture_grid(pictures)


def test_picture_and_sample_stand_side_by_side():
    result = {"picture": np.zeros((1, 8, 8)), "sample": np.ones((1, 8, 8)), "realness": 0.25}
    pixels = np.asarray(draw_generation(result, "a.jpg"))[:, :, 0]
    black = (pixels[-200] < 10).nonzero()[0]
    assert len(black) == 320 and black.max() < pixels.shape[1] / 2


def test_the_field_lies_the_right_way_up_and_points_where_they_are():
    def realness(points):
        return (points[:, 1] > 0).astype(float)  # real above

    generated, real = np.array([[2.0, 2.0]]), np.array([[-2.0, -1.0], [9.0, 9.0]])
    picture = draw_cloud(generated, real, realness, half=3.0, side=480, legend=False)
    pixels = np.asarray(picture).astype(int)
    top, bottom = pixels[20, 20], pixels[460, 20]
    assert top[0] > bottom[0] + 40  # yellow above, dark blue below
    near = lambda place, colour: np.abs(pixels[place] - colour).sum() < 150  # noqa: E731
    assert near((80, 400), VERMILLION) and near((320, 80), BLUE)
    assert FIELD * FIELD < 480 * 480


def test_the_nearest_stand_below_their_samples():
    samples, nearest = np.zeros((3, 1, 8, 8)), np.ones((3, 2, 1, 8, 8)) * 0.5
    picture = draw_nearest(samples, nearest)
    rows = (np.asarray(picture)[:, :, 0] == 128).sum(axis=1)
    assert (rows > 0).any() and picture.height > picture.width / 2


def test_a_film_has_its_frames_their_times_and_their_colours():
    frames = [Image.new("RGB", (40, 30), (level, 0, 255 - level)) for level in (0, 120, 240)]
    last = Image.new("RGB", (40, 30))
    for x, frame in enumerate(frames):
        last.paste(frame.resize((10, 30)), (10 * x, 0))
    with Image.open(io.BytesIO(film([*frames, last], 0.1, 1.0))) as opened:
        assert opened.n_frames == 4 and opened.info["loop"] == 0
        seconds = []
        for number in range(4):
            opened.seek(number)
            seconds.append(opened.info["duration"])
            if number < 3:
                shown = np.asarray(opened.convert("RGB"))[5, 5].astype(int)
                assert np.abs(shown - frames[number].getpixel((5, 5))).max() < 10
    assert seconds == [100, 100, 100, 1000]


def test_no_film_of_nothing_or_of_two_sizes():
    with pytest.raises(ValueError, match="0 frames"):
        film([])
    with pytest.raises(ValueError, match="all of one size"):
        film([Image.new("RGB", (4, 4)), Image.new("RGB", (4, 5))])


def test_a_title_stands_above():
    picture = titled(Image.new("RGB", (90, 40)), "step 3")
    pixels = np.asarray(picture)[:, :, 0]
    assert pixels[:30].min() < 128 and pixels[0, 0] == 255 and (pixels[30:] == 0).all()
