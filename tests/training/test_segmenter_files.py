"""Segmenters in files: what is written can be loaded, and nothing else is mistaken for it."""

import numpy as np
import pytest

from minicv.training import (
    build_detector,
    build_segmenter,
    describe_detector,
    describe_segmenter,
    load_detector,
    load_segmenter,
)
from minicv.training.segmenter_files import ON_A_TRUNK, SEGMENTERS, TRUNKS
from minicv.weights import WeightsError, save_checkpoint

CLASSES = ("sky", "road")
SMALL = {"widths": (4, 6), "depths": (1, 1)}


def segnet(**options):
    return build_segmenter(
        "segnet", CLASSES, options=SMALL, rng=np.random.default_rng(0), **options
    )


def saved(path, model, description):
    arrays = {f"model/{name}": array for name, array in model.state_dict().items()}
    save_checkpoint(path, arrays, description)
    return path


def same(model, loaded):
    assert type(loaded) is type(model) and not loaded.training
    assert loaded.classes == model.classes
    assert (loaded.min_size, loaded.max_size) == (model.min_size, model.max_size)
    image = np.random.default_rng(1).random((3, 37, 41), dtype=np.float32)
    np.testing.assert_array_equal(
        model.predict([image])[0]["probabilities"], loaded.predict([image])[0]["probabilities"]
    )


def test_round_trip_with_all_that_the_loss_and_the_prediction_depend_on(tmp_path):
    weights = np.array([0.1, 2.5], np.float32)
    model = segnet(class_weights=weights, min_size=16, max_size=32)
    path = saved(tmp_path / "x.npz", model, describe_segmenter("segnet", model, options=SMALL))
    loaded = load_segmenter(path)
    same(model, loaded)
    assert loaded.class_weights.dtype == np.float32
    np.testing.assert_array_equal(loaded.class_weights, weights)
    assert loaded.widths == (4, 6)


@pytest.mark.parametrize("name", list(ON_A_TRUNK))
def test_round_trip_on_a_trunk(tmp_path, name):
    model = build_segmenter(name, CLASSES, backbone="small", rng=np.random.default_rng(0))
    rng = np.random.default_rng(1)
    for parameter in model.parameters():  # the score layers start at 0, and would hide all else
        parameter.data = parameter.data + rng.normal(0, 0.01, parameter.shape).astype("float32")
    path = saved(tmp_path / "x.npz", model, describe_segmenter(name, model, backbone="small"))
    same(model, load_segmenter(path))
    assert load_segmenter(path).class_weights is None


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
def test_options_of_one_system(tmp_path, upsampling):
    options = {"upsampling": upsampling}
    model = build_segmenter(
        "encoder_decoder", CLASSES, options=options, rng=np.random.default_rng(0)
    )
    description = describe_segmenter("encoder_decoder", model, options=options)
    loaded = load_segmenter(saved(tmp_path / "x.npz", model, description))
    same(model, loaded)
    assert loaded.upsampling == upsampling


def test_every_system_is_built_by_its_name():
    for name in set(SEGMENTERS) - set(ON_A_TRUNK):
        assert (
            type(build_segmenter(name, CLASSES, rng=np.random.default_rng(0))) is SEGMENTERS[name]
        )
    for name in TRUNKS:
        if name != "vgg16":  # 134 million numbers
            model = build_segmenter("fcn32s", CLASSES, backbone=name, rng=np.random.default_rng(0))
            assert type(model.trunk) is TRUNKS[name] and model.mean == model.trunk.mean


def test_what_cannot_be_built():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"segmenter 'unet': expected one of fcn32s, .*segnet"):
        build_segmenter("unet", CLASSES, rng=rng)
    with pytest.raises(ValueError, match="backbone 'small': segnet is one piece and takes none"):
        build_segmenter("segnet", CLASSES, backbone="small", rng=rng)
    for backbone in (None, "resnet"):
        with pytest.raises(ValueError, match=f"backbone {backbone!r}: fcn8s takes one of small"):
            build_segmenter("fcn8s", CLASSES, backbone=backbone, rng=rng)


def test_weights_of_another_model_are_refused_both_ways(tmp_path):
    detector = build_detector("faster_rcnn", "small", CLASSES, rng=np.random.default_rng(0))
    path = saved(tmp_path / "d.npz", detector, describe_detector("small", detector))
    with pytest.raises(WeightsError, match=r"d\.npz: weights of another model \('faster_rcnn'"):
        load_segmenter(path)
    model = segnet()
    path = saved(tmp_path / "s.npz", model, describe_segmenter("segnet", model, options=SMALL))
    with pytest.raises(WeightsError, match=r"s\.npz: weights of another model \('segnet', exp"):
        load_detector(path)


def test_descriptions_that_lie(tmp_path):
    model = segnet()
    description = describe_segmenter("segnet", model, options=SMALL)
    for change, message in (
        ({"options": {**SMALL, "wheels": 4}}, r"options of another version .*wheels"),
        ({"options": {}}, "the weights do not fit their own description"),
        ({"classes": []}, "options of another version .*classes is empty"),
        ({"backbone": "small"}, "options of another version .*one piece"),
    ):
        path = saved(tmp_path / "x.npz", model, description | change)
        with pytest.raises(WeightsError, match=rf"(?s)x\.npz: {message}"):
            load_segmenter(path)
    del description["class_weights"]
    path = saved(tmp_path / "x.npz", model, description)
    with pytest.raises(WeightsError, match="its description lacks class_weights"):
        load_segmenter(path)
