"""The examples of pooling, pyramids, masks and joints run, small; and what they count is right."""

import numpy as np
import pytest

from minicv.autograd import Tensor
from minicv.data import Farmyard
from minicv.vision.masks import masks_to_boxes


def rows_of(capsys):
    return capsys.readouterr().out.splitlines()


def numbered(stages):
    return [f"{number:02}_{name}.png" for number, name in enumerate(stages, start=1)]


@pytest.fixture(scope="module")
def pooling(load_example):
    return load_example("13_roi_pool_vs_roi_align")


def test_roi_pool_vs_roi_align(pooling, tmp_path, check_pictures, capsys, monkeypatch):
    monkeypatch.setattr(pooling, "STRIDES", (16, 32))
    monkeypatch.setattr(pooling, "THRESHOLDS", np.array([0.3, 0.5]))
    pooling.run(tmp_path / "new", seed=1, scenes=(2, 4), boxes=5)
    names = ["1_misalignment.png", "2_sliding_box.png", "3_masks.png", "4_strides.png"]
    check_pictures(tmp_path / "new", names)
    rows = rows_of(capsys)
    misread = [row.split()[-2:] for row in rows if row.startswith("RoIAlign") and "%" not in row]
    assert misread[0] == ["0.00", "0.00"]
    assert sum("from the mask itself" in row for row in rows) == 2


def test_a_rounded_box_is_read_from_elsewhere(pooling):
    """By hand, cells of 8 pixels: 20..52 is 2.5..6.5 cells, rounded to 3..7, and pooled 3..8."""
    box = np.array([20.0, 20.0, 52.0, 52.0])
    cells = (np.arange(12, dtype=np.float32) + 0.5) * 8
    places = np.broadcast_to(cells, (1, 12, 12))
    last, first = (
        sign * pooling.pool(pooling.POOLING, sign * places, box, 8, 1).item() for sign in (1, -1)
    )
    assert (first, last) == (28.0, 60.0)  # the middles of the cells 3 and 7
    back = [sign * pooling.pool(pooling.BACK, sign * places, box, 8, 1).item() for sign in (-1, 1)]
    assert back == [20.0, 52.0]  # 2 to 6 cells, both read: 2 and 6
    means = {way: pooling.pool(way, places, box, 8, 1).item() for way in pooling.WAYS[2:]}
    assert means == {pooling.ROUNDED: 40.0, pooling.ALIGN: 36.0}


def test_a_mask_and_its_loss(pooling):
    mask = np.zeros((pooling.SIDE, pooling.SIDE), bool)
    mask[32:96, 32:96] = True
    box = masks_to_boxes(mask[None])[0]
    thing = pooling.Thing(np.zeros((3, *mask.shape), np.float32), mask, box, True)
    assert pooling.measured([mask], [thing]) == (1.0, 0.0)
    whole = pooling.measured(pooling.paste([np.ones((14, 14))], [thing]), [thing])
    assert whole.iou > 0.998 and whole.pixels < 0.01  # pasting rounds the corners off
    moved = pooling.measured([np.roll(mask, 16, axis=1)], [thing])
    assert moved == (pytest.approx(48 / 80), 16.0)
    (aligned,) = pooling.grids(pooling.ALIGN, 16, [thing])  # the box is whole cells: all is 1
    np.testing.assert_allclose(aligned[2:-2, 2:-2], np.ones((10, 10)), rtol=1e-6)


@pytest.fixture(scope="module")
def levels(load_example):
    return load_example("14_fpn_levels")


def test_fpn_levels(levels, tmp_path, check_pictures, capsys, monkeypatch):
    monkeypatch.setattr(levels, "SIDE", 96)
    small = levels.dataclasses.replace(levels.SETTINGS, min_size=96, max_size=96)
    monkeypatch.setattr(levels, "SETTINGS", small)
    levels.run(tmp_path, seed=1, scenes=(4, 2), epochs=1)
    maps = [f"feature_map_{stride}" for stride in levels.STRIDES]
    stages = ["input", *maps, "objects", "anchors", "objectness", "proposals_before_nms",
              "proposals", "region_levels", "overview"]  # fmt: skip
    check_pictures(tmp_path, [*numbered(stages), "covered.png", "sizes.png"])
    rows = rows_of(capsys)
    anchors = {row.split(",", 1)[0]: row for row in rows if "anchors " in row and "," in row}
    assert f"{12 * 24**2:,} anchors" in anchors["stride 4 alone"]
    assert f"{3 * (24**2 + 12**2 + 6**2 + 3**2):,} anchors" in anchors["pyramid"]
    trained = [row for row in rows if row.startswith(("stride 16 alone  ", "pyramid  ", "nothing"))]
    assert len(trained) == 3 and all(0 <= float(row.split()[-1]) <= 1 for row in trained)


