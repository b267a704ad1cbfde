"""Models by torchvision's names: their entries against torchvision's, classes, eps, the file."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from minicv import Tensor, no_grad
from minicv.data.category_names import COCO_NUMBERED, VOC_SEGMENTATION
from minicv.data.imagenet_names import IMAGENET_CLASSES
from minicv.models.detection import FasterRCNN, MaskRCNN
from minicv.models.published import (
    PUBLISHED,
    Published,
    load,
    load_model,
    our_name,
    torchvision_name,
)
from minicv.models.segmentation.fcn_resnet50 import FCNResNet50
from minicv.models.undrawn import Undrawn
from minicv.nn import FrozenBatchNorm2d, Linear, Module
from minicv.vision import COCO_JOINTS
from minicv.weights import WeightsError, known_files, write_safetensors

NAMES = json.loads((Path(__file__).parents[1] / "fixtures" / "torchvision_names.json").read_text())
UNUSED = re.compile(r"^aux_classifier\.")  # of the training of the FCN, which nothing predicts from


def shapes_of(name):
    """torchvision's names and shapes."""
    groups = [NAMES["groups"][group] for group in NAMES["models"][name]]
    return {entry: tuple(shape) for group in groups for entry, shape in group.items()}


def older(entry):
    """The spelling of the published files, which are older than torchvision 0.13."""
    entry = entry.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
    entry = re.sub(r"((?:inner|layer)_blocks\.\d)\.0\.", r"\1.", entry)
    return re.sub(
        r"mask_head\.(\d)\.0\.", lambda match: f"mask_head.mask_fcn{int(match[1]) + 1}.", entry
    )


def numbered(shapes):
    """Arrays of one number each, 1 to N, which take no memory."""
    return {
        entry: np.broadcast_to(np.float32(number), shape)
        for number, (entry, shape) in enumerate(shapes.items(), start=1)
    }


@pytest.mark.parametrize(
    ("name", "spelling"),
    [(name, spelling) for name in NAMES["models"] for spelling in ("newer", "older")]
    + [("maskrcnn_resnet50_fpn", "module."), ("keypointrcnn_resnet50_fpn", "model.module.")],
)
def test_each_of_torchvisions_entries_has_one_place_in_our_model(name, spelling):
    """With a number for each entry: all of ours are filled, each by another one."""
    respell = {"newer": str, "older": older}.get(spelling, lambda entry: spelling + older(entry))
    weights = numbered({respell(entry): shape for entry, shape in shapes_of(name).items()})
    model = load(name, weights)
    counters = "num_batches_tracked"
    found = {
        entry: array for entry, array in model.state_dict().items() if not entry.endswith(counters)
    }
    of_ours = {float(array.ravel()[0]): entry for entry, array in found.items()}
    assert len(of_ours) == len(found)  # none has two places
    for entry, array in weights.items():
        plain = entry.removeprefix(spelling)
        ours = of_ours.pop(float(array.ravel()[0]), None)
        if UNUSED.match(plain) or plain.endswith(counters):
            assert ours is None
            continue
        assert found[ours].shape == array.shape, entry
        expected = older(plain).replace("rpn.head.", "rpn.").replace("roi_heads.", "")
        assert ours == expected
        assert older(plain) == (torchvision_name(ours) if "fcn" not in name else ours)
    assert not of_ours  # none is left as it was built


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        # Newer spellings, and older ones as in the published files.
        ("backbone.fpn.inner_blocks.3.0.bias", "backbone.fpn.inner_blocks.3.bias"),
        ("backbone.fpn.layer_blocks.0.weight", "backbone.fpn.layer_blocks.0.weight"),
        ("rpn.head.conv.0.0.weight", "rpn.conv.weight"),
        ("rpn.head.conv.weight", "rpn.conv.weight"),
        ("roi_heads.mask_head.3.0.bias", "mask_head.mask_fcn4.bias"),
        ("roi_heads.mask_head.mask_fcn4.bias", "mask_head.mask_fcn4.bias"),
        ("module.roi_heads.keypoint_head.14.weight", "module.keypoint_head.14.weight"),
        ("backbone.body.layer1.0.conv1.weight", "backbone.body.layer1.0.conv1.weight"),
        ("features.0.0.weight", "features.0.0.weight"),
    ],
)
def test_names(theirs, ours):
    assert our_name(theirs) == ours and our_name(ours) == ours


