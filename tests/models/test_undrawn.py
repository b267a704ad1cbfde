"""A generator that draws nothing: models are built from it at once, with zeros for weights."""

import time

import numpy as np

from minicv.models.backbones import ResNet18, SmallBackbone
from minicv.models.undrawn import Undrawn


def test_zeros_of_the_size_and_type_that_is_asked_for():
    rng = Undrawn()
    for draw in (rng.random, rng.standard_normal):
        assert draw() == 0 and draw(3).tolist() == [0, 0, 0]
        drawn = draw((2, 3), dtype=np.float32)
        assert drawn.shape == (2, 3) and drawn.dtype == np.float32 and not drawn.any()
        assert draw(2).dtype == np.float64
    assert isinstance(rng, np.random.Generator)


def test_a_network_has_the_same_entries_as_a_drawn_one():
    undrawn = SmallBackbone(rng=Undrawn()).state_dict()
    drawn = SmallBackbone(rng=np.random.default_rng(0)).state_dict()
    assert {n: a.shape for n, a in undrawn.items()} == {n: a.shape for n, a in drawn.items()}
    assert {a.dtype for a in undrawn.values()} == {a.dtype for a in drawn.values()}
    # What is drawn uniformly stands at the lower bound of its range, in all places.
    assert all(len(np.unique(array)) == 1 for array in undrawn.values())
    assert len(np.unique(drawn["layers.0.weight"])) > 100


def test_it_is_cheap():
    def seconds(rng):
        started = time.process_time()
        ResNet18(rng=rng)
        return time.process_time() - started

    assert min(seconds(Undrawn()) for _ in range(3)) < seconds(np.random.default_rng(0))
