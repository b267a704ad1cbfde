"""Floor 3, wing of gradients: modules, layers and how their weights start."""

from minicv.nn import initializers
from minicv.nn.activation import (
    ELU,
    GELU,
    LeakyReLU,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Tanh,
)
from minicv.nn.containers import Identity, ModuleList, Sequential
from minicv.nn.convolution import Conv2d, ConvTranspose2d
from minicv.nn.dropout import Dropout
from minicv.nn.evaluating import evaluating
from minicv.nn.flatten import Flatten
from minicv.nn.fusion import conv_bn_relu, conv_frozen_bn, run_conv_relu
from minicv.nn.graphed import Graphed, graphed
from minicv.nn.linear import Linear
from minicv.nn.losses import (
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    L1Loss,
    MSELoss,
    MulticlassHingeLoss,
    MultiMarginLoss,
    SmoothL1Loss,
)
from minicv.nn.module import Module
from minicv.nn.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    FrozenBatchNorm2d,
    GroupNorm,
    InstanceNorm2d,
    LayerNorm,
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
from minicv.nn.stored_weights import store_weights_in_float16
from minicv.nn.summary import Summary, summary
from minicv.nn.upsampling import Upsample

__all__ = [
    "ELU",
    "GELU",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "AvgPool2d",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Buffer",
    "Conv2d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "FrozenBatchNorm2d",
    "Graphed",
    "GroupNorm",
    "Identity",
    "InstanceNorm2d",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "MSELoss",
    "MaxPool2d",
    "MaxUnpool2d",
    "Module",
    "ModuleList",
    "MultiMarginLoss",
    "MulticlassHingeLoss",
    "PReLU",
    "Parameter",
    "ReLU",
    "ReLU6",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Summary",
    "Tanh",
    "Upsample",
    "conv_bn_relu",
    "conv_frozen_bn",
    "evaluating",
    "graphed",
    "initializers",
    "run_conv_relu",
    "store_weights_in_float16",
    "summary",
]
