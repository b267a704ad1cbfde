"""Every object as a picture: beside plain slices, lazily, and what is left out."""

import copy
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pictures_with_objects import Listed, Pictures, sets, target_of

from minicv.data import Cached, DataLoader, Farmyard, ObjectCrops, Subset


def crops_by_loops(pictures, context):
    """Each real object's pixels, label and name, one picture and one object after the other."""
    height, width = pictures.size
    for index, target in enumerate(pictures.targets):
        for number, (x1, y1, x2, y2) in enumerate(target["boxes"].tolist()):
            if target["difficult"][number] or target["iscrowd"][number]:
                continue
            left = max(0, math.floor(x1 - context * (x2 - x1)))
            right = min(width, math.ceil(x2 + context * (x2 - x1)))
            top = max(0, math.floor(y1 - context * (y2 - y1)))
            bottom = min(height, math.ceil(y2 + context * (y2 - y1)))
            pixels = pictures.picture(index)[:, top:bottom, left:right]
            yield pixels, target["labels"][number], f"im{index}.jpg object {number + 1}"


@given(sets(), st.sampled_from([0.0, 0.15, 1.0]))
def test_equals_plain_slices(pictures, context):
    expected = list(crops_by_loops(pictures, context))
    assume(expected)
    crops = ObjectCrops(pictures, context)
    assert len(crops) == len(expected) and crops.classes == pictures.classes
    for index, (pixels, label, name) in enumerate(expected):
        image, target = crops[index]
        np.testing.assert_array_equal(image, pixels)
        assert image.flags.c_contiguous and image.size
        assert target == {"label": label, "image_id": name} and type(target["label"]) is int
        assert crops.labels_of(index).tolist() == [label]


@given(sets(kinds=(Listed,)))
def test_a_set_that_knows_its_objects_is_not_read(pictures):
    assume(any(pictures.real(index).any() for index in range(len(pictures))))
    crops = ObjectCrops(pictures)
    assert not pictures.reads
    for index in range(len(crops)):
        crops[index]
    assert len(pictures.reads) == len({*pictures.reads})  # neighbours need one reading


def test_files_follow_their_pictures():
    two, one = target_of([(0, 0, 2, 2), (1, 1, 5, 5)]), target_of([(0, 0, 3, 3)])
    pictures = Listed([target_of([]), two, one])
    assert not hasattr(ObjectCrops(pictures), "paths")
    pictures.paths, pictures.label_paths = ["a", "b", "c"], ["la", "lb", "lc"]
    crops = ObjectCrops(pictures)
    assert crops.paths == ["b", "b", "c"] and crops.label_paths == ["lb", "lb", "lc"]
    part = Subset(crops, [2, 0])
    assert part.paths == ["c", "b"] and part.labels_of(0).tolist() == [0]
    assert copy.deepcopy(crops).paths == crops.paths


def test_a_crop_does_not_hold_its_photograph_in_memory():
    crops = ObjectCrops(Pictures([target_of([(2, 2, 4, 4)])]), 0)
    assert crops[0][0].base is None


def test_threads_read_side_by_side():
    crops = ObjectCrops(Cached(Farmyard(6, size=(48, 48))))
    in_order = [target["image_id"] for _, targets in DataLoader(crops, 4) for target in targets]
    threads = [t["image_id"] for _, targets in DataLoader(crops, 4, workers=3) for t in targets]
    assert threads == in_order and len({*in_order}) == len(crops)


@pytest.mark.parametrize("kind", [Pictures, Listed])
def test_nothing_to_cut_out(kind):
    crowd = target_of([(0, 0, 2, 2)], iscrowd=[0])
    for targets in ([], [target_of([])], [crowd, target_of([(1, 1, 2, 2)], difficult=[0])]):
        with pytest.raises(ValueError, match=rf"no object to cut out in {len(targets)} pictures"):
            ObjectCrops(kind(targets))


def test_files_that_changed_since_they_were_counted():
    pictures = Listed([target_of([(0, 0, 2, 2), (1, 1, 5, 5)])])
    crops = ObjectCrops(pictures)
    pictures.targets = [target_of([(0, 0, 2, 2)])]
    with pytest.raises(ValueError, match="picture 0 has 1 objects to cut out, but more"):
        crops[1]