def test_geometry_and_classes_are_those_of_the_published_files():
    settings = {}
    for name, kind in (
        ("fasterrcnn_resnet50_fpn", FasterRCNN),
        ("maskrcnn_resnet50_fpn", MaskRCNN),
        ("keypointrcnn_resnet50_fpn", MaskRCNN),
    ):
        model = load(name, numbered(shapes_of(name)))
        assert type(model) is kind and not model.training
        frozen = [layer for layer in model.modules() if isinstance(layer, FrozenBatchNorm2d)]
        assert len(frozen) == 53 and {layer.eps for layer in frozen} == {0.0}
        s = settings[name] = model.settings
        assert (s.min_size, s.max_size, s.smoothed_resize) == (800, 1333, False)
        assert s.anchors_at_corners and not s.aligned
        assert s.head_smooth_l1_beta == pytest.approx(1 / 9)
        names = ("person",) if "keypoint" in name else COCO_NUMBERED
        assert model.classes == names
    assert settings["maskrcnn_resnet50_fpn"].masks
    assert settings["maskrcnn_resnet50_fpn"].expanded_pasting
    assert settings["maskrcnn_resnet50_fpn"].joint_names == ()
    assert not settings["keypointrcnn_resnet50_fpn"].masks
    assert settings["keypointrcnn_resnet50_fpn"].joint_names == COCO_JOINTS
    model = load("fcn_resnet50", numbered(shapes_of("fcn_resnet50")))
    assert type(model) is FCNResNet50 and model.classes == VOC_SEGMENTATION and not model.training


class Tiny(Module):
    """A layer of scores for the background and K classes behind a frozen normalisation."""

    def __init__(self, classes):
        self.norm = FrozenBatchNorm2d(2)
        self.cls_score = Linear(2, len(classes) + 1, rng=np.random.default_rng(0))
        self.classes = classes


@pytest.fixture
def tiny(monkeypatch):
    """``load("tiny", ...)``; weights of so many classes."""
    entry = Published(
        lambda classes, rng: Tiny(classes), ("cow", "duck"), "cls_score", background=True, eps=0.0
    )
    monkeypatch.setitem(PUBLISHED, "tiny", entry)
    return lambda count: {n: np.ones_like(a) for n, a in Tiny([""] * count).state_dict().items()}


def test_another_number_of_classes_than_published(tiny):
    assert load("tiny", tiny(2)).classes == ("cow", "duck")
    assert load("tiny", tiny(3)).classes == ("class 0", "class 1", "class 2")
    assert load("tiny", tiny(3), classes=["a", "b", "c"]).classes == ("a", "b", "c")
    # The prefix of DataParallel stands before the layer of the scores too.
    prefixed = {f"module.{name}": array for name, array in tiny(1).items()}
    assert load("tiny", prefixed).classes == ("class 0",)
    with pytest.raises(
        ValueError, match="weights of tiny has scores of 3 classes, but classes has 2 names"
    ):
        load("tiny", tiny(3), classes=["a", "b"])


def test_eps_of_the_frozen_normalisation(tiny):
    assert load("tiny", tiny(2)).norm.eps == 0.0
    assert load("tiny", tiny(2), eps=1e-5).norm.eps == 1e-5


def test_classifiers_have_as_many_outputs_as_the_file():
    built = PUBLISHED["resnet18"].build(("a",) * 7, Undrawn())
    shapes = {name: array.shape for name, array in built.state_dict().items()}
    model = load("resnet18", numbered(shapes))
    assert model.fc.weight.shape == (7, 512) and not model.training
    assert model.bn1.eps == 1e-5  # only frozen ones are 0


