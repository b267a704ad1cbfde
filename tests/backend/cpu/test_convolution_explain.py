"""What explain_conv says; the numbers behind it are tested with the choice."""

import pytest

from minicv.backend import explain_conv, use_conv_algorithm

LAYER = ((1, 64, 56, 56), (64, 64, 3, 3))


def test_three_directions_with_reasons():
    lines = explain_conv(*LAYER, padding=(1, 1)).splitlines()
    assert lines[0].endswith("-> (1, 64, 56, 56), float32: 116 M multiply-adds")
    assert [line.partition(":")[0] for line in lines[1::3]] == [
        "forward", "grad_input", "grad_weight",
    ]  # fmt: skip
    assert all("winograd_4x4" in line for line in lines[1::3])


def test_another_dtype_and_another_algorithm():
    text = explain_conv(*LAYER, padding=1, dtype="float64")
    assert text.count(": im2col") == 3 and "other than float32 are for checking" in text
    with use_conv_algorithm("winograd_2x2"):
        assert explain_conv(*LAYER, padding=1).count(": winograd_2x2") == 3


def test_a_layer_with_one_algorithm_only():
    text = explain_conv((1, 4, 9, 9), (4, 2, 3, 3), dilation=2, groups=2)
    assert text.count(": im2col") == 3 and "estimated against" not in text


@pytest.mark.parametrize(
    ("shapes", "groups"),
    [
        (((1, 3, 8, 8), (4, 2, 3, 3)), 1),
        (((1, 4, 8, 8), (3, 2, 3, 3)), 2),
        (((1, 3, 2, 8), (4, 3, 3, 3)), 1),
    ],
)
def test_shapes_that_do_not_fit(shapes, groups):
    with pytest.raises(ValueError, match="explain_conv: these shapes do not fit together"):
        explain_conv(*shapes, groups=groups)
