"""Whole models: what is exported computes what they compute, at every batch and every free size."""

import dataclasses

import numpy as np
import onnx_in_numpy
import pytest

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.export import ExportError, export_onnx, exported
from minicv.export.graph import IMAGE
from minicv.export.replay import replay
from minicv.models.backbones import FPN, ConvNetBackbone, SmallBackbone
from minicv.models.backbones.alexnet import AlexNet, AlexNetLayers
from minicv.models.backbones.build import BACKBONES, build_backbone
from minicv.models.backbones.efficientnet_lite0 import EfficientNetLite0
from minicv.models.backbones.resnet import ResNet18
from minicv.models.classification import Classifier, ClassifierSettings
from minicv.models.detection import FasterRCNN, FastRCNN
from minicv.models.detection.mask_rcnn import MaskRCNN, MaskRCNNSettings
from minicv.models.localization import SingleObjectDetector, SingleObjectSettings
from minicv.models.photographs import batch_for, resize_image, resized_size
from minicv.models.segmentation import (
    DeconvNet,
    DeconvNetSettings,
    EncoderDecoder,
    EncoderDecoderSettings,
    FCN8s,
    FCN16s,
    FCN32s,
    FullResolution,
    FullResolutionSettings,
    PatchClassifier,
    PatchClassifierSettings,
    Segmenter,
    SegmenterSettings,
    SegNet,
    SegNetSettings,
)
from minicv.nn import Linear, Module, evaluating
from minicv.proposals import SlidingWindow
from minicv.tasks.detection import FASTER_RCNN

CLASSES = ("sky", "tree", "grass")
RNG = np.random.default_rng(0)


def trained(model):
    """With statistics and weights as a training might leave them: nothing is 0 or 1."""
    rng = np.random.default_rng(1)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.data = rng.normal(0, 0.2, buffer.shape).astype(np.float32)
        if name.endswith("running_var"):
            buffer.data = rng.uniform(0.5, 2, buffer.shape).astype(np.float32)
    for parameter in model.parameters():
        if not parameter.data.any():
            parameter.data = rng.normal(0, 0.1, parameter.shape).astype(np.float32)
    return model


def encoder_decoder(upsampling):
    settings = EncoderDecoderSettings(upsampling=upsampling, widths=(4, 6))
    return EncoderDecoder(CLASSES, settings, rng=RNG)


def fcn(kind):
    return kind(SmallBackbone(2, (8, 16, 32), rng=RNG), CLASSES, rng=RNG)


def patches(scales):
    settings = PatchClassifierSettings(
        patch_size=8, channels=(4,), kernel_size=3, units=6, scales=scales
    )
    return PatchClassifier(CLASSES, settings, rng=RNG)


SMALL_SETTINGS = dataclasses.replace(FASTER_RCNN["small"], rpn_channels=4, head_units=4)
MASK_SETTINGS = MaskRCNNSettings(
    anchor_sizes=(16.0, 32.0, 64.0),
    rpn_channels=4,
    head_units=4,
    mask_channels=(4,),
    mask_predictor_channels=4,
    joint_names=("neck", "head top"),
    keypoint_channels=(4,),
)
TINY_ALEXNET = AlexNetLayers((4, 4, 6, 6, 4), (1, 2, 1, 2, 2), True)


class SmallAlexNet(Module):
    """The classifier of AlexNet with fewer units: the pooling to 6x6 and the layers around it."""

    mean, std = AlexNet.mean, AlexNet.std

    def __init__(self):
        alexnet = AlexNet(4, TINY_ALEXNET, rng=RNG)
        self.features, self.fc = alexnet.features, Linear(4 * 36, 5, rng=RNG)

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.features(x), 6)
        return self.fc(x.reshape(x.shape[0], -1))