def entries_of(name, classes):
    built = PUBLISHED[name].build(classes, np.random.default_rng(0))
    return built.state_dict()


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_lite0"])
def test_a_classifier_becomes_a_model_of_photographs(name):
    weights = entries_of(name, IMAGENET_CLASSES)
    model = load_model(name, weights)
    assert model.classes == IMAGENET_CLASSES and not model.training
    s = model.settings
    assert (s.size, s.fit, s.crop_fraction, s.loss) == (224, "crop", 0.875, "softmax")
    assert s.resample == ("bicubic" if name == "efficientnet_lite0" else "bilinear")
    exact = np.random.default_rng(1).random((3, 224, 224), dtype=np.float32)
    (result,) = model.predict([exact])
    network = load(name, weights)
    x = (exact - np.array(network.mean)[:, None, None]) / np.array(network.std)[:, None, None]
    with no_grad():
        logits = network(Tensor(x[None].astype(np.float32))).data[0]
    assert result["labels"][0] == logits.argmax() and len(result["scores"]) == 1000


def test_classes_of_a_classifier_of_ones_own():
    weights = entries_of("resnet18", ("a", "b", "c"))
    assert load_model("resnet18", weights).classes == ("class 0", "class 1", "class 2")
    named = load_model("resnet18", weights, classes=["cow", "cat", "dog"])
    assert named.classes == ("cow", "cat", "dog")
    with pytest.raises(ValueError, match="scores of 3 classes, but classes has 2 names"):
        load_model("resnet18", weights, classes=["cow", "cat"])


def test_a_detector_is_a_model_already():
    model = load_model(
        "keypointrcnn_resnet50_fpn", numbered(shapes_of("keypointrcnn_resnet50_fpn"))
    )
    assert type(model) is MaskRCNN and model.classes == ("person",)


def test_efficientnet_lite0_is_looked_for_where_its_package_is(tmp_path, monkeypatch):
    monkeypatch.setenv("MINICV_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"efficientnet-lite0-57934424\.pth: not found in "):
        load("efficientnet_lite0")


def test_without_weights_the_published_file_is_fetched(tiny, tmp_path, monkeypatch):
    weights = tiny(2)
    write_safetensors(tmp_path / "made", {**weights, "more": np.zeros(2, "f4")})
    content = (tmp_path / "made").read_bytes()  # eight decimal digits would be no sum
    assert not hashlib.sha256(content).hexdigest()[:8].isdecimal()
    file = f"tiny-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / file).write_bytes(content)
    known = known_files.KnownFile("tiny", file, "nothing")
    monkeypatch.setattr(known_files, "KNOWN_FILES", (known,))
    monkeypatch.setattr(known_files, "BASE", f"{(tmp_path / 'server').as_uri()}/")
    monkeypatch.setenv("MINICV_WEIGHTS", str(tmp_path / "kept"))
    assert load("tiny").norm.weight.data.tolist() == [1, 1]
    assert (tmp_path / "kept" / file).read_bytes() == content
    (tmp_path / "server" / file).unlink()
    load("tiny")  # from the folder
    (tmp_path / "kept" / file).write_bytes(content[:-1] + b"x")
    with pytest.raises(WeightsError, match=r"its SHA-256 is .*delete it"):
        load("tiny")
    (tmp_path / "kept" / file).unlink()
    with pytest.raises(OSError, match=file):
        load("tiny")


def test_what_cannot_be_loaded(tiny, tmp_path):
    with pytest.raises(ValueError, match=r"load: model 'maskrcnn'; expected one of alexnet, vgg16"):
        load("maskrcnn")
    with pytest.raises(WeightsError, match=r"none.pth: no such file"):
        load("tiny", tmp_path / "none.pth")
    write_safetensors(tmp_path / "other", {"conv.weight": np.zeros((2, 2), "f4")})
    with pytest.raises(WeightsError, match=r"other: weights of another model \(no entry 'norm\."):
        load("tiny", str(tmp_path / "other"))
    narrow = {**tiny(2), "norm.weight": np.ones(3, "f4")}
    with pytest.raises(WeightsError, match=r"weights of tiny: .*'norm.weight' has shape \(3,\)"):
        load("tiny", narrow)
    with pytest.raises(WeightsError, match=r"cls_score\.bias"):
        load("tiny", {**tiny(2), "cls_score.bias": np.full(3, np.nan, "f4")})