def test_objects_go_by_their_size(levels):
    """Stride 16 from 96 pixels on, stride 8 from 48."""
    boxes = np.array([[0, 0, 47, 47], [0, 0, 96, 24], [0, 0, 96, 95], [0, 0, 96, 96.0]])
    rows = levels.where_they_go(boxes).splitlines()[1:]
    assert [row.split()[6] for row in rows] == ["1", "2", "1", "0"]
    means = levels.by_size(np.array([1.0, 0.0, 0.5, 0.25]), boxes)
    np.testing.assert_array_equal(means, [np.nan, 1.0, 0.0, 0.5, 0.25])


def test_nothing_is_brought_down(levels):
    """The finest map does not depend on the coarser ones, as the pyramid's does."""
    images = Tensor(np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype("float32"))
    changed = {}
    for kind in (levels.FPN, levels.NothingDown):
        rng = np.random.default_rng(0)
        backbone = kind(levels.SmallBackbone(4, levels.BODY, rng=rng), 8, rng=rng).eval()
        before = backbone(images)
        assert [own.shape[2] for own in before] == [8, 4, 2, 1]
        backbone.fpn.inner_blocks[-1].bias.data += 1
        after = backbone(images)
        changed[kind] = [
            not np.array_equal(a.data, b.data) for a, b in zip(before, after, strict=True)
        ]
    assert changed[levels.FPN] == [True] * 4
    assert changed[levels.NothingDown] == [False, False, True, True]


def test_mask_rcnn(load_example, tmp_path, check_pictures, capsys):
    script = load_example("15_mask_rcnn")
    script.run(tmp_path, seed=1, scenes=(4, 2), epochs=1)
    stages = ["input", *(f"feature_map_{s}" for s in (4, 8, 16, 32)), "anchors", "objectness",
              "proposals_before_nms", "proposals", "region_levels", "region_features",
              "class_scores", "refined_boxes", "detections", "mask_probabilities", "instances",
              "overview"]  # fmt: skip
    check_pictures(tmp_path, [*numbered(stages), "truth.png"])
    rows = [row.split() for row in rows_of(capsys)]
    named = {row[1]: row for row in rows if row and row[0].isdigit()}
    assert list(named) == stages[:-1]
    assert " ".join(named["feature_map_8"][3:]) == "features 64 x 16 x 16"
    assert named["mask_probabilities"][-4:] == ["x", "28", "x", "28"]


@pytest.fixture(scope="module")
def poses(load_example):
    return load_example("16_pose_as_heatmaps")


def test_poses(poses, tmp_path, check_pictures, capsys):
    poses.run(tmp_path, seed=1, scenes=(4, 3), epochs=1, head_epochs=1)
    names = ["1_heat_maps.png", "2_skeletons.png", "3_errors.png", "4_softmax_and_sigmoids.png"]
    check_pictures(tmp_path, names)
    rows = rows_of(capsys)
    assert [row.split()[0] for row in rows if row.startswith(poses.WAYS)] == list(poses.WAYS)
    assert all(any(row.startswith(name) for row in rows) for name in Farmyard.joint_names)
    softmax = next(row.split() for row in rows if row.startswith("softmax"))
    assert softmax[3] == "1.00"  # a map of it sums to 1


def test_both_losses_by_hand(poses):
    """Two cells, logits 0 and log 3; the joint is in the second. A hidden joint counts nowhere."""
    logits = np.zeros((1, 2, 1, 2), np.float32)
    logits[0, 0, 0, 1] = np.log(3)
    positions, valid = np.array([[1, 0]]), np.array([[True, False]])
    losses = {way: poses.loss(way, Tensor(logits), positions, valid).data for way in poses.WAYS}
    assert losses["softmax"] == pytest.approx(-np.log(3 / 4))
    assert losses["sigmoids"] == pytest.approx(-np.log(1 / 2) - np.log(3 / 4))
    np.testing.assert_allclose(poses.shares("softmax", logits)[0, 0], [[0.25, 0.75]], rtol=1e-6)
    np.testing.assert_allclose(poses.shares("sigmoids", logits)[0, 0], [[0.5, 0.75]], rtol=1e-6)


def test_the_heads_begin_alike_and_learn_their_own(poses):
    rng = np.random.default_rng(0)
    boxes = np.array([[0, 0, 56, 56.0]] * 3)
    keypoints = np.concatenate([rng.uniform(0, 56, (3, 14, 2)), np.ones((3, 14, 1))], axis=2)
    people = poses.People(
        rng.normal(size=(3, 64, 14, 14)).astype(np.float32), boxes, keypoints, np.arange(3)
    )
    fresh = poses.train_heads(people, 0, seed=4)
    logits = {way: poses.logits_of(head, people.features) for way, head in fresh.items()}
    shift = logits["softmax"] - logits["sigmoids"]
    np.testing.assert_allclose(shift, np.log(poses.CELLS**2 - 1), rtol=1e-4)
    learnt = poses.train_heads(people, 8, seed=4)
    positions, valid = poses.joint_positions(keypoints, boxes, poses.CELLS)
    for way in poses.WAYS:
        before, after = (
            poses.loss(way, Tensor(poses.logits_of(h[way], people.features)), positions, valid).data
            for h in (fresh, learnt)
        )
        assert after < before - 0.3
