"""Pictures of exactly one object: which they are, their label and box; scenes drawn for it."""

import numpy as np
import pytest
from hypothesis import assume, given
from pictures_with_objects import Listed, Pictures, sets, target_of

from minicv.data import Farmyard, OneObject, Subset, one_object
from minicv.data.one_object import SingleObjectScenes


@given(sets(most=2))
def test_exactly_the_pictures_of_one_real_object(pictures):
    real = [~(t["difficult"] | t["iscrowd"]) for t in pictures.targets]
    wanted = [index for index, marks in enumerate(real) if marks.sum() == 1]
    assume(wanted)
    ones = OneObject(pictures)
    assert ones.indices == wanted and ones.classes == pictures.classes
    assert bool(pictures.reads) != isinstance(pictures, Listed)
    for place, index in enumerate(wanted):
        image, target = ones[place]
        (row,) = np.flatnonzero(real[index])
        np.testing.assert_array_equal(image, pictures.picture(index))
        assert target["label"] == pictures.targets[index]["labels"][row]
        assert type(target["label"]) is int and target["box"].dtype == np.float32
        assert target["box"].tolist() == pictures.targets[index]["boxes"][row].tolist()
        assert target["boxes"].tolist() == [target["box"].tolist()]
        assert target["keypoints"].shape == (1, 3, 3) and target["image_id"] == f"im{index}.jpg"


def test_what_describes_the_set_follows():
    one, two = target_of([(0, 0, 2, 2)], [2]), target_of([(0, 0, 3, 3)] * 2)
    pictures = Listed([target_of([]), one, two])
    pictures.paths = ["a", "b", "c"]
    ones = OneObject(pictures)
    assert ones.paths == ["b"] and ones.labels_of(0).tolist() == [2]


def test_no_picture_of_one_object():
    two, none = target_of([(0, 0, 2, 2), (1, 1, 3, 3)]), target_of([(1, 1, 1, 5)])
    with pytest.raises(ValueError, match=r"none of 3 pictures .*: 1 show more, 2 none"):
        OneObject(Pictures([two, none, target_of([])]))
    with pytest.raises(ValueError, match="none of 0 pictures"):
        OneObject(Subset(Pictures([two]), []))


def test_files_that_changed_since_they_were_counted():
    pictures = Listed([target_of([(0, 0, 2, 2)])])
    ones = OneObject(pictures)
    pictures.targets = [target_of([])]
    with pytest.raises(ValueError, match=r"picture im0.jpg has another number of objects"):
        ones[0]


def test_scenes_are_as_many_as_wanted_and_each_another():
    scenes = SingleObjectScenes(8, (32, 32), seed=1)
    shown = [scenes[index] for index in range(8)]
    plain = Farmyard(8, (32, 32), seed=1, objects=(1, 1))
    empty = [index for index in range(8) if not len(plain[index][1]["boxes"])]
    assert empty == [0, 4]  # so that other scenes had to be drawn
    names = [target["image_id"] for _, target in shown]
    assert len({*names}) == 8
    for index, (image, target) in enumerate(shown):
        assert (names[index] != plain[index][1]["image_id"]) == (index in empty)
        assert target["boxes"].tolist() == [target["box"].tolist()]
        assert target["labels"].tolist() == [target["label"]]
        assert image.shape == (3, 32, 32) and target["masks"].shape == (1, 32, 32)
    assert scenes.classes == Farmyard.classes and not hasattr(scenes, "paths")
    np.testing.assert_array_equal(scenes[-1][0], shown[7][0])
    for index in (8, -9):
        with pytest.raises(IndexError, match="outside a set of 8 scenes"):
            scenes[index]
    assert list(SingleObjectScenes(0)) == []


def test_scenes_that_never_show_an_object(monkeypatch):
    monkeypatch.setattr(one_object, "with_one_object", lambda image, target: None)
    monkeypatch.setattr(one_object, "MOST_SCENES", 2)
    with pytest.raises(ValueError, match="2 scenes for 1 show no object"):
        SingleObjectScenes(2, (32, 32))[1]
