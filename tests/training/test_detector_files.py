"""Detectors in files: what is written can be loaded, and nothing else is mistaken for it."""

import numpy as np
import pytest

from minicv.training import build_detector, describe_detector, load_detector
from minicv.weights import WeightsError, save_checkpoint


def saved(path, description=None, drop=None):
    model = build_detector("small", ("cow", "duck"), rng=np.random.default_rng(0))
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


def test_unknown_backbone():
    with pytest.raises(ValueError, match="'resnet': expected one of small, vgg16"):
        build_detector("resnet", ("cow",), rng=np.random.default_rng(0))
