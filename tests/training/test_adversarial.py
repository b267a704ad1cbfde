"""Algorithm 1: a step against its own lines written out, who moves when, exact resuming."""

import copy

import numpy as np
import pytest

from minicv import Tensor
from minicv import functional as F
from minicv.autograd import no_grad
from minicv.data import DataLoader
from minicv.models.generative import DCGAN, DCGANSettings, GaussianRing, PointGAN
from minicv.optim import SGD, Adam
from minicv.training import AdversarialStep, DivergenceError, fit
from minicv.training.adversarial import standing_still
from minicv.weights import load_checkpoint

RING = GaussianRing()


def point_gan(seed=0):
    return PointGAN(latent=3, units=8, rng=np.random.default_rng(seed))


def step_of(gan, rate=0.1, **options):
    return AdversarialStep(
        gan,
        SGD(gan.generator.parameters(), lr=rate),
        SGD(gan.discriminator.parameters(), lr=rate),
        **options,
    )


def written_out(gan, points, rng, k, smoothing, minimax, rate=0.1):
    """The lines of algorithm 1, with log and sigmoid as the paper writes them."""
    for share in range(k):
        real = points[share::k]
        z = rng.standard_normal((len(real), gan.latent), dtype=np.float32)
        with no_grad():
            drawn = gan.generator(Tensor(z))
        p_real = F.sigmoid(gan.discriminator(Tensor(real)))
        p_drawn = F.sigmoid(gan.discriminator(drawn))
        kept = 1 - smoothing
        loss = -F.mean(kept * F.log(p_real) + smoothing * F.log(1 - p_real))
        loss = loss - F.mean(F.log(1 - p_drawn))
        descend(gan, gan.discriminator, loss, rate)
    z = rng.standard_normal((len(points[::k]), gan.latent), dtype=np.float32)
    p_drawn = F.sigmoid(gan.discriminator(gan.generator(Tensor(z))))
    loss = F.mean(F.log(1 - p_drawn)) if minimax else -F.mean(F.log(p_drawn))
    descend(gan, gan.generator, loss, rate)
    return loss.item()


def descend(gan, player, loss, rate):
    for parameter in gan.parameters():
        parameter.grad = None
    loss.backward()
    for parameter in player.parameters():
        parameter.data = parameter.data - rate * parameter.grad


