"""The balanced sample: sizes, shares, and no randomness but the generator's."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import to_numpy
from minicv.vision import balanced_sample


@given(
    labels=st.lists(st.sampled_from([-1, 0, 1, 2]), max_size=40),
    count=st.integers(0, 30),
    fraction=st.sampled_from([0, 0.25, 0.5, 1]),
    seed=st.integers(0, 100),
)
def test_sizes_and_labels(xp, labels, count, fraction, seed):
    labels = np.array(labels, dtype=np.int8)
    rng = np.random.default_rng(seed)
    positive, negative = map(to_numpy, balanced_sample(xp.asarray(labels), count, fraction, rng))
    share = math.floor(count * fraction + 0.5)
    assert len(positive) == min(share, (labels > 0).sum())
    assert len(negative) == min(count - len(positive), (labels == 0).sum())
    assert (labels[positive] > 0).all()
    assert (labels[negative] == 0).all()
    for indices in (positive, negative):
        assert indices.dtype == np.int64
        assert (np.diff(indices) > 0).all()  # ascending, and none twice


def test_an_image_without_positives_fills_up_with_negatives():
    positive, negative = balanced_sample(np.zeros(100), 64, 0.25, np.random.default_rng(0))
    assert (len(positive), len(negative)) == (0, 64)


def test_the_same_seed_draws_the_same_boxes_on_every_device(xp):
    labels = np.random.default_rng(0).integers(-1, 2, 500)
    drawn = balanced_sample(xp.asarray(labels), 64, 0.5, np.random.default_rng(7))
    expected = balanced_sample(labels, 64, 0.5, np.random.default_rng(7))
    for here, there in zip(drawn, expected, strict=True):
        assert to_numpy(here).tolist() == there.tolist()


def test_every_box_has_the_same_chance():
    rng = np.random.default_rng(0)
    times_drawn = np.zeros(10)
    for _ in range(2000):
        times_drawn[balanced_sample(np.ones(10), 3, 1, rng)[0]] += 1
    # 600 expected of each; the standard deviation of a fair draw is 20.5
    assert abs(times_drawn - 600).max() < 100


@pytest.mark.parametrize(
    ("shape", "count", "fraction"), [((3, 1), 4, 0.5), ((3,), -1, 0.5), ((3,), 4, 1.5)]
)
def test_bad_arguments_are_named(shape, count, fraction):
    with pytest.raises(ValueError, match="balanced_sample: expected labels of shape"):
        balanced_sample(np.zeros(shape), count, fraction, np.random.default_rng(0))
