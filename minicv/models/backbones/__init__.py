"""Convolutional networks that turn an image into a feature map, or into three."""

from minicv.models.backbones.alexnet import (
    KRIZHEVSKY_2012,
    KRIZHEVSKY_2014,
    AlexNet,
    AlexNetBackbone,
)
from minicv.models.backbones.backbone import Backbone
from minicv.models.backbones.efficientnet_lite0 import (
    EfficientNetLite0,
    EfficientNetLite0Backbone,
    EfficientNetLite0Hierarchy,
)
from minicv.models.backbones.feature_hierarchy import FeatureHierarchy
from minicv.models.backbones.resnet import ResNet18, ResNet50, ResNet50Backbone
from minicv.models.backbones.small import SmallBackbone, SmallHierarchy
from minicv.models.backbones.vgg16 import (
    VGG16,
    VGG16Backbone,
    VGG16Hierarchy,
    convolutional_weights,
)

__all__ = [
    "KRIZHEVSKY_2012",
    "KRIZHEVSKY_2014",
    "VGG16",
    "AlexNet",
    "AlexNetBackbone",
    "Backbone",
    "EfficientNetLite0",
    "EfficientNetLite0Backbone",
    "EfficientNetLite0Hierarchy",
    "FeatureHierarchy",
    "ResNet18",
    "ResNet50",
    "ResNet50Backbone",
    "SmallBackbone",
    "SmallHierarchy",
    "VGG16Backbone",
    "VGG16Hierarchy",
    "convolutional_weights",
]
