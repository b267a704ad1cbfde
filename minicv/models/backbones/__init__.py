"""Convolutional networks that turn an image into a feature map."""

from minicv.models.backbones.backbone import Backbone
from minicv.models.backbones.efficientnet_lite0 import EfficientNetLite0, EfficientNetLite0Backbone
from minicv.models.backbones.resnet import ResNet18, ResNet50, ResNet50Backbone
from minicv.models.backbones.small import SmallBackbone
from minicv.models.backbones.vgg16 import VGG16, VGG16Backbone

__all__ = [
    "VGG16",
    "Backbone",
    "EfficientNetLite0",
    "EfficientNetLite0Backbone",
    "ResNet18",
    "ResNet50",
    "ResNet50Backbone",
    "SmallBackbone",
    "VGG16Backbone",
]
