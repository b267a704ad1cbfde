"""Grad-CAM in the page: which classes and detections, and pictures of their size."""

import base64
import io

import numpy as np
from PIL import Image
from tiny_detector import tiny_detector

from minicv.explain.widgets_saliency import class_saliency, detection_saliency, field_of_middle
from minicv.models.backbones import SmallBackbone
from minicv.models.classification import Classifier, ClassifierSettings
from minicv.models.model import Model


def rng():
    return np.random.default_rng(0)


def picture(choice):
    return Image.open(io.BytesIO(base64.b64decode(choice["src"].partition(",")[2])))


def test_the_best_five_classes_of_a_classifier():
    classes = tuple("abcdefg")
    settings = ClassifierSettings(size=32)
    model = Classifier(SmallBackbone(4, rng=rng()), classes, settings, rng=rng())
    stages = model.stages(rng().random((3, 40, 60), dtype="float32"))
    part = class_saliency(stages, len(stages) - 1, model)
    scores = stages[-1].arrays["class_scores"]
    best = np.argsort(-scores)[:5]
    names = [f"{classes[k]} {scores[k]:.2f}" for k in best]
    assert [choice["name"] for choice in part["data"]["choices"]] == names
    for choice in part["data"]["choices"]:
        assert picture(choice).size == (choice["width"], choice["height"]) == (480, 480)
        assert choice["cells"] == [4, 4]
    assert class_saliency(stages, len(stages) - 1, Model()) is None


def test_the_best_detections_of_a_detector():
    model = tiny_detector(("cow", "duck"), score_threshold=0.0)
    image = rng().random((3, 60, 90), dtype="float32")  # is resized
    stages = model.stages(image)
    found = stages[-1].arrays
    part = detection_saliency(stages, len(stages) - 1, model)
    choices = part["data"]["choices"]
    expected = [
        f"{model.classes[label]} {score:.2f}"
        for label, score in zip(found["labels"][:6], found["scores"][:6], strict=True)
    ]
    assert [choice["name"] for choice in choices] == expected and len(choices) >= 1
    for choice in choices:
        assert max(picture(choice).size) == 480
    nothing = [*stages[:-1], type(stages[-1])(
        "detections", "", "detections",
        {name: array if name == "image" else array[:0] for name, array in found.items()}, 0.0,
    )]  # fmt: skip
    assert detection_saliency(nothing, len(nothing) - 1, model) is None


def test_what_the_middle_cell_of_the_last_map_sees():
    model = tiny_detector(("cow", "duck"), score_threshold=0.0, min_size=64, max_size=64)
    stages = model.stages(rng().random((3, 64, 64), dtype="float32"))
    index = [stage.kind for stage in stages].index("features")
    (choice,) = field_of_middle(stages, index, model)["data"]["choices"]
    # 39 pixels a side, see tests/models/test_receptive_field.py; the map has 8 x 8 cells.
    assert choice["note"].startswith("The cell in row 4 and column 4 of the map can see 39 × 39")
    assert picture(choice).size == (480, 480)
    assert field_of_middle(stages, index, Model()) is None
    pooled = Classifier(SmallBackbone(4, rng=rng()), ("a", "b"), ClassifierSettings(32), rng=rng())
    stages = pooled.stages(rng().random((3, 40, 40), dtype="float32"))
    found = [
        stage.name
        for index, stage in enumerate(stages)
        if stage.kind == "features" and field_of_middle(stages, index, pooled)
    ]
    assert found == ["feature_map"]
