"""The ring of Gaussians and the GAN of points."""

import numpy as np
import pytest

from minicv.models.generative import GaussianRing, PointGAN


def test_the_mixture_has_its_modes_in_equal_shares_and_its_deviation():
    ring = GaussianRing(modes=8, radius=2.0, std=0.1)
    points = ring.sample(8000, np.random.default_rng(0))
    apart = np.linalg.norm(points[:, None] - ring.centres, axis=2)
    mode = apart.argmin(axis=1)
    assert np.all(np.abs(np.bincount(mode) - 1000) < 120)
    offsets = points - ring.centres[mode]
    np.testing.assert_allclose(offsets.std(axis=0), 0.1, rtol=0.05)
    np.testing.assert_allclose(np.linalg.norm(ring.centres, axis=1), 2)
    assert points.dtype == np.float32


@pytest.mark.parametrize("wrong", [{"modes": 0}, {"radius": 0.0}, {"std": float("nan")}])
def test_wrong_rings_are_refused(wrong):
    with pytest.raises(ValueError, match="GaussianRing: modes"):
        GaussianRing(**wrong)


def test_samples_come_from_the_generator_that_is_given():
    gan = PointGAN(latent=2, units=4, rng=np.random.default_rng(0))
    first, again, other = (gan.sample(5, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_realness_is_the_sigmoid_of_the_discriminator():
    gan = PointGAN(latent=2, units=4, rng=np.random.default_rng(0))
    points = np.random.default_rng(1).normal(size=(6, 2))
    logits = gan.discriminator(gan.real(list(points))).data
    np.testing.assert_allclose(gan.realness(points), 1 / (1 + np.exp(-logits)), rtol=1e-5)
    assert gan.realness(points[:0]).shape == (0,)
