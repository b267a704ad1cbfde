"""What looks at a picture takes floats in 0..1, and refuses the rest by its own name."""

import numpy as np
import pytest

from minicv.proposals import GradientEdges, felzenszwalb
from minicv.proposals.channels import checked_channels
from minicv.proposals.colour_spaces import COLOUR_SPACES

FUNCTIONS = {
    "felzenszwalb": felzenszwalb,
    "GradientEdges": lambda image: GradientEdges(sigma=1).detect(image)[0],
    "hsv": COLOUR_SPACES["HSV"],
    "lab": COLOUR_SPACES["Lab"],
    "normalised_rg_and_intensity": COLOUR_SPACES["rgI"],
    "intensity": COLOUR_SPACES["I"],
}
IMAGE = np.random.default_rng(0).uniform(0, 1, (3, 12, 14))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    ("image", "message"),
    [
        ((255 * IMAGE).astype(np.uint8), r"dtype uint8; divide an 8-bit image by 255"),
        ((65535 * IMAGE).astype(np.uint16), r"uint16; divide a 16-bit image by 65535"),
        ((127 * IMAGE).astype(np.int8), "has dtype int8"),
        (IMAGE > 0.5, "has dtype bool"),
        (255 * IMAGE, r"numbers from .* to 25\d.*; divide an image of 0..255 by 255"),
        (IMAGE - 0.5, r"numbers from -0\.\d+ to"),
        (np.where(IMAGE > 0.9, np.nan, IMAGE), "holds NaN or infinite values"),
        (np.where(IMAGE > 0.9, np.inf, IMAGE), "holds NaN or infinite values"),
        (IMAGE[0], r"expects the shape \(\w+, H, W\) .* has \(12, 14\); .* image\[None\]"),
        (np.zeros((3, 0, 4)), "with at least one pixel"),
    ],
)
def test_what_is_no_picture_is_refused(name, image, message):
    with pytest.raises(ValueError, match=rf"^{name}: image .*{message}"):
        FUNCTIONS[name](image)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_float_gives_what_float32_gives(name, dtype):
    image = IMAGE.astype(dtype)
    expected = FUNCTIONS[name](image.astype(np.float32))
    found = FUNCTIONS[name](image)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_rounding_beyond_0_and_1_is_no_fault():
    image = np.array([-0.001, 0.5, 1.001]).reshape(1, 1, 3)
    assert checked_channels(image, "test").tolist() == image.astype(np.float32).tolist()
