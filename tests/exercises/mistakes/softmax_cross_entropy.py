"""Typical wrong answers to the exercise softmax_cross_entropy."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 3", "result", "nan")
def no_shift(logits, labels):
    exps = np.exp(logits)
    return -np.log(exps[np.arange(len(labels)), labels] / exps.sum(axis=1)).mean()


@mistake("small case 2", "result is", "must be")
def the_sum_in_place_of_the_mean(logits, labels):
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(shifted).sum(axis=1))
    return (log_total - shifted[np.arange(len(labels)), labels]).sum()


@mistake("small case 2", "result is", "must be")
def softmax_over_all_samples(logits, labels):
    shifted = logits - logits.max()
    log_total = np.log(np.exp(shifted).sum())
    return (log_total - shifted[np.arange(len(labels)), labels]).mean()


@mistake("small case 2", "dL/dlogits[0, 0]", of="softmax_cross_entropy_gradient")
def gradient_without_the_division(logits, labels):
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    gradient = exps / exps.sum(axis=1, keepdims=True)
    gradient[np.arange(len(labels)), labels] -= 1
    return gradient


@mistake("changes its argument logits in place", of="softmax_cross_entropy_gradient")
def gradient_that_changes_the_logits(logits, labels):
    logits -= logits.max(axis=1, keepdims=True)
    exps = np.exp(logits)
    gradient = exps / exps.sum(axis=1, keepdims=True)
    gradient[np.arange(len(labels)), labels] -= 1
    return gradient / len(labels)
