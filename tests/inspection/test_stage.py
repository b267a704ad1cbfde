"""Stage and StageRecorder: what a kind demands, and whose seconds are counted."""

import numpy as np
import pytest

from minicv.inspection import stage as stage_module
from minicv.inspection.stage import Stage, StageRecorder, record_features, record_input

BOXES = np.zeros((4, 4))


@pytest.mark.parametrize(
    "kind, arrays, message",
    [
        ("picture", {}, "kind is 'picture'; expected one of image, features"),
        ("image", {}, "a stage of kind 'image' needs 'image'; it has nothing"),
        ("boxes", {"boxes": BOXES}, "needs 'scores'; it has boxes"),
        ("image", {"image": np.zeros((1, 8, 9))}, r"image expects the shape \(3, H, W\) but has"),
        ("image", {"image": np.zeros((3, 8))}, r"\(3, 8\)"),
        ("features", {"features": np.zeros((2, 3, 4)), "stride": (8, 8)}, r"stride expects the sh"),
        (
            "boxes",
            {"boxes": BOXES, "scores": np.zeros(3)},
            r"scores expects the shape \(R\) but has \(3,\), R = 4",
        ),
        ("region features", {"boxes": BOXES, "region_features": np.zeros(4)}, r"\(R, \.\.\.\)"),
        ("region features", {"boxes": BOXES, "region_features": np.zeros((3, 9))}, "R = 4"),
        ("regions", {"boxes": BOXES, "crops": np.zeros((4, 1, 8, 8))}, r"\(R, 3, S, T\)"),
    ],
)
def test_arrays_that_the_kind_does_not_have_are_refused_by_name(kind, arrays, message):
    with pytest.raises(ValueError, match=f"Stage 'mine': .*{message}"):
        Stage("mine", "", kind, arrays, 0.0)


def test_sizes_are_those_of_the_arrays():
    flat = {"boxes": BOXES, "region_features": np.zeros((4, 84))}
    assert Stage("a", "", "region features", flat, 0.0).sizes() == {"R": 4}
    spatial = {"boxes": BOXES, "region_features": np.zeros((4, 16, 7, 7)), "more": "is allowed"}
    assert Stage("a", "", "region features", spatial, 0.0).sizes() == {"R": 4}
    assert Stage("a", "", "regions", {"boxes": BOXES}, 0.0).sizes() == {"R": 4}  # crops may lack


def test_the_recorder_counts_a_step_but_not_what_keeping_it_took(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(stage_module.time, "perf_counter", lambda: clock[0])
    record = StageRecorder(keep=True)

    def arrays():
        clock[0] += 50  # slow to copy
        return {"class_scores": np.ones(2)}

    for step in (3, 4):
        clock[0] += step
        record(f"step {step}", "", "class scores", arrays)
    assert [(s.name, s.seconds) for s in record.stages] == [("step 3", 3), ("step 4", 4)]


def test_a_recorder_that_keeps_nothing_asks_for_nothing():
    record = StageRecorder(keep=False)
    record("a", "", "class scores", lambda: pytest.fail("asked for"))
    assert record.stages == []


def test_what_a_prediction_does_not_show_is_not_made():
    made = []

    def image():
        made.append(1)
        return np.zeros((3, 2, 4), np.float32)

    silent, keeping = StageRecorder(keep=False), StageRecorder(keep=True)
    for record in (silent, keeping):
        record_input(record, (2, 4), image)
        record_features(record, np.zeros((5, 1, 2)), 2)
    assert silent.stages == [] and len(made) == 1
    assert [stage.name for stage in keeping.stages] == ["input", "feature_map"]


@pytest.mark.parametrize(
    ("name", "stride", "heading"),
    [
        ("feature_map", 8, "Feature map"),
        ("feature_map_16", 16, "Feature map of stride 16"),
        ("feature_map_480", 16, "Feature map 480"),  # a scale of SPP-net
        ("enlarged_to_8", 1, "Enlarged to 8"),
    ],
)
def test_maps_have_headings_that_tell_them_apart(name, stride, heading):
    record = StageRecorder(keep=True)
    record_features(record, np.zeros((2, 3, 4)), stride, name)
    assert record.stages[0].caption == f"{heading}\n2 channels of 4 × 3"
