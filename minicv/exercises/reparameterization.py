"""Exercise: the reparameterisation of a variational autoencoder, its KL term, their gradients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Slopes, Speed
from minicv.functional.kl_divergence import kl_divergence as explained_kl
from minicv.models.generative.vae import reparameterised as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def reparameterised(mean: np.ndarray, logvar: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """(N, D), three times -> (N, D).

    >>> reparameterised(np.array([[1.0]]), np.log([[4.0]]), np.array([[0.5]])).tolist()
    [[2.0]]
    """
    return mean + np.exp(logvar / 2) * noise


def reparameterised_gradients(
    grad: np.ndarray, mean: np.ndarray, logvar: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """dL/dmean and dL/dlogvar.

    >>> one = np.ones((1, 1))
    >>> grad_mean, grad_logvar = reparameterised_gradients(one, one, np.log([[4.0]]), one)
    >>> grad_mean.tolist(), grad_logvar.tolist()
    ([[1.0]], [[1.0]])
    """
    deviation = np.exp(logvar / 2)
    return grad.copy(), grad * noise * deviation / 2


def kl_divergence(mu: np.ndarray, logvar: np.ndarray) -> np.ndarray:
    """One number, the mean over the samples.

    >>> float(kl_divergence(np.array([[1.0, 2.0]]), np.zeros((1, 2))))
    2.5
    """
    losses = (mu**2 + np.exp(logvar) - logvar - 1).sum(axis=1) / 2  # (N, D) -> (N,)
    return losses.mean()


def kl_divergence_gradients(mu: np.ndarray, logvar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dL/dmu and dL/dlogvar of the mean over the samples.

    >>> grad_mu, grad_logvar = kl_divergence_gradients(np.array([[3.0]]), np.log([[2.0]]))
    >>> grad_mu.tolist(), grad_logvar.tolist()
    ([[3.0]], [[0.5]])
    """
    samples = len(mu)
    return mu / samples, (np.exp(logvar) - 1) / 2 / samples


def _twin(mean: np.ndarray, logvar: np.ndarray, noise: np.ndarray) -> np.ndarray:
    codes = np.zeros(mean.shape)
    for place in np.ndindex(mean.shape):
        deviation = math.sqrt(math.exp(logvar[place]))
        codes[place] = mean[place] + deviation * noise[place]
    return codes


def _twin_of_gradients(
    grad: np.ndarray, mean: np.ndarray, logvar: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    grad_mean, grad_logvar = np.zeros(mean.shape), np.zeros(mean.shape)
    for place in np.ndindex(mean.shape):
        deviation = math.sqrt(math.exp(logvar[place]))
        grad_mean[place] = grad[place]
        # d deviation / d variance = 1 / (2 deviation); d variance / d logvar = variance
        grad_logvar[place] = grad[place] * noise[place] / (2 * deviation) * math.exp(logvar[place])
    return grad_mean, grad_logvar


def _twin_of_kl_gradients(mu: np.ndarray, logvar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    grad_mu, grad_logvar = np.zeros(mu.shape), np.zeros(mu.shape)
    for place in np.ndindex(mu.shape):
        grad_mu[place] = mu[place] / mu.shape[0]
        grad_logvar[place] = 0.5 * (math.exp(logvar[place]) - 1) / mu.shape[0]
    return grad_mu, grad_logvar


def _ours(mean: np.ndarray, logvar: np.ndarray, noise: np.ndarray) -> object:
    from minicv.autograd import Tensor

    return explained(Tensor(mean), Tensor(logvar), Tensor(noise))


LOG2, LOG4 = math.log(2), math.log(4)


def _codes(about: str, mean: list, logvar: list, noise: list) -> Case:
    arguments: Arguments = {
        "mean": np.array(mean, float),
        "logvar": np.array(logvar, float),
        "noise": np.array(noise, float),
    }
    return Case(about, arguments)


def _backward(case: Case) -> Case:
    """The same case, with a grad of 1, 2, 3 ..."""
    shape = case.arguments["mean"].shape
    grad = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    return Case(case.about, {"grad": grad, **case.arguments})


def _gaussians(about: str, mu: list, logvar: list) -> Case:
    return Case(about, {"mu": np.array(mu, float), "logvar": np.array(logvar, float)})


CODES = (
    _codes("a deviation of 1", [[1, -2]], [[0, 0]], [[0.5, 1]]),
    _codes("deviations of 2 and of a half", [[0, 0]], [[LOG4, -LOG4]], [[1, 1]]),
    _codes("noise of 0 and below", [[3, 3]], [[LOG4, LOG4]], [[0, -1]]),
    _codes("two samples", [[1, 2], [3, 4]], [[0, LOG4], [LOG4, 0]], [[1, 1], [-1, -1]]),
    _codes("a deviation of almost 0", [[5]], [[-100]], [[2]]),
)
GAUSSIANS = (
    _gaussians("deviations of 1: the means alone count", [[1, 2]], [[0, 0]]),
    _gaussians("a variance of 2, and one of a half", [[0, 0]], [[LOG2, -LOG2]]),
    _gaussians("the standard distribution itself", [[0, 0, 0]], [[0, 0, 0]]),
    _gaussians("two samples of three numbers", [[1, 0, 0], [0, 3, 0]], [[0, 0, LOG2], [0, 0, 0]]),
)


def _drawn(*names: str) -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import distinct_sizes, seeds

    def draw(shape: tuple[int, ...], seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        return {name: rng.integers(-4, 5, shape) / 2 for name in names}

    return st.builds(draw, distinct_sizes(2, 1, 5), seeds())


def _timed() -> Arguments:
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(500, 64)) for name in ("mean", "logvar", "noise")}


def _timed_kl() -> Arguments:
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(500, 64)) for name in ("mu", "logvar")}


