"""Networks of torchvision's full size, with the same weights, find here what they find there.

The numbers are in tests/fixtures/torchvision_models.npz; make_torchvision_models.py beside it wrote
them. `python -m benchmarks parity` does the same for photographs of full size.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks import minicv_models
from benchmarks.compare_stages import (
    BOX,
    JOINT,
    LOSS,
    MASK_IOU,
    SCORE,
    compare,
    compare_losses,
    mask_iou,
    pair_boxes,
    thinned,
)
from benchmarks.parity import part
from benchmarks.seeded_weights import seeded_weights

FIXTURE = dict(np.load(Path(__file__).parent.parent / "fixtures" / "torchvision_models.npz"))
RUNS = json.loads(str(FIXTURE["runs"]))
IMAGES = [FIXTURE[f"images/{n}"].astype(np.float32) / 255 for n in range(3)]
FASTER, MASK, KEYPOINT = (f"{name}rcnn_resnet50_fpn" for name in ("faster", "mask", "keypoint"))
DETECTORS = (FASTER, MASK, KEYPOINT)
SETTINGS = {
    "min_size": 128,
    "max_size": 213,
    "post_nms_top_n_test": 100,
    "post_nms_top_n_train": 100,
    "detections_per_image": 10,
    "head_samples": 64,
}
# How far a number may be from torchvision's; of the others 0.0005 of their deviation.
ALLOWED = {
    "boxes": BOX,
    "proposals": BOX,
    "scores": SCORE,
    "proposal_scores": SCORE,
    "keypoints": JOINT,
    "mask_probabilities": 1e-3,
    "pixels": 1e-5,
    "anchors": 0,
    "labels": 0,
    "size": 0,
}


@cache
def build(network):
    settings = {} if network == "fcn_resnet50" else SETTINGS
    return minicv_models.build(network, seeded_weights(network), **settings)


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("network", DETECTORS)
def test_every_stage_of_a_prediction(network, run):
    found = minicv_models.stages(build(network), [IMAGES[n] for n in RUNS[run]])
    for i, ours in enumerate(found):
        theirs = part(FIXTURE, f"{network}/{run}/{i}/")
        assert len(theirs["boxes"]) >= 4
        kept = thinned(ours)
        for name, wanted in theirs.items():
            where = f"{network}, {run}, image {i}: {name}"
            assert kept[name].shape == wanted.shape, where
            if name == "masks":
                for mask, other in zip(kept[name], wanted, strict=True):
                    assert mask_iou(mask, other) > MASK_IOU, where
                continue
            allowed = ALLOWED.get(name, 5e-4 * wanted.std())
            np.testing.assert_allclose(kept[name], wanted, rtol=0, atol=allowed, err_msg=where)


@pytest.mark.parametrize("network", DETECTORS)
def test_every_loss(network):
    names = ["boxes", "labels"]
    names += {MASK: ["masks"], KEYPOINT: ["keypoints"]}.get(network, [])
    targets = [{name: FIXTURE[f"targets/{n}/{name}"] for name in names} for n in (0, 1)]
    if network == KEYPOINT:
        targets = [{**target, "labels": np.ones_like(target["labels"])} for target in targets]
    theirs = part(FIXTURE, f"{network}/losses/")
    proposals = [theirs[f"proposals_{i}"] for i in range(2)]
    ours = minicv_models.losses(build(network), IMAGES[:2], targets, proposals)
    losses = {name: float(value) for name, value in theirs.items() if name.startswith("loss_")}
    assert len(losses) == 4 + (network != FASTER) and min(losses.values()) > 1e-3
    for name, wanted in theirs.items():
        if name.startswith("drawn_"):
            np.testing.assert_array_equal(ours[name], wanted, err_msg=name)
        elif name.startswith("proposals_"):
            assert len(pair_boxes(ours[name], wanted)) == len(wanted) == len(ours[name])
        else:
            assert float(ours[name]) == pytest.approx(float(wanted), rel=LOSS), name


@pytest.mark.parametrize("run", ["landscape", "portrait", "oblong"])
def test_scores_of_pixels(run):
    (n,) = RUNS[run]
    theirs = part(FIXTURE, f"fcn_resnet50/{run}/0/")
    labels = FIXTURE[f"targets/{n}/segmentation"].astype(np.int64)
    ours = minicv_models.score_maps(build("fcn_resnet50"), IMAGES[n], labels)
    kept = thinned(ours)
    for name in ("features", "logits"):
        allowed = 5e-4 * theirs[name].std()
        np.testing.assert_allclose(kept[name], theirs[name], rtol=0, atol=allowed, err_msg=name)
    assert (ours["segmentation"] == ours["logits"].argmax(axis=0)).all()
    assert float(ours["loss_pixels"]) == pytest.approx(float(theirs["loss_pixels"]), rel=LOSS)


# The comparison itself


def made_arrays():
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 100, (6, 2))
    boxes = np.concatenate([corners, corners + 20], axis=1).astype(np.float32)
    arrays = {
        name: rng.normal(size=(6, 4)).astype(np.float32)
        for name in ("pixels", "features_0", "anchors", "objectness", "deltas", "pooled")
    }
    arrays |= {name: arrays["pooled"] + 1 for name in ("class_logits", "box_deltas")}
    scores = np.linspace(0.9, 0.1, 6)
    return arrays | {
        "proposals": boxes,
        "proposal_scores": scores,
        "boxes": boxes,
        "labels": np.arange(6) // 2,
        "scores": scores,
        "masks": rng.random((6, 8, 8)) > 0.5,
        "mask_pooled": arrays["pooled"],
        "mask_probabilities": arrays["pooled"],
    }


def test_another_order_is_no_difference():
    arrays, order = made_arrays(), np.array([1, 0, 2, 3, 5, 4])
    other = {
        name: array[order] if len(array) == 6 and name not in ("features_0", "anchors") else array
        for name, array in arrays.items()
    }
    other |= {name: arrays[name] for name in ("pixels", "objectness", "deltas")}
    assert all(row.agrees and row.largest == 0 for row in compare(other, arrays))


@pytest.mark.parametrize(
    ("name", "by"),
    [("pixels", 1e-3), ("deltas", 0.01), ("boxes", 0.1), ("scores", 1e-3), ("class_logits", 0.01)],
)
def test_a_difference_is_found(name, by):
    arrays = made_arrays()
    other = {
        **arrays,
        name: arrays[name] + np.eye(1, arrays[name].size).reshape(arrays[name].shape) * by,
    }
    assert [row.stage for row in compare(other, arrays) if not row.agrees] == [name]


def test_a_detection_that_only_one_side_has_is_a_difference():
    arrays = made_arrays()
    per_detection = ("boxes", "labels", "scores", "masks", "mask_pooled", "mask_probabilities")
    other = {n: a[:-1] if n in per_detection else a for n, a in arrays.items()}
    assert [row.without for row in compare(other, arrays) if not row.agrees] == [1]
    labelled = {**arrays, "labels": arrays["labels"] + (np.arange(6) == 2)}
    assert [row.without for row in compare(labelled, arrays) if not row.agrees] == [2]


def test_a_mask_and_a_loss_that_differ():
    arrays = made_arrays()
    masks = arrays["masks"].copy()
    masks[3] = ~masks[3]
    rows = compare({**arrays, "masks": masks}, arrays)
    assert [(row.stage, row.largest) for row in rows if not row.agrees] == [("masks", 1.0)]
    rows = compare_losses({"loss_a": np.float32(1.001)}, {"loss_a": np.float32(1)})
    assert not rows[0].agrees
