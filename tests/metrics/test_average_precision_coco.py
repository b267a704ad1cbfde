"""COCO average precision: equal to pycocotools on recorded cases, and to small cases by hand."""

from pathlib import Path

import coco_instances
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.metrics import coco_average_precision, coco_mask_average_precision

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures" / "coco_ap.npz"


@pytest.fixture(scope="module")
def recorded():
    with np.load(FIXTURE) as file:
        return dict(file)


def evaluate(case):
    predictions, targets = [], []
    for image in range(int(case["images"])):
        mine, there = case["detection_image"] == image, case["target_image"] == image
        predictions.append(
            {key: case[f"detection_{key}"][mine] for key in ("boxes", "scores", "labels")}
        )
        targets.append(
            {key: case[f"target_{key}"][there] for key in ("boxes", "labels", "iscrowd", "area")}
        )
    return coco_average_precision(predictions, targets, number_of_classes=int(case["classes"]))


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "crowds",
        "over_100_detections",
        "many_classes",
        "sparse",
        "only_crowds",
        "no_detections",
        "no_targets",
    ],
)
def test_equal_to_pycocotools(recorded, name):
    case = {
        key.partition("/")[2]: value
        for key, value in recorded.items()
        if key.startswith(f"{name}/")
    }
    result = evaluate(case)
    np.testing.assert_allclose(result.stats(), case["stats"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(result.recall, case["recall"], rtol=0, atol=1e-9)
    mean_precision = result.precision.mean(axis=1)  # (T, R, K, A) -> (T, K, A)
    np.testing.assert_allclose(mean_precision, case["mean_precision"], rtol=0, atol=1e-9)
    per_class = mean_precision[:, :, 0].mean(axis=0)
    np.testing.assert_allclose(result.ap_per_class, per_class, rtol=0, atol=1e-9)


def test_the_recorded_cases_hold_what_they_are_named_for(recorded):
    assert set(recorded["names"]) == {key.partition("/")[0] for key in recorded} - {"names"}
    assert recorded["crowds/target_iscrowd"].any()
    assert recorded["only_crowds/target_iscrowd"].all()
    crowded = recorded["over_100_detections/detection_image"]
    assert (np.bincount(crowded) > 100).any()
    scores = recorded["plain/detection_scores"]
    assert len(np.unique(scores)) < len(scores)
    images = set(range(int(recorded["sparse/images"])))
    assert images - set(recorded["sparse/target_image"].tolist())
    assert images - set(recorded["sparse/detection_image"].tolist())


def image(boxes, labels=None, **fields):
    boxes = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    return {"boxes": boxes, "labels": labels or [0] * len(boxes), **fields}


SQUARE, BESIDE = [0, 0, 40, 40], [50, 0, 90, 40]


def test_perfect_detections():
    result = coco_average_precision(
        [image([SQUARE, BESIDE], scores=[0.3, 0.9])], [image([SQUARE, BESIDE])]
    )
    assert result.stats() == pytest.approx([1, 1, 1, -1, 1, -1, 0.5, 1, 1, -1, 1, -1])


def test_the_iou_decides_which_thresholds_are_met():
    found = image([[0, 0, 40, 31]], scores=[1.0])  # IoU 0.775: 6 of the 10 thresholds
    result = coco_average_precision([found], [image([SQUARE])])
    assert (result.ap, result.ap50, result.ap75) == pytest.approx((0.6, 1, 1))
    assert result.ar_100 == pytest.approx(0.6)


def test_a_crowd_may_be_taken_often_and_counts_for_nothing():
    crowd = image([SQUARE, [100, 0, 200, 100]], iscrowd=[False, True])
    inside = [[100, 0, 110, 10], [120, 0, 130, 10], [140, 0, 150, 10]]
    found = image([*inside, SQUARE], scores=[0.9, 0.8, 0.7, 0.6])
    assert coco_average_precision([found], [crowd]).ap == pytest.approx(1)
    crowd["iscrowd"] = [False, False]
    assert coco_average_precision([found], [crowd]).ap < 0.2


@pytest.mark.parametrize(("order", "ap50"), [((0, 1), 1.0), ((1, 0), 51 / 101)])
def test_of_equal_overlaps_the_last_target_is_taken(order, ap50):
    """As pycocotools does: the detection between both takes the last, the other is left over."""
    left, middle, right = [0, 0, 40, 40], [10, 0, 50, 40], [20, 0, 60, 40]
    targets = image([(left, right)[index] for index in order])
    found = image([middle, left], scores=[0.9, 0.8])
    assert coco_average_precision([found], [targets]).ap50 == pytest.approx(ap50)


def test_the_given_area_decides_the_size():
    found = image([SQUARE], scores=[1.0])
    small = coco_average_precision([found], [image([SQUARE], area=[100.0])])
    assert (small.ap_small, small.ap_medium) == pytest.approx((1, -1))
    medium = coco_average_precision([found], [image([SQUARE])])
    assert (medium.ap_small, medium.ap_medium) == pytest.approx((-1, 1))


def test_the_first_annotation_of_all_counts_as_found():
    """pycocotools would call it unmatched if its id were 0."""
    assert coco_average_precision([image([SQUARE], scores=[1.0])], [image([SQUARE])]).ap == 1


def test_only_detections_leave_nothing_to_find():
    result = coco_average_precision([image([SQUARE], scores=[1.0])], [image([])])
    assert result.stats() == [-1] * 12
    assert result.ap_per_class.tolist() == [-1]


@pytest.mark.parametrize("images", [0, 3])
def test_nothing_at_all(images):
    result = coco_average_precision([image([], scores=[])] * images, [image([])] * images)
    assert result.stats() == [-1] * 12
    assert result.ap_per_class.shape == (0,)


def test_a_class_without_targets_stays_out_of_the_mean():
    found = image([SQUARE, BESIDE], labels=[0, 2], scores=[0.5, 0.9])
    result = coco_average_precision([found], [image([SQUARE])], number_of_classes=4)
    assert result.ap == pytest.approx(1)
    assert result.ap_per_class == pytest.approx([1, -1, -1, -1])
    assert result.ap50_per_class == pytest.approx([1, -1, -1, -1])


def test_a_difficult_object_need_not_be_found_and_may_be_found_often():
    targets = image([SQUARE, BESIDE], difficult=[False, True])
    for boxes in ([SQUARE], [SQUARE, BESIDE], [BESIDE, BESIDE, BESIDE, SQUARE]):
        found = image(boxes, scores=np.linspace(0.9, 0.1, len(boxes)))
        result = coco_average_precision([found], [targets])
        assert result.stats() == [
            1,
            1,
            1,
            -1,
            1,
            -1,
            *[1.0 if len(boxes) < 4 else 0.0],
            1,
            1,
            -1,
            1,
            -1,
        ]
    only = coco_average_precision([found], [image([SQUARE], difficult=[True])])
    assert only.stats() == [-1] * 12 and only.ap_per_class.tolist() == [-1]


def test_a_difficult_object_is_taken_after_one_that_counts():
    """The detection overlaps the difficult object more, but one that counts overlaps it enough."""
    targets = image([[0, 0, 40, 36], SQUARE], difficult=[False, True])
    result = coco_average_precision([image([SQUARE], scores=[1.0])], [targets])
    assert result.ap50 == 1 and result.ap75 == 1


@given(seed=st.integers(0, 100_000))
def test_difficult_objects_away_from_all_detections_change_nothing(seed):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 100, (9, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 120, (9, 2))], axis=1)
    labels = rng.integers(0, 2, 9)
    found = {"boxes": boxes[:5] + rng.normal(0, 4, (5, 4)), "labels": labels[:5]}
    found["scores"] = rng.random(5)
    plain = {"boxes": boxes[:7], "labels": labels[:7]}
    far = boxes[7:] + 1000
    marked = {
        "boxes": np.concatenate([far[:1], plain["boxes"], far[1:]]),
        "labels": np.array([labels[7], *labels[:7], labels[8]]),
        "difficult": np.array([True, *[False] * 7, True]),
    }
    expected = coco_average_precision([found], [plain], number_of_classes=2).stats()
    assert coco_average_precision([found], [marked], number_of_classes=2).stats() == expected


