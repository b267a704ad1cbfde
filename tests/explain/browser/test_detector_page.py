"""The page of a detector in a real browser: the sliders decide as Python does, and every way of
choosing a detection leads to its anchor."""

import numpy as np
import pytest

from minicv import Tensor
from minicv.explain import explain
from minicv.models.backbones import FPN, SmallBackbone
from minicv.models.detection import MaskRCNN, MaskRCNNSettings
from minicv.models.detection.roi_heads import select_detections
from minicv.vision.boxes import batched_nms, box_iou

SETTINGS = MaskRCNNSettings(
    min_size=96, max_size=128, anchor_sizes=(12.0, 32.0), rpn_channels=8, head_units=16,
    rpn_nms_threshold=0.9, post_nms_top_n_test=80, detections_per_image=60,
    mask_channels=(4,), mask_predictor_channels=4, joint_names=("nose", "left_eye"),
    keypoint_channels=(4,),
)  # fmt: skip
NAMES = ("cow", "duck", "person")
THRESHOLDS = [
    (0.05, 0.5),
    (0.05, 0.0),
    (0.1, 0.3),
    (0.35, 0.5),
    (0.35, 1.0),
    (0.6, 0.2),
    (0.99, 0.5),
]


def drawn_detector(image):
    """With weights so large that scores differ and boxes move, as a trained network's do."""
    rng = np.random.default_rng(0)
    model = MaskRCNN(FPN(SmallBackbone(4, rng=rng), 8, rng=rng), NAMES, SETTINGS, rng=rng)
    head = model.box_predictor
    layers = (model.rpn.cls_logits, model.rpn.bbox_pred, head.cls_score, head.bbox_pred)
    for layer, factor in zip(layers, (30, 20, 15000, 600), strict=True):
        layer.weight.data = layer.weight.data * np.float32(factor)
    (features,) = (s.arrays for s in model.stages(image) if s.name == "region_features")
    logits, _ = head(model.box_head(Tensor(features["region_features"])))
    head.cls_score.bias.data = -logits.data.mean(axis=0)  # no class has all of the regions
    return model


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The file of the page, and the stages that it shows, by name."""
    image = np.random.default_rng(1).random((3, 90, 120), dtype=np.float32)
    model = drawn_detector(image)
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(explain(model, "Mask R-CNN", image, "noise.png"), encoding="utf-8")
    return path, {stage.name: stage.arrays for stage in model.stages(image)}


@pytest.fixture
def page(made, opened):
    return opened(made[0])


def slide(part, label, value):
    part.get_by_label(label).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", value
    )


def part_of(page, label):
    """The interactive part that has a control with this label."""
    return page.locator(".part").filter(has=page.get_by_label(label))


def listed(page):
    """The region and the label of each detection, in the order of the list."""
    return page.locator(".det-list button").evaluate_all(
        "buttons => buttons.map(b => [Number(b.dataset.region), Number(b.dataset.label)])"
    )


def way_back(page):
    steps = page.locator(".det-steps")
    return int(steps.get_attribute("data-region")), int(steps.get_attribute("data-anchor"))


def test_it_is_seen_in_less_than_three_seconds(page):
    """In seconds of the processor, until all parts stand and a frame is drawn: those of the clock
    would depend on what else the computer does."""
    assert page.locator(".det-list button").count() > 0
    page.evaluate("() => new Promise(tell => requestAnimationFrame(tell))")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    measured = session.send("Performance.getMetrics")["metrics"]
    seconds = {each["name"]: each["value"] for each in measured}
    assert 0 < seconds["ProcessTime"] < 3


def test_the_sliders_leave_what_python_leaves(page, made):
    arrays, part = made[1]["refined_boxes"], part_of(page, "Score threshold")
    counts = []
    for score, overlap in THRESHOLDS:
        slide(part, "Score threshold", score)
        slide(part, "NMS threshold", overlap)
        left = select_detections(
            arrays["class_scores"], arrays["refined_boxes"], score_threshold=score,
            nms_threshold=overlap, detections_per_image=SETTINGS.detections_per_image,
        )  # fmt: skip
        expected = np.stack([left.regions, left.labels], axis=1).tolist()
        assert listed(page) == expected, (score, overlap)
        assert part.locator(".overlay .detection").count() == len(expected)
        assert part.locator(".det-count").get_attribute("data-shown") == str(len(expected))
        counts.append(len(expected))
    assert max(counts) == SETTINGS.detections_per_image  # the limit cut
    assert len(set(counts)) > 3


def crowd(seed):
    """Boxes of two labels with equal scores among them, and a threshold that is the very overlap of
    two of them: one bit decides."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 40, (60, 2))
    boxes = np.hstack([corners, corners + rng.uniform(10, 50, (60, 2))]).astype(np.float32)
    boxes[::7, 2:] = boxes[::7, :2]  # nothing inside
    scores = rng.integers(1, 20, 60).astype(np.float32) / 20
    overlaps = box_iou(boxes, boxes)
    threshold = float(rng.choice(overlaps[(overlaps > 0.2) & (overlaps < 0.9)]))
    return boxes, scores, rng.integers(0, 2, 60), threshold


def test_suppression_decides_as_float32_does_where_one_bit_decides(page):
    cases = [crowd(seed) for seed in range(100)]
    left = page.evaluate(
        """cases => cases.map(([boxes, scores, labels, threshold]) => minicv.boxes.nms(
            Float32Array.from(boxes.flat()), Float32Array.from(scores), labels,
            scores.map((_, i) => i), threshold).kept)""",
        [[*(array.tolist() for array in case[:3]), case[3]] for case in cases],
    )
    assert left == [batched_nms(*case).tolist() for case in cases]


def test_a_button_goes_back_to_the_models_own_thresholds(page, made):
    slide(part_of(page, "Score threshold"), "NMS threshold", 0.1)
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
    part = part_of(page, "Proposals drawn")
    for overlap in (0.0, 0.3, 0.7, 1.0):
        slide(part, "NMS threshold", overlap)
        left = batched_nms(before["boxes"], before["scores"], levels, overlap)
        assert part.locator(".det-count").get_attribute("data-left") == str(len(left)), overlap
    slide(part, "Proposals drawn", 7)
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