def _normal(*names: str) -> Arguments:
    rng = np.random.default_rng(1)
    return {name: rng.normal(size=(3, 2)) for name in names}


EXERCISE = Exercise(
    name="reparameterization",
    title="the reparameterisation and the KL term of a VAE, with gradients",
    example="21_four_autoencoders.py",
    chapter="21_vae.md",
    holes=(
        Hole(
            solution=reparameterised,
            twin=_twin,
            explained_by=explained,
            excerpt=(),
            note="All three are (N, D). logvar is log σ², the logarithm of the variance, so that a "
            "network may say any number; noise was drawn from N(0, 1).",
            results=("z",),
            cases=CODES,
            drawn=lambda: _drawn("mean", "logvar", "noise"),
            speed=Speed(
                arguments=_timed,
                ours=_ours,
                why="one exponential for each number is nearly all of the cost, and NumPy computes "
                "several in one instruction; a loop calls a function for each.",
            ),
        ),
        Hole(
            solution=reparameterised_gradients,
            twin=_twin_of_gradients,
            explained_by=explained,
            excerpt=(),
            note="Return dL/dmean and dL/dlogvar, where grad is dL/dz (N, D). The noise is a given "
            "number: it was drawn beside the network, and gradients pass it by.",
            results=("dL/dmean", "dL/dlogvar"),
            cases=tuple(map(_backward, CODES)),
            drawn=lambda: _drawn("grad", "mean", "logvar", "noise"),
            slopes=Slopes(
                forward="reparameterised",
                wrt=("mean", "logvar"),
                arguments=_normal("mean", "logvar", "noise"),
            ),
        ),
        Hole(
            solution=kl_divergence,
            twin=reference.kl_divergence,
            explained_by=explained_kl,
            excerpt=("Forward, for … σ = 1.",),
            note="Here mu and logvar are (N, D), and the result is the mean over the N samples.",
            results=("kl",),
            cases=GAUSSIANS,
            drawn=lambda: _drawn("mu", "logvar"),
            speed=Speed(
                arguments=_timed_kl,
                ours=explained_kl,
                why="one exponential for each number is nearly all of the cost, and NumPy computes "
                "several in one instruction; a loop calls a function for each.",
            ),
        ),
        Hole(
            solution=kl_divergence_gradients,
            twin=_twin_of_kl_gradients,
            explained_by=explained_kl,
            excerpt=(),
            note="Return the gradients of that mean over the N samples, dL/dmu and dL/dlogvar.",
            results=("dL/dmu", "dL/dlogvar"),
            cases=GAUSSIANS,
            drawn=lambda: _drawn("mu", "logvar"),
            slopes=Slopes(
                forward="kl_divergence",
                wrt=("mu", "logvar"),
                arguments=_normal("mu", "logvar"),
            ),
        ),
    ),
    hints=(
        "σ is the root of the variance, and the variance is exp(logvar). What is the root of an "
        "exponential?",
        "σ = exp(logvar / 2). Its derivative by logvar is σ / 2, so dz/dlogvar = noise · σ / 2; "
        "dz/dmean is 1.\nKL: σ² is exp(logvar) and log σ² is logvar itself. Sum over the D numbers "
        "of a sample, then take the mean over the samples; each gradient is divided by N.",
        "z = mean + np.exp(logvar / 2) * noise\n"
        "dL/dmean = grad, dL/dlogvar = grad * noise * np.exp(logvar / 2) / 2\n"
        "kl = ((mu**2 + np.exp(logvar) - logvar - 1).sum(axis=1) / 2).mean()\n"
        "dL/dmu = mu / N, dL/dlogvar = (np.exp(logvar) - 1) / 2 / N",
    ),
)
