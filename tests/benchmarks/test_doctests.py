"""The examples in the harness's docstrings are true."""

import doctest
import importlib

import pytest

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


EXPLAINED = [
    "alternate",
    "busy",
    "compare_stages",
    "drawn_by_index",
    "fingerprint",
    "gpu_cases",
    "gpu_table",
    "parity",
    "peers",
]


@pytest.mark.parametrize(
    "name",
    [
        *EXPLAINED,
        "choice",
        "proposals",
        "rounding",
        "seeded_weights",
        "segmentation",
        "starting",
        "table",
    ],
)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(f"benchmarks.{name}"), optionflags=FLAGS)
    assert result.attempted > 0 and result.failed == 0
