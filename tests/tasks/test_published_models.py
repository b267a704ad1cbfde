"""Published models and their tasks."""

import pytest

from minicv.models.published import PUBLISHED
from minicv.tasks import published_models
from minicv.tasks.classification import CLASSIFICATION
from minicv.tasks.detection import DETECTION
from minicv.tasks.instances import INSTANCES, POSES
from minicv.tasks.published_models import TASKS, load_published_model
from minicv.tasks.segmentation import SEGMENTATION


def test_each_model_that_predicts_has_a_task():
    assert TASKS == {
        "fasterrcnn_resnet50_fpn": DETECTION,
        "maskrcnn_resnet50_fpn": INSTANCES,
        "keypointrcnn_resnet50_fpn": POSES,
        "fcn_resnet50": SEGMENTATION,
        "alexnet": CLASSIFICATION,
        "vgg16": CLASSIFICATION,
        "resnet18": CLASSIFICATION,
        "resnet50": CLASSIFICATION,
        "efficientnet_lite0": CLASSIFICATION,
    }
    assert set(PUBLISHED) == set(TASKS)


def test_the_file_and_the_name_are_passed_on(monkeypatch, tmp_path):
    asked = []

    class Loaded(published_models.Model):
        def __init__(self):
            pass

    def load(name, weights):
        asked.append((name, weights))
        return Loaded()

    monkeypatch.setattr(published_models, "load_model", load)
    model, task = load_published_model("keypointrcnn_resnet50_fpn", tmp_path / "a.pth")
    assert task is POSES and isinstance(model, Loaded)
    load_published_model("fcn_resnet50")
    assert asked == [("keypointrcnn_resnet50_fpn", tmp_path / "a.pth"), ("fcn_resnet50", None)]


@pytest.mark.parametrize("name", ["maskrcnn", "resnet51", ""])
def test_names_without_a_task(name):
    with pytest.raises(ValueError, match="expected one of fasterrcnn_resnet50_fpn, maskrcnn_res"):
        load_published_model(name)
