"""Every model refuses what is no list of photographs in 0..1, and says what to write."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from tiny_detector import SETTINGS

from minicv.autograd import Tensor
from minicv.backend import use_storage
from minicv.models.backbones import ResNet18, SmallBackbone
from minicv.models.classification import Classifier, ClassifierSettings, WholeNetwork
from minicv.models.detection import (
    RCNN,
    FastRCNN,
    FastRCNNSettings,
    RCNNSettings,
    SlidingWindowDetector,
    SlidingWindowSettings,
    SPPNet,
    SPPNetSettings,
)
from minicv.models.detection.faster_rcnn import FasterRCNN
from minicv.models.localization import SingleObjectDetector, SingleObjectSettings
from minicv.models.pose import DeepPose, DeepPoseSettings
from minicv.models.segmentation import (
    DeconvNet,
    DeconvNetSettings,
    DensePatchClassifier,
    EncoderDecoder,
    EncoderDecoderSettings,
    FCN8s,
    FCN16s,
    FCN32s,
    FullResolution,
    FullResolutionSettings,
    PatchClassifier,
    PatchClassifierSettings,
    SegNet,
    SegNetSettings,
)
from minicv.proposals import SlidingWindow

CLASSES = ("cow", "duck")
WINDOWS = SlidingWindow((16.0,), (1.0,), 0.5)
SVM = {"head_units": 8, "dropout": 0.0}
PATCHES = PatchClassifierSettings(patch_size=8, channels=(4,), kernel_size=3, units=8)


def backbone(strides=(8,)):
    return SmallBackbone(4, strides, rng=rng())


def rng():
    return np.random.default_rng(0)


def fcn(kind):
    return lambda: kind(backbone((8, 16, 32)), CLASSES, rng=rng())


MODELS = {
    "FasterRCNN": lambda: FasterRCNN(backbone(), CLASSES, SETTINGS, rng=rng()),
    "FastRCNN": lambda: FastRCNN(
        backbone(), CLASSES, WINDOWS, FastRCNNSettings(min_size=40, max_size=64, **SVM), rng=rng()
    ),
    "RCNN": lambda: RCNN(
        backbone(),
        CLASSES,
        WINDOWS,
        RCNNSettings(warp_size=16, context=2, pooled_size=2, **SVM),
        rng=rng(),
    ),
    "SPPNet": lambda: SPPNet(
        backbone(), CLASSES, WINDOWS, SPPNetSettings(scales=(40,), max_size=64, **SVM), rng=rng()
    ),
    "SlidingWindowDetector": lambda: SlidingWindowDetector(
        backbone(),
        CLASSES,
        WINDOWS,
        SlidingWindowSettings(warp_size=16, units=8, pooled_size=2),
        rng=rng(),
    ),
    "DeepPose": lambda: DeepPose(
        backbone(),
        ("person",),
        DeepPoseSettings(size=32, pooled_size=2, units=8, warp_size=16, crop_units=8),
        rng=rng(),
    ),
    "SingleObjectDetector": lambda: SingleObjectDetector(
        backbone(), CLASSES, SingleObjectSettings(size=32, pooled_size=2, units=8), rng=rng()
    ),
    "Classifier": lambda: Classifier(
        backbone(), CLASSES, ClassifierSettings(size=32, loss="hinge"), rng=rng()
    ),
    "WholeNetwork": lambda: WholeNetwork(
        ResNet18(2, rng=rng()), CLASSES, ClassifierSettings(size=32)
    ),
    "FCN32s": fcn(FCN32s),
    "FCN16s": fcn(FCN16s),
    "FCN8s": fcn(FCN8s),
    "SegNet": lambda: SegNet(CLASSES, SegNetSettings(widths=(4,), depths=(1,)), rng=rng()),
    "EncoderDecoder": lambda: EncoderDecoder(
        CLASSES, EncoderDecoderSettings(widths=(4, 4)), rng=rng()
    ),
    "DeconvNet": lambda: DeconvNet(CLASSES, DeconvNetSettings(width=1 / 64), rng=rng()),
    "FullResolution": lambda: FullResolution(
        CLASSES, FullResolutionSettings(width=4, depth=1), rng=rng()
    ),
    "PatchClassifier": lambda: PatchClassifier(CLASSES, PATCHES, rng=rng()),
    "DensePatchClassifier": lambda: DensePatchClassifier(
        PatchClassifier(CLASSES, PATCHES, rng=rng())
    ),
}
TARGET = {
    "boxes": np.array([[4.0, 4.0, 20.0, 18.0]], np.float32),
    "labels": np.array([1]),
    "label": 1,
    "segmentation": np.ones((24, 32), np.int64),
    "image_id": "a.jpg",
    "joints": np.tile(np.array([8.0, 9.0, 1.0], np.float32), (14, 1)),
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param]().eval()


def photograph(seed=1):
    return np.random.default_rng(seed).random((3, 24, 32), dtype=np.float32)


def with_pixel(value):
    image = photograph()
    image[1, 2, 3] = value
    return image


# What is given instead of a photograph, and what the message says.
WRONG = {
    "0..255": (lambda: photograph() * 255, "divide by 255: image / 255"),
    "uint8": (
        lambda: (photograph() * 255).astype(np.uint8),
        r"uint8.*divide by 255: image.astype\('float32'\) / 255",
    ),
    "uint16": (lambda: np.zeros((3, 4, 5), np.uint16), "divide by 65535"),
    "bool": (lambda: np.zeros((3, 4, 5), bool), r"image.astype\('float32'\)"),
    "colours last": (lambda: photograph().transpose(1, 2, 0), r"image.transpose\(2, 0, 1\)"),
    "RGBA, colours last": (lambda: np.zeros((24, 32, 4), np.float32), r"image\[..., :3\].transp"),
    "RGBA": (lambda: np.zeros((4, 24, 32), np.float32), r"image\[:3\]"),
    "grey": (lambda: photograph()[:1], r"np.repeat\(image, 3, axis=0\)"),
    "a plane": (lambda: photograph()[0], r"np.stack\(\[image\] \* 3\)"),
    "a batch": (lambda: photograph()[None], r"write image\[0\]"),
    "no pixels": (lambda: np.zeros((3, 0, 5), np.float32), "at least one pixel"),
    "NaN": (lambda: with_pixel(np.nan), "1 of its 2304 numbers are NaN or infinite"),
    "inf": (lambda: with_pixel(np.inf), "1 of its 2304 numbers are NaN or infinite"),
    "-inf": (lambda: with_pixel(-np.inf), "1 of its 2304 numbers are NaN or infinite"),
    "-1..1": (lambda: 2 * photograph() - 1, r"an image of -1..1; write \(image \+ 1\) / 2"),
    "normalised": (lambda: (photograph() - 0.45) / 0.2, "subtracts its mean by itself"),
    "16 bits": (lambda: photograph() * 65535, "divide by the number that stands for white"),
    "a tensor": (lambda: Tensor(photograph()), r"a Tensor.*to_numpy\(tensor.data\)"),
    "a path": (lambda: "cow.jpg", r"the path 'cow.jpg'.*minicv.data.read_image\(path\)"),
    "a picture": (lambda: Image.new("RGB", (4, 5)), "a picture of Pillow.*read_image"),
    "a list": (lambda: photograph().tolist(), "a list; expected"),
    "nothing": (lambda: None, "a NoneType"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_photograph_is_refused_with_what_to_write(model, kind):
    make, message = WRONG[kind]
    wrong, name = make(), type(model).__name__
    with pytest.raises(ValueError, match=rf"(?s){name}.predict: image 1.*{message}"):
        model.predict([photograph(), wrong])
    if kind != "a list":  # whose brackets would be the fault
        with pytest.raises(ValueError, match=rf"(?s){name}.stages: image.*{message}"):
            model.stages(wrong)
    with pytest.raises(ValueError, match=rf"(?s){name}.loss: image 'a.jpg'.*{message}"):
        model.loss([wrong], [TARGET])


def test_one_image_without_its_list(model):
    name = type(model).__name__
    for one in (photograph(), photograph()[0], photograph().transpose(1, 2, 0)):
        with pytest.raises(ValueError, match=rf"{name}.predict: got one image.*write \[image\]"):
            model.predict(one)
    for one in (Tensor(photograph()), "cow.jpg", Image.new("RGB", (4, 5)), None, iter([])):
        with pytest.raises(ValueError, match=rf"{name}.predict: images is .*a list"):
            model.predict(one)
    with pytest.raises(ValueError, match=rf"{name}.stages: got a list.*without brackets"):
        model.stages([photograph()])
    with pytest.raises(ValueError, match=rf"{name}.loss: got one image"):
        model.loss(photograph(), [TARGET])


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_floats_of_another_width_are_taken_as_float32(model, dtype):
    image = photograph().astype(dtype)
    (found,), (expected,) = model.predict([image]), model.predict([image.astype(np.float32)])
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    losses = model.loss([image], [TARGET])
    for name, loss in model.loss([image.astype(np.float32)], [TARGET]).items():
        assert losses[name].item() == loss.item()


def test_a_network_that_stores_float16_gives_nearly_the_same_results_in_the_same_dtypes(model):
    (expected,) = model.predict([photograph()])
    with use_storage("float16"):
        (found,) = model.predict([photograph()])
        assert len(model.stages(photograph())) > 1
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        if "boxes" not in expected and array.dtype.kind == "f":  # there may be a box more or less
            assert np.abs(found[name] - array).max() <= 2e-3 * np.abs(array).max()
    if "segmentation" in expected:
        assert (found["segmentation"] == expected["segmentation"]).mean() > 0.98


def test_one_array_of_images_is_a_list_of_them(model):
    images = [photograph(1), photograph(2)]
    for one, other in zip(model.predict(np.stack(images)), model.predict(images), strict=True):
        for name, array in other.items():
            np.testing.assert_array_equal(one[name], array)


def test_the_rounding_of_a_resize_passes_and_no_more(model):
    model.predict([np.clip(photograph(), 0, 1) * 1.005])
    with pytest.raises(ValueError, match="numbers from"):
        model.predict([with_pixel(1.02)])


def test_no_images_have_no_results(model):
    assert model.predict([]) == []


def test_a_result_for_a_picture_is_that_of_predict(model):
    (expected,) = model.predict([photograph()])
    for keep in (False, True):
        result, stages = model.predict_for_picture(photograph(), keep_stages=keep)
        assert set(result) == set(expected) - {"probabilities"}
        for name, array in result.items():
            np.testing.assert_array_equal(array, expected[name])
        assert bool(stages) == keep


def test_a_strip_of_one_pixel(model):
    for size in ((1, 1), (1, 300), (300, 1)):
        image = np.full((3, *size), 0.5, np.float32)
        assert len(model.predict([image])) == 1
        last = model.stages(image)[-1].kind
        assert last in ("detections", "label map", "class scores", "pose")


def test_settings_of_proposals_are_kept_from_older_checkpoints():
    for settings in (FastRCNNSettings, RCNNSettings, SPPNetSettings):
        assert settings().max_proposal_side == 1000
        assert "max_proposal_side" in {field.name for field in dataclasses.fields(settings)}
