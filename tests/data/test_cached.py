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


def test_label_maps_are_kept_narrow_and_come_back_as_they_were():
    scenes = Farmyard(2, size=(32, 48), seed=4)
    cached = Cached(scenes, keep=("segmentation", "image_id"))
    cached[1]
    again = cached[1][1]
    assert sorted(again) == ["image_id", "segmentation"]
    assert again["segmentation"].dtype == np.int64
    np.testing.assert_array_equal(again["segmentation"], scenes[1][1]["segmentation"])
    _, target, labels = cached._samples[1]
    assert labels.nbytes == 32 * 48 and "segmentation" not in target
    assert cached.segmentation_classes == scenes.segmentation_classes


def test_label_maps_that_uint8_cannot_hold_are_kept_as_they_are():
    for labels in (np.array([[-1]]), np.array([[256]]), np.array([[3]], np.int32)):
        image = np.zeros((3, 1, 1), np.float32)
        cached = Cached([(image, {"segmentation": labels})])
        for _ in range(2):
            assert cached[0][1]["segmentation"].dtype == labels.dtype
            assert cached[0][1]["segmentation"].tolist() == labels.tolist()
