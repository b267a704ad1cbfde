"""The detection examples run, small: what they print, the pictures, and what a student may vary."""

import numpy as np
import pytest
from PIL import Image

from minicv.data import Farmyard


def rows_of(capsys):
    return capsys.readouterr().out.splitlines()


def test_detection_as_regression(load_example, tmp_path, check_pictures, capsys, monkeypatch):
    script = load_example("06_detection_as_regression")
    tested = iter([(0.5, 0.1), (0.4, 0.6), (0.4, 0.6)] * 2)  # one object, several, several
    monkeypatch.setattr(script, "mean_iou", lambda model, scenes: next(tested))
    script.run(tmp_path, seed=1, scenes=(8, 4), epochs=1, size=32)
    check_pictures(tmp_path, ["one_object.png", "several_objects.png"])
    _, one, several, _ = rows_of(capsys)
    assert one.startswith("trained on one object") and several.startswith("trained on two or")
    assert one.split()[-3:] == several.split()[-3:] == ["0.500", "0.400", "0.600"]


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
        assert recall == sorted(recall)


STAGES_OF_REGIONS = ["region_features", "class_scores", "refined_boxes", "detections", "overview"]


def numbered(stages):
    return [f"{number:02}_{name}.png" for number, name in enumerate(stages, start=1)]


def mean_proposals(script, seed):
    """Of the two unseen scenes, asked of the proposer itself."""
    images = [image for image, _ in Farmyard(2, seed=seed)]
    found = [script.PROPOSER.propose(image, np.random.default_rng(0))[0] for image in images]
    return round(np.mean([len(boxes[: script.SETTINGS.max_proposals]) for boxes in found]))


def test_rcnn(load_example, tmp_path, check_pictures, capsys):
    script = load_example("09_rcnn")
    script.run(tmp_path, seed=1, scenes=(4, 2), epochs=1)
    stages = ["input", "proposals", "warped_regions", *STAGES_OF_REGIONS]
    check_pictures(tmp_path, [*numbered(stages), "svm_margins.png", "truth.png"])
    rows = rows_of(capsys)
    assert sum("MB on disk" in row for row in rows) == 1
    assert [row.split()[0] for row in rows if row.startswith(("softmax", "SVMs"))] == [
        "softmax", "SVMs"
    ]  # fmt: skip
    assert f"for an image: {mean_proposals(script, seed=3)}, one a region" in "\n".join(rows)


def test_spp_net(load_example, tmp_path, check_pictures, capsys):
    script = load_example("10_spp_net")
    script.run(tmp_path, seed=1, scenes=(4, 4, 2), epochs=(1, 1))
    stages = ["input", "proposals", "feature_map", *STAGES_OF_REGIONS]
    own = ["pyramid.png", "svm_margins.png", "truth.png"]
    check_pictures(tmp_path, [*numbered(stages), *own])
    rows = {row.split()[0]: row.split() for row in rows_of(capsys)}
    passes = int(rows["R-CNN"][1])
    once, for_each = (int(rows[name][2].replace(",", "")) for name in ("SPP-net", "R-CNN"))
    assert rows["SPP-net"][1] == "1" and passes > 20
    assert for_each * 128**2 == once * passes * script.WARPED**2


def test_fast_rcnn(load_example, tmp_path, check_pictures, capsys):
    script = load_example("11_fast_rcnn")
    script.run(tmp_path, seed=1, scenes=(8, 2), epochs=1)
    stages = ["input", "feature_map", "proposals", *STAGES_OF_REGIONS]
    check_pictures(tmp_path, [*numbered(stages), "truth.png"])
    rows = rows_of(capsys)
    assert any(row.startswith("AP50, boxes refined") for row in rows)
    assert rows[-2].endswith(f"1, for {mean_proposals(script, seed=3)} regions")


def test_faster_rcnn(load_example, tmp_path, check_pictures, capsys):
    script = load_example("12_faster_rcnn")
    script.run(tmp_path, seed=1, scenes=(4, 2), epochs=4)
    stages = ["input", "feature_map", "anchors", "objectness", "proposals_before_nms", "proposals",
              *STAGES_OF_REGIONS]  # fmt: skip
    check_pictures(tmp_path, [*numbered(stages), "jointly_and_by_turns.png"])
    rows = {row[:10].strip(): row[10:].split() for row in rows_of(capsys)}
    assert rows["jointly"][0] == rows["by turns"][0] == "4"
