"""The lecture's numbers come out as on its slides, and the pictures are written."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def script(load_example):
    return load_example("03_four_upsamplings")


def test_the_lectures_numbers(script):
    numbers = {name: values.tolist() for name, values in script.lecture_numbers().items()}
    assert numbers["Max pooling of the 4x4 map"] == [[5, 6], [7, 8]]
    assert numbers["The maxima, unpooled"] == [
        [0, 0, 6, 0], [0, 5, 0, 0], [0, 0, 0, 0], [7, 0, 0, 8]
    ]  # fmt: skip
    assert numbers["Nearest neighbour of 1 2 / 3 4"] == [
        [1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]
    ]  # fmt: skip
    assert numbers["Bed of nails of 1 2 / 3 4"] == [
        [1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]
    ]  # fmt: skip
    assert numbers["Max unpooling of 1 2 / 3 4"] == [
        [0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]
    ]  # fmt: skip


def test_stamps_add_up_where_they_overlap(script):
    expected = np.zeros((5, 5))
    for (row, column), value in np.ndenumerate(script.SMALL):
        expected[2 * row : 2 * row + 3, 2 * column : 2 * column + 3] += value * script.STAMP
    numbers = script.lecture_numbers()
    np.testing.assert_allclose(numbers["... with its first row and column"], expected)
    np.testing.assert_allclose(numbers["Transposed convolution of 1 2 / 3 4"], expected[1:, 1:])
    assert script.letters("ab", "xyz") == ["ax", "ay", "az + bx", "by", "bz"]


def test_max_unpooling_puts_maxima_where_they_were(script):
    before = np.random.default_rng(0).random((1, 12, 16), dtype=np.float32)
    after = script.halved_and_back(before)["Max unpooling"]
    kept = after != 0
    assert kept.mean() == 0.25
    np.testing.assert_array_equal(after[kept], before[kept])


def test_it_draws_a_scene_or_a_photograph(script, tmp_path, check_pictures, capsys):
    photograph = tmp_path / "photograph.jpg"
    noise = np.random.default_rng(0).integers(0, 255, (50, 90, 3), dtype=np.uint8)
    Image.fromarray(noise).save(photograph)
    for number, options in enumerate(([], ["--image", str(photograph)])):
        out = tmp_path / f"new/{number}"
        script.main(["--out", str(out), *options])
        check_pictures(out, ["edges.png", "numbers.png", "picture.png"])
        assert "['ax', 'ay', 'az + bx', 'by', 'bz']" in capsys.readouterr().out
