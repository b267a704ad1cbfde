"""Detections drawn on an image: boxes, names, scores, and masks and joints where there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from minicv.backend import descending
from minicv.inspection.boxes import paint_boxes
from minicv.inspection.canvas import enlarged, line_width_for
from minicv.inspection.keypoints import LSP_SKELETON, Skeleton, paint_keypoints
from minicv.inspection.palette import Colour, class_colour
from minicv.inspection.panels import contact_sheet


def draw_detections(
    image: np.ndarray,
    boxes: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray | None = None,
    class_names: Sequence[str] | None = None,
    *,
    masks: np.ndarray | None = None,
    keypoints: np.ndarray | None = None,
    skeleton: Skeleton = LSP_SKELETON,
) -> Image.Image:
    """Draw boxes with a colour for each class and a plate with its name and score.

    The surest detections lie on top. Lines and letters grow with the picture, and small images
    are enlarged by a whole factor to at least 512 pixels on the longer side, so that labels can
    be read. Plates stay inside the picture and off each other where there is room. Boxes are cut
    at the edge of the picture; one that lies outside altogether is left out.

    Args:
        image: (3, H, W) floats in 0..1.
        boxes: (N, 4) x1, y1, x2, y2 in pixels of the image; N may be 0.
        labels: (N,) class labels 0..K-1.
        scores: (N,) in 0..1; without them the plates hold the names alone, as for ground truth.
        class_names: K names; without them the plates hold the label's number.
        masks: (N, H, W) bool, tinted in the class colour.
        keypoints: (M, J, 3) joints of people, drawn with ``skeleton``.

    Raises:
        ValueError: shapes that do not go together, a box that is not finite, or a label
            without a name.

    >>> image = np.ones((3, 100, 200), dtype=np.float32)
    >>> boxes = np.array([[20.0, 30.0, 90.0, 80.0]])
    >>> draw_detections(image, boxes, np.array([1]), np.array([0.93]), ["cow", "cat"]).size
    (600, 300)
    """
    boxes, labels, scores = checked_objects(boxes, labels, scores, class_names)
    picture, factor = enlarged(image)
    masks = None if masks is None else np.asarray(masks)
    if masks is not None and len(masks) != len(boxes):
        raise ValueError(f"draw_detections: {len(boxes)} boxes but {len(masks)} masks")
    if scores is not None:  # the surest first
        order = descending(scores)
        boxes, labels, scores = boxes[order], labels[order], scores[order]
        masks = None if masks is None else masks[order]
    colours = [class_colour(label) for label in labels.tolist()]
    if masks is not None:
        picture = paint_masks(picture, np.shape(image), masks[::-1], colours[::-1])
    if keypoints is not None:
        picture = paint_keypoints(picture, factor, keypoints, skeleton)
    texts = [f"class {k}" if class_names is None else str(class_names[k]) for k in labels.tolist()]
    if scores is not None:
        texts = [f"{text} {score:.2f}" for text, score in zip(texts, scores, strict=True)]
    return paint_boxes(picture, boxes * factor, colours, texts)


def draw_ground_truth(
    image: np.ndarray,
    truth: Mapping[str, np.ndarray],
    detections: Mapping[str, np.ndarray],
    class_names: Sequence[str] | None = None,
) -> Image.Image:
    """The ground truth, and the detections beside it.

    Args:
        image: (3, H, W) floats in 0..1.
        truth: ``boxes`` (N, 4), ``labels`` (N,), and maybe ``masks`` (N, H, W).
        detections: ``boxes`` (M, 4), ``labels`` (M,), ``scores`` (M,), and maybe ``masks``. Masks
            are drawn where both have them.
        class_names: K names.

    >>> nothing = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, int), "scores": np.zeros(0)}
    >>> sheet = draw_ground_truth(np.ones((3, 40, 40), dtype=np.float32), nothing, nothing)
    >>> sheet.width > 2 * sheet.height * 0.8
    True
    """
    both = "masks" in truth and "masks" in detections
    pictures = [
        draw_detections(
            image,
            side["boxes"],
            side["labels"],
            side["scores"] if side is detections else None,
            class_names,
            masks=side["masks"] if both else None,
        )
        for side in (truth, detections)
    ]
    captions = [
        f"Ground truth\n{_counted(len(truth['boxes']))}",
        f"Detections\n{_counted(len(detections['boxes']))} found",
    ]
    return contact_sheet(pictures, captions, columns=2)


def checked_objects(
    boxes: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray | None,
    class_names: Sequence[str] | None,
    operation: str = "draw_detections",
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Boxes (N, 4), labels (N,) and scores (N,) as arrays, if they can be drawn together."""
    boxes, labels = np.asarray(boxes), np.asarray(labels)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{operation}: boxes expect the shape (N, 4) but have {boxes.shape}")
    if not np.isfinite(boxes).all():
        row = int(np.flatnonzero(~np.isfinite(boxes).all(axis=1))[0])
        raise ValueError(f"{operation}: box {row} is not finite: {boxes[row].tolist()}")
    scores = None if scores is None else np.asarray(scores)
    for name, array in (("labels", labels), ("scores", scores)):
        if array is not None and array.shape != (len(boxes),):
            raise ValueError(
                f"{operation}: {name} expect the shape ({len(boxes)},), one for each box, but "
                f"have {array.shape}"
            )
    for label in labels.tolist():
        if label < 0 or (class_names is not None and label >= len(class_names)):
            known = "0 or more" if class_names is None else f"0..{len(class_names) - 1}"
            raise ValueError(f"{operation}: label {label} is not in {known}")
    return boxes, labels, scores


def _counted(count: int) -> str:
    return "1 object" if count == 1 else f"{count} objects"


TINT = 0.4  # share of the colour inside a mask; what lies under it must stay visible


def draw_masks(
    image: np.ndarray, masks: np.ndarray, labels: Sequence[int] | np.ndarray | None = None
) -> Image.Image:
    """Tint each object of an image; see `draw_detections` for boxes and names on top.

    Args:
        image: (3, H, W) floats in 0..1; small ones are enlarged by a whole factor.
        masks: (N, H, W) bool; may be empty. Later masks lie on earlier ones.
        labels: (N,) class labels, which choose the colours. Without them every object has a
            colour of its own.

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
