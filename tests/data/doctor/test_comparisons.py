"""What the doctor sees by comparing samples, splits and classes."""

import numpy as np
import pytest
from made_sets import Made, boxes_of, coloured, object_set, splits

from minicv.data import ImageError
from minicv.data.doctor import examine
from minicv.data.faults import Faults
from minicv.vision.label_maps import VOID


def found(train, validation, test=None):
    """By kind: whether it spoils a training, the number, and the first place."""
    report = examine(splits(train, validation, test), Faults(raises=False))
    return {f.kind.name: (f.kind.spoils, f.count, f.places[0]) for f in report.findings}


def test_a_clean_set_says_nothing():
    assert found(object_set(0, 10), object_set(20, 2), object_set(30, 2)) == {}


def test_the_same_pixels_in_two_splits_are_a_leak_under_any_name():
    validation = object_set(20, 2)
    image, target = object_set(3, 1)[0]
    validation.samples.append((image.copy(), {**target, "image_id": "another name"}))
    result = found(object_set(0, 10), validation)
    assert result == {
        "picture in two splits": (
            True, 1, ("validation: another name", "has the pixels of train: picture3"),
        )
    }  # fmt: skip
    assert found(object_set(0, 10), object_set(20, 2), object_set(9, 1))["picture in two splits"][
        2
    ] == ("test: picture9", "has the pixels of train: picture9")


def test_the_same_file_in_two_splits_is_a_leak_even_if_it_cannot_be_read():
    broken = ImageError("broken")
    train = Made([*object_set(0, 10).samples, broken], paths=[f"{i}.jpg" for i in range(11)])
    validation = Made([*object_set(20, 1).samples, broken], paths=["20.jpg", "10.jpg"])
    result = found(train, validation)
    assert result["picture in two splits"][:2] == (True, 1)
    assert result["unreadable picture"][:2] == (True, 2)


def test_one_picture_in_the_folders_of_two_classes():
    def whole(seed, label):
        return coloured(seed), {"label": label, "image_id": f"{label}/{seed}"}

    samples = [whole(k, k % 2) for k in range(20)]
    result = found(Made([*samples, whole(4, 1)]), Made([whole(k, k % 2) for k in (30, 31)]))
    assert result["duplicate picture with other labels"][:2] == (False, 1)
    result = found(Made([*samples, whole(4, 0)]), Made([whole(k, k % 2) for k in (30, 31)]))
    assert result["duplicate picture"][:2] == (False, 1)


def test_another_picture_of_the_same_name_is_worth_a_look():
    def named(seed, names):
        samples = [
            (coloured(seed + k), boxes_of((2, 5, 22, 25), name=n)) for k, n in enumerate(names)
        ]
        return Made(samples, ("cow",))

    train = named(0, [f"a/{k}" for k in range(10)])
    assert found(train, named(20, ["a/7", "b"])) == {
        "name in two splits": (False, 1, ("validation: a/7", "is also train: a/7"))
    }
    # A folder is a part of the name: every class and every sequence may have a picture 7.
    assert found(train, named(20, ["b/7", "7"])) == {}


def test_the_same_pixels_twice_in_a_split():
    train = object_set(0, 10)
    image, target = train.samples[4]
    train.samples.append((image, {**target, "image_id": "again"}))
    assert found(train, object_set(20, 2)) == {
        "duplicate picture": (False, 1, ("train: again", "has the pixels of train: picture4"))
    }
    train.samples[-1] = (image, boxes_of((2, 5, 22, 25), name="other labels"))
    assert "duplicate picture with other labels" in found(train, object_set(20, 2))


@pytest.mark.parametrize("classes", [("cow", "Cow"), ("cow", "cow "), ("a b", "a_b")])
def test_names_that_differ_by_case_or_blanks(classes):
    result = found(object_set(0, 10, classes=classes), object_set(20, 2, classes=classes))
    kind = "names of classes that differ by case or blanks"
    assert set(result) == {kind} and result[kind][0]
    assert repr(classes[1]) in result[kind][2][1]


def test_classes_that_a_split_lacks():
    three = {"classes": ("cow", "duck", "pig")}
    train, validation = object_set(0, 10, (0, 1), **three), object_set(20, 2, (0, 2), **three)
    result = found(train, validation, object_set(30, 3, (1, 2), **three))
    assert result == {
        "class without training objects": (
            False, 1, ("pig", "2 objects in validation, 3 objects in test"),
        ),
        "class without validation objects": (
            False, 1, ("duck", "10 objects in train, 3 objects in test"),
        ),
    }  # fmt: skip
    result = found(object_set(0, 10, (0, 1), **three), object_set(20, 2, (0, 1), **three))
    assert result == {"class that never occurs": (False, 1, ("pig", "no objects in any split"))}


def test_only_the_first_class_is_missing():
    """Numbers that begin at 1 look like this: each object has the name of the next class."""
    three = {"classes": ("cow", "duck", "pig")}
    shifted = found(object_set(0, 10, (1, 2), **three), object_set(20, 1, (1, 2), **three))
    assert shifted["class that never occurs"] == (
        False, 1,
        ("cow", "no objects in any split; if the labels count their classes from 1, each has the "
         "next one's name"),
    )  # fmt: skip
    two = found(object_set(0, 10, (1,)), object_set(20, 1, (1,)))  # nobody has labelled cows
    assert two["class that never occurs"] == (False, 1, ("cow", "no objects in any split"))


