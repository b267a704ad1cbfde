"""Four autoencoders: shapes, sizes, batches, losses by hand, what passes beside the code."""

import numpy as np
import pytest

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.models.generative import (
    VAE,
    Autoencoder,
    ConvAutoencoder,
    ConvSettings,
    DenoisingAutoencoder,
    DenoisingSettings,
    FullyConnectedSettings,
    VAESettings,
    as_squares,
    generator_of,
)
from minicv.models.generative.conv_autoencoder import sides_of, widths_of
from minicv.models.generative.denoising_autoencoder import damaged
from minicv.models.generative.picture_autoencoder import AT_ONCE
from minicv.optim import Adam
from minicv.testing import gradcheck

KINDS = {
    "fully connected": (Autoencoder, FullyConnectedSettings, {"units": 12}),
    "stride": (ConvAutoencoder, ConvSettings, {"filters": 4}),
    "pool": (ConvAutoencoder, ConvSettings, {"filters": 4, "down": "pool"}),
    "denoising": (DenoisingAutoencoder, DenoisingSettings, {"filters": 4}),
    "vae": (VAE, VAESettings, {"filters": 4}),
}


def build(kind, size=12, channels=1, code=5, **more):
    model, settings, own = KINDS[kind]
    settings = settings(size, channels, code=code, **{**own, **more})
    return model(("any",), settings, rng=np.random.default_rng(0))


def images(count, seed=0, size=(14, 10)):
    return list(np.random.default_rng(seed).random((count, 3, *size), np.float32))


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.mark.parametrize(("size", "channels"), [(1, 1), (2, 3), (7, 1), (12, 3), (33, 1)])
def test_any_size_of_picture_and_of_square(kind, size, channels):
    model = build(kind, size, channels).eval()
    results = model.predict([*images(1), *images(1, size=(1, 1)), *images(1, size=(3, 40))])
    for result in results:
        assert result["picture"].shape == result["reconstruction"].shape == (channels, size, size)
        assert result["code"].shape == (5,)
        assert result["reconstruction"].min() >= 0 and result["reconstruction"].max() <= 1
        assert {array.dtype for array in result.values()} == {np.dtype(np.float32)}


def test_results_do_not_depend_on_the_batch(kind):
    model = build(kind).eval()
    given = images(AT_ONCE + 2)
    together = model.predict(given)
    for index in (0, AT_ONCE - 1, AT_ONCE + 1):
        (alone,) = model.predict([given[index]])
        for name, array in alone.items():
            np.testing.assert_allclose(array, together[index][name], rtol=2e-4, atol=1e-5)
    assert model.predict([]) == []


def test_one_picture_can_be_learnt_by_heart(kind):
    model = build(kind, 8)
    (image,) = images(1, size=(8, 8))
    image[:] = image.mean(axis=0).round()  # black and white
    optimizer = Adam(model.parameters(), lr=0.03)
    rng = np.random.default_rng(1)
    first = None
    for _ in range(30):
        losses = model.loss([image], [{}], rng)
        total = sum(losses.values(), start=Tensor(np.float32(0)))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        first = float(total.data) if first is None else first
    assert float(total.data) < 0.35 * first
    result = model.predict([image])[0] if kind == "fully connected" else None
    assert result is None or np.abs(result["reconstruction"] - result["picture"]).mean() < 0.1


def test_no_pictures_are_refused_and_stages_name_the_code(kind):
    model = build(kind)
    with pytest.raises(ValueError, match=r"loss: no images; expected at least one"):
        model.loss([], [])
    with pytest.raises(ValueError, match="NaN"):
        model.loss([np.full((3, 2, 2), np.nan)], [{}])
    stages = model.stages(images(1)[0])
    assert [stage.name for stage in stages] == ["input", "code", "reconstruction"]
    assert ("switches" in stages[2].caption) == (kind == "pool")


def test_the_loss_is_the_mean_squared_error(kind):
    if kind in ("denoising", "vae"):
        pytest.skip("its loss has a test of its own")
    model = build(kind).eval()
    given = images(3)
    (loss,) = model.loss(given, [{}] * 3).values()
    results = model.predict(given)
    by_hand = np.mean([np.square(r["reconstruction"] - r["picture"]) for r in results])
    np.testing.assert_allclose(float(loss.data), by_hand, rtol=1e-5)


