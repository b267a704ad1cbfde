"""Label maps: what is refused, and how often classes occur."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.vision.label_maps import (
    VOID,
    check_label_map,
    class_frequencies,
    median_frequency_weights,
)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.int16])
def test_maps_of_classes_and_void_pass_in_every_dtype(xp, dtype):
    labels = xp.asarray(np.array([[0, 4, VOID]], dtype))
    check_label_map(labels, 5, size=(1, 3))
    check_label_map(xp.zeros((0, 3), dtype=dtype), 1)
    with pytest.raises(ValueError, match=r"label 4 in row 0, column 1 \(1 of 3 pixels\)"):
        check_label_map(labels, 4)


def test_all_255_classes():
    every = np.arange(256).reshape(16, 16)
    check_label_map(every, 255)
    with pytest.raises(ValueError, match="label 254 in row 15, column 14"):
        check_label_map(every, 254)
    for number in (0, 256):
        with pytest.raises(ValueError, match=f"num_classes is {number}, expected 1..255"):
            check_label_map(every, number)


@given(st.integers(0, 2**32), st.sampled_from([-1, 5, 254, 256, 10**9]))
def test_the_first_wrong_label_is_named_with_its_place(xp, seed, wrong):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, size=rng.integers(1, 9, size=2))
    flat = np.sort(rng.choice(labels.size, size=min(3, labels.size), replace=False))
    labels.flat[flat] = wrong
    row, column = np.unravel_index(flat[0], labels.shape)
    place = rf"^image 'cow': label {wrong} in row {row}, column {column} \({len(flat)} of "
    with pytest.raises(ValueError, match=place):
        check_label_map(xp.asarray(labels), 5, "image 'cow'")


def test_other_faults(xp):
    with pytest.raises(ValueError, match=r"shape \(2, 3, 3\).*without converting it to RGB"):
        check_label_map(xp.zeros((2, 3, 3), dtype=np.int64), 5)
    with pytest.raises(ValueError, match=r"shape \(1, 4, 6\), expected \(H, W\)$"):
        check_label_map(xp.zeros((1, 4, 6), dtype=np.int64), 5)
    with pytest.raises(ValueError, match=r"a\.png: the label map is 2 x 3 .* its image is 3 x 2"):
        check_label_map(xp.zeros((2, 3), dtype=np.int64), 5, "a.png", size=(3, 2))
    for dtype in (np.float32, bool):
        with pytest.raises(ValueError, match="expected whole numbers"):
            check_label_map(xp.zeros((2, 3), dtype=dtype), 5)


@given(st.integers(0, 2**32), st.integers(0, 4), st.integers(1, 6))
def test_frequencies_against_loops(seed, count, num_classes):
    rng = np.random.default_rng(seed)
    maps = []
    for _ in range(count):
        present = np.append(rng.choice(num_classes, size=rng.integers(0, num_classes + 1)), VOID)
        maps.append(rng.choice(present, size=rng.integers(0, 5, size=2)))
    expected = []
    for label in range(num_classes):
        pixels = possible = 0
        for labels in maps:
            values = [value for row in labels.tolist() for value in row if value != VOID]
            if label in values:
                pixels += values.count(label)
                possible += len(values)
        expected.append(float(Fraction(pixels, possible)) if possible else 0.0)
    assert class_frequencies((labels for labels in maps), num_classes).tolist() == expected


def test_frequencies_do_not_depend_on_dtype_or_device(xp):
    labels = np.array([[0, 2, 2, VOID]])
    for dtype in (np.uint8, np.int64):
        result = class_frequencies([xp.asarray(labels.astype(dtype))], 3)
        assert isinstance(result, np.ndarray)
        np.testing.assert_array_equal(result, [1 / 3, 0, 2 / 3])


def test_frequencies_name_the_wrong_map():
    with pytest.raises(ValueError, match="class_frequencies: label map 1: label 3 in row 0"):
        class_frequencies([np.array([[0]]), np.array([[3]])], 3)


@given(st.lists(st.floats(1e-6, 1) | st.just(0.0), max_size=8))
def test_weights_undo_the_frequencies(frequencies):
    weights = median_frequency_weights(np.array(frequencies))
    occurring = [frequency for frequency in frequencies if frequency > 0]
    for frequency, weight in zip(frequencies, weights, strict=True):
        if frequency == 0:
            assert weight == 0
        else:
            np.testing.assert_allclose(frequency * weight, np.median(occurring), rtol=1e-6)
    assert weights.dtype == np.float32 and weights.shape == (len(frequencies),)


@pytest.mark.parametrize("wrong", [[[0.5]], [-0.1, 0.5], [1.5], [np.nan]])
def test_weights_refuse_what_is_no_frequency(wrong):
    with pytest.raises(ValueError, match=r"frequencies expects shape \(K,\)"):
        median_frequency_weights(np.array(wrong))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int64", "uint64"])
def test_frequencies_of_label_maps_of_every_integer(dtype):
    label_map = np.array([[0, 0, 0, 1], [VOID, VOID, 1, 1]], dtype)
    assert class_frequencies([label_map], 2).tolist() == [0.5, 0.5]
