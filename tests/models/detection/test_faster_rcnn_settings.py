"""The numbers of Faster R-CNN."""

import dataclasses
import json

import pytest

from minicv.models.detection import FasterRCNNSettings


def test_one_anchor_for_each_size_and_shape():
    settings = FasterRCNNSettings(anchor_sizes=(16.0, 32.0), aspect_ratios=(0.25, 0.5, 1, 2, 4))
    assert settings.anchors_per_cell == 10


def test_defaults_of_the_papers():
    s = FasterRCNNSettings()
    assert (s.min_size, s.max_size) == (600, 1000)
    assert s.anchor_sizes == (128, 256, 512) and s.aspect_ratios == (0.5, 1, 2)
    assert (s.rpn_positive_iou, s.rpn_negative_iou, s.rpn_nms_threshold) == (0.7, 0.3, 0.7)
    assert (s.rpn_samples, s.rpn_positive_fraction, s.post_nms_top_n_test) == (256, 0.5, 300)
    assert (s.head_positive_iou, s.head_samples, s.head_positive_fraction) == (0.5, 128, 0.25)
    # sigma is 3 in the proposal network and 1 in the head; beta is 1 / sigma squared.
    assert s.rpn_smooth_l1_beta == pytest.approx(1 / 3**2) and s.head_smooth_l1_beta == 1


def test_settings_do_not_change_but_can_be_replaced():
    settings = FasterRCNNSettings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.min_size = 3
    assert dataclasses.replace(settings, min_size=320).max_size == settings.max_size


def test_all_of_them_fit_in_a_json_file():
    settings = FasterRCNNSettings(min_size=320)
    values = json.loads(json.dumps(dataclasses.asdict(settings)))
    tuples = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    assert FasterRCNNSettings(**tuples) == settings


@pytest.mark.parametrize("changes", [{"min_size": 0}, {"max_size": -1}])
def test_images_without_a_pixel_are_refused(changes):
    with pytest.raises(ValueError, match="expected at least one pixel each"):
        FasterRCNNSettings(**changes)
