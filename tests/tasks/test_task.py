"""What a spec says of a model, and which backbone a system means."""

import dataclasses
from dataclasses import dataclass

import pytest

from minicv.data import Farmyard
from minicv.tasks import Spec, System
from minicv.tasks.detection import DETECTION
from minicv.tasks.task import classes_of_objects, yes_or_no


@dataclass(frozen=True)
class Settings:
    sizes: tuple[int, ...] = (1, 2)
    name: str | None = None


def make_system(*backbones):
    settings = dict.fromkeys(backbones, Settings())
    return System("toy", "Toy", "nobody", DETECTION, lambda spec, rng: None, settings, {})


def test_a_spec_describes_names_numbers_and_lists():
    assert Spec("toy", ("cow", "cat"), Settings(), "small", "edge_boxes").describe() == {
        "system": "toy",
        "classes": ["cow", "cat"],
        "settings": {"sizes": (1, 2), "name": None},
        "backbone": "small",
        "proposals": "edge_boxes",
        "frozen": True,
    }
    with pytest.raises(dataclasses.FrozenInstanceError):
        Spec("toy", (), Settings()).system = "other"


def test_the_backbone_that_is_meant():
    system = make_system("small", "vgg16")
    assert system.backbones == ("small", "vgg16")
    assert (system.backbone(None), system.backbone("vgg16")) == ("small", "vgg16")
    with pytest.raises(ValueError, match="backbone 'alexnet': toy takes one of small, vgg16"):
        system.backbone("alexnet")
    whole = make_system(None)
    assert whole.backbones == () and whole.backbone(None) is None
    with pytest.raises(ValueError, match="backbone 'small': toy is one piece and takes none"):
        whole.backbone("small")


def test_classes_of_objects_are_those_of_the_boxes():
    assert classes_of_objects(Farmyard(1)) == Farmyard.classes


def test_words_for_yes_and_no():
    assert yes_or_no("yes") is True
    with pytest.raises(ValueError, match="'maybe': expected yes or no"):
        yes_or_no("maybe")
