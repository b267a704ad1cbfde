"""Typical wrong answers to the exercise multiclass_hinge."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 1", "result is 3.9 but must be 2.9")
def counts_the_true_class(scores, labels, margin):
    true = scores[np.arange(len(labels)), labels][:, None]
    return np.maximum(0, scores - true + margin).sum(axis=1).mean()


@mistake("small case 2", "result is 3 but must be 1.5")
def the_sum_in_place_of_the_mean(scores, labels, margin):
    samples = np.arange(len(labels))
    terms = np.maximum(0, scores - scores[samples, labels][:, None] + margin)
    terms[samples, labels] = 0
    return terms.sum()


@mistake("small case 2", "result is")
def a_margin_of_one(scores, labels, margin):
    samples = np.arange(len(labels))
    terms = np.maximum(0, scores - scores[samples, labels][:, None] + 1)
    terms[samples, labels] = 0
    return terms.sum(axis=1).mean()


@mistake("small case 1", "result is 0.9667 but must be 2.9")
def a_mean_over_the_classes_too(scores, labels, margin):
    samples = np.arange(len(labels))
    terms = np.maximum(0, scores - scores[samples, labels][:, None] + margin)
    terms[samples, labels] = 0
    return terms.mean()


@mistake("small case 1", "dL/dscores[0, 0] is 0 but must be -1", of="multiclass_hinge_gradient")
def gradient_without_the_true_class(scores, labels, margin):
    samples = np.arange(len(labels))
    gradient = (scores - scores[samples, labels][:, None] + margin > 0).astype(float)
    gradient[samples, labels] = 0
    return gradient / len(labels)


@mistake("small case 2", "dL/dscores[0, 0] is -0.5 but must be 0", of="multiclass_hinge_gradient")
def a_slope_at_the_margin(scores, labels, margin):
    samples = np.arange(len(labels))
    gradient = (scores - scores[samples, labels][:, None] + margin >= 0).astype(float)
    gradient[samples, labels] = 0
    gradient[samples, labels] = -gradient.sum(axis=1)
    return gradient / len(labels)
