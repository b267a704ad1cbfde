"""The unpooling of a page: its switches, window and mirror, of every system that has one."""

import base64

import numpy as np
import pytest

from minicv.explain.widgets_unpooling import unpooling, unpoolings_of
from minicv.models.generative import ConvAutoencoder, ConvSettings
from minicv.models.segmentation import (
    DeconvNet,
    DeconvNetSettings,
    EncoderDecoder,
    EncoderDecoderSettings,
    FullResolution,
    FullResolutionSettings,
    SegNet,
    SegNetSettings,
)

CLASSES = ("sky", "grass", "cow")


def rng():
    return np.random.default_rng(0)


def segnet():
    return SegNet(CLASSES, SegNetSettings(widths=(4, 6), depths=(1, 1)), rng=rng())


SYSTEMS = {
    "segnet": segnet,
    "encoder_decoder": lambda: EncoderDecoder(
        CLASSES, EncoderDecoderSettings(widths=(4, 6)), rng=rng()
    ),
    "deconvnet": lambda: DeconvNet(CLASSES, DeconvNetSettings(width=1 / 64), rng=rng()),
    "autoencoder": lambda: ConvAutoencoder(
        ("any",), ConvSettings(14, 1, filters=4, down="pool"), rng=rng()
    ),
}
SIDES = {"segnet": 2, "encoder_decoder": 2, "deconvnet": 5, "autoencoder": 2}


def unpacked(form):
    kind = {"int32": "<i4", "float32": "<f4"}[form["dtype"]]
    return np.frombuffer(base64.b64decode(form["base64"]), kind).reshape(form["shape"])


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_switch_points_to_the_maximum_of_its_block(name):
    model = SYSTEMS[name]()
    stages = model.stages(rng().random((3, 21, 30), dtype="float32"))
    parts = [unpooling(stages, index, model) for index, stage in enumerate(stages)
             if stage.kind in ("class maps", "image")]  # fmt: skip
    (part,) = [part for part in parts if part is not None]
    data = part["data"]
    assert data["count"] == SIDES[name]
    for own in data["channels"]:
        values, rows, columns = (unpacked(own[key]) for key in ("values", "rows", "columns"))
        before = unpacked(own["before"])
        assert list(before.shape) == own["large"]
        for row, column in np.ndindex(values.shape):
            block = before[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            to = rows[row, column], columns[row, column]
            assert (to[0] // 2, to[1] // 2) == (row, column)
            assert before[to] == block.max()


def test_a_segnet_unpools_what_it_pooled():
    model = segnet()
    image = rng().random((3, 20, 28), dtype="float32")
    first, second = unpoolings_of(model, image)
    (features,) = [s.arrays["features"] for s in model.stages(image) if s.kind == "features"]
    np.testing.assert_array_equal(first.small, features)
    assert (first.size, second.size) == ((10, 14), (20, 28))
    np.testing.assert_array_equal(  # the deepest pooling made what the first unpooling takes
        first.small, np.take_along_axis(
            first.before.reshape(6, -1), first.switches.reshape(6, -1), axis=1
        ).reshape(first.small.shape),
    )  # fmt: skip


def test_of_a_large_map_there_is_a_window_around_the_strongest_value():
    model = segnet()
    stages = model.stages(rng().random((3, 80, 100), dtype="float32"))
    index = [stage.kind for stage in stages].index("class maps")
    data = unpooling(stages, index, model)["data"]
    assert data["small"] == [20, 25] and data["size"] == [40, 50]
    first = unpoolings_of(model, stages[0].arrays["image"])[0]
    for own in data["channels"]:
        values, (top, left) = unpacked(own["values"]), own["corner"]
        assert values.shape == (8, 8)
        whole = first.small[own["channel"]]
        np.testing.assert_array_equal(values, whole[top : top + 8, left : left + 8])
        assert abs(values).max() == abs(whole).max()
        places = first.switches[own["channel"]][top : top + 8, left : left + 8]
        np.testing.assert_array_equal(unpacked(own["rows"]), places // 50 - 2 * top)
        np.testing.assert_array_equal(unpacked(own["columns"]), places % 50 - 2 * left)


def test_systems_without_an_unpooling_have_no_part():
    model = FullResolution(CLASSES, FullResolutionSettings(width=2, depth=1), rng=rng())
    stages = model.stages(rng().random((3, 9, 9), dtype="float32"))
    for index in range(len(stages)):
        assert unpooling(stages, index, model) is None