def test_gradients_reach_every_parameter(kind):
    model = build(kind, 9, 3)
    sum(model.loss(images(4), [{}] * 4).values(), start=Tensor(np.float32(0))).backward()
    for name, parameter in model.named_parameters():
        # The mean of a batch takes away what a bias adds before a normalisation.
        assert parameter.grad is not None and np.isfinite(parameter.grad).all(), name
        assert np.abs(parameter.grad).max() > 0, name


@pytest.mark.parametrize(
    ("kind", "wrong", "said"),
    [
        ("stride", {"code": 0}, "code=0; expected at least 1"),
        ("stride", {"filters": 0}, "filters=0"),
        ("fully connected", {"units": 0}, "units=0"),
        ("stride", {"down": "sideways"}, "expected 'stride' or 'pool'"),
        ("denoising", {"noise": 0.0}, "noise=0.0; expected a deviation above 0"),
        ("denoising", {"noise": float("nan")}, "noise=nan"),
        ("vae", {"beta": -1.0}, "beta=-1.0"),
        ("vae", {"beta": float("inf")}, "beta=inf"),
        ("vae", {"filters": 0}, "filters=0"),
    ],
)
def test_wrong_settings_are_refused(kind, wrong, said):
    with pytest.raises(ValueError, match=said):
        KINDS[kind][1](**wrong)


def test_levels_halve_the_side_and_double_the_channels():
    assert sides_of(28, 2) == (28, 14, 7) and sides_of(5, 3) == (5, 3, 2, 1)
    assert widths_of(3, 32) == (3, 6) and widths_of(3, 33) == (3, 6, 12)
    assert widths_of(3, 128) == (3, 6, 12, 24)


# Max pooling: what the switches carry.


def test_the_bits_of_the_switches_are_counted():
    model = build("pool", 12)  # 4 channels of 6 x 6, 8 of 3 x 3, each 2 bits
    assert model.switch_bits == 2 * (4 * 36 + 8 * 9)
    assert build("stride", 12).switch_bits == 0


def test_without_switches_there_is_no_picture():
    model = build("pool")
    with pytest.raises(ValueError, match="0 switches for 2 unpoolings"):
        model.decode(Tensor(np.zeros((1, 5), "float32")))


def test_the_decoder_sees_the_switches_beside_the_code():
    model = build("pool").eval()
    one, other = (Tensor(as_squares(images(1, seed), 12, 1)) for seed in (1, 2))
    with no_grad():
        code, _ = model(one)
        _, own = model.encoder(one)
        _, foreign = model.encoder(other)
        right, swapped = model.decode(code, own).data, model.decode(code, foreign).data
        np.testing.assert_array_equal(right, model(one)[1].data)
    assert np.abs(right - swapped).max() > 0.01


# Denoising.


def test_noise_is_cut_and_drawn_by_the_picture():
    model = build("denoising", noise=0.5).eval()
    given = images(2)
    first, second = model.predict(given)
    for result in (first, second):
        own = damaged(result["picture"], 0.5, generator_of(result["picture"]))
        np.testing.assert_array_equal(result["noisy"], own)
        assert own.min() == 0 and own.max() == 1
    assert not np.array_equal(
        first["noisy"] - first["picture"], second["noisy"] - second["picture"]
    )
    with no_grad():
        logits = model(Tensor(first["noisy"][None]))[1]
        np.testing.assert_allclose(first["denoised"], F.sigmoid(logits).data[0], atol=1e-5)


def test_the_loss_sees_noise_and_asks_for_the_clean_picture():
    model = build("denoising").eval()
    given = images(3)
    clean = as_squares(given, 12, 1)
    (loss,) = model.loss(given, [{}] * 3, np.random.default_rng(7)).values()
    noisy = damaged(clean, 0.3, np.random.default_rng(7))
    with no_grad():
        made = F.sigmoid(model(Tensor(noisy))[1]).data
    np.testing.assert_allclose(float(loss.data), np.mean((made - clean) ** 2), rtol=1e-5)
    assert model.loss(given, [{}] * 3)["loss_reconstruction"].item() == (
        model.loss(given, [{}] * 3)["loss_reconstruction"].item()
    )


