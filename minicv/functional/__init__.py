"""Floor 2, wing of gradients: one differentiable operation a file."""

from typing import TYPE_CHECKING, NoReturn

from minicv.functional.abs import abs
from minicv.functional.adaptive_avg_pool2d import adaptive_avg_pool2d
from minicv.functional.adaptive_max_pool2d import adaptive_max_pool2d
from minicv.functional.argmax import argmax, argmin
from minicv.functional.arithmetic import add, divide, multiply, negative, subtract
from minicv.functional.avg_pool2d import avg_pool2d
from minicv.functional.batch_norm import batch_norm, frozen_batch_norm
from minicv.functional.binary_cross_entropy_with_logits import binary_cross_entropy_with_logits
from minicv.functional.binary_hinge import binary_hinge
from minicv.functional.clip import clip
from minicv.functional.concatenate import concatenate
from minicv.functional.conv2d import conv2d
from minicv.functional.conv_norm_relu import conv_norm_relu
from minicv.functional.conv_transpose2d import conv_transpose2d
from minicv.functional.dropout import dropout
from minicv.functional.elu import elu
from minicv.functional.exp import exp
from minicv.functional.gelu import gelu
from minicv.functional.getitem import getitem
from minicv.functional.group_norm import group_norm, instance_norm
from minicv.functional.kl_divergence import kl_divergence
from minicv.functional.l1_loss import l1_loss
from minicv.functional.l2_loss import l2_loss
from minicv.functional.layer_norm import layer_norm
from minicv.functional.leaky_relu import leaky_relu
from minicv.functional.linear import linear
from minicv.functional.local_response_norm import local_response_norm
from minicv.functional.log import log
from minicv.functional.log_softmax import log_softmax
from minicv.functional.matmul import matmul
from minicv.functional.max import max, min
from minicv.functional.max_pool2d import max_pool2d
from minicv.functional.max_unpool2d import max_unpool2d
from minicv.functional.max_with_indices import max_with_indices, min_with_indices
from minicv.functional.maximum import maximum, minimum
from minicv.functional.mean import mean
from minicv.functional.multiclass_hinge import multiclass_hinge
from minicv.functional.norm import norm
from minicv.functional.pad import pad
from minicv.functional.power import power
from minicv.functional.prelu import prelu
from minicv.functional.relu import relu
from minicv.functional.relu6 import relu6
from minicv.functional.reshape import flatten, reshape
from minicv.functional.resize_bilinear import resize_bilinear
from minicv.functional.roi_align import roi_align
from minicv.functional.roi_pool import roi_pool
from minicv.functional.sigmoid import sigmoid
from minicv.functional.silu import silu
from minicv.functional.smooth_l1 import smooth_l1
from minicv.functional.softmax import softmax
from minicv.functional.softmax_cross_entropy import softmax_cross_entropy
from minicv.functional.spatial_pyramid_pool import spatial_pyramid_pool
from minicv.functional.sqrt import sqrt
from minicv.functional.squeeze import squeeze, unsqueeze
from minicv.functional.stack import stack
from minicv.functional.sum import sum
from minicv.functional.tanh import tanh
from minicv.functional.transpose import permute, transpose
from minicv.functional.unpool_bed_of_nails import unpool_bed_of_nails
from minicv.functional.unpool_nearest import unpool_nearest
from minicv.functional.var import std, var
from minicv.functional.where import where

__all__ = [
    "abs",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "add",
    "argmax",
    "argmin",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "binary_hinge",
    "clip",
    "concatenate",
    "conv2d",
    "conv_norm_relu",
    "conv_transpose2d",
    "divide",
    "dropout",
    "elu",
    "exp",
    "flatten",
    "frozen_batch_norm",
    "gelu",
    "getitem",
    "group_norm",
    "instance_norm",
    "kl_divergence",
    "l1_loss",
    "l2_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "local_response_norm",
    "log",
    "log_softmax",
    "matmul",
    "max",
    "max_pool2d",
    "max_unpool2d",
    "max_with_indices",
    "maximum",
    "mean",
    "min",
    "min_with_indices",
    "minimum",
    "multiclass_hinge",
    "multiply",
    "negative",
    "norm",
    "pad",
    "permute",
    "power",
    "prelu",
    "relu",
    "relu6",
    "reshape",
    "resize_bilinear",
    "roi_align",
    "roi_pool",
    "sigmoid",
    "silu",
    "smooth_l1",
    "softmax",
    "softmax_cross_entropy",
    "spatial_pyramid_pool",
    "sqrt",
    "squeeze",
    "stack",
    "std",
    "subtract",
    "sum",
    "tanh",
    "transpose",
    "unpool_bed_of_nails",
    "unpool_nearest",
    "unsqueeze",
    "var",
    "where",
]

if not TYPE_CHECKING:  # mypy would take every name for one that exists

    def __getattr__(name: str) -> NoReturn:
        from minicv.functional.advice import function_advice

        raise AttributeError(function_advice(name), name=name)