# name: the model, the size that is exported, and whether any other size will do
MODELS = {
    "small backbone": (lambda: SmallBackbone(2, (4, 8, 16, 32), rng=RNG), (33, 40), True),
    "small pyramid": (lambda: FPN(SmallBackbone(2, (8, 16), rng=RNG), 4, rng=RNG), (33, 40), True),
    "fcn32s": (lambda: fcn(FCN32s), (33, 40), True),
    "fcn16s": (lambda: fcn(FCN16s), (33, 40), True),
    "fcn8s": (lambda: fcn(FCN8s), (33, 40), True),
    "fcn8s without a cut": (lambda: fcn(FCN8s), (32, 64), True),
    "nearest": (lambda: encoder_decoder("nearest"), (9, 14), True),
    "nearest without a cut": (lambda: encoder_decoder("nearest"), (8, 12), True),
    "bed of nails": (lambda: encoder_decoder("bed_of_nails"), (9, 14), True),
    "max unpooling": (lambda: encoder_decoder("max_unpool"), (9, 14), True),
    "transposed": (lambda: encoder_decoder("transposed"), (9, 14), False),
    "full resolution": (
        lambda: FullResolution(CLASSES, FullResolutionSettings(width=4, depth=2), rng=RNG),
        (7, 10),
        True,
    ),
    "segnet": (
        lambda: SegNet(CLASSES, SegNetSettings(widths=(4, 6), depths=(1, 2)), rng=RNG),
        (9, 14),
        True,
    ),
    "one scale": (lambda: patches(1), (9, 12), False),
    "three scales": (lambda: patches(3), (9, 12), False),
    "one object": (
        lambda: SingleObjectDetector(
            SmallBackbone(2, rng=RNG), CLASSES, SingleObjectSettings(33, 2, 6), rng=RNG
        ),
        (33, 33),
        False,
    ),
    "a box of each class, upon layers of its own": (
        lambda: SingleObjectDetector(
            SmallBackbone(2, rng=RNG),
            CLASSES,
            SingleObjectSettings(33, 2, 6, box_of="class", box_head="own"),
            rng=RNG,
        ),
        (33, 33),
        False,
    ),
    "classifier": (
        lambda: Classifier(
            ConvNetBackbone(2, rng=RNG), CLASSES, ClassifierSettings(size=33), rng=RNG
        ),
        (33, 33),
        True,
    ),
    "classifier with units": (
        lambda: Classifier(
            SmallBackbone(2, rng=RNG),
            CLASSES,
            ClassifierSettings(size=33, head="fully_connected", pooled_size=2, units=6),
            rng=RNG,
        ),
        (33, 33),
        False,
    ),
    "faster r-cnn": (
        lambda: FasterRCNN(SmallBackbone(2, rng=RNG), CLASSES, SMALL_SETTINGS, rng=RNG),
        (32, 40),
        True,
    ),
    "faster r-cnn on a pyramid": (
        lambda: FasterRCNN(
            FPN(SmallBackbone(2, (8, 16), rng=RNG), 4, rng=RNG), CLASSES, SMALL_SETTINGS, rng=RNG
        ),
        (40, 56),
        True,
    ),
    "mask r-cnn": (
        lambda: MaskRCNN(
            FPN(SmallBackbone(2, (8, 16), rng=RNG), 4, rng=RNG), CLASSES, MASK_SETTINGS, rng=RNG
        ),
        (40, 56),
        True,
    ),
    "fast r-cnn": (
        lambda: FastRCNN(SmallBackbone(2, rng=RNG), CLASSES, SlidingWindow(), rng=RNG),
        (32, 40),
        True,
    ),
    "alexnet": (SmallAlexNet, (100, 131), False),
}


def expected(network, image):
    with no_grad(), evaluating(network.module):
        return {name: output.data for name, output in network.run(Tensor(image)).items()}


