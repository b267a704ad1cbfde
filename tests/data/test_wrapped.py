"""Data sets made from others: subsets, transformed and cached ones."""

import copy

import numpy as np
import pytest

from minicv.data import Cached, DataLoader, Farmyard, Relabelled, Subset, Transformed
from minicv.data.transforms import RandomHorizontalFlip, Resize
from minicv.vision.label_maps import VOID


class Numbers:
    """Ten images that are all one number."""

    classes = ("even", "odd")

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return np.full((3, 1, 1), index, np.float32), {"image_id": index}


def test_a_subset_follows_the_order_of_its_indices_and_repeats():
    part = Subset(Numbers(), [7, 0, 7, 9])
    assert len(part) == 4 and part.classes == ("even", "odd")
    assert [part[i][1]["image_id"] for i in range(4)] == [7, 0, 7, 9]
    assert part[2][0].max() == 7


def test_numpy_indices_of_a_subset_and_a_loader():
    part = Subset(Numbers(), np.flatnonzero(np.arange(10) % 2))
    found = [target["image_id"] for _, targets in DataLoader(part, 2) for target in targets]
    assert found == [1, 3, 5, 7, 9]


def test_subset_of_a_subset():
    assert Subset(Subset(Numbers(), [4, 5, 6]), [2])[0][1]["image_id"] == 6


def test_a_subset_of_nothing():
    part = Subset(Numbers(), [])
    assert len(part) == 0 and list(DataLoader(part, 2)) == []
    with pytest.raises(IndexError):
        part[0]


@pytest.mark.parametrize("index", [10, -1])
def test_an_index_outside_is_refused(index):
    with pytest.raises(IndexError, match=f"index {index} is outside of a data set of 10 samples"):
        Subset(Numbers(), [0, index])


def test_what_describes_the_set_passes_through():
    scenes = Farmyard(4, size=(32, 32))
    for part in (Subset(scenes, [1]), Cached(scenes), Transformed(scenes, Resize(16))):
        assert part.classes == scenes.classes and part.joint_names == scenes.joint_names
        assert part.segmentation_classes == scenes.segmentation_classes
        assert copy.deepcopy(part).classes == scenes.classes
        with pytest.raises(AttributeError):
            _ = part.no_such_thing


def test_a_sample_is_transformed_when_it_is_asked_for():
    seen = []

    def doubled(image, target, rng):
        seen.append(target["image_id"])
        assert rng is None
        return 2 * image, target

    scenes = Farmyard(3, size=(32, 40), seed=2)
    through = Transformed(scenes, doubled)
    assert len(through) == 3 and seen == []
    image, target = through[2]
    np.testing.assert_array_equal(image, 2 * scenes[2][0])
    assert seen == [scenes[2][1]["image_id"]] == [target["image_id"]]


def test_cached_after_the_transform():
    small = Cached(Transformed(Farmyard(2, size=(64, 80)), Resize(16)))
    assert small[1][0].shape == (3, 16, 20) and small[1][0] is small[1][0]
    assert small[1][1]["segmentation"].shape == (16, 20)


def test_a_transform_that_needs_chance_says_so():
    with pytest.raises(ValueError, match="rng is None"):
        _ = Transformed(Farmyard(1, size=(32, 32)), RandomHorizontalFlip())[0]


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


def test_the_memory_of_a_cache_is_bounded():
    source = Counting()
    cached = Cached(source, most=1)
    for index in (3, 1, 3, 1):
        assert cached[index][0][0, 0, 0] == index
    assert source.made == [3, 1, 1]


def test_only_the_wanted_entries_are_kept():
    assert set(Cached(Counting(), keep=("labels", "boxes"))[1][1]) == {"labels"}
    assert set(Cached(Counting())[1][1]) == {"labels", "masks"}


def test_cached_samples_are_those_of_the_data_set():
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


class Labelled:
    """One picture with three objects, a label map, and everything that has a row an object."""

    classes = ("pig", "Cow", "duck")
    segmentation_classes = ("sky", "cow", "mud")
    segmentation_colors = np.array([[1, 1, 1], [2, 2, 2], [3, 3, 3]], np.uint8)

    def __len__(self):
        return 1

    def __getitem__(self, index):
        if index:
            raise IndexError(index)
        return np.zeros((3, 2, 4), np.float32), {
            "boxes": np.array([[0, 0, 1, 1], [0, 0, 2, 2], [0, 0, 3, 2]], np.float32),
            "labels": np.array([0, 1, 2]),
            "masks": np.arange(24).reshape(3, 2, 4) % 2 == 0,
            "keypoints": np.arange(9.0).reshape(3, 1, 3),
            "area": np.array([1.0, 4.0, 6.0]),
            "difficult": np.array([False, True, False]),
            "iscrowd": np.array([True, False, False]),
            "segmentation": np.array([[0, 1, 2, VOID], [1, 1, 0, 2]]),
            "image_id": "a",
        }


def test_relabelled_objects_keep_their_rows_and_unknown_ones_go():
    data = Labelled()
    target = Relabelled(data, ("duck", "horse", "cow"))[0][1]
    assert target["labels"].tolist() == [2, 0]  # the cow, the duck; the pig is left out
    for name in ("boxes", "masks", "keypoints", "area", "difficult", "iscrowd"):
        np.testing.assert_array_equal(target[name], data[0][1][name][1:], err_msg=name)
    assert target["image_id"] == "a"


def test_relabelled_pixels_of_unknown_classes_have_no_class():
    target = Relabelled(Labelled(), ("mud", "tree", "cow"))[0][1]
    assert target["segmentation"].tolist() == [[VOID, 2, 0, VOID], [2, 2, VOID, 0]]
    assert target["segmentation"].dtype == np.int64


def test_relabelled_has_the_new_names_and_the_old_colours():
    part = Relabelled(Labelled(), ("mud", "sky"))
    assert part.classes == part.segmentation_classes == ("mud", "sky")
    assert part.segmentation_colors.tolist() == [[3, 3, 3], [1, 1, 1]]
    assert Relabelled(Labelled(), ("mud", "tree")).segmentation_colors is None
    assert Relabelled(Numbers(), ("odd",)).segmentation_colors is None
    assert len(part) == 1


def test_relabelled_without_any_object_left():
    target = Relabelled(Labelled(), ("horse",))[0][1]
    assert target["boxes"].shape == (0, 4) and target["masks"].shape == (0, 2, 4)
    assert target["labels"].shape == (0,)


def test_relabelled_pictures():
    class OfPictures(Numbers):
        def __getitem__(self, index):
            return super().__getitem__(index)[0], {"label": index % 2}

    part = Relabelled(OfPictures(), ("zero", "odd", "even"))
    assert [part[index][1]["label"] for index in range(3)] == [2, 1, 2]
    assert type(part[0][1]["label"]) is int
    assert Relabelled(OfPictures(), ("odd",))[0][1]["label"] == -1


def test_files_of_a_subset():
    class Files(Numbers):
        paths = tuple(f"{i}.jpg" for i in range(10))
        label_paths = tuple(f"{i}.png" for i in range(10))

    part = Subset(Subset(Files(), [4, 5, 6]), [2, 0])
    assert part.paths == ["6.jpg", "4.jpg"] and part.label_paths == ["6.png", "4.png"]
    assert not hasattr(part, "annotated_joints_of") and not hasattr(part, "labels_of")
    with pytest.raises(AttributeError):
        _ = Subset(Numbers(), [1]).label_paths
