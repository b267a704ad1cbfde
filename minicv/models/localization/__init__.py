"""Where is the one object of an image, and what is it?"""

from minicv.models.localization.single_object import SingleObjectDetector, SingleObjectSettings

__all__ = ["SingleObjectDetector", "SingleObjectSettings"]
