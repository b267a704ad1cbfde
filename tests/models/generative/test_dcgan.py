"""DCGAN: shapes at each size, first weights, samples, loss and predictions."""

import numpy as np
import pytest

from minicv.models.generative import DCGAN, DCGANSettings
from minicv.models.generative.dcgan import as_picture
from minicv.models.generative.gan import discriminator_loss, generator_loss
from minicv.nn import evaluating

TINY = DCGANSettings(8, 1, latent=3, filters=2)


def model(settings=TINY, seed=0):
    return DCGAN(("any",), settings, rng=np.random.default_rng(seed))


def images(n, seed=0, size=(10, 12)):
    return list(np.random.default_rng(seed).random((n, 3, *size), dtype=np.float32))


@pytest.mark.parametrize(
    ("size", "channels", "top"), [(28, 1, (7, 4)), (32, 3, (4, 8)), (64, 3, (4, 16))]
)
def test_shapes_at_each_size(size, channels, top):
    gan = model(DCGANSettings(size, channels, latent=5, filters=2))
    side, width = top
    assert (gan.generator.side, gan.generator.top) == (side, width)
    pictures = gan.sample(2, np.random.default_rng(0))
    assert pictures.shape == (2, channels, size, size) and pictures.dtype == np.float32
    assert pictures.min() >= 0 and pictures.max() <= 1
    assert gan.realness(pictures).shape == (2,)
    weights = {n: a.shape for n, a in gan.state_dict().items() if n.endswith("weight")}
    assert weights["generator.picture.weight"] == (2, channels, 4, 4)
    assert weights["discriminator.first.weight"] == (2, channels, 4, 4)
    assert weights["discriminator.judge.weight"] == (1, width * side**2)


def test_the_weights_begin_as_in_the_paper():
    gan = model(DCGANSettings(28, 1, latent=50, filters=16))
    for name, own in gan.named_parameters():
        if own.data.ndim > 1 and own.data.size > 400:
            assert abs(own.data.mean()) < 0.005, name
            assert own.data.std() == pytest.approx(0.02, rel=0.15), name
    assert np.all(gan.generator.norm.weight.data == 1)


def test_samples_depend_on_the_generator_of_numbers_alone():
    gan = model()
    gan.train()
    before = gan.state_dict()
    first, again = (gan.sample(3, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first[:2], gan.sample(2, np.random.default_rng(7)), atol=1e-6)
    assert not np.allclose(first[0], first[1])
    assert gan.training  # and no running statistics moved
    assert all(np.array_equal(before[n], a) for n, a in gan.state_dict().items())
    assert gan.sample(0, np.random.default_rng(7)).shape == (0, 1, 8, 8)


def test_the_discriminator_sees_pictures_from_minus_one_to_one():
    gan = model()
    white = np.ones((3, 8, 8), np.float32)
    seen = gan.real([white, 0 * white]).data
    np.testing.assert_array_equal(seen[:, 0, 0, 0], [1, -1])
    np.testing.assert_array_equal(as_picture(seen), [np.ones((1, 8, 8)), np.zeros((1, 8, 8))])


def test_the_loss_is_that_of_both_players_and_repeats_itself():
    gan, given = model(), images(4)
    with evaluating(gan):
        first, again = (gan.loss(given, [{}] * 4) for _ in range(2))
        other = gan.loss(given, [{}] * 4, np.random.default_rng(9))
        latents = gan.latents(4, np.random.default_rng(0))
        judged = gan.discriminator(gan.generator(latents))
        real = gan.discriminator(gan.real(given))
    assert {n: v.item() for n, v in first.items()} == {n: v.item() for n, v in again.items()}
    assert first["loss_discriminator"].item() == discriminator_loss(real, judged).item()
    assert first["loss_generator"].item() == generator_loss(judged).item()
    assert first["loss_generator"].item() != other["loss_generator"].item()
    gan.train()
    sum(gan.loss(given, [{}] * 4).values(), start=0.0).backward()
    assert all(p.grad is not None for p in gan.parameters())


def test_predictions_are_the_same_in_any_batch():
    gan, given = model(), images(3)
    together = gan.predict(given)
    for image, found in zip(given, together, strict=True):
        (alone,) = gan.predict([image])
        for name in ("picture", "sample", "realness"):
            np.testing.assert_allclose(alone[name], found[name], rtol=1e-4, atol=1e-6)
        squares = found["picture"][None]
        assert found["realness"] == pytest.approx(gan.realness(squares)[0], rel=1e-5)
    assert not np.allclose(together[0]["sample"], together[1]["sample"])


def test_stages_follow_the_head_of_the_file():
    names = [stage.name for stage in model().stages(images(1)[0])]
    assert names == ["input", "reduced_to_4", "realness", "latent", "projected", "sample"]


@pytest.mark.parametrize("size", [27, 6, 5, 44, 100])
def test_sides_that_do_not_halve_are_refused(size):
    expected = size in (44, 100)  # 44 -> 22 -> 11, 100 -> 50 -> 25
    assert expected or size < 28
    with pytest.raises(ValueError, match=f"size={size}; expected a side that halves evenly"):
        DCGANSettings(size)


@pytest.mark.parametrize("wrong", [{"latent": 0}, {"filters": 0}])
def test_wrong_numbers_are_refused(wrong):
    with pytest.raises(ValueError, match="expected a whole number from 1 on"):
        DCGANSettings(**wrong)


def test_no_images_are_refused_by_the_loss_and_give_no_results():
    with pytest.raises(ValueError, match="no images"):
        model().loss([], [])
    assert model().predict([]) == []


def test_one_image_of_one_pixel():
    (found,) = model().predict([np.full((3, 1, 1), 0.25, np.float32)])
    np.testing.assert_allclose(found["picture"], 0.25)
    assert 0 < found["realness"] < 1
