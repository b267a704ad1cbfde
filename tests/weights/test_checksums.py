"""Published files are the ones that were published."""

import hashlib

import pytest

from minicv.weights import WeightsError, efficientnet_lite0_weights, start_from
from minicv.weights.checksums import SHA256, check_checksum
from minicv.weights.published import EFFICIENTNET_LITE0


def test_the_sum_of_a_name_is_held_against_the_content(tmp_path):
    digest = hashlib.sha256(b"weights").hexdigest()
    for name in (f"net-{digest[:8]}.pth", f"net-{digest}.pth", "net.pth", "net-20240131.pth"):
        (tmp_path / name).write_bytes(b"weights")
        check_checksum(tmp_path / name)
    wrong = tmp_path / "net-abcdef01.pth"
    wrong.write_bytes(b"weights")
    with pytest.raises(WeightsError) as refused:
        check_checksum(wrong)
    assert str(refused.value) == (
        f"{wrong}: its SHA-256 begins with {digest[:8]}, expected abcdef01 as its name says: the "
        "file is damaged or another one; load it again, or give a file of your own another name"
    )


def test_known_files_are_checked_wherever_they_are_found(tmp_path, monkeypatch):
    assert (
        EFFICIENTNET_LITE0 in SHA256
        and EFFICIENTNET_LITE0[-12:-4] == SHA256[EFFICIENTNET_LITE0][:8]
    )
    (tmp_path / EFFICIENTNET_LITE0).write_bytes(b"another file")
    monkeypatch.setenv("MINICV_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match="its SHA-256 begins with"):
        efficientnet_lite0_weights()


def test_an_empty_variable_is_not_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / EFFICIENTNET_LITE0).write_bytes(b"planted")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINICV_WEIGHTS", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="not found; install it"):
        efficientnet_lite0_weights()


def test_a_backbone_is_not_started_from_another_file(tmp_path):
    from minicv.nn import Conv2d, Module

    class Segmenter(Module):
        def __init__(self):
            import numpy as np

            self.backbone = Conv2d(3, 8, 3, rng=np.random.default_rng(0))

    (tmp_path / "resnet18-f37072fd.pth").write_bytes(b"cut short")
    with pytest.raises(WeightsError, match="expected f37072fd as its name says"):
        start_from(Segmenter(), "resnet18", tmp_path / "resnet18-f37072fd.pth")
