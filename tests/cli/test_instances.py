"""Mask R-CNN from the command line: trained, resumed, judged, run on pictures; and refused."""

import json

import numpy as np
import pytest
from coco_scenes import CATEGORY_IDS, coco_scenes
from command_line import picture, refused, run
from PIL import Image

from minicv.data.farmyard import Farmyard
from minicv.tasks import load
from minicv.vision import LEEDS_SPORTS_JOINTS
from minicv.vision.run_lengths import decode_runs, expand_counts

TINY = ("--epochs", 1, "--batch-size", 2, "--min-size", 32, "--max-size", 32)
HEADS = {
    "mask_rcnn": {"masks"},
    "keypoint_rcnn": {"keypoints"},
    "mask_keypoint_rcnn": {"masks", "keypoints"},
}
JOINTS = tuple(name.replace(" ", "_") for name in LEEDS_SPORTS_JOINTS)


def train(capsys, system, source, out, *options):
    status, text, error = run(capsys, "train", system, "--data", source, "--out", out, *options)
    assert status == 0, error
    return text


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return coco_scenes(tmp_path_factory.mktemp("coco") / "set", 3, joints=14)


@pytest.fixture(scope="module")
def small_farmyard():
    """Farmyard's validation and test, of two scenes each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minicv.data.sources.FARMYARD_VALIDATION_SCENES", 2)
        patch.setattr("minicv.data.sources.FARMYARD_TEST_SCENES", 2)
        yield


@pytest.fixture(scope="module", params=list(HEADS))
def trained(request, source, tmp_path_factory):
    """A system and the folder of its training on a COCO set."""
    out = tmp_path_factory.mktemp(request.param) / "run"
    from minicv.cli.main import main

    words = ["train", request.param, "--data", source, "--out", out, *TINY]
    assert main([str(word) for word in words]) == 0
    return request.param, out


def test_trained_and_resumed_on_a_coco_file(trained, source, capsys):
    system, out = trained
    text = train(capsys, system, source, out, "--resume", "--epochs", 2)
    assert "going on from epoch 2 of 2" in text
    history = json.loads((out / "history.json").read_text())["epochs"]
    assert [record["epoch"] for record in history] == [1, 2]
    names = {"masks": ("loss_mask", "mask AP50"), "keypoints": ("loss_keypoint", "OKS AP50")}
    for head, recorded in names.items():
        for name in recorded:
            assert (name in history[0]) == (head in HEADS[system]), name
    model, _ = load(out / "best.npz")
    assert model.classes == tuple(Farmyard(1).classes)
    joints = "keypoints" in HEADS[system]
    assert model.settings.joint_names == (JOINTS if joints else ())
    assert model.settings.joint_classes == (("person",) if joints else ())


def test_trained_on_farmyard(small_farmyard, tmp_path, capsys):
    text = train(capsys, "mask_keypoint_rcnn", "farmyard:2", tmp_path / "run", *TINY)
    assert "2 training and 2 validation images" in text
    assert load(tmp_path / "run" / "best.npz")[0].settings.joint_names == LEEDS_SPORTS_JOINTS


def test_judged(trained, source, small_farmyard, tmp_path, capsys):
    system, out = trained
    command = ("eval", "--weights", out / "best.npz", "--split", "train")
    file, folder = tmp_path / "values.json", tmp_path / "pictures"
    status, text, error = run(
        capsys, *command, "--data", source, "--json", file, "--pictures", folder
    )
    assert status == 0, error
    values = json.loads(file.read_text())["values"]
    assert {"AP", "AP50", "AP75"} <= set(values)
    assert ("mask AP" in values) == ("masks" in HEADS[system])
    assert ("OKS AP" in values) == ("keypoints" in HEADS[system])
    assert "OKS AP50 cow" not in values
    for name in values:
        assert f"  {name}" in text
    assert 1 <= len(list(folder.glob("*.png"))) <= 2
    # Farmyard has the same joints, with blanks in their names.
    status, _, error = run(capsys, *command, "--data", "farmyard:2")
    assert status == 0, error


def test_results_in_cocos_form(trained, tmp_path, capsys):
    system, out = trained
    paths = [picture(tmp_path / "one" / "a.png"), picture(tmp_path / "two" / "a.png", (33, 50))]
    pictures = tmp_path / "pictures"
    status, text, error = run(
        capsys, "predict", "--weights", out / "best.npz", *paths, "--out", pictures,
        "--json", "--threshold", 1,
    )  # fmt: skip
    assert status == 0, error
    entries = json.loads((pictures / "instances.json").read_text())
    assert f"{len(entries)} instances -> " in text and len(entries) > 2
    assert {entry["image_id"] for entry in entries} == {"one/a.png", "two/a.png"}
    heads = HEADS[system]
    assert text.count(": nothing (surest: ") == 2
    for entry in entries:
        assert entry["category"] == Farmyard(1).classes[entry["category_id"] - 1]
        assert ("segmentation" in entry) == ("masks" in heads)
        assert ("keypoints" in entry) == ("keypoints" in heads)
        x, y, w, h = entry["bbox"]
        width, height = (40, 30) if entry["image_id"] == "one/a.png" else (33, 50)
        assert x >= 0 and y >= 0 and x + w <= width + 0.02 and y + h <= height + 0.02
        if "masks" in heads:
            assert entry["segmentation"]["size"] == [height, width]
            counts = expand_counts(entry["segmentation"]["counts"])
            mask = decode_runs(counts, (height, width), (height, width))
            rows, columns = np.nonzero(mask)
            if len(rows):  # within the box, up to a pixel
                assert columns.min() >= x - 1 and columns.max() <= x + w
                assert rows.min() >= y - 1 and rows.max() <= y + h
        if "keypoints" in heads:
            assert len(entry["keypoints"]) == 3 * 14
            assert any(entry["keypoints"]) == (entry["category"] == "person")
    drawn = [np.asarray(Image.open(pictures / f"{name}_instances.png")) for name in ("a", "a_2")]
    # Drawn is only what is sure; the file has all.
    few = tmp_path / "few"
    by_picture = {
        name: sorted((e["score"] for e in entries if e["image_id"] == name), reverse=True)
        for name in ("one/a.png", "two/a.png")
    }
    sure = min(scores[2] for scores in by_picture.values())
    run(capsys, "predict", "--weights", out / "best.npz", *paths, "--out", few, "--threshold", sure)
    with_some = [np.asarray(Image.open(few / f"{name}_instances.png")) for name in ("a", "a_2")]
    assert all(not np.array_equal(*pair) for pair in zip(drawn, with_some, strict=True))


def test_every_stage_is_drawn(trained, tmp_path, capsys):
    system, out = trained
    if system != "mask_keypoint_rcnn":
        pytest.skip("it has the stages of both heads, and drawing takes its time")
    path = picture(tmp_path / "a.png")
    command = ("predict", "--weights", out / "best.npz", path, "--out", tmp_path, "--stages")
    status, _, error = run(capsys, *command)
    assert status == 0, error
    stages = sorted((tmp_path / "a_stages").glob("*.png"))
    names = [stage.stem.partition("_")[2] for stage in stages]
    assert names[0] == "input" and names[-1] == "overview"
    assert names[-4:-1] == ["mask_probabilities", "heatmaps", "instances"]


@pytest.mark.parametrize(
    ("system", "labels", "message"),
    [
        ("mask_rcnn", {"masks": False}, "none of its 7 objects has a segmentation, and masks are"),
        ("mask_keypoint_rcnn", {"masks": False, "joints": 14}, "has a segmentation, and masks"),
        ("keypoint_rcnn", {}, "no category has keypoints, the names of its joints"),
        ("mask_keypoint_rcnn", {}, "no category has keypoints, the names of its joints"),
    ],
)
def test_data_without_the_labels(tmp_path, capsys, system, labels, message):
    source = coco_scenes(tmp_path / "set", 3, **labels)
    command = ("train", system, "--data", source, "--out", tmp_path / "run", *TINY)
    assert message in refused(capsys, *command)
    assert not (tmp_path / "run").exists()


def test_other_wrong_uses(trained, tmp_path, capsys, source):
    system, out = trained
    weights = out / "best.npz"
    sentence = refused(
        capsys, "train", system, "--data", source, "--out", tmp_path / "run", "--min-size", 3
    )
    assert "--min-size 3: smaller than one cell" in sentence and "at least 4" in sentence
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    good = picture(tmp_path / "a.png")
    status, said, error = run(
        capsys, "predict", "--weights", weights, text, tmp_path / "none.jpg", good,
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert status == 2 and "a_instances.png" in said
    assert "text.jpg: it is a text file, not a picture" in error
    assert "there is no file" in error and "2 of the pictures could not be read" in error
    if "keypoints" not in HEADS[system]:
        return
    # The first six joints alone: a set of its own for a training to go on, and to judge by.
    other = coco_scenes(tmp_path / "other", 3, joints=6)
    command = ("eval", "--weights", weights, "--data", other, "--split", "train")
    sentence = refused(capsys, *command)
    assert "the model finds the joints right_ankle, " in sentence and "same order" in sentence
    labels = tmp_path / "other" / "labels.json"
    few = labels.read_text()
    coco_scenes(tmp_path / "whole", 3, joints=14)
    labels.write_text((tmp_path / "whole" / "labels.json").read_text())
    train(capsys, system, other, tmp_path / "run", *TINY)
    labels.write_text(few)
    again = ("train", system, "--data", other, "--out", tmp_path / "run", "--resume")
    status, _, error = run(capsys, *again, "--epochs", 2)
    assert status == 2 and "cannot resume, its settings/joint_names is ['right_ankle'" in error
    assert len(error) < 900


def test_joints_of_one_side_are_learnt_without_mirroring(tmp_path, capsys):
    source = coco_scenes(tmp_path / "set", 3, joints=3)
    command = ("train", "keypoint_rcnn", "--data", source, "--out", tmp_path / "run", *TINY)
    status, _, error = run(capsys, *command)
    assert status == 0
    assert "pictures are not mirrored: joint 'right_ankle' has no partner" in error


def test_an_exported_file_for_pytorch_has_torchvisions_names(trained, tmp_path, capsys):
    from minicv.weights import read_safetensors

    system, out = trained
    file = tmp_path / "a.safetensors"
    status, _, error = run(capsys, "export", "--weights", out / "best.npz", "--out", file)
    assert status == 0, error
    names = set(read_safetensors(file))
    assert {"rpn.head.conv.weight", "roi_heads.box_predictor.cls_score.bias"} <= names
    masks = "roi_heads.mask_head.mask_fcn1.weight" in names
    joints = "roi_heads.keypoint_predictor.kps_score_lowres.weight" in names
    assert (masks, joints) == ("masks" in HEADS[system], "keypoints" in HEADS[system])


def test_the_doctor_on_sets_with_and_without_masks_and_joints(tmp_path, capsys):
    """The fault before: of a set without joints it said that joints are missing, and no more."""
    for number, labels in enumerate(({"masks": False}, {"joints": 6}, {})):
        source = coco_scenes(tmp_path / f"set{number}", 3, **labels)
        status, text, error = run(capsys, "doctor", source)
        assert status == 0, text + error
        assert "nothing would spoil a training" in text
        assert ("right_ankle" in text) == ("joints" in labels)
    file = tmp_path / "set1" / "labels.json"
    content = json.loads(file.read_text())
    content["annotations"][0]["segmentation"] = [[1, 2, 3, 4]]
    file.write_text(json.dumps(content))
    status, text, _ = run(capsys, "doctor", f"coco:{file.parent},{file}")
    assert status == 1 and "object without mask" in text  # one among others that have one
    assert content["categories"][0]["id"] == CATEGORY_IDS[0]
