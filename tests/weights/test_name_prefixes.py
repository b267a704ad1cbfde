"""Prefixes of names: taken off where the model needs it, and never guessed."""

import numpy as np
import pytest

from minicv.weights.errors import WeightsError
from minicv.weights.name_prefixes import without_prefix

WANTED = ["conv1.weight", "bn1.bias"]


def named(*names):
    return {name: np.full(1, number) for number, name in enumerate(names)}


@pytest.mark.parametrize(
    "prefix", ["module.", "model.", "backbone.", "module.model.backbone.", "a."]
)
def test_any_prefix_that_all_names_share(prefix):
    weights = named(*(prefix + name for name in WANTED), f"{prefix}fc.weight")
    found, said = without_prefix(weights, WANTED, "x.pth")
    assert list(found) == [*WANTED, "fc.weight"] and said == prefix
    assert [int(found[name][0]) for name in WANTED] == [0, 1]


def test_names_that_fit_stay():
    weights = named(*WANTED, *(f"module.{name}" for name in WANTED))
    assert without_prefix(weights, WANTED, "x.pth") == (weights, "")
    # A layer of the model is called like a prefix.
    weights = named("model.weight", "model.bias")
    assert without_prefix(weights, ["model.weight", "model.bias"], "x.pth") == (weights, "")


def test_other_parts_of_the_file_are_left_out():
    weights = named(*(f"backbone.{name}" for name in WANTED), "head.weight")
    found, said = without_prefix(weights, WANTED, "x.pth")
    assert list(found) == WANTED and said == "backbone."


def test_no_prefix_fits():
    for names in (["module.conv1.weight"], ["xconv1.weight", "xbn1.bias"], []):
        weights = named(*names)
        assert without_prefix(weights, WANTED, "x.pth") == (weights, "")
    assert without_prefix(named("module.a"), [], "x.pth")[1] == ""


def test_a_student_and_a_teacher():
    weights = named(*(f"{who}.{name}" for who in ("student", "teacher") for name in WANTED))
    with pytest.raises(
        WeightsError, match=r"x\.pth: the layers are there under 2 names \(student\."
    ):
        without_prefix(weights, WANTED, "x.pth")
