"""A code to turn: the numbers with the largest effect, and only where the decoder sees no more."""

import base64
import io

import numpy as np
from PIL import Image

from minicv import functional as F
from minicv.explain.widgets_code import code
from minicv.inspection.stage import Stage
from minicv.models.generative import DCGAN, DCGANSettings
from minicv.models.generative.picture_autoencoder import AutoencoderSettings, PictureAutoencoder
from minicv.models.model import Model
from minicv.nn import Linear

PHOTO = np.random.default_rng(0).random((3, 9, 7), dtype=np.float32)


class Three(PictureAutoencoder):
    """Four grey pixels and three numbers; the second number does the most, the last nothing."""

    def __init__(self, secret=0.0):
        super().__init__(("any",), AutoencoderSettings(2, 1, code=3))
        rng = np.random.default_rng(1)
        self.down, self.up = Linear(4, 3, rng=rng), Linear(3, 4, rng=rng)
        self.up.weight.data[:] = np.array([[0.2, 3.0, 0]] * 4, np.float32)
        self.up.bias.data[:] = 0
        self.secret = secret

    def encode(self, x):
        return self.down(F.flatten(x, 1))

    def decode(self, code):
        return F.reshape(self.up(code), (-1, 1, 2, 2))

    def forward(self, x):
        own, logits = super().forward(x)
        return own, logits + self.secret  # what the decoder is told besides


def part_of(model):
    stages = model.stages(PHOTO)
    index = next(i for i, stage in enumerate(stages) if stage.kind == "code")
    return stages[index].arrays["code"], code(stages, index, model)["data"]


def test_the_number_with_the_largest_effect_comes_first_and_its_own_value_is_among_the_others():
    numbers, data = part_of(Three())
    assert [turn["place"] for turn in data["turns"]] == [1, 0, 2] and data["of"] == 3
    reach = 1.5 * np.abs(numbers).max()
    for turn in data["turns"]:
        assert turn["values"] == sorted(turn["values"]) and len(turn["values"]) == 10
        assert abs(turn["values"][turn["own"]] - numbers[turn["place"]]) < 1e-3
        np.testing.assert_allclose([turn["values"][0], turn["values"][-1]], [-reach, reach], 1e-2)


def test_each_frame_is_what_the_decoder_makes_of_that_value():
    numbers, data = part_of(Three())
    turn = data["turns"][0]
    file = io.BytesIO(base64.b64decode(turn["src"].partition(",")[2]))
    row = np.asarray(Image.open(file).convert("L"), np.float32) / 255
    assert row.shape == (2, 2 * len(turn["values"]))
    logits = 3.0 * np.array(turn["values"]) + 0.2 * numbers[0]
    expected = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(row[0, ::2], expected, atol=0.08)  # the picture is compressed


def test_a_decoder_that_sees_more_than_the_code_cannot_be_turned():
    assert part_of(Three(secret=0.5))[1]["turns"] == []


def test_a_gan_turns_its_latent_vector_and_other_models_show_numbers_alone():
    model = DCGAN(("any",), DCGANSettings(16, 1, filters=2), rng=np.random.default_rng(0))
    _, data = part_of(model)
    assert len(data["turns"]) == 8
    stage = Stage("code", "", "code", {"code": np.arange(600.0)}, 0.0)
    data = code([stage], 0, Model())["data"]
    assert data["of"] == 600 and data["numbers"]["shape"] == [512] and data["turns"] == []
    assert code([Stage("code", "", "code", {"code": np.zeros(0)}, 0.0)], 0, Model()) is None
