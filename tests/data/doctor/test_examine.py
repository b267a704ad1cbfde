"""The whole examination: what it opens, how much it reads, its report, and real sets."""

import json

import numpy as np
import pytest
from made_sets import Made, boxes_of, coloured, object_set, splits

from minicv.data import AnnotationError, Cached, Farmyard, open_data
from minicv.data.doctor import examine
from minicv.data.doctor.examine import to_show
from minicv.data.faults import Faults
from minicv.data.sources import Splits


def report_of(train, validation, test=None, **options):
    return examine(splits(train, validation, test), Faults(raises=False), **options)


def test_every_split_is_counted():
    train = object_set(0, 10)
    train.samples.append((coloured(60, 30, 40), boxes_of((0, 0, 30, 25), labels=[1], name="a")))
    report = report_of(train, object_set(20, 2), object_set(30, 3))
    assert [census.split for census in report.splits] == ["train", "validation", "test"]
    record = report.as_json()["splits"]
    assert record["train"] == {
        "pictures": 11,
        "looked_at": 11,
        "unreadable": 0,
        "height": {"least": 30, "median": 60, "greatest": 60},
        "width": {"least": 40, "median": 80, "greatest": 80},
        "objects": {"cow": 10, "duck": 11},
        "objects_by_size": {"small": 21, "medium": 0, "large": 0},
    }
    assert record["test"]["objects"] == {"cow": 3, "duck": 3}
    assert not report.spoils and not report.as_json()["spoils_a_training"]
    json.dumps(report.as_json())


def test_validation_images_that_test_are_read_once():
    report = report_of(object_set(0, 10), object_set(20, 2))
    assert report.tested_on_validation
    assert [census.split for census in report.splits] == ["train", "validation"]


def test_a_part_evenly_spread_and_any_number_of_threads():
    for workers in (1, 3, 8):
        report = report_of(object_set(0, 10), object_set(20, 2), most=4, workers=workers)
        train = report.splits[0]
        assert [sample.name for sample in train.samples] == [f"picture{i}" for i in (0, 2, 5, 7)]
        assert train.objects == {0: 4, 1: 4}
        assert train.as_json()["looked_at"] == 4 and train.as_json()["pictures"] == 10


def test_drawn_scenes_are_not_kept_in_memory():
    scenes = Cached(Farmyard(6, size=(48, 48)))
    report = report_of(scenes, Farmyard(2, size=(48, 48), seed=1))
    assert scenes._samples == {} and len(report.splits[0].samples) == 6
    record = report.splits[0].as_json()
    boxes = [len(scenes.dataset[i][1]["boxes"]) for i in range(6)]
    assert sum(record["objects"].values()) == sum(boxes)
    total = sum(record["pixels"].values()) + record["pixels_without_class"]
    assert total == 6 * 48 * 48
    keypoints = np.concatenate([scenes.dataset[i][1]["keypoints"] for i in range(6)])
    assert list(record["joints"].values()) == (keypoints[:, :, 2] > 0).sum(axis=0).tolist()


def test_faults_of_the_readers_are_findings():
    faults = Faults(raises=False)

    def train():
        faults.error("missing field", "a.xml", "object 1 has no name")
        faults.repaired("box without area", "b.xml", "object 2", "dropped")
        return object_set(0, 10)

    opened = Splits(train, lambda: object_set(20, 2), lambda: None)
    report = examine(opened, faults)
    first, second = report.findings
    assert (first.kind.name, first.kind.spoils) == ("missing field", True)
    assert first.places == [("a.xml", "object 1 has no name")]
    assert (second.kind.name, second.kind.spoils) == ("box without area", False)
    assert second.places == [("b.xml", "object 2; dropped")]
    assert report.spoils


def test_a_split_that_does_not_open():
    def broken():
        raise AnnotationError("val.txt is no list")

    faults = Faults(raises=False)
    report = examine(Splits(lambda: object_set(0, 10), broken, lambda: None), faults)
    (finding,) = report.findings
    assert finding.kind.spoils and finding.places == [("validation", "val.txt is no list")]
    with pytest.raises(AnnotationError):  # nothing at all could be opened
        examine(Splits(broken, broken, broken), Faults(raises=False))


def test_samples_to_show_have_findings_first_and_then_every_class():
    samples = [(coloured(k), boxes_of((2, 5, 22, 25), name=f"cow{k}")) for k in range(12)]
    samples[7] = (coloured(7), boxes_of((2, 5, 22, 25), (2, 5, 22, 25), name="twice"))
    samples[9] = (coloured(9), boxes_of((2, 5, 22, 25), labels=[1], name="duck"))
    report = report_of(Made(samples), object_set(20, 2))
    chosen = to_show(report, report.splits[0], 4)
    names = [sample.name for sample, _ in chosen]
    assert names == ["twice", "cow0", "duck", "cow1"]
    assert chosen[0][1] == ["repeated box"] and chosen[1][1] == []
    assert to_show(report, report.splits[1], 0) == []
    assert len(to_show(report, report.splits[1], 9)) == 2


def test_blood_cells_have_two_boxes_without_area(real_data):
    """They are dropped by the reader, so they do not spoil a training."""
    faults = Faults(raises=False)
    report = examine(open_data(f"voc:{real_data('BCCD')}", (), faults=faults), faults)
    (finding,) = report.findings
    assert finding.kind.name == "box without area" and not finding.kind.spoils
    files = sorted(where.rpartition("/")[2] for where, _ in finding.places)
    assert finding.count == 2 and files == ["BloodImage_00338.xml", "BloodImage_00343.xml"]
    assert [census.length for census in report.splits] == [205, 87, 72]
    assert sum(sum(census.objects.values()) for census in report.splits) == 4886
