"""Faults: all are told at once, each once, and training begins only without errors."""

import pytest

from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, DatasetWarning, ImageError


def test_ten_errors_are_named_and_the_others_counted():
    faults = Faults()
    for i in range(13):
        faults.error("no name", f"{i}.xml", "object 1 has no name")
    with pytest.raises(AnnotationError) as caught:
        faults.settle("Reader")
    lines = str(caught.value).splitlines()
    assert lines[0] == "Reader: 13 faults:" and lines[-1] == "  and 3 more"
    assert lines[1:-1] == [f"  {i}.xml: object 1 has no name" for i in range(10)]


def test_an_error_of_a_picture_keeps_its_type_and_names_all():
    faults = Faults()
    faults.unreadable("a.jpg", "truncated")
    with pytest.raises(ImageError, match=r"^Reader: a.jpg: truncated$"):
        faults.settle("Reader")


def test_unreadable_pictures_can_be_left_out_with_a_warning():
    faults = Faults(skip_unreadable=True)
    faults.unreadable("a.jpg", "truncated")
    faults.unreadable("b.jpg", "empty")
    with pytest.warns(DatasetWarning) as warned:
        faults.settle("Reader")
    (one,) = warned
    assert str(one.message) == (
        "Reader: a.jpg: truncated; left out (and 1 more: unreadable picture)"
    )


def test_a_fault_is_told_once_whoever_finds_it_again():
    faults = Faults()
    faults.repaired("box", "a.xml", "object 1 has no area", "dropped")
    faults.repaired("box", "a.xml", "object 1 has no area", "dropped")
    with pytest.warns(DatasetWarning, match=r"^Train: a.xml: object 1 has no area; dropped$"):
        faults.settle("Train")
    faults.repaired("box", "a.xml", "object 1 has no area", "dropped")
    faults.settle("Validation")  # warnings are errors here: nothing is told again
    assert len(faults.found) == 1


def test_a_collector_neither_warns_nor_raises():
    faults = Faults(raises=False)
    faults.repaired("box", "a.xml", "object 1 has no area", "dropped")
    faults.error("no name", "b.xml", "object 1 has no name")
    faults.settle("Reader")
    assert [fault.kind for fault in faults.found] == ["box", "no name"]


def test_repairs_are_told_by_kind():
    faults = Faults()
    faults.repaired("box", "a.xml", "object 1 has no area", "dropped")
    faults.repaired("turned", "a.xml", "size is swapped", "turned upright")
    with pytest.warns(DatasetWarning) as warned:
        faults.settle("Reader")
    assert len(warned) == 2