@pytest.mark.parametrize("name", coco_instances.NAMES)
def test_masks_are_equal_to_pycocotools(name):
    case = coco_instances.case_of("masks", name)
    images = coco_instances.images_of(case)
    result = coco_mask_average_precision(*images, number_of_classes=int(case["classes"]))
    np.testing.assert_allclose(result.stats(), case["stats"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.recall, case["recall"], rtol=0, atol=1e-12)
    mean_precision = result.precision.mean(axis=1)  # (T, R, K, A) -> (T, K, A)
    np.testing.assert_allclose(mean_precision, case["mean_precision"], rtol=0, atol=1e-12)


def test_the_recorded_masks_hold_what_they_are_named_for():
    assert coco_instances.case_of("masks", "crowds")["target_iscrowd"].any()
    crowded = coco_instances.case_of("masks", "many_detections")["detection_image"]
    assert (np.bincount(crowded) > 100).any()
    scores = coco_instances.case_of("masks", "plain")["detection_scores"]
    assert len(np.unique(scores)) < len(scores)
    sparse = coco_instances.case_of("masks", "sparse")
    assert set(range(int(sparse["images"]))) - set(sparse["target_image"].tolist())


def rectangles(*corners, size=(100, 120)):
    masks = np.zeros((len(corners), *size), bool)
    for mask, (x1, y1, x2, y2) in zip(masks, corners, strict=True):
        mask[y1:y2, x1:x2] = True
    return masks


def masked(masks, labels=None, **fields):
    return {"masks": masks, "labels": labels or [0] * len(masks), **fields}


@given(seed=st.integers(0, 100_000))
def test_masks_that_fill_their_boxes_have_the_values_of_the_boxes(seed):
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 60, (9, 2))
    boxes = np.concatenate([low, low + rng.integers(1, 60, (9, 2))], axis=1)
    boxes[:, 2:] = np.minimum(boxes[:, 2:], [120, 100])
    truth, found = boxes[:4], np.concatenate([boxes[:5], boxes[4:]])
    of_truth = {"labels": rng.integers(0, 2, 4), "iscrowd": rng.random(4) < 0.3}
    of_truth |= {"difficult": rng.random(4) < 0.3}
    of_found = {"labels": rng.integers(0, 2, 10), "scores": np.floor(rng.random(10) * 4)}
    by_boxes = coco_average_precision(
        [{**of_found, "boxes": found}], [{**of_truth, "boxes": truth}], number_of_classes=2
    )
    by_masks = coco_mask_average_precision(
        [{**of_found, "masks": rectangles(*found)}],
        [{**of_truth, "masks": rectangles(*truth)}],
        number_of_classes=2,
    )
    assert by_masks.stats() == by_boxes.stats()


