"""What drawers share: which regions are shown, what is said about each, and layouts."""

import numpy as np
import pytest
from PIL import Image

from minicv.inspection.panels import GAP
from minicv.inspection.stage import Stage
from minicv.inspection.stage_scene import (
    PANEL_WIDTH,
    Scene,
    at_width,
    halves,
    pale,
    regions_to_show,
)

# Regions 0 to 2 nearly cover each other, 3 and 4 lie apart.
BOXES = np.array(
    [[0, 0, 20, 20], [0, 0, 20, 19], [0, 0, 19, 20], [30, 0, 40, 20], [0, 30, 9, 39.0]]
)
SCORES = np.array([[0.1, 0.5], [0.2, 0.9], [0.0, 0.8], [0.3, 0.1], [0.05, 0.0]])


def scene_at(index, *stages, names=("cow", "cat")):
    return Scene(stages, index, np.ones((3, 40, 40), np.float32), names)


def stages_of_regions():
    proposed = np.array([0.99, 0.9, 0.8, 0.7, 0.6])
    return [
        Stage("proposals", "", "boxes", {"boxes": BOXES, "scores": proposed}, 0.0),
        Stage("crops", "", "regions", {"boxes": BOXES}, 0.0),
        Stage("scores", "", "region scores", {"boxes": BOXES, "class_scores": SCORES}, 0.0),
    ]


def test_regions_that_overlap_little_come_before_the_others():
    assert regions_to_show(BOXES, SCORES.max(axis=1), 3) == [1, 3, 4]
    assert regions_to_show(BOXES, SCORES.max(axis=1), 9) == [1, 3, 4, 2, 0]
    assert regions_to_show(np.zeros((0, 4)), np.zeros(0), 3) == []


def test_the_same_regions_have_the_same_numbers_in_all_stages():
    stages = stages_of_regions()
    assert (
        scene_at(1, *stages).shown_regions(3) == scene_at(2, *stages).shown_regions(3) == [1, 3, 4]
    )
    # Without scores of classes, those proposed first are the surest.
    assert scene_at(1, *stages[:2]).shown_regions(3) == [0, 3, 4]


def test_scores_of_other_regions_are_not_taken():
    stages = stages_of_regions()
    others = Stage(
        "other", "", "region scores", {"boxes": BOXES[:2], "class_scores": SCORES[:2]}, 0.0
    )
    whole = Stage("image", "", "class scores", {"class_scores": np.ones(2)}, 0.0)
    assert scene_at(1, *stages[:2], whole, others).class_scores() is None
    assert scene_at(1, *stages[:2], others, stages[2]).class_scores() is SCORES
    assert scene_at(1, others, stages[1]).proposal_scores() is None


def test_verdicts_say_what_is_known():
    stages = stages_of_regions()
    assert scene_at(2, *stages).verdicts([1, 3]) == [
        "1.  proposed with 0.90, then cat 0.90",
        "2.  proposed with 0.70, then cow 0.30",
    ]
    assert scene_at(1, *stages[:2]).verdicts([4]) == ["1.  proposed with 0.60"]
    assert scene_at(1, *stages[1:]).verdicts([0]) == ["1.  cat 0.50"]


def test_a_stage_without_an_image_is_named():
    stages = stages_of_regions()
    with pytest.raises(ValueError, match="stage 'crops' lies on an image, but no stage up to it"):
        Scene(stages, 1, None, ()).picture()


def test_the_picture_has_the_size_asked_for():
    scene = scene_at(0, *stages_of_regions())
    assert (scene.picture()[0].size, scene.picture()[1]) == ((520, 520), 13)
    small, factor = scene.picture(100)
    assert small.size == (100, 100) and factor == pytest.approx(2.5)


def test_halves_begin_at_one_height():
    red, blue = Image.new("RGB", (60, 30), (255, 0, 0)), Image.new("RGB", (90, 500), (0, 0, 255))
    for notes in (("short", "long " * 200), ("long " * 200, "short")):
        pixels = np.asarray(halves(red, blue, *notes))
        first = [np.argwhere((pixels == c).all(axis=2))[0] for c in ((255, 0, 0), (0, 0, 255))]
        assert first[0][0] == first[1][0] and first[0][1] == 0
        assert first[1][1] == PANEL_WIDTH + GAP
        assert (pixels == (255, 0, 0)).all(axis=2).sum() == PANEL_WIDTH * PANEL_WIDTH // 2


def test_width_and_pallor():
    assert at_width(Image.new("RGB", (10, 100)), 50).size == (10, 100)
    assert np.asarray(pale(Image.new("RGB", (1, 1)))).ravel().tolist() == [114, 114, 114]
