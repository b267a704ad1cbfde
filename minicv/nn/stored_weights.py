"""Weights in 16 bits, for prediction."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from minicv.backend import xp_of
from minicv.backend.storage import FLOAT16
from minicv.nn.module import Module

Network = TypeVar("Network", bound=Module)


def store_weights_in_float16(network: Network) -> Network:
    """Round all weights to float16, which halves their memory. Changes the network; gives it back.

    Weights are the parameters of two or more axes: the matrices of linear layers, the kernels of
    convolutions. All others, such as biases and what batch normalisation has, are few, need their
    digits (a variance may be 1e-6) and stay. Within ``minicv.backend.use_storage("float16")`` the
    results are the same bits with and without it, since layers round their weights there anyway;
    outside of it the weights are widened at each use. Do not train the network any more.

    Raises:
        ValueError: a weight is beyond 65,504, where float16 ends; nothing was changed then.

    >>> from minicv.nn import Conv2d
    >>> conv = store_weights_in_float16(Conv2d(3, 8, 3, rng=np.random.default_rng(0)))
    >>> conv.weight.dtype.name, conv.bias.dtype.name
    ('float16', 'float32')
    """
    rounded = {}
    for name, parameter in network.named_parameters():
        if parameter.ndim < 2 or parameter.dtype != np.float32:
            continue
        with np.errstate(over="ignore"):
            rounded[name] = parameter, parameter.data.astype(FLOAT16)
        if bool(xp_of(parameter.data).isinf(rounded[name][1]).any()):
            raise ValueError(
                f"store_weights_in_float16: {name} has weights beyond 65504, where float16 ends; "
                "leave the network in float32"
            )
    for parameter, array in rounded.values():
        parameter.data = array
    return network