@pytest.mark.parametrize(
    ("k", "smoothing", "loss"),
    [(1, 0.0, "non_saturating"), (1, 0.1, "minimax"), (3, 0.2, "non_saturating")],
)
def test_steps_equal_the_algorithm_written_out(k, smoothing, loss):
    ours, twin = point_gan(), point_gan()
    step = step_of(ours, loss=loss, label_smoothing=smoothing, discriminator_steps=k)
    rng, rng_of_twin = np.random.default_rng(5), np.random.default_rng(5)
    for number in range(3):
        points = RING.sample(7, np.random.default_rng(number))
        values = step(list(points), [{}] * 7, rng)
        expected = written_out(twin, points, rng_of_twin, k, smoothing, loss == "minimax")
        assert values["loss_generator"] == pytest.approx(expected, rel=1e-4)
    assert step.steps == 3 and step.learning_rate == 0.1
    for mine, theirs in zip(ours.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(mine.data, theirs.data, rtol=1e-4, atol=1e-6)


def test_each_player_moves_in_its_own_turn_alone():
    gan = point_gan()
    step = step_of(gan)
    rng, points = np.random.default_rng(0), RING.sample(6, np.random.default_rng(1))

    def moved(player, turn):
        before = [p.data.copy() for p in player.parameters()]
        turn()
        pairs = zip(before, player.parameters(), strict=True)
        return [not np.array_equal(old, p.data) for old, p in pairs]

    assert not any(moved(gan.generator, lambda: step.learn_to_judge(list(points), rng)))
    assert all(moved(gan.discriminator, lambda: step.learn_to_judge(list(points), rng)))
    gradients = [p.grad.copy() for p in gan.discriminator.parameters()]
    assert not any(moved(gan.discriminator, lambda: step.learn_to_draw(6, rng)))
    assert all(moved(gan.generator, lambda: step.learn_to_draw(6, rng)))
    for kept, parameter in zip(gradients, gan.discriminator.parameters(), strict=True):
        np.testing.assert_array_equal(parameter.grad, kept)  # no gradient of the other player
        assert parameter.requires_grad


def test_standing_still_is_undone_after_an_error_and_leaves_what_was_frozen():
    gan = point_gan()
    frozen = next(iter(gan.discriminator.parameters()))
    frozen.requires_grad = False
    with pytest.raises(RuntimeError), standing_still(gan.discriminator):
        assert not any(p.requires_grad for p in gan.discriminator.parameters())
        raise RuntimeError
    assert [p.requires_grad for p in gan.discriminator.parameters()].count(False) == 1


def test_the_loss_of_the_discriminator_is_the_mean_of_its_steps():
    gan = point_gan()
    still = step_of(gan, rate=1e-12, discriminator_steps=2)
    points = RING.sample(8, np.random.default_rng(1))
    value = still(list(points), [{}] * 8, np.random.default_rng(2))["loss_discriminator"]
    rng = np.random.default_rng(2)
    alone = step_of(gan, rate=1e-12)
    each = [alone.learn_to_judge(list(points[share::2]), rng) for share in (0, 1)]
    assert value == pytest.approx(np.mean(each), rel=1e-6)


def test_the_cloud_moves_to_the_real_points():
    """The signs are right: one heap of points is found, from the middle of the plane."""
    heap = GaussianRing(modes=1, radius=2.0, std=1.0)  # around (2, 0)
    gan = PointGAN(latent=4, units=16, rng=np.random.default_rng(0))
    step = AdversarialStep(
        gan,
        Adam(gan.generator.parameters(), lr=0.01, betas=(0.5, 0.999)),
        Adam(gan.discriminator.parameters(), lr=0.01, betas=(0.5, 0.999)),
    )
    rng = np.random.default_rng(1)
    assert abs(gan.sample(200, np.random.default_rng(2)).mean(axis=0)[0] - 2) > 1
    for _ in range(120):
        step(list(heap.sample(32, rng)), [{}] * 32, rng)
    mean = gan.sample(200, np.random.default_rng(2)).mean(axis=0)
    assert np.linalg.norm(mean - [2, 0]) < 1


class Squares:
    """Eight grey pictures of random numbers."""

    classes = ("any",)

    def __len__(self):
        return 8

    def __getitem__(self, index):
        grey = np.random.default_rng(index).random((1, 8, 8), dtype=np.float32)
        return np.repeat(grey, 3, axis=0), {"image_id": index}


def trained(epochs, out=None, resume=False):
    gan = DCGAN(("any",), DCGANSettings(8, 1, latent=3, filters=2), rng=np.random.default_rng(0))
    step = AdversarialStep(
        gan, Adam(gan.generator.parameters()), Adam(gan.discriminator.parameters())
    )
    loader = DataLoader(Squares(), 4, shuffle=True, rng=np.random.default_rng(1))
    rng = np.random.default_rng(2)
    fit(step, loader, epochs=epochs, rng=rng, out=out, resume=resume, progress=False)
    return step, rng


def test_interrupted_and_resumed_equals_uninterrupted(tmp_path):
    whole, rng = trained(3)
    trained(1, tmp_path)
    again, rng_again = trained(3, tmp_path, resume=True)
    assert whole.steps == again.steps == 6
    assert rng.bit_generator.state == rng_again.bit_generator.state
    for mine, theirs in (
        (whole.gan.state_dict(), again.gan.state_dict()),
        (whole.state_dict(), again.state_dict()),
    ):
        assert mine.keys() == theirs.keys()
        for name, array in mine.items():
            np.testing.assert_array_equal(array, theirs[name], err_msg=name)
    arrays, _ = load_checkpoint(tmp_path / "last.npz")
    of_players = [name for name in arrays if name.startswith(("step/gen", "step/dis"))]
    assert of_players and len(whole.state_dict()) == len(of_players) + 1  # and the steps


def test_a_loss_that_is_no_number_stops_the_training():
    gan = point_gan()
    next(iter(gan.generator.parameters())).data[:] = np.nan
    with pytest.raises(DivergenceError, match="step 0: loss_discriminator is nan and loss_gen"):
        step_of(gan)(list(RING.sample(2, np.random.default_rng(0))), [{}] * 2,
                     np.random.default_rng(0))  # fmt: skip


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"loss": "hinge"}, "kind='hinge'; expected 'non_saturating' or 'minimax'"),
        ({"label_smoothing": 1.0}, "label_smoothing=1.0"),
        ({"label_smoothing": float("nan")}, "label_smoothing=nan"),
        ({"discriminator_steps": 0}, "at least one step"),
    ],
)
def test_what_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        step_of(point_gan(), **options)


def test_a_batch_too_small_for_its_steps_is_refused():
    step = step_of(point_gan(), discriminator_steps=3)
    before = copy.deepcopy(step.gan.state_dict())
    with pytest.raises(ValueError, match="a batch of 2 for 3 steps"):
        step([np.zeros(2)] * 2, [{}] * 2, np.random.default_rng(0))
    assert all(np.array_equal(before[n], a) for n, a in step.gan.state_dict().items())