# Variational.


def kl_by_quadrature(mean, variance):
    """∫ q log(q / p) by Simpson's rule, q = N(mean, variance) and p = N(0, 1), of one number."""
    deviation = np.sqrt(variance)
    z, step = np.linspace(mean - 12 * deviation, mean + 12 * deviation, 20_001, retstep=True)
    log_q = -0.5 * ((z - mean) ** 2 / variance + np.log(2 * np.pi * variance))
    log_p = -0.5 * (z**2 + np.log(2 * np.pi))
    weights = np.ones(len(z))
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    return float((weights * np.exp(log_q) * (log_q - log_p)).sum() * step / 3)


def test_the_kl_term_is_the_integral_to_six_digits():
    rng = np.random.default_rng(0)
    mean, logvar = rng.normal(0, 1.5, (4, 3)), rng.normal(-1, 1.2, (4, 3))
    by_formula = F.kl_divergence(mean, logvar, reduction="none").data
    for row, m, lv in zip(by_formula, mean, np.exp(logvar), strict=True):
        integral = sum(kl_by_quadrature(*pair) for pair in zip(m, lv, strict=True))
        assert abs(float(row) - integral) < 1e-6


def test_both_terms_in_nats_by_hand():
    model = build("vae", beta=3.0).eval()
    given = images(3)
    x = as_squares(given, 12, 1)
    noise = np.random.default_rng(5).standard_normal((3, 5), np.float32)
    losses = model.loss(given, [{}] * 3, np.random.default_rng(5))
    with no_grad():
        mean, logvar = (t.data.astype(np.float64) for t in model.distribution(Tensor(x)))
        z = mean + np.exp(logvar / 2) * noise
        p = 1 / (1 + np.exp(-model.decode(Tensor(z.astype(np.float32))).data.astype(np.float64)))
    log_likelihood = (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=(1, 2, 3))
    kl = 0.5 * (mean**2 + np.exp(logvar) - logvar - 1).sum(axis=1)
    np.testing.assert_allclose(losses["loss_reconstruction"].item(), -log_likelihood.mean(), 1e-5)
    np.testing.assert_allclose(losses["loss_kl"].item(), 3 * kl.mean(), 1e-4)
    elbo = model.elbo(given, np.random.default_rng(5))
    np.testing.assert_allclose(elbo, log_likelihood - kl, 1e-5)  # without beta
    for result in model.predict(given):
        assert result["loss_kl"].shape == result["loss_reconstruction"].shape == ()


def test_the_elbo_is_below_the_log_probability():
    """Of a code of one number and a picture in black and white, p(x) is an integral."""
    model = build("vae", 3, code=1).eval()
    (image,) = images(1, size=(3, 3))
    image[:] = image[:1].round()
    x = as_squares([image], 3, 1)
    elbo = np.mean([model.elbo([image], np.random.default_rng(seed))[0] for seed in range(50)])
    z, step = np.linspace(-8, 8, 4001, retstep=True)
    with no_grad():
        logits = model.decode(Tensor(z[:, None].astype(np.float32))).data.astype(np.float64)
    log_p = (x * logits - np.logaddexp(0, logits)).sum(axis=(1, 2, 3))
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    assert elbo < np.log((np.exp(log_p) * density).sum() * step)


def test_gradients_pass_through_mean_and_deviation():
    from minicv.models.generative.vae import reparameterised

    rng = np.random.default_rng(0)
    mean, logvar, noise = (rng.normal(size=(2, 3)) for _ in range(3))
    gradcheck(lambda m, v: reparameterised(m, v, Tensor(noise)), mean, logvar)


def test_samples_are_drawn_by_the_generator():
    model = build("vae", channels=3)
    first = model.sample(4, np.random.default_rng(1))
    assert first.shape == (4, 3, 12, 12) and model.training
    np.testing.assert_array_equal(first, model.sample(4, np.random.default_rng(1)))
    assert np.abs(first[0] - first[1]).max() > 1e-3
    assert model.sample(0, np.random.default_rng(1)).shape == (0, 3, 12, 12)
