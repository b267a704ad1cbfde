"""ImageNet's names: the published list, in the order of the labels."""

import hashlib

from minicv.data.imagenet_names import IMAGENET_CLASSES, WORDNET_IDS, named_classes


def test_they_are_the_thousand_of_torchvision():
    """The sum is of torchvision 0.14.1's categories behind the ids of the official list."""
    text = "\n".join(map(" ".join, zip(WORDNET_IDS, IMAGENET_CLASSES, strict=True)))
    expected = "61aa580efbe5232d6abf22268858e2950379904780d3576580e904395a27da7c"
    assert hashlib.sha256(text.encode()).hexdigest() == expected


def test_each_name_and_each_id_is_there_once_and_labels_follow_the_ids():
    assert len(set(IMAGENET_CLASSES)) == len(IMAGENET_CLASSES) == 1000
    assert list(WORDNET_IDS) == sorted(set(WORDNET_IDS))
    assert (IMAGENET_CLASSES[0], IMAGENET_CLASSES[999]) == ("tench", "toilet tissue")
    assert (IMAGENET_CLASSES[134], IMAGENET_CLASSES[517]) == ("crane bird", "crane")


def test_they_are_those_of_the_samples(real_data):
    lines = (real_data("imagenet-samples") / "synsets.txt").read_text("utf-8").splitlines()
    assert [line.split()[0] for line in lines] == list(WORDNET_IDS)


def test_ids_get_their_names():
    assert named_classes(WORDNET_IDS) == IMAGENET_CLASSES
    assert named_classes(["n99999999"]) == ("n99999999",)
    assert named_classes(["tench", "n01440764"]) == ("tench", "n01440764")
