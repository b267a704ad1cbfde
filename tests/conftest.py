"""Shared set-up: hypothesis profiles, and where the real data sets are."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# Scripts that record fixtures from other libraries, which no test needs; and what CuPy stands on.
collect_ignore_glob = ["fixtures/*.py", "cupy_stand_in/record_api.py", "fake_cuda/*.py"]

settings.register_profile(
    "ci",
    max_examples=20,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", parent=settings.get_profile("ci"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


# The choice of an algorithm, and so the rounding, is the same on every machine that runs the tests.
os.environ["MINICV_TUNE"] = "0"


def pytest_configure(config):
    config.addinivalue_line("markers", "no_cover: of pytest-cov; known also where that is not")


def pytest_collection_modifyitems(items):
    """Measuring makes a training a third slower, and a line that nothing else reaches untested."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.no_cover)


REPOSITORY = Path(__file__).resolve().parent.parent

# Published weights of the development machine; where there are none, their tests are skipped.
_WEIGHTS = REPOSITORY.parent / "shared" / "weights"
if _WEIGHTS.is_dir():
    os.environ.setdefault("MINICV_WEIGHTS", str(_WEIGHTS))


def _real_data_folder() -> Path:
    return Path(os.environ.get("MINICV_DATA", REPOSITORY.parent / "shared" / "data"))


@pytest.fixture
def real_data():
    """``real_data("PennFudanPed")`` is the folder of a real data set, or the test is skipped."""

    def folder(name: str) -> Path:
        path = _real_data_folder() / name
        if not path.is_dir():
            pytest.skip(f"{name} is not at {path}; set MINICV_DATA to the folder that holds it")
        return path

    return folder


@pytest.fixture
def weights_cost_nothing(monkeypatch):
    """Initial weights are zeros: a network of full size then takes neither time nor memory."""

    def zeros(shape, rng, *bounds):
        return np.zeros(shape, np.float32)

    monkeypatch.setattr("minicv.nn.initializers.uniform", zeros)