def test_the_mask_decides_and_not_its_box():
    """The same box, but the diagonal half: IoU 0.5 is met at one threshold of ten."""
    whole = rectangles((0, 0, 40, 40))
    half = whole & (np.arange(120) + np.arange(100)[:, None] < 39.5)
    half[0, range(0, 20), range(39, 19, -1)] = True  # 780 + 20 of 1600 pixels
    result = coco_mask_average_precision([masked(half, scores=[1.0])], [masked(whole)])
    assert result.stats() == pytest.approx([0.1, 1, 0, -1, 0.1, -1, 0.1, 0.1, 0.1, -1, 0.1, -1])
    result = coco_mask_average_precision([masked(whole, scores=[1.0])], [masked(half)])
    assert (result.ap_small, result.ap_medium) == (pytest.approx(0.1), -1)
    larger = masked(half, area=[1500.0])  # the truth's area decides its size
    assert coco_mask_average_precision([masked(whole, scores=[1.0])], [larger]).ap_small == -1


def test_a_crowd_of_masks_takes_what_lies_in_it():
    truth = masked(rectangles((0, 0, 40, 40), (60, 0, 120, 100)), iscrowd=[False, True])
    found = rectangles((60, 0, 70, 10), (80, 0, 90, 10), (40, 0, 80, 10), (0, 0, 40, 40))
    given = masked(found, scores=[0.9, 0.8, 0.7, 0.6])  # the third lies half in it
    result = coco_mask_average_precision([given], [truth])
    assert result.ap50 == 1 and result.ap75 == 0.5


@pytest.mark.parametrize("none", [[], np.zeros((0, 100, 120), bool), np.zeros((0, 7, 7), bool)])
def test_no_masks_on_one_side_or_both(none):
    whole = rectangles((0, 0, 40, 40))
    empty, shown = masked(none, scores=[]), masked(whole, scores=[1.0])
    assert coco_mask_average_precision([empty], [masked(whole)]).ap == 0
    assert coco_mask_average_precision([shown], [masked(none)]).stats() == [-1] * 12
    assert coco_mask_average_precision([empty], [masked(none)]).stats() == [-1] * 12
    assert coco_mask_average_precision([], []).stats() == [-1] * 12


def test_one_pixel_and_an_empty_mask():
    pixel, blank = np.ones((1, 1, 1), bool), np.zeros((1, 1, 1), bool)
    ap = {}
    for name, found, there in (
        ("hit", pixel, pixel),
        ("nothing shown", blank, pixel),
        ("nothing there", pixel, blank),
        ("neither", blank, blank),
    ):
        ap[name] = coco_mask_average_precision([masked(found, scores=[1.0])], [masked(there)]).ap
    assert ap == {"hit": 1, "nothing shown": 0, "nothing there": 0, "neither": 0}


def test_masks_of_two_sizes_name_the_image():
    good = masked(np.ones((1, 4, 6), bool), scores=[1.0])
    message = (
        r"coco_mask_average_precision: predictions\[1\]\['masks'\] are of 4 x 6 pixels \(height x "
        r"width\) but coco_mask_average_precision: targets\[1\]\['masks'\] of 4 x 5"
    )
    with pytest.raises(ValueError, match=message):
        coco_mask_average_precision([good] * 2, [good, masked(np.ones((1, 4, 5), bool))])