def test_labels_of_one_picture_that_were_copied_to_all():
    assert "same labels in all pictures" not in found(object_set(0, 16), object_set(20, 3))
    copied = found(object_set(0, 17), object_set(20, 3))
    assert copied["same labels in all pictures"] == (
        False, 1, ("labels", "all 20 pictures with objects have the labels of picture0"),
    )  # fmt: skip
    other = object_set(20, 3)
    other.samples[0][1]["boxes"][0, 0] += 1
    assert "same labels in all pictures" not in found(object_set(0, 17), other)


def test_few_and_unequal_objects():
    assert found(object_set(0, 10), object_set(20, 1)) == {}
    nine = found(object_set(0, 9), object_set(20, 1))
    assert nine["class with few objects"] == (False, 2, ("cow", "9 in training"))
    # Fifty times as many are still said nothing of.
    for more, said in ((0, False), (1, True)):
        train = object_set(0, 10, (0, 1))
        many = boxes_of(*[(k / 9, 1, 40 + k / 9, 40) for k in range(490 + more)], name="many")
        train.samples.append((coloured(99), many))
        assert ("imbalance" in found(train, object_set(20, 1))) == said


def test_nothing_to_learn_spoils_and_nothing_to_judge_does_not():
    empty = Made([(coloured(k), boxes_of(name=f"e{k}")) for k in range(50, 52)])
    result = found(empty, object_set(20, 2))
    assert result["training without objects"][:2] == (True, 1)
    result = found(object_set(0, 10), empty)
    assert result["validation without objects"] == (
        False, 1, ("validation", "2 pictures, and no object in them"),
    )  # fmt: skip
    assert found(object_set(0, 10), Made(empty.samples[:1]))["validation without objects"] == (
        False, 1, ("validation", "1 picture, and no object in it"),
    )  # fmt: skip
    assert result["picture without objects"][:2] == (False, 2)
    assert "class without validation objects" not in result  # once is enough


@pytest.mark.parametrize("mark", ["difficult", "iscrowd"])
def test_objects_that_nobody_learns_from(mark):
    """A training refuses the set, so the doctor must not pass it."""

    def marked(data, values):
        for _, target in data.samples:
            target[mark] = np.array(values)
        return data

    train = marked(object_set(0, 10), (True, True))
    assert found(train, object_set(20, 2))["training without objects"] == (
        True, 1, ("train", "10 pictures, and all objects in them are difficult or crowds"),
    )  # fmt: skip
    validation = marked(object_set(20, 1), (True, True))
    assert found(object_set(0, 10), validation)["validation without objects"] == (
        False, 1, ("validation", "1 picture, and all objects in it are difficult or crowds"),
    )  # fmt: skip
    assert found(marked(train, (False, True)), object_set(20, 2)) == {}


def test_splits_without_pictures():
    nothing = Made([])
    assert found(nothing, object_set(20, 2))["split without pictures"][0]
    assert found(object_set(0, 10), nothing)["split without pictures"][0]
    assert not found(object_set(0, 10), object_set(20, 2), nothing)["split without pictures"][0]


def test_one_grey_picture_among_coloured_ones():
    grey = np.repeat(coloured(77)[:1], 3, axis=0)
    train = object_set(0, 10)
    train.samples[3] = (grey, train.samples[3][1])
    assert found(train, object_set(20, 2)) == {
        "grey picture among coloured ones": (
            False, 1, ("train: picture3", "its three channels are equal"),
        )
    }  # fmt: skip
    all_grey = Made([(np.repeat(i[:1], 3, axis=0), t) for i, t in object_set(0, 12).samples])
    half = Made(all_grey.samples[10:])
    assert found(Made(all_grey.samples[:10]), half) == {}


def label_maps(first_seed, *label_maps, names=("sky", "cow")):
    samples = []
    for seed, label_map in enumerate(label_maps, start=first_seed):
        target = {"segmentation": np.array(label_map), "image_id": f"m{seed}"}
        samples.append((coloured(seed, 2, 4), target))
    return Made(samples, (), names)


def test_masks_of_0_and_255_have_one_class():
    mask = [[0, 0, VOID, VOID]] * 2
    result = found(label_maps(0, mask, mask), label_maps(5, mask))
    spoils, count, (where, what) = result["fewer than two classes"]
    assert spoils and count == 1 and where == "train"
    assert what == (
        "only sky occurs, and 50% of the pixels are 255, which means no class; masks of 0 and 255 "
        "must be written as 0 and 1"
    )
    good = [[0, 0, 1, 1]] * 2
    assert found(label_maps(0, good, good), label_maps(5, good)) == {}


def test_one_map_of_one_class_among_others_is_worth_a_look():
    good, bad = [[0, 0, 1, 1]] * 2, [[1, 1, 1, VOID]] * 2
    result = found(label_maps(0, good, bad), label_maps(5, good))
    assert result == {
        "label map of one class": (False, 1, ("train: m1", "all pixels have the number 1"))
    }


def test_pixel_classes_that_a_split_lacks():
    names = ("sky", "cow", "duck", "pig")
    train = label_maps(0, [[0, 0, 1, 2]] * 2, names=names)
    result = found(train, label_maps(5, [[0, 0, 1, 1]] * 2, names=names))
    assert result == {
        "class without validation objects": (False, 1, ("duck", "1 picture in train")),
        "class that never occurs": (False, 1, ("pig", "no pictures in any split")),
    }
