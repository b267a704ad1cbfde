"""Convolutional networks that turn an image into one or more feature maps."""

from minicv.models.backbones.alexnet import (
    KRIZHEVSKY_2012,
    KRIZHEVSKY_2014,
    AlexNet,
    AlexNetBackbone,
)
from minicv.models.backbones.backbone import Backbone
from minicv.models.backbones.build import BACKBONES, PYRAMIDS, build_backbone
from minicv.models.backbones.conv_net import ConvNetBackbone
from minicv.models.backbones.efficientnet_lite0 import EfficientNetLite0, EfficientNetLite0Backbone
from minicv.models.backbones.fpn import FPN
from minicv.models.backbones.resnet import (
    DilatedResNet50,
    ResNet18,
    ResNet18Backbone,
    ResNet50,
    ResNet50Backbone,
)
from minicv.models.backbones.small import SmallBackbone
from minicv.models.backbones.vgg16 import VGG16, VGG16Backbone

__all__ = [
    "BACKBONES",
    "FPN",
    "KRIZHEVSKY_2012",
    "KRIZHEVSKY_2014",
    "PYRAMIDS",
    "VGG16",
    "AlexNet",
    "AlexNetBackbone",
    "Backbone",
    "ConvNetBackbone",
    "DilatedResNet50",
    "EfficientNetLite0",
    "EfficientNetLite0Backbone",
    "ResNet18",
    "ResNet18Backbone",
    "ResNet50",
    "ResNet50Backbone",
    "SmallBackbone",
    "VGG16Backbone",
    "build_backbone",
]
