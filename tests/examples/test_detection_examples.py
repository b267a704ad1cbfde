"""The detection examples run, small: what they print, the pictures, and what a student may vary."""

import numpy as np
import pytest
from PIL import Image

from minicv.data import Farmyard


def rows_of(capsys):
    return capsys.readouterr().out.splitlines()


def test_detection_as_regression(load_example, tmp_path, check_pictures, capsys):
    script = load_example("06_detection_as_regression")
    script.run(tmp_path, seed=1, scenes=(8, 4), epochs=1, size=32)
    check_pictures(tmp_path, ["one_object.png", "several_objects.png"])
    _, one, several, _ = rows_of(capsys)
    assert one.startswith("trained on one object") and several.startswith("trained on two or")
    assert all(0 <= float(number) <= 1 for row in (one, several) for number in row.split()[-3:])


def test_scenes_have_as_many_objects_as_they_say(load_example):
    script = load_example("06_detection_as_regression")
    for kind, (least, most) in script.KINDS.items():
        scenes = script.scenes_of(kind, 12, seed=0, size=64)
        counts = [len(scenes[i][1]["boxes"]) for i in range(len(scenes))]
        assert len(counts) > 0 and least <= min(counts) and max(counts) <= most


def test_mean_iou_is_of_the_nearest_and_of_the_mean_box(load_example):
    script = load_example("06_detection_as_regression")

    class Fixed:
        def predict(self, images):
            found = {"boxes": np.array([[0.0, 0, 8, 8]]), "labels": [0], "scores": [1.0]}
            return [found for _ in images]

    truth = {"boxes": np.array([[0.0, 0, 8, 4], [0, 0, 8, 12]])}
    image = np.zeros((3, 16, 16), np.float32)
    best, between = script.mean_iou(Fixed(), [(image, truth)])
    assert (best, between) == (pytest.approx(8 / 12), 1.0)


def test_sliding_window(load_example, tmp_path, check_pictures, capsys, monkeypatch):
    script = load_example("07_sliding_window")
    coarse = {name: script.SlidingWindow((40.0,), (1.0,), 0.5) for name in script.GRIDS}
    monkeypatch.setattr(script, "GRIDS", coarse)
    script.run(tmp_path, seed=1, scenes=(4, 2), epochs=1)
    check_pictures(tmp_path, ["1_windows.png", "2_scores.png", "3_detections.png"])
    rows = [row.split() for row in rows_of(capsys)]
    windows = str(coarse["fine"].count(128, 128))
    assert [row[2] for row in rows if row[0] in coarse] == [windows] * 3


def test_region_proposals(load_example, tmp_path, check_pictures, capsys):
    script = load_example("08_region_proposals")
    photograph = tmp_path / "photograph.jpg"
    scene = Farmyard(1, size=(48, 64), seed=9)[0][0]
    pixels = (scene * 255).astype(np.uint8).transpose(1, 2, 0)
    Image.fromarray(pixels).save(photograph)
    script.run(tmp_path / "new", seed=1, photograph=photograph, scenes=(3, 1))
    names = ["1_grouping.png", "2_edges.png", "3_proposals.png"]
    photographs = [f"photograph_{name}" for name in names]
    check_pictures(tmp_path / "new", [*names, "4_recall.png", *photographs])
    rows = {row[:18].strip(): row[18:].split() for row in rows_of(capsys)}
    for name in ("Selective Search", "Edge Boxes", "BING", "objectness", "sliding window"):
        recall = [float(number) for number in rows[name][:4]]
        assert recall == sorted(recall) and recall[0] >= 0 and recall[-1] <= 1


def test_rcnn(load_example, tmp_path, check_pictures, capsys):
    script = load_example("09_rcnn")
    script.run(tmp_path, seed=1, scenes=(4, 2), epochs=1)
    check_pictures(
        tmp_path,
        ["1_proposals.png", "2_warped_regions.png", "3_scores.png", "4_regression.png",
         "5_detections.png"],
    )  # fmt: skip
    text = "\n".join(rows_of(capsys))
    assert "MB on disk" in text and "support vector machines" in text and "one a region" in text


def test_spp_net(load_example, tmp_path, check_pictures, capsys):
    script = load_example("10_spp_net")
    script.run(tmp_path, seed=1, scenes=(4, 4, 2), epochs=(1, 1))
    check_pictures(
        tmp_path,
        ["1_feature_map.png", "2_pyramid.png", "3_scores.png", "4_regression.png",
         "5_detections.png"],
    )  # fmt: skip
    rows = {row.split()[0]: row.split() for row in rows_of(capsys)}
    passes = int(rows["R-CNN"][1])
    once, for_each = (int(rows[name][2].replace(",", "")) for name in ("SPP-net", "R-CNN"))
    assert rows["SPP-net"][1] == "1" and passes > 20
    assert for_each * 128**2 == once * passes * script.WARPED**2


def test_fast_rcnn(load_example, tmp_path, check_pictures, capsys):
    script = load_example("11_fast_rcnn")
    script.run(tmp_path, seed=1, scenes=(8, 2), epochs=1)
    check_pictures(
        tmp_path,
        ["1_proposals.png", "2_feature_map.png", "3_pooled_regions.png", "4_class_scores.png",
         "5_refined_boxes.png", "6_detections.png"],
    )  # fmt: skip
    assert any(row.startswith("AP50, boxes refined") for row in rows_of(capsys))


def test_faster_rcnn(load_example, tmp_path, check_pictures, capsys):
    script = load_example("12_faster_rcnn")
    script.run(tmp_path, seed=1, scenes=(4, 2), passes=4)
    stages = ["input", "feature_map", "anchors", "objectness", "proposals_before_nms", "proposals",
              "region_features", "detections", "overview"]  # fmt: skip
    names = [f"{number}_{name}.png" for number, name in enumerate(stages, start=1)]
    check_pictures(tmp_path, [*names, "jointly_and_by_turns.png"])
    rows = {row[:10].strip(): row[10:].split() for row in rows_of(capsys)}
    assert rows["jointly"][0] == rows["by turns"][0] == "4"
