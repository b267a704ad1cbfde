"""The page of a detector in a real browser: the sliders decide as Python does, and every way of
choosing a detection leads to its anchor."""

import numpy as np
import pytest

from minicv.explain import explain
from minicv.models.backbones import FPN, SmallBackbone
from minicv.models.detection import MaskRCNN, MaskRCNNSettings
from minicv.models.detection.roi_heads import select_detections
from minicv.vision.boxes import batched_nms

SETTINGS = MaskRCNNSettings(
    min_size=96, max_size=128, anchor_sizes=(12.0, 32.0), rpn_channels=8, head_units=16,
    post_nms_top_n_test=80, detections_per_image=40, mask_channels=(4,), mask_predictor_channels=4,
    joint_names=("nose", "left_eye"), keypoint_channels=(4,),
)  # fmt: skip
NAMES = ("cow", "duck", "person")
THRESHOLDS = [(0.05, 0.5), (0.1, 0.3), (0.3, 0.0), (0.3, 0.5), (0.3, 1.0), (0.55, 0.7), (0.99, 0.5)]


def drawn_detector():
    """With weights so large that scores differ and boxes move, as a trained network's do."""
    rng = np.random.default_rng(0)
    model = MaskRCNN(FPN(SmallBackbone(4, rng=rng), 8, rng=rng), NAMES, SETTINGS, rng=rng)
    layers = (model.rpn.cls_logits, model.rpn.bbox_pred, *vars_of(model.box_predictor))
    for layer, size in zip(layers, (30, 20, 60, 300), strict=True):
        layer.weight.data = layer.weight.data * np.float32(size)
    return model


