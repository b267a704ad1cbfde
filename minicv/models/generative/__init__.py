"""Models that describe a picture by a few numbers, or draw one from a few: autoencoders, GANs."""

from minicv.models.generative.autoencoder import Autoencoder, FullyConnectedSettings
from minicv.models.generative.conv_autoencoder import ConvAutoencoder, ConvSettings
from minicv.models.generative.dcgan import DCGAN, DCGANSettings
from minicv.models.generative.denoising_autoencoder import DenoisingAutoencoder, DenoisingSettings
from minicv.models.generative.gan import GAN
from minicv.models.generative.picture_autoencoder import AutoencoderSettings, PictureAutoencoder
from minicv.models.generative.pictures import PictureSettings, as_rgb, as_squares, generator_of
from minicv.models.generative.point_gan import GaussianRing, PointGAN
from minicv.models.generative.vae import VAE, VAESettings

__all__ = [
    "DCGAN",
    "GAN",
    "VAE",
    "Autoencoder",
    "AutoencoderSettings",
    "ConvAutoencoder",
    "ConvSettings",
    "DCGANSettings",
    "DenoisingAutoencoder",
    "DenoisingSettings",
    "FullyConnectedSettings",
    "GaussianRing",
    "PictureAutoencoder",
    "PictureSettings",
    "PointGAN",
    "VAESettings",
    "as_rgb",
    "as_squares",
    "generator_of",
]
