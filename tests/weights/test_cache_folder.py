"""Where fetched weights are kept."""

from pathlib import Path

import pytest

from minicv.weights.cache_folder import weights_folder


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    for name in ("MINICV_WEIGHTS", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path


def test_the_variable_goes_before_all(monkeypatch, home):
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    monkeypatch.setenv("MINICV_WEIGHTS", "~/mine")
    assert weights_folder() == home / "mine"
    monkeypatch.setenv("MINICV_WEIGHTS", "")  # not the current folder
    assert weights_folder() == Path("/caches/minicv/weights")


def test_each_system_has_its_folder(monkeypatch, home):
    assert weights_folder() == home / ".cache/minicv/weights"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which counts as none
    assert weights_folder() == home / ".cache/minicv/weights"
    monkeypatch.setattr("sys.platform", "darwin")
    assert weights_folder() == home / "Library/Caches/minicv/weights"
    monkeypatch.setattr("sys.platform", "win32")
    assert weights_folder() == home / "AppData/Local/minicv/weights"
    monkeypatch.setenv("LOCALAPPDATA", str(home / "local"))
    assert weights_folder() == home / "local/minicv/weights"


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(OSError, match=r"no home folder; set MINICV_WEIGHTS to a folder"):
        weights_folder()
