"""The text of a module: a line each part, and numbers that add up."""

import re

import numpy as np

from minicv.nn import (
    BatchNorm2d,
    Conv2d,
    Dropout,
    FrozenBatchNorm2d,
    Identity,
    Linear,
    Module,
    Parameter,
    ReLU,
    Sequential,
)

RNG = np.random.default_rng(0)


def network():
    return Sequential(
        Conv2d(3, 4, 3, padding=1, bias=False, rng=RNG),
        BatchNorm2d(4),
        ReLU(),
        Sequential(Conv2d(4, 2, 1, rng=RNG), Dropout(0.5, rng=RNG)),
    )


class Block(Module):
    def __init__(self):
        self.body = network()
        self.scale = Parameter(np.ones((2, 3), np.float32))
        self.temperature = Parameter(np.float32(1))

    def extra_repr(self):
        return "a block"


def cells(line):
    """(indent, what stands in the columns)."""
    return len(line) - len(line.lstrip()), re.split(r" {2,}", line.strip())


def test_a_line_each_part_with_its_shapes_and_its_number():
    convolution = "Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)"
    norm = "BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=True)"
    lines = repr(Block()).splitlines()
    assert [cells(line) for line in lines] == [
        (0, ["Block(a block)", "133 parameters"]),
        (2, ["(scale): Parameter", "2×3", "6"]),
        (2, ["(temperature): Parameter", "1", "1"]),
        (2, ["(body): Sequential", "126"]),
        (4, [f"(0): {convolution}", "4×3×3×3", "108"]),
        (4, [f"(1): {norm}", "4 + 4", "8"]),
        (4, ["(2): ReLU()"]),
        (4, ["(3): Sequential", "10"]),
        (6, ["(0): Conv2d(4, 2, kernel_size=(1, 1), stride=(1, 1))", "2×4×1×1 + 2", "10"]),
        (6, ["(1): Dropout(p=0.5)"]),
    ]
    # Shapes begin in one column, and numbers end in one.
    shapes = [(1, "2×3"), (2, "1  "), (4, "4×3×3×3"), (5, "4 + 4"), (8, "2×4×1×1")]
    start = len(f"    (0): {convolution}  ")
    assert [lines[number].index(f"  {shape}") + 2 for number, shape in shapes] == 5 * [start]
    assert len({len(lines[n].removesuffix(" parameters")) for n in (0, 1, 2, 3, 4, 5, 7, 8)}) == 1


def test_each_number_is_what_its_shapes_say():
    """The shapes are a formula: with * for × Python computes the number from it."""
    rows = [cells(line)[1] for line in repr(Block()).splitlines()]
    counted = [(row[1], row[2]) for row in rows if len(row) == 3]
    assert len(counted) == 5
    for formula, number in counted:
        assert eval(formula.replace("×", "*")) == int(number)


def test_a_module_by_itself_is_written_as_it_is_made():
    class Shift(Module):
        def __init__(self):
            self.offset = Parameter([1.0])

    assert repr(Shift()) == "Shift()"
    assert repr(Linear(3, 2, rng=RNG)) == "Linear(in_features=3, out_features=2, bias=True)"


def test_without_parameters_there_are_no_columns():
    layers = Sequential(ReLU(), FrozenBatchNorm2d(3), Sequential(Identity()))
    assert repr(layers).splitlines() == [
        "Sequential",
        "  (0): ReLU()",
        "  (1): FrozenBatchNorm2d(3, eps=1e-05)",
        "  (2): Sequential",
        "    (0): Identity()",
    ]
    assert repr(Sequential()) == "Sequential()"


def test_what_is_frozen_is_marked():
    net = network()
    net[0].requires_grad_(False)
    net[3][0].weight.requires_grad = False
    lines = repr(net).splitlines()
    assert lines[0].endswith("126 parameters, 116 frozen")
    assert [line.endswith(" frozen") for line in lines[1:]] == [True] + 5 * [False]
    net.requires_grad_(False)
    assert repr(net).splitlines()[0].endswith("126 parameters, 126 frozen")
    assert repr(net).splitlines()[4].endswith("10 frozen")


def test_a_part_that_has_two_names_counts_once():
    shared = Linear(2, 2, rng=RNG)
    lines = repr(Sequential(shared, ReLU(), shared)).splitlines()
    assert lines[0].endswith("  6 parameters")
    assert lines[1].endswith("2×2 + 2  6")
    assert lines[3].endswith("2×2 + 2  6")


def test_large_numbers_are_grouped_and_aligned():
    lines = repr(Sequential(Linear(2000, 1000, rng=RNG), Linear(1000, 7, rng=RNG))).splitlines()
    assert lines[0].endswith("  2,008,007 parameters")
    assert lines[1].endswith("  1000×2000 + 1000  2,001,000")
    assert lines[2].endswith("  7×1000 + 7            7,007")
    assert len(lines[1]) == len(lines[2])


def test_an_empty_layer():
    lines = repr(Sequential(Linear(0, 3, bias=False, rng=RNG), Linear(1, 1, rng=RNG))).splitlines()
    assert lines[1].endswith("3×0      0")
