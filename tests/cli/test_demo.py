"""``minicv demo``, made tiny: every picture and figure it promises is there."""

import contextlib
import dataclasses
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minicv.cli import demo
from minicv.cli.main import main
from minicv.data import Farmyard, sources
from minicv.tasks import load
from minicv.tasks.detection import JOINT_RECIPES


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """(folder, exit status, standard output) of a demo of 16 scenes and one epoch."""
    out = tmp_path_factory.mktemp("demo") / "new" / "run"
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as said:
        short = dataclasses.replace(JOINT_RECIPES["small"], epochs=1)
        patch.setitem(JOINT_RECIPES, "small", short)
        patch.setattr(sources, "FARMYARD_TRAINING_SCENES", 16)
        patch.setattr(sources, "FARMYARD_VALIDATION_SCENES", 2)
        patch.setattr(sources, "FARMYARD_TEST_SCENES", 3)
        patch.setattr(demo, "TEST_SCENES", 2)
        status = main(["demo", "--out", str(out), "--seed", "3"])
    return out, status, said.getvalue()


def test_the_pictures_that_are_named_are_there(shown):
    out, status, text = shown
    assert status == 0
    lines = text.splitlines()
    start = lines.index(f"pictures in {out.resolve()}:")
    named = [line.strip() for line in lines[start + 1 :] if line.startswith("  ")]
    assert set(named) == {path.name for path in out.glob("*.png")}
    stages = sorted(name for name in named if name.startswith("stage"))
    assert {"detections.png", "training.png"} | set(stages) == set(named)
    assert [stage.removesuffix(".png") for stage in stages] == [
        "stage01_input",
        "stage02_feature_map",
        "stage03_anchors",
        "stage04_objectness",
        "stage05_proposals_before_nms",
        "stage06_proposals",
        "stage07_region_features",
        "stage08_class_scores",
        "stage09_refined_boxes",
        "stage10_detections",
        "stage11_overview",
    ]
    for name in named:
        with Image.open(out / name) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        assert min(pixels.shape[:2]) > 50 and pixels.std() > 1, name


def test_a_page_shows_every_stage_of_the_same_scene(shown):
    out, _, text = shown
    page = (out / "explain.html").read_text(encoding="utf-8")
    assert f"open in a browser: {(out / 'explain.html').resolve()}, " in text
    scene = re.findall(r"scene \d of 2 held-out ones", page)
    assert scene and page.count('<section class="stage"') == 10
    assert "trained by minicv demo" in page


def test_the_report_holds_what_was_said(shown):
    out, _, text = shown
    report = json.loads(
        (out / "demo.json").read_text(), parse_constant=lambda word: pytest.fail(f"{word} in JSON")
    )
    assert report["seed"] == 3 and len(report["history"]) == 1
    assert {"AP50", "AP", "AP50 cow"} <= set(report["values"])
    assert f"AP50 {report['values']['AP50']:.3f}" in text
    assert "16 training and 2 validation images" in text and "on 2 scenes never seen" in text
    assert json.loads((out / "history.json").read_text())["epochs"] == report["history"]


def test_the_weights_of_the_next_command_are_there(shown):
    out, _, text = shown
    (line,) = [line for line in text.splitlines() if line.startswith("next: ")]
    weights = Path(line.split("--weights ")[1].split()[0])
    assert weights == out / "best.npz"
    assert load(weights)[0].classes == Farmyard.classes


def labels(*values):
    return {"labels": np.array(values, dtype=np.int64)}


def test_the_scene_of_the_stages_is_one_to_follow_by_eye():
    scenes = [labels(0, 1, 2, 3, 4), labels(0, 0, 0), labels(0, 3), labels(1, 2)]
    assert demo._instructive(scenes) == 2  # at most three objects, most classes, the first
    assert demo._instructive([labels(0, 1, 2, 3)]) == 0
    assert demo._instructive([labels()]) == 0


def found(boxes, labels, scores):
    return {
        "boxes": np.array(boxes, np.float32).reshape(-1, 4),
        "labels": np.array(labels, np.int64),
        "scores": np.array(scores, np.float32),
    }


COW, CAT = [0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 40.0, 20.0]


@pytest.mark.parametrize(
    ("boxes", "labels", "scores", "right"),
    [
        ([COW, CAT], [0, 1], [0.9, 0.6], True),
        ([CAT, COW, CAT], [1, 0, 0], [0.9, 0.6, 0.4], True),  # the third is not drawn
        ([[0, 0, 10, 5.0], CAT], [0, 1], [0.9, 0.6], True),  # IoU 0.5
        ([[0, 0, 10, 4.9], CAT], [0, 1], [0.9, 0.6], False),
        ([COW, CAT], [0, 0], [0.9, 0.6], False),  # a cat that is called a cow
        ([COW], [0], [0.9], False),  # one is missing
        ([COW, COW], [0, 0], [0.9, 0.8], False),  # two on one object
        ([COW, CAT, CAT], [0, 1, 1], [0.9, 0.8, 0.7], False),  # one too many
        ([], [], [], False),
    ],
)
def test_a_scene_is_right_where_the_drawn_detections_are_the_objects(boxes, labels, scores, right):
    target = {"boxes": np.array([COW, CAT], np.float32), "labels": np.array([0, 1])}
    assert demo.all_right(found(boxes, labels, scores), target) == right


def test_the_scene_that_is_shown_came_out_right_and_the_title_says_so():
    two = {"boxes": np.array([COW, CAT], np.float32), "labels": np.array([0, 1])}
    one = {"boxes": np.array([COW], np.float32), "labels": np.array([0])}
    targets = [two, one, two, one]
    both, single = found([COW, CAT], [0, 1], [0.9, 0.8]), found([COW], [0], [0.9])
    nothing = found([], [], [])
    index, title = demo._chosen_scene(targets, [nothing, single, both, single])
    assert index == 2
    assert "scene 3 of 4 held-out ones, chosen among the 3 in which all objects were found" in title
    index, title = demo._chosen_scene(targets, [nothing] * 4)
    assert index == 0 and "in none of them all objects were found" in title
