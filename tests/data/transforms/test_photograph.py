"""Every transform refuses what is no picture in 0..1, by its own name."""

import numpy as np
import pytest

from minicv.data import transforms

GOOD = np.linspace(0, 1, 3 * 8 * 10, dtype=np.float32).reshape(3, 8, 10)
TRANSFORMS = {
    "resize": lambda image, rng: transforms.resize(image, {}, (4, 5)),
    "Resize": lambda image, rng: transforms.Resize(4)(image, {}, rng),
    "crop": lambda image, rng: transforms.crop(image, {}, 0, 0, 4, 5),
    "RandomCrop": lambda image, rng: transforms.RandomCrop((4, 4))(image, {}, rng),
    "lay_on_ground": lambda image, rng: transforms.lay_on_ground(image, {}, 0, 0, 20, 20),
    "hflip": lambda image, rng: transforms.hflip(image, {}),
    "RandomScale": lambda image, rng: transforms.RandomScale()(image, {}, rng),
    "RandomScaleCrop": lambda image, rng: transforms.RandomScaleCrop((4, 4))(image, {}, rng),
    "ColorJitter": lambda image, rng: transforms.ColorJitter(0.5)(image, {}, rng),
}
WRONG = {
    "bytes": (np.full((3, 8, 10), 200, np.uint8), ValueError, "is uint8, .* divide by 255$"),
    "16 bits": (np.ones((3, 8, 10), np.uint16), ValueError, "is uint16, .* divide by 65535$"),
    "whole numbers": (np.ones((3, 8, 10), np.int64), ValueError, "is int64, .* largest number$"),
    "bool": (np.ones((3, 8, 10), bool), ValueError, "is bool, expected floating-point numbers in"),
    "channels last": (np.ones((8, 10, 3), np.float32), ValueError, r"transpose\(2, 0, 1\)$"),
    "a batch": (np.ones((2, 3, 8, 10), np.float32), ValueError, "take one image of a batch$"),
    "grey": (np.ones((8, 10), np.float32), ValueError, r"shape \(8, 10\), expected \(C, H, W\)$"),
    "a path": (
        "cow.jpg",
        TypeError,
        "is a str, expected an array .*; read a file with read_image$",
    ),
    "none": (None, TypeError, "is a NoneType, expected an array"),
}


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("what", WRONG)
def test_no_pictures_are_refused(name, what):
    image, error, said = WRONG[what]
    with pytest.raises(error, match=rf"^{name}: the image .*{said}"):
        TRANSFORMS[name](image, np.random.default_rng(0))


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pictures_pass(name, dtype):
    image, _ = TRANSFORMS[name](GOOD.astype(dtype), np.random.default_rng(0))
    assert image.ndim == 3 and len(image) == 3


@pytest.mark.parametrize(
    ("image", "said"),
    [(GOOD * 255, r"0\.\.255, expected 0\.\.1; divide by 255$"), (GOOD - 0.5, r"-0\.5\.\.0\.5, ex"),
     (np.where(GOOD > 0.9, np.nan, GOOD), r"nan\.\.nan, expected 0\.\.1$")],
)  # fmt: skip
def test_colours_are_changed_only_in_0_to_1(image, said):
    """The fault before: numbers of 0..255 were clipped to a white picture."""
    with pytest.raises(ValueError, match=rf"^ColorJitter: the image holds numbers of {said}"):
        transforms.ColorJitter(brightness=0.5)(image, {}, np.random.default_rng(0))
