"""Samples kept in memory."""

import numpy as np

from minicv.data import Cached, Farmyard


class Counting:
    """Counts how often each sample is made."""

    classes = ("thing",)

    def __init__(self):
        self.made = []

    def __len__(self):
        return 4

    def __getitem__(self, index):
        self.made.append(index)
        return np.full((3, 2, 2), index, np.float32), {"labels": np.array([0]), "masks": None}


def test_each_sample_is_made_once_and_only_when_asked_for():
    source = Counting()
    cached = Cached(source)
    for index in (2, 0, 2, 2, 0):
        assert cached[index][0][0, 0, 0] == index
    assert source.made == [2, 0]
    assert len(cached) == 4 and cached.classes == ("thing",)


def test_memory_is_bounded():
    source = Counting()
    cached = Cached(source, most=1)
    for index in (3, 1, 3, 1):
        assert cached[index][0][0, 0, 0] == index
    assert source.made == [3, 1, 1]


def test_only_the_wanted_entries_are_kept():
    assert set(Cached(Counting(), keep=("labels", "boxes"))[1][1]) == {"labels"}
    assert set(Cached(Counting())[1][1]) == {"labels", "masks"}


def test_samples_are_those_of_the_data_set():
    scenes = Farmyard(3, size=(32, 32), seed=4)
    for index in range(3):
        image, target = Cached(scenes)[index]
        np.testing.assert_array_equal(image, scenes[index][0])
        np.testing.assert_array_equal(target["boxes"], scenes[index][1]["boxes"])
