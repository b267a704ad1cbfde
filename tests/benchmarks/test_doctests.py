"""The examples in the harness's docstrings are true."""

import doctest
import importlib

import pytest

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


EXPLAINED = ["alternate", "busy", "fingerprint", "gpu_cases", "gpu_table", "peers", "proposals"]


@pytest.mark.parametrize("name", [*EXPLAINED, "rounding", "segmentation", "table"])
def test_examples(name):
    result = doctest.testmod(importlib.import_module(f"benchmarks.{name}"), optionflags=FLAGS)
    assert result.attempted > 0 and result.failed == 0
