"""Floor 3, wing of gradients: modules, layers and how their weights start."""

from minicv.nn import initializers
from minicv.nn.activation import LeakyReLU, ReLU, ReLU6, Sigmoid, Tanh
from minicv.nn.containers import Identity, ModuleList, Sequential
from minicv.nn.convolution import Conv2d, ConvTranspose2d
from minicv.nn.dropout import Dropout
from minicv.nn.evaluating import evaluating
from minicv.nn.flatten import Flatten
from minicv.nn.fusion import conv_bn_relu, conv_frozen_bn, run_conv_relu
from minicv.nn.linear import Linear
from minicv.nn.module import Module
from minicv.nn.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    FrozenBatchNorm2d,
    LocalResponseNorm,
)
from minicv.nn.parameter import Buffer, Parameter
from minicv.nn.pooling import (
    AdaptiveAvgPool2d,
    AdaptiveMaxPool2d,
    AvgPool2d,
    MaxPool2d,
    MaxUnpool2d,
)
from minicv.nn.summary import Summary, summary
from minicv.nn.upsampling import Upsample

__all__ = [
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Buffer",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "Flatten",
    "FrozenBatchNorm2d",
    "Identity",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "MaxPool2d",
    "MaxUnpool2d",
    "Module",
    "ModuleList",
    "Parameter",
    "ReLU",
    "ReLU6",
    "Sequential",
    "Sigmoid",
    "Summary",
    "Tanh",
    "Upsample",
    "conv_bn_relu",
    "conv_frozen_bn",
    "evaluating",
    "initializers",
    "run_conv_relu",
    "summary",
]
