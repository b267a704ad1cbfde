"""Names that PyTorch has and minicv has not: each error says what to write, and that exists."""

import copy
import pickle
import re

import numpy as np
import pytest

import minicv
from minicv import Tensor
from minicv import functional as F
from minicv.functional.advice import FUNCTIONS, METHODS

pytestmark = pytest.mark.host_only
X = Tensor([[1.0, 2.0]])


def test_a_method_that_is_missing_says_what_to_write():
    for name, message in {
        "cuda": r"a Tensor has no 'cuda'; move the array: Tensor\(minicv\.backend\.to_device",
        "clamp": r"no 'clamp'; write x\.clip\(min, max\)",
        "gelu": r"no 'gelu'; write minicv\.functional\.gelu\(x\)",
        **{name: f"no '{name}'; it never changes" for name in ("add_", "relu_", "zero_")},
        "values": r"no 'values'; .* max_with_indices\(dim\) has \.values and \.indices",
    }.items():
        with pytest.raises(AttributeError, match=message):
            getattr(X, name)


def test_a_function_that_is_missing_says_what_to_write():
    for name, message in {
        "cross_entropy": "minicv.functional has no 'cross_entropy'; write softmax_cross_entropy",
        "mse_loss": "no 'mse_loss'; it is called l2_loss here",
        "cat": "no 'cat'; write concatenate",
    }.items():
        with pytest.raises(AttributeError, match=message):
            getattr(F, name)


def test_a_misspelled_name_is_unknown_and_nothing_more():
    with pytest.raises(
        AttributeError, match=r"'Tensor' object has no attribute 'reshapee'$"
    ) as error:
        X.reshapee  # noqa: B018
    assert error.value.name == "reshapee" and error.value.obj is X  # Python names the nearest
    with pytest.raises(AttributeError, match=r"^minicv\.functional has no 'sofmax'$"):
        F.sofmax  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'sofmax'"):
        from minicv.functional import sofmax  # noqa: F401


def test_names_that_are_missing_are_not_listed():
    assert not {"cuda", "gelu", "relu_"} & {*dir(X)}
    assert {"data", "relu", "shape", "sum"} <= {*dir(X)}


def test_no_advice_is_given_for_what_exists():
    assert not [name for name in METHODS if hasattr(Tensor, name)]
    assert not [name for name in FUNCTIONS if hasattr(F, name)]


def test_the_advice_names_what_exists():
    for text in METHODS.values():
        for name in re.findall(r"x\.(\w+)", text):
            assert name in dir(X) or name in ("data", "grad"), text
        for name in re.findall(r"(\w+)\(", text):
            assert name in {*dir(X), *dir(F), *dir(np), "Tensor", "to_device"} | {
                *("astype", "list", "zero_grad", "to_device")
            }, text
    assert hasattr(minicv.backend, "to_device")
    for text in FUNCTIONS.values():
        for name in re.findall(r"(?:write|called) (\w+)", text):
            assert name in F.__all__ or name in ("x", "numpy"), text


def test_copies_and_pickles_are_as_before():
    for again in (copy.copy(X), copy.deepcopy(X), pickle.loads(pickle.dumps(X))):
        assert again.data.tolist() == [[1.0, 2.0]] and again.grad is None
    assert not hasattr(X, "__len_hint__") and not hasattr(F, "__wrapped__")
