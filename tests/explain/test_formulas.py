"""Formulas: every stage of every system has one or a sentence, and the HTML is whole."""

from html.parser import HTMLParser

import numpy as np
import pytest

from minicv.explain.formulas import BY_MODEL, BY_NAME, formula_of
from minicv.inspection.stage import Stage
from minicv.models import classification, detection, generative, localization, pose, segmentation
from minicv.models.classification import image_classifier
from minicv.models.generative import VAE, Autoencoder, picture_autoencoder


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("text", [*BY_NAME.values(), *BY_MODEL.values()])
def test_its_html_is_whole(text):
    tags = Tags()
    tags.feed(text)
    assert tags.open == [] and tags.seen <= {"p", "sub", "sup", "var", "i"}
    assert "http" not in text


def test_models_that_have_their_own_exist():
    rooms = (
        image_classifier,
        picture_autoencoder,
        classification,
        detection,
        generative,
        localization,
        pose,
        segmentation,
    )
    for model, _ in BY_MODEL:
        assert any(hasattr(room, model) for room in rooms), model


def stage(name):
    return Stage(name, "", "code", {"code": np.zeros(3)}, 0.0)


def test_a_number_at_the_end_of_a_name_is_left_out():
    model = Autoencoder(("any",), rng=np.random.default_rng(0))
    assert formula_of(stage("feature_map_16"), model) == BY_NAME["feature_map"] != ""
    assert formula_of(stage("of my own"), model) == ""
    assert formula_of(stage("joints_1"), model) == BY_NAME["joints_1"]
    assert formula_of(stage("joints_2"), model) == BY_NAME["joints"] != BY_NAME["joints_1"]


def test_a_model_may_have_another_formula_than_others():
    rng = np.random.default_rng(0)
    assert "μ" in formula_of(stage("code"), VAE(("any",), rng=rng))
    assert "μ" not in formula_of(stage("code"), Autoencoder(("any",), rng=rng))
