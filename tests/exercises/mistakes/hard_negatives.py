"""Typical wrong answers to the exercise hard_negatives."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 1", "has the shape (3, 2) but must have (2, 2)", "1 too many")
def objects_among_the_negatives(
    features, overlap, weight, bias, held, negative_iou, hard_score, easy_score
):
    background = features
    joining = background[background @ weight + bias > hard_score]
    staying = held[held @ weight + bias >= easy_score]
    return np.concatenate([staying, joining])


@mistake("small case 1", "negatives[1, 0] is -3 but must be 2")
def the_easy_ones_join(features, overlap, weight, bias, held, negative_iou, hard_score, easy_score):
    background = features[overlap < negative_iou]
    joining = background[background @ weight + bias < hard_score]
    staying = held[held @ weight + bias >= easy_score]
    return np.concatenate([staying, joining])


@mistake("small case 2", "one is easy by now", "(3, 2)", "must have (2, 2)")
def nothing_is_dropped(features, overlap, weight, bias, held, negative_iou, hard_score, easy_score):
    background = features[overlap < negative_iou]
    joining = background[background @ weight + bias > hard_score]
    staying = held
    return np.concatenate([staying, joining])


@mistake("small case 3", "exactly at the limits", "1 too many")
def exactly_at_the_limit(
    features, overlap, weight, bias, held, negative_iou, hard_score, easy_score
):
    background = features[overlap < negative_iou]
    joining = background[background @ weight + bias >= hard_score]
    staying = held[held @ weight + bias >= easy_score]
    return np.concatenate([staying, joining])


@mistake("small case 4", "a bias", "negatives", "must have")
def without_the_bias(features, overlap, weight, bias, held, negative_iou, hard_score, easy_score):
    background = features[overlap < negative_iou]
    joining = background[background @ weight > hard_score]
    staying = held[held @ weight >= easy_score]
    return np.concatenate([staying, joining])


@mistake("small case 1", "negatives[0, 0] is 2 but must be 0")
def those_that_join_first(
    features, overlap, weight, bias, held, negative_iou, hard_score, easy_score
):
    background = features[overlap < negative_iou]
    joining = background[background @ weight + bias > hard_score]
    staying = held[held @ weight + bias >= easy_score]
    return np.concatenate([joining, staying])


@mistake("small case 2", "one is easy by now", "1 too few")
def one_limit_for_both(features, overlap, weight, bias, held, negative_iou, hard_score, easy_score):
    background = features[overlap < negative_iou]
    joining = background[background @ weight + bias > hard_score]
    staying = held[held @ weight + bias > hard_score]
    return np.concatenate([staying, joining])
