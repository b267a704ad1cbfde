"""draw_stages: a picture for each stage of every kind, whatever is in it, and the overview."""

import numpy as np
import pytest

from minicv.inspection import draw_stages
from minicv.inspection.panels import MARGIN
from minicv.inspection.stage import KINDS, Stage
from minicv.inspection.stage_scene import Scene
from minicv.inspection.stages import DRAWERS, OVERVIEW_TILE, draw_stage

CLASSES = ["cow", "cat"]


def image_stage(name, colour, size=(40, 40)):
    image = np.broadcast_to(np.array(colour, np.float32)[:, None, None], (3, *size))
    return Stage(name, name, "image", {"image": image}, 0.0)


def has_colour(picture, colour):
    return (np.asarray(picture) == colour).all(axis=2)


def test_every_kind_has_a_drawer_and_is_drawn_without_being_changed(make_stages):
    stages = make_stages()
    assert set(DRAWERS) == set(KINDS) == {stage.kind for stage in stages}
    pictures = draw_stages(stages, CLASSES)
    assert list(pictures) == [*(stage.name for stage in stages), "overview"]
    for name, picture in pictures.items():
        pixels = np.asarray(picture)
        assert picture.mode == "RGB" and (pixels[:10] == 255).all(), name  # a white margin
        assert (pixels[MARGIN : MARGIN + 25] < 100).any(), name  # the heading
        below = pixels[MARGIN + 90 :]
        assert (below != 255).any(axis=2).mean() > 0.1, f"{name}: no picture"
    for stage, untouched in zip(stages, make_stages(), strict=True):
        for name, array in untouched.arrays.items():
            assert np.array_equal(stage.arrays[name], array), f"{stage.name} changed its {name}"


@pytest.mark.parametrize(
    "change",
    [
        {"regions": 0, "detections": 0},
        {"height": 1, "width": 1, "regions": 1, "classes": 1, "channels": 1},
        {"height": 1, "width": 90},
        {"height": 90, "width": 1, "flat": True},
        {"regions": 3000, "classes": 1, "detections": 300, "flat": True},
    ],
    ids=str,
)
def test_whatever_is_in_the_stages_a_picture_says_so(make_stages, change):
    stages = make_stages(**change)
    pictures = draw_stages(stages, CLASSES[: change.get("classes", 2)])
    assert len(pictures) == len(stages) + 1
    for name, picture in pictures.items():
        assert max(picture.size) < (5000 if name == "overview" else 4000), name  # of all kinds
        assert (np.asarray(picture)[MARGIN : MARGIN + 25] < 100).any(), name


EMPTY = {
    "boxes": {"scores": np.zeros(0)},
    "regions": {},
    "region features": {"region_features": np.zeros((0, 4, 7, 7))},
    "region scores": {"class_scores": np.zeros((0, 3))},
    "refined boxes": {"refined_boxes": np.zeros((0, 3, 4)), "class_scores": np.zeros((0, 3))},
}


@pytest.mark.parametrize("kind", EMPTY)
def test_without_boxes_the_pale_image_is_left_and_a_note_says_so(kind):
    stage = Stage("mine", "", kind, {"boxes": np.zeros((0, 4)), **EMPTY[kind]}, 0.0)
    image = np.full((3, 300, 600), 0.5, np.float32)
    drawn = draw_stage(Scene([stage], 0, image, ["cow", "cat", "dog"]))
    assert drawn.note == "no boxes, so there is nothing to draw" and drawn.detail is None
    assert (np.asarray(drawn.tile) == 185).all()


def test_many_classes_have_room(make_stages):
    names = [f"a rather long name of class {k}" for k in range(40)]
    pictures = draw_stages(make_stages(classes=40), names)
    assert all(max(picture.size) < 4000 for picture in pictures.values())
    for name in ("class_scores", "scores_of_image", "class_maps"):
        ink = np.asarray(pictures[name])[:, -MARGIN + 4 :]
        assert (ink == 255).all(), f"{name}: a name runs out of the sheet"


def test_the_overview_has_the_stages_in_order_in_rows():
    colours = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1)]
    stages = [image_stage(f"stage {i}", colour) for i, colour in enumerate(colours)]
    pictures = draw_stages(stages, [])
    corners = []
    for stage, colour in zip(stages, 255 * np.array(colours), strict=True):
        ys, xs = np.nonzero(has_colour(pictures["overview"], colour))
        assert len(ys) == OVERVIEW_TILE**2
        corners.append((int(ys.min()), int(xs.min())))
        heading = np.asarray(pictures["overview"])[ys.min() - 60 : ys.min(), xs.min() :]
        assert (heading[:, :100] < 100).all(axis=2).any()
        assert has_colour(pictures[stage.name], colour).sum() == 520**2
    assert corners == sorted(corners)
    assert [y for y, _ in corners] == [corners[0][0]] * 5  # five fit into a row
    rows = draw_stages([image_stage(str(i), (1, 0, 0)) for i in range(8)], [])["overview"]
    red = has_colour(rows, (255, 0, 0))
    assert red.sum() == 8 * OVERVIEW_TILE**2
    assert [int(n) for n in np.unique(red.sum(axis=1))] == [
        0,
        4 * OVERVIEW_TILE,
    ]  # two rows of four


def test_boxes_are_in_the_pixels_of_the_last_image():
    boxes = {"boxes": np.array([[20.0, 10, 60, 70]]), "scores": np.array([0.9])}
    stages = [
        image_stage("image", (1, 1, 1), (160, 160)),
        image_stage("input", (1, 1, 1), (80, 80)),
        Stage("proposals", "Proposals", "boxes", boxes, 0.0),
    ]
    pixels = np.asarray(draw_stages(stages, [])["proposals"]).astype(int)
    colourful = np.ptp(pixels, axis=2) > 60
    colourful[-MARGIN - 36 :] = False  # the bar of colours
    ys, xs = np.nonzero(colourful)
    factor = 7  # 80 pixels become 560
    assert xs.min() - MARGIN == pytest.approx(20 * factor, abs=4)
    assert xs.max() - MARGIN == pytest.approx(60 * factor, abs=4)
    assert np.ptp(ys) == pytest.approx(60 * factor, abs=8)


def test_no_stages():
    assert list(draw_stages([], CLASSES)) == ["overview"]


def test_refuses(make_stages):
    with pytest.raises(ValueError, match="2 stages are named 'input'"):
        draw_stages([image_stage("input", (1, 0, 0))] * 2, [])
    with pytest.raises(ValueError, match="'overview' is the sheet with all"):
        draw_stages([image_stage("overview", (1, 0, 0))], [])
    with pytest.raises(ValueError, match="stage 'class_scores' has 2 classes but there are 1 cla"):
        draw_stages(make_stages(), ["cow"])
    with pytest.raises(ValueError, match="'proposals' lies on an image, but no stage up to it"):
        draw_stages([stage for stage in make_stages() if stage.name == "proposals"], CLASSES)
