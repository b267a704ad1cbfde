"""Classification: what is in the image?"""

from minicv.models.classification.classifier import Classifier
from minicv.models.classification.image_classifier import ClassifierSettings, ImageClassifier
from minicv.models.classification.whole_network import WholeNetwork

__all__ = ["Classifier", "ClassifierSettings", "ImageClassifier", "WholeNetwork"]
