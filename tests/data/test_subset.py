"""A part of a data set."""

import copy

import numpy as np
import pytest

from minicv.data import Cached, DataLoader, Farmyard, Subset


class Numbers:
    """Ten images that are all one number."""

    classes = ("even", "odd")

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return np.full((3, 1, 1), index, np.float32), {"image_id": index}


def test_samples_in_the_order_of_the_indices_and_as_often():
    part = Subset(Numbers(), [7, 0, 7, 9])
    assert len(part) == 4 and part.classes == ("even", "odd")
    assert [part[i][1]["image_id"] for i in range(4)] == [7, 0, 7, 9]
    assert part[2][0].max() == 7


def test_numpy_indices_and_a_loader():
    part = Subset(Numbers(), np.flatnonzero(np.arange(10) % 2))
    found = [target["image_id"] for _, targets in DataLoader(part, 2) for target in targets]
    assert found == [1, 3, 5, 7, 9]


def test_part_of_a_part():
    assert Subset(Subset(Numbers(), [4, 5, 6]), [2])[0][1]["image_id"] == 6


def test_nothing():
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
    for part in (Subset(scenes, [1]), Cached(scenes)):
        assert part.classes == scenes.classes and part.joint_names == scenes.joint_names
        assert copy.deepcopy(part).classes == scenes.classes
        with pytest.raises(AttributeError):
            _ = part.no_such_thing
