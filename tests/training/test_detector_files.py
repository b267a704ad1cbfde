"""Detectors in files: what is written can be loaded, and nothing else is mistaken for it."""

import numpy as np
import pytest

from minicv.proposals import SlidingWindow
from minicv.training import build_detector, describe_detector, load_detector
from minicv.training.detector_files import ON_PROPOSALS
from minicv.weights import WeightsError, save_checkpoint

WINDOWS = SlidingWindow(sizes=(24.0,))


def saved(path, description=None, drop=None):
    model = build_detector("faster_rcnn", "small", ("cow", "duck"), rng=np.random.default_rng(0))
    arrays = {f"model/{name}": a for name, a in model.state_dict().items() if name != drop}
    save_checkpoint(path, arrays, description or describe_detector("small", model))
    return model


def test_round_trip(tmp_path):
    model = saved(tmp_path / "x.npz")
    loaded = load_detector(tmp_path / "x.npz")
    assert loaded.settings == model.settings and loaded.classes == ("cow", "duck")
    image = np.random.default_rng(1).random((3, 64, 64), dtype=np.float32)
    for name, values in model.predict([image])[0].items():
        np.testing.assert_array_equal(values, loaded.predict([image])[0][name])


def test_weights_of_another_model_are_refused(tmp_path):
    saved(tmp_path / "x.npz", {"model": "fcn8s"})
    with pytest.raises(WeightsError, match=r"x\.npz: weights of another model \('fcn8s'"):
        load_detector(tmp_path / "x.npz")
    saved(tmp_path / "y.npz", drop="rpn.conv.weight")
    with pytest.raises(WeightsError, match=r"(?s)y\.npz: .*missing: rpn\.conv\.weight"):
        load_detector(tmp_path / "y.npz")


def test_settings_of_another_version_are_refused(tmp_path):
    model = saved(tmp_path / "x.npz")
    description = describe_detector("small", model)
    description["settings"]["number_of_wheels"] = 4
    saved(tmp_path / "x.npz", description)
    with pytest.raises(WeightsError, match="settings of another version"):
        load_detector(tmp_path / "x.npz")


def test_unknown_names():
    with pytest.raises(ValueError, match="detector 'yolo': expected one of faster_rcnn, rcnn"):
        build_detector("yolo", "small", ("cow",), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="'resnet': expected one of small, alexnet, vgg16"):
        build_detector("faster_rcnn", "resnet", ("cow",), rng=np.random.default_rng(0))


def test_a_detector_that_proposes_by_itself_takes_no_proposer():
    with pytest.raises(ValueError, match="'faster_rcnn' proposes by itself"):
        build_detector(
            "faster_rcnn", "small", ("cow",), proposer=WINDOWS, rng=np.random.default_rng(0)
        )


@pytest.mark.parametrize("name", list(ON_PROPOSALS))
def test_detectors_on_proposals_come_back_with_their_kind_of_proposer(tmp_path, name):
    model = build_detector(
        name, "small", ("cow", "duck"), proposer=WINDOWS, rng=np.random.default_rng(0)
    )
    description = describe_detector("small", model, "sliding_window")
    arrays = {f"model/{name}": array for name, array in model.state_dict().items()}
    save_checkpoint(tmp_path / "x.npz", arrays, description)
    loaded = load_detector(tmp_path / "x.npz")
    assert type(loaded) is type(model) and loaded.settings == model.settings
    assert loaded.proposer == SlidingWindow()
    loaded.proposer = WINDOWS
    image = np.random.default_rng(1).random((3, 64, 64), dtype=np.float32)
    for key, values in model.predict([image])[0].items():
        np.testing.assert_array_equal(values, loaded.predict([image])[0][key])


def test_an_unknown_kind_of_proposals_is_refused(tmp_path):
    model = build_detector("fast_rcnn", "small", ("cow",), rng=np.random.default_rng(0))
    description = describe_detector("small", model, "tea_leaves")
    save_checkpoint(tmp_path / "x.npz", {}, description)
    with pytest.raises(WeightsError, match="proposals of another version of the model"):
        load_detector(tmp_path / "x.npz")
