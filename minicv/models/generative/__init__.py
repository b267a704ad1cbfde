"""Models that describe a picture by a few numbers, or draw one from a few: autoencoders, GANs."""

from minicv.models.generative.pictures import PictureSettings, as_rgb, as_squares, generator_of

__all__ = ["PictureSettings", "as_rgb", "as_squares", "generator_of"]