def vars_of(predictor):
    return predictor.cls_score, predictor.bbox_pred


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The file of the page, and the stages that it shows, by name."""
    image = np.random.default_rng(1).random((3, 90, 120), dtype=np.float32)
    model = drawn_detector()
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(explain(model, "Mask R-CNN", image, "noise.png"), encoding="utf-8")
    return path, {stage.name: stage.arrays for stage in model.stages(image)}


@pytest.fixture
def page(made, opened):
    return opened(made[0])


def slide(page, label, value):
    slider = page.get_by_label(label).last
    slider.evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", value
    )
    return slider


def listed(page):
    """The region and the label of each detection, in the order of the list."""
    return page.locator(".det-list button").evaluate_all(
        "buttons => buttons.map(b => [Number(b.dataset.region), Number(b.dataset.label)])"
    )


def way_back(page):
    steps = page.locator(".det-steps")
    return int(steps.get_attribute("data-region")), int(steps.get_attribute("data-anchor"))


def test_it_is_seen_in_less_than_three_seconds(page):
    painted = page.evaluate(
        "() => new Promise(tell => requestAnimationFrame(() => tell(performance.now())))"
    )
    assert painted < 3000
    assert page.locator(".det-list button").count() > 0


def test_the_sliders_leave_what_python_leaves(page, made):
    arrays = made[1]["refined_boxes"]
    most = 0
    for score, overlap in THRESHOLDS:
        slide(page, "Score threshold", score)
        slide(page, "NMS threshold", overlap)
        left = select_detections(
            arrays["class_scores"], arrays["refined_boxes"], score_threshold=score,
            nms_threshold=overlap, detections_per_image=SETTINGS.detections_per_image,
        )  # fmt: skip
        expected = np.stack([left.regions, left.labels], axis=1).tolist()
        assert listed(page) == expected, (score, overlap)
        assert page.locator(".overlay .detection").count() == len(expected)
        assert page.locator(".det-count").last.get_attribute("data-shown") == str(len(expected))
        most = max(most, len(expected))
    assert most == SETTINGS.detections_per_image  # somewhere the limit cut


def test_a_button_goes_back_to_the_models_own_thresholds(page, made):
    slide(page, "NMS threshold", 0.1)
    page.get_by_role("button", name="The model's own thresholds").click()
    own = made[1]["detections"]
    expected = np.stack([own["region_indices"], own["labels"]], axis=1).tolist()
    assert listed(page) == expected


def test_click_and_keys_lead_to_the_anchor(page, made):
    anchors = made[1]["proposals"]["anchor_indices"]
    boxes = page.locator(".overlay .detection")
    for number in (0, boxes.count() - 1):
        box = boxes.nth(number)
        box.dispatch_event("click")
        region = int(box.get_attribute("data-region"))
        assert way_back(page) == (region, anchors[region])
        assert box.get_attribute("aria-pressed") == "true"

    third = page.locator(".det-list button").nth(2)
    page.locator(".det-list button").nth(1).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    region = int(third.get_attribute("data-region"))
    assert third.get_attribute("aria-pressed") == "true"
    assert way_back(page) == (region, anchors[region])

    page.locator('.overlay .detection[tabindex="0"]').focus()  # the third; arrows go on from it
    page.keyboard.press("ArrowRight")
    region = listed(page)[3][0]
    assert way_back(page) == (region, anchors[region])


def test_a_pointer_over_a_detection_shows_its_way_and_then_the_chosen_one_again(page):
    chosen, other = (page.locator(".det-list button").nth(number) for number in (0, 3))
    other.hover()
    assert way_back(page)[0] == int(other.get_attribute("data-region"))
    page.locator("h1").hover()
    assert way_back(page)[0] == int(chosen.get_attribute("data-region"))


def test_the_way_back_names_cell_level_and_overlaps(page, made):
    page.locator(".det-list button").first.click()
    region, anchor = way_back(page)
    text = page.locator(".det-steps").inner_text()
    stages = made[1]
    grids = stages["anchors"]["grids"]
    level = int(stages["anchors"]["levels"][anchor])
    start = int(grids[:level].prod(axis=1).sum())
    row, column, which = np.unravel_index(anchor - start, grids[level])
    stride = stages["anchors"]["strides"][level]
    assert f"At row {row}, column {column} of the map" in text
    assert f"level {level + 1} of {len(grids)}, stride {stride}" in text
    assert f"number {which + 1} of the {grids[level][2]} at each cell" in text
    assert f"Proposal {region + 1} of {len(stages['proposals']['boxes'])}" in text
    assert page.locator(".det-steps .mask canvas").count() == 1
    assert page.locator(".det-steps .body canvas").count() == len(SETTINGS.joint_names)
    assert page.locator(".det-steps .seen canvas").count() == 8 + 1  # channels, and the pixels


def test_proposals_are_suppressed_as_in_python(page, made):
    before, anchors = made[1]["proposals_before_nms"], made[1]["anchors"]
    levels = anchors["levels"][before["anchor_indices"]]
    part = page.locator(".part").filter(has=page.get_by_label("Proposals drawn"))
    for overlap in (0.0, 0.3, 0.7, 1.0):
        part.get_by_label("NMS threshold").evaluate(
            "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }",
            overlap,
        )
        left = batched_nms(before["boxes"], before["scores"], levels, overlap)
        assert part.locator(".det-count").get_attribute("data-left") == str(len(left)), overlap
    part.get_by_label("Proposals drawn").evaluate(
        "input => { input.value = 7; input.dispatchEvent(new Event('input')); }"
    )
    assert part.locator(".proposed").count() == 7


def test_a_phone_needs_no_scrolling_to_the_side(made, opened):
    page = opened(made[0], width=390, height=844, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = page.locator(".overlay .detection")
    page.locator(".det-list button").nth(1).tap()
    assert way_back(page)[0] == listed(page)[1][0]
    assert boxes.count() == len(listed(page))


def test_print_shows_the_picture_of_every_stage(page, made):
    page.emulate_media(media="print")
    figures = page.locator(".stage > figure img")
    assert figures.count() == len(made[1])
    for number in range(figures.count()):
        assert figures.nth(number).is_visible()
    assert not page.get_by_label("Score threshold").is_visible()
