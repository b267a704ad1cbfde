"""Labels made of others: from every reader, in splits that share no picture, in help and errors."""

import numpy as np
import pytest
from coco_scenes import coco_scenes
from labelling_tools import WRITERS, labelled_by
from pictures_with_objects import Listed, target_of

from minicv.cli.doctor import labels_to_examine
from minicv.data import SOURCES, Splits, Subset, open_data, sources, sources_help
from minicv.data.crops import real_objects
from minicv.data.derived_labels import DERIVATIONS, derivation
from minicv.data.sources import Source
from minicv.vision.keypoints import LEEDS_SPORTS_JOINTS

LABEL, PLACE, JOINTS = ("label",), ("label", "box"), ("joints",)
PARTS = ("train", "validation", "test")


def parts_or_errors(splits):
    """The parts that the set itself has; for one that cannot be opened, the reason."""
    opened = []
    for name in PARTS:
        if name == "test" and splits.tested_on_validation:
            continue
        try:
            opened.append(getattr(splits, name))
        except ValueError as error:
            opened.append(str(error))
    return opened


@pytest.mark.parametrize("tool", WRITERS)
@pytest.mark.filterwarnings("ignore::minicv.data.DatasetWarning")
def test_every_reader_of_boxes_gives_crops_and_pictures_of_one_object(tool, tmp_path):
    data = labelled_by(tool, tmp_path)
    whole, crops, ones = (
        parts_or_errors(open_data(data, needs)) for needs in (("boxes", "labels"), LABEL, PLACE)
    )
    seen = set()
    for pictures, of_objects, of_one in zip(whole, crops, ones, strict=True):
        names, labels, single = [], [], []
        for image, target in pictures:
            rows = real_objects(target, *image.shape[1:])
            labels += target["labels"][rows].tolist()
            names += [f"{target['image_id']} object {row + 1}" for row in rows]
            if len(rows) == 1:
                single.append((target["image_id"], labels[-1]))
        # What a reader says without reading a picture is what is in the picture.
        said = [label for index in range(len(pictures)) for label in pictures.labels_of(index)]
        assert said == labels and of_objects.classes == pictures.classes
        assert [int(of_objects.labels_of(i)[0]) for i in range(len(of_objects))] == labels
        for index in (0, len(labels) // 2, len(labels) - 1):
            expected = {"label": labels[index], "image_id": names[index]}
            assert of_objects[index][1] == expected
        assert not seen & {*of_objects.paths}
        seen |= {*of_objects.paths}
        if single:
            assert [(t["image_id"], t["label"]) for _, t in of_one] == single
            assert {*of_one.paths} <= {*of_objects.paths}
        else:
            assert "none of" in of_one and "shows exactly one object" in of_one


def test_people_of_a_coco_file(tmp_path):
    data = coco_scenes(tmp_path / "set", 12, (48, 48), joints=14, seed=5)
    whole, splits = open_data(data, ("boxes", "labels", "keypoints")), open_data(data, JOINTS)
    assert "cut out" in splits.rule and "every tenth" in splits.rule
    assert splits.tested_on_validation
    expected = [
        f"{target['image_id']} object {row + 1}"
        for _, target in whole.train
        for row in np.flatnonzero(target["keypoints"][..., 2].any(axis=1))
    ]
    people = splits.train
    assert [target["image_id"] for _, target in people] == expected and expected
    assert people.joint_names == LEEDS_SPORTS_JOINTS and people.classes == ("person",)


def test_farmyard_serves_every_task(monkeypatch):
    monkeypatch.setattr(sources, "FARMYARD_VALIDATION_SCENES", 6)
    monkeypatch.setattr(sources, "FARMYARD_TEST_SCENES", 6)
    for needs in (LABEL, PLACE):
        splits = open_data("farmyard:5", needs)
        assert [len(getattr(splits, name)) for name in PARTS] == [5, 6, 6]
        assert splits.drawn and splits.rule == ""
        seeds = [getattr(splits, name)[0][1]["image_id"][:11] for name in PARTS]
        assert seeds == ["farmyard-0-", "farmyard-1-", "farmyard-2-"]
        image, target = splits.train[4]
        assert image.shape == (3, 128, 128) and set(needs) <= {*target}
        assert len(target["boxes"]) == 1 and splits.train[4][0] is image  # drawn once
    assert len(open_data("farmyard", LABEL).train) == 900
    splits = open_data("farmyard:5", JOINTS)
    for name in PARTS:
        people = getattr(splits, name)
        assert people.classes == ("person",) and people[0][1]["joints"].shape == (14, 3)
    assert splits.drawn and splits.rule.startswith("each person")


def test_a_source_offers_what_can_be_made_of_its_labels():
    for name, source in SOURCES.items():
        has_boxes, has_joints = "boxes" in source.native, "keypoints" in source.native
        assert source.gives(PLACE) == has_boxes, name
        assert source.gives(LABEL) == (has_boxes or "label" in source.native), name
        assert source.gives(JOINTS) == (has_joints or "joints" in source.native), name
        for needs in (LABEL, PLACE, JOINTS):
            assert (source.usage in sources_help(needs)) == source.gives(needs)
            assert source.gives(needs) == (set(needs) <= {*source.provides})
    assert SOURCES["coco"].provides == (
        "boxes", "labels", "masks", "keypoints", "label", "box", "joints"
    )  # fmt: skip
    assert SOURCES["camvid"].provides == ("segmentation",)


def test_errors_name_what_is_lacking(tmp_path):
    with pytest.raises(ValueError, match="camvid provides segmentation, but label is needed; exp"):
        open_data(f"camvid:{tmp_path}", LABEL)
    with pytest.raises(ValueError, match="but box is needed; expected farmyard") as caught:
        open_data(f"folder:{tmp_path}", PLACE)
    assert "voc:DIR" in str(caught.value) and "folder:DIR" not in str(caught.value).split("exp")[1]
    with pytest.raises(ValueError, match=r"voc provides .*, but joints are needed; expected"):
        open_data(f"voc:{tmp_path}", JOINTS)
    with pytest.raises(ValueError, match="but label and masks are needed together"):
        open_data(f"pennfudan:{tmp_path}", ("label", "masks"))


def test_a_source_opens_for_what_the_label_is_made_of(monkeypatch):
    asked = []
    pictures = Listed([target_of([(0, 0, 2, 2)], keypoints=[[(1, 1, 1)] * 3])] * 2)
    opened = Splits(lambda: pictures, lambda: Subset(pictures, [1]), lambda: None, rule="by chance")

    def open_source(paths, request):
        asked.append(request.needs)
        return opened

    new = Source("new:DIR", ("boxes", "labels", "keypoints"), open_source)
    monkeypatch.setitem(SOURCES, "new", new)
    for needs in (LABEL, PLACE[::-1], JOINTS, ("boxes", "labels")):
        splits = open_data("new:.", needs)
        assert set(needs) <= {*splits.train[1][1]}
        assert (splits.rule == "by chance") == (needs == ("boxes", "labels"))
        assert splits.test is splits.validation and len(splits.validation) == 1
    boxes = ("boxes", "labels")
    assert asked == [boxes, boxes, (*boxes, "keypoints"), boxes]


def test_the_part_in_which_nothing_is_left_is_named():
    two, one = target_of([(0, 0, 2, 2), (1, 1, 3, 3)]), target_of([(0, 0, 2, 2)])
    splits = Splits(lambda: Listed([one]), lambda: Listed([two]), lambda: None)
    (place,) = [d for d in DERIVATIONS if d.gives == PLACE]
    made = place.of(splits)
    assert len(made.train) == 1
    with pytest.raises(ValueError, match=r"^the validation part: OneObject: none of 1 pictures"):
        made.validation  # noqa: B018


def test_nothing_is_made_of_too_little():
    boxes = ("boxes", "labels")
    assert derivation(LABEL, boxes[:1]) is None and derivation(JOINTS, boxes) is None
    assert derivation(("box",), boxes) is None and derivation((), boxes) is None


def test_the_doctor_looks_at_whole_pictures():
    needs, wishes = labels_to_examine("farmyard")
    assert {"boxes", "labels", "segmentation"} <= {*needs} and not {"label", "box"} & {*needs}
    assert not {"label", "box", "joints"} & {*needs, *wishes, *labels_to_examine("coco:DIR")[0]}
