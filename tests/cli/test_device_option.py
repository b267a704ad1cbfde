"""The device option: what it chooses, and what it says when it cannot."""

import pytest

from minicv.backend import gpu_status
from minicv.cli.main import main


@pytest.mark.skipif(gpu_status()[0], reason="a CUDA device works here")
def test_cuda_without_a_device_ends_in_one_sentence(capsys, tmp_path):
    assert main(["demo", "--device", "cuda", "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1
    assert "'cuda' cannot be used" in error and "minicv[cuda12]" in error


@pytest.mark.skipif(gpu_status()[0], reason="a CUDA device works here")
def test_auto_says_what_it_chose_and_why(capsys):
    # The weights are missing, so the command ends after it has chosen the device.
    main(["eval", "--weights", "absent.npz", "--data", "farmyard", "--device", "auto"])
    assert f"device: cpu ({gpu_status()[1]})" in capsys.readouterr().out
