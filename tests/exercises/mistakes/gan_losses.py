"""Typical wrong answers to the exercise gan_losses."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 5", "large logits, in float32", "loss is inf but must be 200")
def the_logarithm_of_a_sigmoid(real, generated):
    of_real = 1 / (1 + np.exp(-real))
    of_generated = 1 / (1 + np.exp(-generated))
    return -np.log(of_real).mean() - np.log(1 - of_generated).mean()


@mistake("small case 1", "loss is", "must be 1.386")
def a_small_number_inside_the_logarithm(real, generated):
    of_real = 1 / (1 + np.exp(-real))
    of_generated = 1 / (1 + np.exp(-generated))
    return -np.log(of_real + 1e-4).mean() - np.log(1 - of_generated + 1e-4).mean()


@mistake("small case 2", "probabilities of 3/4", "loss is 2.773 but must be 0.5754")
def real_and_generated_exchanged(real, generated):
    return np.logaddexp(0, real).mean() + np.logaddexp(0, -generated).mean()


@mistake("small case 1", "loss is 0.6931 but must be 1.386")
def one_mean_over_both(real, generated):
    both = np.concatenate([np.logaddexp(0, -real), np.logaddexp(0, generated)])
    return both.mean()


@mistake("small case 1", "loss is -1.386 but must be 1.386")
def the_value_of_the_game(real, generated):
    return -np.logaddexp(0, -real).mean() - np.logaddexp(0, generated).mean()


@mistake(
    "small case 4",
    "a mean over two",
    "dL/dreal[0] is -0.5 but must be -0.25",
    "2 times what they must be",
    of="discriminator_loss_gradients",
)
def gradient_without_the_mean(real, generated):
    probability_of_generated = np.exp(-np.logaddexp(0, -generated))
    rest_of_real = np.exp(-np.logaddexp(0, real))
    return -rest_of_real, probability_of_generated


@mistake(
    "small case 2", "dL/dreal[0] is -0.75 but must be -0.25", of="discriminator_loss_gradients"
)
def gradient_of_the_probability(real, generated):
    probability_of_generated = np.exp(-np.logaddexp(0, -generated))
    rest_of_real = np.exp(-np.logaddexp(0, -real))
    return -rest_of_real / len(real), probability_of_generated / len(generated)


@mistake(
    "small case 2", "does not saturate", "loss is -0.6931 but must be 0.6931", of="generator_loss"
)
def minimax_for_both(generated, kind):
    if kind == "minimax":
        return -np.logaddexp(0, generated).mean()
    return -np.logaddexp(0, generated).mean()


@mistake("small case 1", "loss is 0.6931 but must be -0.6931", of="generator_loss")
def minimax_that_rises(generated, kind):
    if kind == "minimax":
        return np.logaddexp(0, generated).mean()
    return np.logaddexp(0, -generated).mean()


@mistake(
    "small case 3", "dL/dgenerated[0] is -0.125 but must be -0.375", of="generator_loss_gradient"
)
def gradient_of_the_other_loss(generated, kind):
    probability = np.exp(-np.logaddexp(0, -generated))
    rest = np.exp(-np.logaddexp(0, generated))
    return -(probability if kind == "non_saturating" else rest) / len(generated)


@mistake(
    "small case 5",
    "large logits",
    "dL/dgenerated[0] is nan but must be",
    of="generator_loss_gradient",
)
def a_sigmoid_that_overflows(generated, kind):
    probability = np.exp(generated) / (1 + np.exp(generated))
    rest = np.exp(-np.logaddexp(0, generated))
    return -(probability if kind == "minimax" else rest) / len(generated)
