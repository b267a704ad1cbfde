"""A training and its test by the command line: what is kept, and how a failure ends it."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from label_map_folders import camvid_folder
from source_tree import REPOSITORY

from benchmarks import detection, instances, record, segmentation
from benchmarks.train_and_test import CommandFailed, train_and_test
from minicv.data import Farmyard
from minicv.metrics import SegmentationMetric
from minicv.models.segmentation import PatchClassifier, PatchClassifierSettings
from minicv.training import evaluate

TINY = ["--epochs", "2", "--batch-size", "2"]


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A tiny CamVid; what is kept goes to a folder of the test, and so do the runs."""
    source = camvid_folder(tmp_path / "CamVid")
    monkeypatch.setattr(record, "RESULTS", tmp_path / "results")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return source


def test_both_checkpoints_are_tested_and_all_is_collected(tmp_path, data, capsys):
    options = ["--data", data, "--seed", "3", *TINY]
    found = train_and_test("segnet", options, tmp_path / "run", pictures=True)
    assert found["command"] == f"minicv train segnet --data {data} --seed 3 " + " ".join(TINY)
    assert found["seed"] == 3 and found["recipe"]["epochs"] == 2 and len(found["epochs"]) == 2
    assert found["seconds_of_the_training_command"] > 0 and found["minutes"] > 0
    assert set(found["test"]) == {"best", "last"}
    last = json.loads((tmp_path / "run" / "last.json").read_text())
    assert found["test"]["last"]["images"] == 3
    assert found["test"]["last"]["mIoU"] == last["values"]["mIoU"]
    assert found["test"]["best"]["seconds_per_image"] > 0
    assert len(list((tmp_path / "run" / "pictures").iterdir())) == 3
    capsys.readouterr()


def test_a_command_that_fails_ends_it(tmp_path, data, capsys):
    with pytest.raises(CommandFailed, match="exit status 2"):
        train_and_test("segnet", ["--data", "camvid:absent"], tmp_path / "run")
    assert "there is no file or folder absent" in capsys.readouterr().err
    assert segmentation.main(["camvid", "segnet", "--data", "camvid:absent"]) == 2
    assert detection.main(["people", "--data", "pennfudan:absent"]) == 2


def test_the_record_of_a_segmenter(tmp_path, data, capsys):
    assert segmentation.main(["road", "segnet", "--data", data, *TINY]) == 0
    kept = json.loads((tmp_path / "results" / "segmentation_road_segnet.json").read_text())
    assert bool(kept["commit"]) is (REPOSITORY / ".git").exists()  # an archive has no commits
    assert kept["seed"] == 0 and "IoU Sky" in kept["test"]["best"]
    assert (tmp_path / "work" / "runs" / "road_segnet" / "pictures").is_dir()
    assert "kept in" in capsys.readouterr().out


def test_the_record_of_instances_learnt_by_heart(tmp_path, data, capsys):
    options = ["--data", "farmyard:8", "--epochs", "1", "--min-size", "64", "--max-size", "64"]
    assert instances.main(["few", "mask_rcnn", "--on", "train", *options]) == 0
    kept = json.loads((tmp_path / "results" / "instances_few_mask_rcnn.json").read_text())
    assert "--on" not in kept["command"] and "test" not in kept
    ((weights, tested),) = kept["train"].items()  # best.npz is chosen on other images
    assert weights == "last" and tested["images"] == 8 and "mask AP50" in tested
    assert "kept in" in capsys.readouterr().out
    assert instances.main(["few", "mask_rcnn", "--data", "coco:absent"]) == 2
    assert instances.main(["few", "mask_rcnn"]) == 2


def test_the_patch_classifier_and_its_convolutions_are_compared(tmp_path, monkeypatch, capsys):
    """The trainings are left out; a patch classifier at random has the same metrics both ways."""
    seconds = {"fcn8s": 0.1, "segnet": 0.2, "patch_classifier": 1.0}
    settings = PatchClassifierSettings(patch_size=8, channels=(4,), kernel_size=3, units=8)
    model = PatchClassifier(Farmyard.segmentation_classes, settings, rng=np.random.default_rng(0))
    scenes = Farmyard(2, size=(32, 36))

    def trained(system, options, out, **_):
        assert options[:2] == ["--data", "farmyard"]
        values = evaluate(model, scenes, SegmentationMetric(model.classes)).values
        best = {"images": 2, "seconds_per_image": seconds[system]}
        return {"test": {"best": {**best, **{n: round(v, 6) for n, v in values.items()}}}}

    monkeypatch.setattr(record, "RESULTS", tmp_path)
    monkeypatch.setattr(segmentation, "train_and_test", trained)
    monkeypatch.setattr(segmentation, "load", lambda path: (model, None))
    monkeypatch.setattr(segmentation, "open_data", lambda *_: SimpleNamespace(test=scenes))
    assert segmentation.main(["farmyard"]) == 0
    kept = json.loads((tmp_path / "segmentation_farmyard.json").read_text())
    slow, fast = (
        kept["systems"][name]["test"]["best"]
        for name in ("patch_classifier", "patch_classifier as convolutions")
    )
    assert fast["images"] == 2 and slow.keys() == fast.keys()
    assert fast["mIoU"] == slow["mIoU"] and fast["pixel accuracy"] == slow["pixel accuracy"]
    slowdown = kept["slowdown_of_the_patch_classifier"]
    assert (slowdown["against fcn8s"], slowdown["against segnet"]) == (10, 5)
    assert "patch_classifier as convolutions" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["camvid"], ["camvid", "fcn8s"], ["farmyard", "x"]])
def test_usage(arguments, capsys):
    assert segmentation.main(arguments) == 2
    assert "python -m benchmarks segmentation farmyard" in capsys.readouterr().err