def compare(result, run, batch, height, width):
    image = np.random.default_rng(2).random((batch, 3, height, width), np.float32)
    found, own = run(image), expected(result.network, image)
    assert found.keys() == own.keys()
    for name, output in own.items():
        assert found[name].shape == output.shape
        np.testing.assert_allclose(found[name], output, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_the_graph_computes_what_the_model_computes(name):
    build, size, any_size = MODELS[name]
    result = exported(trained(build()), size)
    assert result.any_size is any_size and result.size == size
    assert result.graph.shapes[IMAGE][:2] == ("N", 3)

    def run(image):
        return onnx_in_numpy.run(result.graph, image)

    compare(result, run, 1, *size)
    compare(result, run, 2, *size)
    if any_size:
        compare(result, run, 1, size[0] + 2, size[1] - 3)


def tools():
    pytest.importorskip("onnx", reason="the package onnx is not installed")
    return pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


def in_onnxruntime(model, size, path, any_size, opset=17):
    runtime = tools()
    result = export_onnx(model, path, size, opset=opset, metadata={"system": "own"})
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    assert tuple(names) == result.graph.outputs
    assert result.any_size is any_size and 0 <= result.difference < 1e-4

    def run(image):
        return dict(zip(names, session.run(None, {IMAGE: image}), strict=True))

    compare(result, run, 1, *result.size)
    compare(result, run, 3, *result.size)
    if any_size:
        compare(result, run, 2, result.size[0] + 7, result.size[1] + 12)
    return result, session


@pytest.mark.parametrize("name", MODELS)
def test_the_file_computes_what_the_model_computes(name, tmp_path):
    build, size, any_size = MODELS[name]
    in_onnxruntime(trained(build()), size, tmp_path / "m.onnx", any_size)


@pytest.mark.parametrize("name", sorted({*BACKBONES} - {"vgg16"}))  # which takes half a second more
def test_every_backbone_in_onnxruntime(name, tmp_path):
    model = trained(build_backbone(name, (4, 8, 16), frozen=True, rng=RNG))
    any_size = name != "efficientnet_lite0"  # its padding depends on whether a side is odd
    in_onnxruntime(model, (33, 50), tmp_path / "m.onnx", any_size)


@pytest.mark.parametrize(("build", "any_size"), [(ResNet18, True), (EfficientNetLite0, False)])
def test_classifiers_in_onnxruntime(build, any_size, tmp_path):
    model = trained(build(5, rng=RNG))
    result, _ = in_onnxruntime(model, (65, 50), tmp_path / "m.onnx", any_size)
    assert result.graph.shapes["logits"] == ("N", 5)


def test_deconvnet_in_onnxruntime(tmp_path):
    model = trained(DeconvNet(CLASSES, DeconvNetSettings(width=1 / 32), rng=RNG))
    padded, _ = in_onnxruntime(model, (40, 194), tmp_path / "a.onnx", any_size=False)
    assert padded.before.endswith("resize it to 40 x 194 pixels (height x width)")
    free, _ = in_onnxruntime(model, (193, 200), tmp_path / "b.onnx", any_size=True)
    assert "any size from 193 x 193 pixels on will do" in free.before


def test_the_file_says_what_it_is(tmp_path):
    settings = SegNetSettings(widths=(4,), depths=(1,), min_size=20, max_size=60)
    model = SegNet(CLASSES, settings, rng=RNG)
    path = tmp_path / "new" / "m.onnx"
    result, session = in_onnxruntime(model, None, path, any_size=True)
    assert result.size == (20, 30)  # the shorter side, and half of twice the longer one
    said = session.get_modelmeta().custom_metadata_map
    assert said["classes"] == '["sky", "tree", "grass"]' and said["system"] == "own"
    assert said["mean"] == "[0.5, 0.5, 0.5]" and said["std"] == "[0.25, 0.25, 0.25]"
    assert said["before"].endswith("any size will do; 20 x 30 pixels (height x width) suit it")
    assert said["after"].startswith("logits: of each class at each pixel")
    assert [(i.name, i.shape) for i in session.get_inputs()] == [("image", ["N", 3, "H", "W"])]
    assert session.get_outputs()[0].shape == ["N", 3, "H", "W"]
    assert [own.name for own in path.parent.iterdir()] == ["m.onnx"]


def test_a_segmentation_by_what_the_sentences_say_is_that_of_predict():
    settings = SegNetSettings(widths=(4, 6), depths=(1, 1), min_size=20, max_size=60)
    model = trained(SegNet(CLASSES, settings, rng=RNG))
    model.score.bias.data = 0 * model.score.bias.data  # so that noise has several classes
    picture = np.random.default_rng(3).random((3, 41, 62), np.float32)
    result = exported(model)
    image = resize_image(picture, *resized_size(41, 62, 20, 60))[None]
    assert "any size will do" in result.before
    logits = onnx_in_numpy.run(result.graph, image)["logits"]
    assert "enlarge the logits bilinearly" in result.after
    labels = F.resize_bilinear(logits, (41, 62)).data[0].argmax(axis=0)
    assert (labels == model.predict([picture])[0]["segmentation"]).mean() > 0.999
    assert len(np.unique(labels)) > 1


def test_anchors_score_as_in_the_detector_by_what_the_sentences_say():
    model = trained(MODELS["faster r-cnn"][0]())
    picture = np.random.default_rng(3).random((3, 40, 51), np.float32)
    result = exported(model)
    assert "to a shorter side of 128 pixels, but the longer at most 256" in result.before
    resized = resize_image(picture, *resized_size(40, 51, 128, 256))
    batch = batch_for(model.backbone, [picture], 128, 256)
    image = np.full(batch.pixels.shape, 0.5, np.float32)  # the mean colour, to whole cells
    image[0, :, : resized.shape[1], : resized.shape[2]] = resized
    found = onnx_in_numpy.run(result.graph, image)
    (features,) = model.backbone.eval()(Tensor(batch.pixels))
    objectness, offsets = model.rpn(features)
    np.testing.assert_allclose(found["objectness_8"], objectness.data, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["offsets_8"], offsets.data, rtol=1e-4, atol=1e-5)


def test_numbers_that_come_from_the_pixels_in_numpy_are_refused():
    class Brighter(Segmenter):
        def __init__(self):
            super().__init__(("a",), SegmenterSettings())
            self.weight = trained(Linear(1, 1, rng=RNG))

        def forward(self, x, record=None):
            return x[:, :1] * self.weight.weight[0, 0] / Tensor(x.data.mean((1, 2, 3)).max())

    with pytest.raises(ExportError, match="Brighter cannot be exported: a part of it is computed"):
        exported(Brighter(), (4, 4))


def test_a_model_of_one_size_that_names_none_must_be_told():
    with pytest.raises(ExportError, match="EncoderDecoder works at one size of image only; name"):
        exported(encoder_decoder("transposed"))
    assert exported(encoder_decoder("nearest")).any_size


@pytest.mark.parametrize("size", [(32, 64), (33, 64), (31, 63)])
def test_whether_sizes_are_free_does_not_depend_on_the_size_that_is_recorded(size):
    graph = exported(fcn(FCN8s), size).graph
    assert graph.nodes == exported(fcn(FCN8s), (45, 70)).graph.nodes
    assert graph.shapes["logits"] == ("N", 3, "H", "W")


def test_where_the_size_is_fixed_the_graph_computes_no_sizes():
    graph = exported(encoder_decoder("transposed"), (9, 14)).graph
    assert "Shape" not in [node.operator for node in graph.nodes]
    assert graph.shapes["logits"] == ("N", 3, 9, 14)


def test_a_detector_says_what_is_left_to_do():
    result = exported(MODELS["faster r-cnn"][0]())
    assert result.any_size and result.size == (128, 256)
    assert result.graph.shapes["map_8"] == ("N", 8, "map_8_height", "map_8_width")
    assert result.graph.shapes["offsets_8"] == ("N", "offsets_8_1", 4)
    assert "best to a shorter side of 128 pixels, but the longer at most 256" in result.before
    assert "the mean colour (0.5, 0.5, 0.5)" in result.before
    assert result.before.endswith("at the bottom and the right, to a multiple of 8 pixels")
    assert "not exported are RoIAlign and the heads" in result.after
    assert "non-maximum suppression" in result.after


def test_the_region_features_of_a_detector_are_refused_with_the_reason():
    image = Tensor(np.ones((1, 3, 8, 8), "f"), requires_grad=True)
    box, index = np.float32([[0, 0, 4, 4]]), np.zeros(1, int)
    y = F.roi_align(image, box, index, 2, 1.0)
    with pytest.raises(ExportError, match="RoIAlign cannot be exported: which regions it reads"):
        replay(image, {"y": y})


@pytest.mark.parametrize(
    ("model", "size", "message"),
    [
        (Linear(2, 2, rng=RNG), (4, 4), "Linear cannot be exported: it names no mean and std"),
        (SmallBackbone(2, rng=RNG), (0, 4), "size 0 x 4: expected at least one pixel"),
        (SmallBackbone(2, rng=RNG).astype("float64"), None, "is float64"),
    ],
)
def test_what_cannot_be_exported(model, size, message):
    with pytest.raises(ExportError, match=message):
        exported(model, size)


def test_training_goes_on_as_before():
    model = SmallBackbone(2, rng=RNG)
    state = model.state_dict()
    exported(model, (16, 16))
    assert model.training
    assert all((array == state[name]).all() for name, array in model.state_dict().items())
