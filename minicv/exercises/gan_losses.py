"""Exercise: the losses of a GAN, from logits, and their gradients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Slopes, Speed
from minicv.models.generative.gan import discriminator_loss as explained_discriminator
from minicv.models.generative.gan import generator_loss as explained_generator

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

RTOL = 1e-5  # float32 has seven digits


def discriminator_loss(real: np.ndarray, generated: np.ndarray) -> np.ndarray:
    """(N,) and (M,) logits -> one number.

    >>> round(float(discriminator_loss(np.zeros(2), np.zeros(3))), 4)
    1.3863
    """
    # -log σ(l) = log(1 + exp(-l)), which np.logaddexp computes without overflow
    of_real = np.logaddexp(0, -real).mean()
    of_generated = np.logaddexp(0, generated).mean()  # -log(1 - σ(l)) = log(1 + exp(l))
    return of_real + of_generated


def discriminator_loss_gradients(
    real: np.ndarray, generated: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """dL/dreal (N,) and dL/dgenerated (M,).

    >>> of_real, of_generated = discriminator_loss_gradients(np.zeros(1), np.zeros(2))
    >>> of_real.tolist(), of_generated.tolist()
    ([-0.5], [0.25, 0.25])
    """
    # σ(l) = exp(-log(1 + exp(-l))): what overflows inside ends as 0
    probability_of_generated = np.exp(-np.logaddexp(0, -generated))
    rest_of_real = np.exp(-np.logaddexp(0, real))  # 1 - σ(real) = σ(-real)
    return -rest_of_real / len(real), probability_of_generated / len(generated)


def generator_loss(generated: np.ndarray, kind: str) -> np.ndarray:
    """(N,) logits -> one number.

    >>> round(float(generator_loss(np.zeros(2), "minimax")), 4)
    -0.6931
    """
    if kind == "minimax":
        return -np.logaddexp(0, generated).mean()
    return np.logaddexp(0, -generated).mean()


def generator_loss_gradient(generated: np.ndarray, kind: str) -> np.ndarray:
    """dL/dgenerated (N,).

    >>> generator_loss_gradient(np.zeros(2), "non_saturating").tolist()
    [-0.25, -0.25]
    """
    probability = np.exp(-np.logaddexp(0, -generated))
    rest = np.exp(-np.logaddexp(0, generated))  # 1 - σ, with no digit lost where σ is near 1
    return -(probability if kind == "minimax" else rest) / len(generated)


def _log_sigmoid(logit: float) -> float:
    """log σ(l) = min(l, 0) - log(1 + exp(-|l|)), so that no exponential overflows."""
    return min(logit, 0.0) - math.log1p(math.exp(-abs(logit)))


def _mean(values: list[float], dtype: np.dtype) -> np.ndarray:
    return np.array(sum(values) / len(values), dtype)


def _twin_of_discriminator(real: np.ndarray, generated: np.ndarray) -> np.ndarray:
    of_real = _mean([-_log_sigmoid(float(logit)) for logit in real], real.dtype)
    # 1 - σ(l) = σ(-l)
    return np.asarray(
        of_real + _mean([-_log_sigmoid(-float(logit)) for logit in generated], real.dtype)
    )


def _twin_of_discriminator_gradients(
    real: np.ndarray, generated: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    of_real, of_generated = np.zeros_like(real), np.zeros_like(generated)
    for n, logit in enumerate(real.tolist()):
        of_real[n] = -math.exp(_log_sigmoid(-logit)) / len(real)
    for n, logit in enumerate(generated.tolist()):
        of_generated[n] = math.exp(_log_sigmoid(logit)) / len(generated)
    return of_real, of_generated


def _twin_of_generator(generated: np.ndarray, kind: str) -> np.ndarray:
    if kind == "minimax":
        return _mean([_log_sigmoid(-float(logit)) for logit in generated], generated.dtype)
    return _mean([-_log_sigmoid(float(logit)) for logit in generated], generated.dtype)


def _twin_of_generator_gradient(generated: np.ndarray, kind: str) -> np.ndarray:
    gradient = np.zeros_like(generated)
    for n, logit in enumerate(generated.tolist()):
        share = _log_sigmoid(logit) if kind == "minimax" else _log_sigmoid(-logit)
        gradient[n] = -math.exp(share) / len(generated)
    return gradient


def _pair(about: str, real: list[float], generated: list[float], dtype: type = np.float64) -> Case:
    arguments: Arguments = {
        "real": np.array(real, dtype),
        "generated": np.array(generated, dtype),
    }
    return Case(about, arguments)


def _one(about: str, generated: list[float], kind: str, dtype: type = np.float64) -> Case:
    return Case(about, {"generated": np.array(generated, dtype), "kind": kind})


LOG3 = math.log(3)  # of a probability of 3/4
PAIRS = (
    _pair("it knows nothing: 2 log 2", [0], [0]),
    _pair("probabilities of 3/4 and of 1/4", [LOG3], [-LOG3]),
    _pair("it takes each for the other", [-LOG3], [LOG3]),
    _pair("a mean over two and one over three", [0, LOG3], [0, LOG3, LOG3]),
    _pair("large logits, in float32", [200, -200], [-200, 200], np.float32),
)
ONES = (
    _one("the game's own loss", [0], "minimax"),
    _one("the loss that does not saturate", [0], "non_saturating"),
    _one("probabilities of 3/4 and of 1/4", [LOG3, -LOG3], "minimax"),
    _one("sure that it is generated", [-9], "minimax"),
    _one("sure, and not saturated", [-9], "non_saturating"),
    _one("large logits, in float32", [200, -200], "minimax", np.float32),
    _one("large logits, not saturated", [200, -200], "non_saturating", np.float32),
)


def _logits(rng: np.random.Generator, count: int, scale: int) -> np.ndarray:
    return (rng.integers(-4, 5, count) * scale / 2).astype(np.float32)


def _drawn_pairs() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import distinct_sizes, seeds

    def draw(sizes: tuple[int, ...], scale: int, seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        real, generated = (_logits(rng, count, scale) for count in sizes)
        return {"real": real, "generated": generated}

    return st.builds(draw, distinct_sizes(2, 1, 5), st.sampled_from([1, 100]), seeds())


def _drawn_ones() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import seeds

    def draw(count: int, scale: int, kind: str, seed: int) -> Arguments:
        return {"generated": _logits(np.random.default_rng(seed), count, scale), "kind": kind}

    kinds = st.sampled_from(["minimax", "non_saturating"])
    return st.builds(draw, st.integers(1, 5), st.sampled_from([1, 100]), kinds, seeds())


def _timed() -> Arguments:
    real, generated = np.random.default_rng(0).normal(size=(2, 50000))
    return {"real": real, "generated": generated}


def _ours(real: np.ndarray, generated: np.ndarray) -> object:
    from minicv.autograd import Tensor

    return explained_discriminator(Tensor(real), Tensor(generated))


EXERCISE = Exercise(
    name="gan_losses",
    title="the two losses of a GAN, with gradients",
    example="24_gan_on_points.py",
    chapter="22_gans.md",
    holes=(
        Hole(
            solution=discriminator_loss,
            twin=_twin_of_discriminator,
            explained_by=explained_discriminator,
            excerpt=("real: … real examples.", "generated: … generated ones."),
            note="E is the mean. The logits l may be large, and σ(l) = 1 / (1 + exp(-l)) is then 0 "
            "or 1 in floating point, and its logarithm is lost: find a form without that.",
            results=("loss",),
            rtol=RTOL,
            cases=PAIRS,
            drawn=_drawn_pairs,
            speed=Speed(
                arguments=_timed,
                ours=_ours,
                why="a loop calls an exponential and a logarithm for each of the 100,000 logits; "
                "NumPy runs through the array in compiled code.",
            ),
        ),
        Hole(
            solution=discriminator_loss_gradients,
            twin=_twin_of_discriminator_gradients,
            explained_by=explained_discriminator,
            excerpt=(),
            note="Return dL/dreal (N,) and dL/dgenerated (M,), for logits of any size.",
            results=("dL/dreal", "dL/dgenerated"),
            rtol=RTOL,
            cases=PAIRS,
            drawn=_drawn_pairs,
            slopes=Slopes(
                forward="discriminator_loss",
                wrt=("real", "generated"),
                arguments={
                    "real": np.array([-1.5, 0.25, 3.0]),
                    "generated": np.array([0.5, -2.0]),
                },
            ),
        ),
        Hole(
            solution=generator_loss,
            twin=_twin_of_generator,
            explained_by=explained_generator,
            excerpt=('``"minimax"``: E[log(1 - D)] … own.', '``"non_saturating"``: … -E[log D].'),
            note="generated are (N,) logits, of any size; E is the mean.",
            results=("loss",),
            rtol=RTOL,
            cases=ONES,
            drawn=_drawn_ones,
        ),
        Hole(
            solution=generator_loss_gradient,
            twin=_twin_of_generator_gradient,
            explained_by=explained_generator,
            excerpt=(),
            note="Return dL/dgenerated (N,), for both kinds and for logits of any size. Look at "
            "the gradient where the discriminator is sure that an example is generated, l = -9: "
            "that is why the second loss was invented.",
            results=("dL/dgenerated",),
            rtol=RTOL,
            cases=ONES,
            drawn=_drawn_ones,
            slopes=Slopes(
                forward="generator_loss",
                wrt=("generated",),
                arguments={
                    "generated": np.array([-3.0, 0.5, 2.0]),
                    "kind": "non_saturating",
                },
            ),
        ),
    ),
    hints=(
        "-log σ(l) = log(1 + exp(-l)). For which l does exp(-l) overflow, and what is the whole "
        "expression then, almost exactly? And 1 - σ(l) is σ of something.",
        "1 - σ(l) = σ(-l), so -log(1 - σ(l)) = log(1 + exp(l)). For large l take l + log(1 + "
        "exp(-l)): np.logaddexp(0, l) does both cases.\nThe derivative of log(1 + exp(l)) by l is "
        "σ(l). Each logit's gradient is divided by how many there are.",
        "softplus = lambda l: np.logaddexp(0, l); sigmoid = lambda l: np.exp(-softplus(-l))\n"
        "discriminator: softplus(-real).mean() + softplus(generated).mean()\n"
        "    gradients: -sigmoid(-real) / N and sigmoid(generated) / M\n"
        "minimax: -softplus(generated).mean(), gradient -sigmoid(generated) / N\n"
        "non_saturating: softplus(-generated).mean(), gradient -sigmoid(-generated) / N",
    ),
)
