"""Typical wrong answers to the exercise reparameterization."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 2", "deviations of 2 and of a half", "z[0, 0] is 4 but must be 2")
def the_variance_as_deviation(mean, logvar, noise):
    return mean + np.exp(logvar) * noise


@mistake("small case 1", "a deviation of 1", "z[0, 0] is 1 but must be 1.5")
def the_logarithm_as_deviation(mean, logvar, noise):
    return mean + logvar * noise


@mistake("small case 4", "two samples", "z[1, 0] is 5 but must be 1")
def one_noise_for_all_samples(mean, logvar, noise):
    return mean + np.exp(logvar / 2) * noise[:1]


@mistake(
    "small case 1",
    "dL/dlogvar[0, 0] is 0.5 but must be 0.25",
    "all are 2 times what they must be",
    of="reparameterised_gradients",
)
def without_the_half(grad, mean, logvar, noise):
    return grad.copy(), grad * noise * np.exp(logvar / 2)


@mistake("small case 2", "dL/dlogvar[0, 0] is 0.5 but must be 1", of="reparameterised_gradients")
def without_the_deviation(grad, mean, logvar, noise):
    return grad.copy(), grad * noise / 2


@mistake("small case 1", "dL/dlogvar[0, 0] is 0.5 but must be 0.25", of="reparameterised_gradients")
def the_gradient_of_the_deviation(grad, mean, logvar, noise):
    return grad.copy(), grad * noise


@mistake("small case 1", "dL/dmean[0, 0] is 0.5 but must be 1", of="reparameterised_gradients")
def the_mean_gets_the_noise(grad, mean, logvar, noise):
    return grad * noise, grad * noise * np.exp(logvar / 2) / 2


@mistake("small case 1", "kl is 1.25 but must be 2.5", of="kl_divergence")
def a_mean_over_latent_numbers(mu, logvar):
    losses = (mu**2 + np.exp(logvar) - logvar - 1).mean(axis=1) / 2
    return losses.mean()


@mistake("small case 4", "two samples of three numbers", "kl is", "must be", of="kl_divergence")
def the_sum_over_samples(mu, logvar):
    losses = (mu**2 + np.exp(logvar) - logvar - 1).sum(axis=1) / 2
    return losses.sum()


@mistake("small case 1", "kl is -2.5 but must be 2.5", of="kl_divergence")
def the_wrong_sign(mu, logvar):
    losses = (mu**2 + np.exp(logvar) - logvar - 1).sum(axis=1) / 2
    return -losses.mean()


@mistake("small case 2", "a variance of 2", "kl is", "must be 0.25", of="kl_divergence")
def the_deviation_for_the_variance(mu, logvar):
    losses = (mu**2 + np.exp(logvar / 2) - logvar - 1).sum(axis=1) / 2
    return losses.mean()


@mistake("small case 4", "dL/dmu[0, 0] is 1 but must be 0.5", of="kl_divergence_gradients")
def a_gradient_of_the_sum(mu, logvar):
    return mu, (np.exp(logvar) - 1) / 2


@mistake("small case 1", "dL/dlogvar[0, 0] is 0.5 but must be 0", of="kl_divergence_gradients")
def the_variance_without_1(mu, logvar):
    return mu / len(mu), np.exp(logvar) / 2 / len(mu)
