"""Normed gradients by loops, and maps whose windows are boxes of the promised size."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minicv.proposals.normed_gradients import SIZES, gradient_maps, normed_gradients


@given(seed=st.integers(0, 10_000), height=st.integers(1, 5), width=st.integers(1, 5))
def test_against_loops(seed, height, width):
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    numbers = picture.astype(int).tolist()
    for y in range(height):
        for x in range(width):
            pairs = [
                (numbers[y][min(x + 1, width - 1)], numbers[y][max(x - 1, 0)]),
                (numbers[min(y + 1, height - 1)][x], numbers[max(y - 1, 0)][x]),
            ]
            total = sum(max(abs(a - b) for a, b in zip(*pair, strict=True)) for pair in pairs)
            assert normed_gradients(picture)[y, x] == min(total, 255)


@given(height=st.integers(1, 300), width=st.integers(1, 300))
def test_windows_have_their_size_and_lie_inside(height, width):
    for one in gradient_maps(np.zeros((3, height, width), np.float32)):
        rows, columns = (np.array([0, places - 1]) for places in one.places)
        boxes = one.boxes(rows, columns)
        np.testing.assert_allclose(boxes[0, :2], 0)
        np.testing.assert_allclose(boxes[1, 2:], [width, height])
        for side, wanted, room in zip(boxes[0, 2:], SIZES[one.size], (width, height), strict=True):
            # Rounding to whole pixels of the small map, and windows cut to the image.
            assert 0.65 * min(wanted, room) <= side <= min(1.35 * wanted, room + 1e-6)


def test_only_sizes_for_which_there_is_room():
    small = [SIZES[one.size] for one in gradient_maps(np.zeros((3, 30, 100), np.float32))]
    assert {height for _, height in small} == {16, 32}
    assert {width for width, _ in small} == {16, 32, 64, 128}
    assert list(gradient_maps(np.zeros((3, 1, 1), np.float32))) == []
