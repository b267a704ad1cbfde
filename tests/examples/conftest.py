"""The examples are scripts whose names begin with a number: they are loaded from their files."""

import doctest
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.fixture(scope="session")
def load_example():
    """``load_example("03_four_upsamplings")`` is the script as a module, its doctests run."""

    def load(name):
        spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
        script = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = script  # where dataclasses look up their own module
        spec.loader.exec_module(script)
        assert doctest.testmod(script, optionflags=FLAGS).failed == 0
        return script

    return load


@pytest.fixture(scope="session")
def check_pictures():
    """``check_pictures(folder, names)``: they are there, alone, large, and show something."""

    def check(folder, names):
        assert {path.name for path in folder.glob("*.png")} == set(names)
        for name in names:
            with Image.open(folder / name) as picture:
                pixels = np.asarray(picture.convert("RGB"))
            assert min(pixels.shape[:2]) > 300 and pixels.std() > 10, name

    return check
