"""Numbers among settings that no model can be meant to have."""

import dataclasses

import pytest

from minicv.tasks.ranges import check_ranges
from minicv.tasks.systems import SYSTEMS


def test_the_settings_of_every_system_are_in_range():
    for system in SYSTEMS.values():
        for settings in system.settings.values():
            check_ranges(settings)


@pytest.mark.parametrize(
    ("system", "name", "value", "expected"),
    [
        ("faster_rcnn", "min_size", 10**9, "from 1 to 10,000"),
        ("faster_rcnn", "nms_threshold", 1.5, "from 0 to 1"),
        ("faster_rcnn", "nms_threshold", float("nan"), "from 0 to 1"),
        ("faster_rcnn", "detections_per_image", 0, "from 1 to 1,000,000"),
        ("faster_rcnn", "detections_per_image", -5, "from 1 to 1,000,000"),
        ("faster_rcnn", "anchor_sizes", (16.0, 1e30), "from 1 to 10,000"),
        ("faster_rcnn", "box_weights", (10.0, 0.0, 5.0, 5.0), "from 1e-06 to 1,000,000.0"),
        ("patch_classifier", "scales", 10**9, "from 1 to 12"),
        ("deconvnet", "width", 1e9, "from 0.001 to 4"),
        ("spp_net", "scales", (128, 10**9), "from 1 to 10,000"),
        ("spp_net", "svm_c", -1.0, "from 0 to 1,000,000,000,000"),
        ("rcnn", "context", -1, "from 0 to 10,000"),
        ("rcnn", "score_threshold", float("inf"), "from -1,000,000 to 1,000,000"),
        ("full_resolution", "depth", 10**7, "from 1 to 1,000,000"),
    ],
)
def test_a_number_out_of_range_is_named(system, name, value, expected):
    settings = next(iter(SYSTEMS[system].settings.values()))
    with pytest.raises(ValueError) as refused:
        check_ranges(dataclasses.replace(settings, **{name: value}))
    kind = type(settings).__name__
    wanted = f"{kind}: {name}={value!r}; expected numbers {expected}"
    assert str(refused.value).startswith(wanted)


def test_class_weights_may_be_large_and_true_is_no_number():
    fcn = SYSTEMS["fcn8s"].settings["small"]
    check_ranges(dataclasses.replace(fcn, class_weights=(0.0, 3e6)))
    check_ranges(dataclasses.replace(SYSTEMS["rcnn"].settings["small"], box_regression=True))
