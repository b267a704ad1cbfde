"""Grad-CAM in the page: which classes and detections, and pictures of their size."""

import base64
import io

import numpy as np
from PIL import Image
from tiny_detector import tiny_detector

from minicv.explain.widgets_saliency import class_saliency, detection_saliency
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
