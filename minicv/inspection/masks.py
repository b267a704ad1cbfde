"""Instance masks as translucent tints with an outline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from minicv.inspection.canvas import enlarged, line_width_for
from minicv.inspection.palette import Colour, class_colour

TINT = 0.4  # share of the colour inside a mask; what lies under it must stay visible


def draw_masks(
    image: np.ndarray, masks: np.ndarray, labels: Sequence[int] | np.ndarray | None = None
) -> Image.Image:
    """Tint each object of an image; see `draw_detections` for boxes and names on top.

    Args:
        image: (3, H, W) floats in 0..1.
        masks: (N, H, W) bool; may be empty. Later masks lie on earlier ones.
        labels: (N,) class labels, which choose the colours. Without them every object has a
            colour of its own.

    Returns:
        A picture; small images are enlarged by a whole factor to at least 512 pixels.

    Raises:
        ValueError: the masks are not of the image's size, or the labels are not one for each.

    >>> image = np.ones((3, 100, 200), dtype=np.float32)
    >>> draw_masks(image, np.zeros((0, 100, 200), dtype=bool)).size
    (600, 300)
    """
    masks = np.asarray(masks)
    labels = range(len(masks)) if labels is None else labels
    if len(labels) != len(masks):
        raise ValueError(f"draw_masks: {len(masks)} masks but {len(labels)} labels")
    picture, _ = enlarged(image)
    return paint_masks(picture, np.shape(image), masks, [class_colour(int(k)) for k in labels])


def paint_masks(
    picture: Image.Image,
    image_shape: tuple[int, ...],
    masks: np.ndarray,
    colours: Sequence[Colour],
) -> Image.Image:
    """Tint ``masks`` of an image of ``image_shape`` on its (maybe enlarged) picture."""
    if masks.ndim != 3 or (len(masks) and masks.shape[1:] != image_shape[1:]):
        raise ValueError(
            f"draw_masks: masks expect the shape (N, H, W) with the image's H and W but have "
            f"{masks.shape}; image={image_shape}"
        )
    picture = picture.copy()
    # Pillow wants an odd window; the outline is as wide as half of it, inside the mask.
    window = 2 * int(line_width_for(picture)) + 1
    for mask, colour in zip(masks, colours, strict=True):
        inside = Image.fromarray(mask.astype(np.uint8) * 255)
        factor = picture.width // image_shape[2]
        # Enlarging and blurring make a ramp of the mask's edge, without the steps of its pixels.
        # The blur is so small that a single pixel stays. The middle of the ramp is the edge.
        inside = inside.resize(picture.size, Image.Resampling.BICUBIC)
        if factor > 1:
            inside = inside.filter(ImageFilter.GaussianBlur(0.45 * factor))
        inside = inside.point(lambda v, f=factor: min(255, max(0, int((v - 127.5) * f + 127.5))))
        extent = inside.getbbox()
        if extent is None:
            continue
        margin = window + 1
        extent = (
            max(0, extent[0] - margin),
            max(0, extent[1] - margin),
            min(picture.width, extent[2] + margin),
            min(picture.height, extent[3] + margin),
        )
        part = inside.crop(extent)
        outline = ImageChops.subtract(part, part.filter(ImageFilter.MinFilter(window)))
        tint = part.point(lambda v: int(v * TINT))
        picture.paste(colour, extent, ImageChops.lighter(tint, outline))
    return picture
