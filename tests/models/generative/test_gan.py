"""The game: losses by hand, their gradients, walks between latent vectors."""

import math

import numpy as np
import pytest

from minicv import Tensor
from minicv.models.generative import PointGAN
from minicv.models.generative.gan import AT_ONCE, between, discriminator_loss, generator_loss
from minicv.testing import gradcheck


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


REAL, DRAWN = np.array([2.0, -1.0, 0.5]), np.array([-0.3, 1.5])


def test_the_losses_are_the_papers():
    d_real, d_drawn = sigmoid(REAL), sigmoid(DRAWN)
    value = np.log(d_real).mean() + np.log(1 - d_drawn).mean()  # V(D, G)
    assert discriminator_loss(Tensor(REAL), Tensor(DRAWN)).item() == pytest.approx(-value)
    own = generator_loss(Tensor(DRAWN), "minimax").item()
    assert own == pytest.approx(np.log(1 - d_drawn).mean())
    assert generator_loss(Tensor(DRAWN)).item() == pytest.approx(-np.log(d_drawn).mean())


def test_smoothing_wants_less_of_the_real_and_nothing_else_of_the_drawn():
    smooth = discriminator_loss(Tensor(REAL), Tensor(DRAWN), 0.1).item()
    d_real, d_drawn = sigmoid(REAL), sigmoid(DRAWN)
    by_hand = -(0.9 * np.log(d_real) + 0.1 * np.log(1 - d_real)).mean() - np.log(1 - d_drawn).mean()
    assert smooth == pytest.approx(by_hand)
    best = Tensor(np.array([math.log(9.0)]), requires_grad=True)  # sigmoid is 0.9
    discriminator_loss(best, Tensor(DRAWN), 0.1).backward()
    assert abs(best.grad.item()) < 1e-12


def test_gradients():
    gradcheck(lambda real, drawn: discriminator_loss(real, drawn, 0.2), REAL, DRAWN)
    for kind in ("minimax", "non_saturating"):
        gradcheck(lambda drawn, kind=kind: generator_loss(drawn, kind), DRAWN)


@pytest.mark.parametrize("logit", [-12.0, -3.0, 0.0, 4.0])
def test_where_the_discriminator_wins_only_one_gradient_is_left(logit):
    gradient = {}
    for kind in ("minimax", "non_saturating"):
        logits = Tensor(np.array([logit]), requires_grad=True)
        generator_loss(logits, kind).backward()
        gradient[kind] = logits.grad.item()
    assert gradient["minimax"] == pytest.approx(-sigmoid(logit))
    assert gradient["non_saturating"] == pytest.approx(sigmoid(logit) - 1)


def test_a_walk_keeps_the_length_and_turns_evenly():
    rng = np.random.default_rng(0)
    first = rng.normal(size=50)
    other = rng.normal(size=50)
    last = other / np.linalg.norm(other) * np.linalg.norm(first)
    walk = between(first, last, 7)
    assert walk.shape == (7, 50) and walk.dtype == np.float32
    np.testing.assert_allclose(walk[[0, -1]], [first, last], rtol=1e-5, atol=1e-6)
    lengths = np.linalg.norm(walk, axis=1)
    np.testing.assert_allclose(lengths, lengths[0], rtol=1e-5)
    cosines = (walk[1:] * walk[:-1]).sum(axis=1) / lengths[0] ** 2
    np.testing.assert_allclose(cosines, cosines[0], rtol=1e-5)


def test_walks_without_an_angle_are_straight():
    np.testing.assert_allclose(between([1.0, 0.0], [3.0, 0.0], 3), [[1, 0], [2, 0], [3, 0]])
    np.testing.assert_allclose(between([0.0, 0.0], [2.0, 0.0], 3), [[0, 0], [1, 0], [2, 0]])
    np.testing.assert_allclose(between([1.0], [-1.0], 3), [[1], [0], [-1]], atol=1e-6)
    with pytest.raises(ValueError, match="steps=1"):
        between([1.0], [2.0], 1)


def test_an_example_depends_on_its_own_latent_vector_alone():
    gan = PointGAN(latent=2, units=4, rng=np.random.default_rng(0))
    z = np.random.default_rng(1).normal(size=(AT_ONCE + 3, 2)).astype(np.float32)
    together = gan.generate(z)
    assert together.shape == (AT_ONCE + 3, 2)
    np.testing.assert_allclose(together[-2:], gan.generate(z[-2:]), rtol=1e-5, atol=1e-6)
    assert gan.generate(z[:0]).shape == (0, 2)
