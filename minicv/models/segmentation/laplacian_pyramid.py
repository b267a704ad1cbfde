"""The Laplacian pyramid: an image as details of several scales, each half as large as the last."""

from __future__ import annotations

from minicv import functional as F
from minicv.backend import Array, xp_of


def laplacian_pyramid(pixels: Array, levels: int) -> list[Array]:
    """What each halving of an image loses, and at last what is left.

    With G₀ the image and G_{l+1} = reduce(G_l), level l is L_l = G_l - expand(G_{l+1}), edges and
    texture of about 2ˡ pixels; the last level is G itself, colours and large shapes. Adding up
    from the last, G_l = L_l + expand(G_{l+1}), gives the image back.

    Reducing weighs four neighbours along each axis by (1, 3, 3, 1) / 8, with the border mirrored;
    expanding interpolates bilinearly, with the same weights. So cell (i, j) of level l lies over
    the 2ˡ x 2ˡ pixels from (2ˡ i, 2ˡ j) on, without a shift.

    Args:
        pixels: (C, H, W), H and W from 1 on.
        levels: at least 1; with 1 the image is all there is.

    Returns:
        ``levels`` arrays (C, ceil(H / 2ˡ), ceil(W / 2ˡ)).

    Raises:
        ValueError: less than one level.

    Source: Burt & Adelson, The Laplacian pyramid as a compact image code (1983), with a kernel of
    four taps for their five; Farabet et al. (TPAMI 2013), section 3.1.

    >>> import numpy as np
    >>> image = np.full((3, 5, 8), 0.5, "float32")
    >>> [(level.shape, level.max().tolist()) for level in laplacian_pyramid(image, 3)]
    [((3, 5, 8), 0.0), ((3, 3, 4), 0.0), ((3, 2, 2), 0.5)]
    """
    if levels < 1:
        raise ValueError(f"laplacian_pyramid: levels is {levels}, expected at least 1")
    pyramid = []
    for _ in range(levels - 1):
        smaller = _halve(_halve(pixels, axis=1), axis=2)  # (C, H, W) -> (C, H/2, W/2)
        pyramid.append(pixels - expand(smaller, pixels.shape[1:]))
        pixels = smaller
    return [*pyramid, pixels]


def expand(pixels: Array, size: tuple[int, int]) -> Array:
    """Twice as large, cut to ``size``: (C, ceil(H/2), ceil(W/2)) -> (C, H, W).

    >>> import numpy as np
    >>> expand(np.array([[[0.0, 8.0]]]), (1, 3)).tolist()
    [[[0.0, 2.0, 6.0]]]
    """
    height, width = pixels.shape[1:]
    doubled = F.resize_bilinear(pixels[None], (2 * height, 2 * width)).data[0]
    return doubled[:, : size[0], : size[1]]


def _halve(pixels: Array, axis: int) -> Array:
    """(1, 3, 3, 1) / 8 at every second place of an axis."""
    half = -(-pixels.shape[axis] // 2)
    sides = [(0, 0)] * pixels.ndim
    sides[axis] = (1, 1 + pixels.shape[axis] % 2)
    padded = xp_of(pixels).moveaxis(xp_of(pixels).pad(pixels, sides, mode="symmetric"), axis, 0)
    far, near, near_too, far_too = (padded[tap : tap + 2 * half - 1 : 2] for tap in range(4))
    halved = (far + far_too + 3 * (near + near_too)) / 8
    return xp_of(pixels).moveaxis(halved, 0, axis)
