"""Instances: a mask, a skeleton and a label for each object, legible in a crowd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from minicv.backend import descending
from minicv.inspection.boxes import clip_line
from minicv.inspection.canvas import (
    Canvas,
    enlarged,
    line_width_for,
    shortened,
    text_size_for,
    text_width,
)
from minicv.inspection.detections import checked_objects
from minicv.inspection.instance_masks import Part, paint_parts, part_of
from minicv.inspection.keypoints import Skeleton, paint_keypoints
from minicv.inspection.label_places import (
    Extent,
    extent_of_box,
    extent_of_mask,
    place_labels,
    shrunk_text_size,
)
from minicv.inspection.palette import (
    BLACK,
    ORANGE,
    SKY_BLUE,
    Colour,
    class_palette,
    text_colour_on,
)
from minicv.inspection.skeletons import skeleton_of

JOINT_SCORE = 2.0  # a logit; a joint that the network has not seen is flat, with peaks of 1 or so
LONGEST_NAME = 0.3  # of the picture's width
LEAST_TEXT = 10  # pixels
PADDING, PLATE_HEIGHT = 0.35, 1.35  # of a label, in text sizes
OPACITY = 225  # of a label, 0..255


def draw_instances(
    image: np.ndarray,
    boxes: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray | None = None,
    *,
    class_names: Sequence[str] | None = None,
    masks: np.ndarray | None = None,
    keypoints: np.ndarray | None = None,
    keypoint_scores: np.ndarray | None = None,
    joint_names: Sequence[str] = (),
    joint_threshold: float = JOINT_SCORE,
    colours: Sequence[Colour] | None = None,
) -> Image.Image:
    """Draw each object in a colour of its own: mask, skeleton, and a label with name and score.

    Small objects lie on top of large ones, and outlines on top of all fills. Labels are near their
    objects and off each other and off small objects; where one has no room beside its object, a
    line leads to it. In a crowd the letters are smaller, and a label without any room is left out.
    Lines and letters grow with the picture, and small images are enlarged by a whole factor to at
    least 512 pixels on the longer side. An object without a mask is framed by its box.

    Skeletons are orange on the person's right side and blue on the left.

    Args:
        image: (3, H, W) floats in 0..1.
        boxes: (D, 4) x1, y1, x2, y2 in pixels of the image; D may be 0.
        labels: (D,) class labels 0..K-1.
        scores: (D,) in 0..1; without them labels hold the names alone, as for ground truth.
        class_names: K names; without them labels hold the class's number.
        masks: (D, H, W) bool; one may be empty.
        keypoints: (D, J, 3): x, y in pixels of the image and visible. A joint with visible <= 0 is
            left out, and so are the limbs that end in it.
        keypoint_scores: (D, J); a joint that scores less than ``joint_threshold`` is left out.
        joint_names: J names, from which limbs and sides are found; see
            `minicv.inspection.skeletons.skeleton_of`.
        colours: (D,) of the objects; by default those that differ most, the surest object first.

    Raises:
        ValueError: shapes that do not go together, a box that is not finite, or a label without a
            name.

    >>> image = np.ones((3, 100, 200), np.float32)
    >>> masks = np.zeros((1, 100, 200), bool)
    >>> masks[0, 30:80, 20:90] = True
    >>> boxes, labels = np.array([[20.0, 30.0, 90.0, 80.0]]), np.array([0])
    >>> draw_instances(image, boxes, labels, class_names=["cow"], masks=masks).size
    (600, 300)
    """
    operation = "draw_instances"
    boxes, labels, scores = checked_objects(boxes, labels, scores, class_names, operation)
    masks = _checked_masks(masks, len(boxes), np.shape(image))
    keypoints = _checked_keypoints(keypoints, keypoint_scores, joint_threshold, len(boxes))
    if colours is None:
        colours = instance_colours(len(boxes))
        if scores is not None:  # the surest has the first colour
            rank = np.empty(len(boxes), np.int64)
            rank[descending(scores)] = np.arange(len(boxes))
            colours = [colours[r] for r in rank.tolist()]
    if len(colours) != len(boxes):
        raise ValueError(f"{operation}: {len(boxes)} boxes but {len(colours)} colours")
    texts = [f"class {k}" if class_names is None else str(class_names[k]) for k in labels.tolist()]
    notes = [""] * len(boxes) if scores is None else [f"{score:.2f}" for score in scores]
    picture, factor = enlarged(image)
    skeleton = None
    if keypoints is not None:
        skeleton = skeleton_of(joint_names, keypoints.shape[1])
    drawing = _Drawing(boxes, masks, keypoints, skeleton, list(colours), texts, notes)
    return drawing.paint(picture, factor)


def instance_colours(count: int) -> list[Colour]:
    """Colours for objects side by side, the most different first, without those of skeletons.

    >>> len(set(instance_colours(40))), ORANGE in instance_colours(40)
    (40, False)
    """
    known = [c for c in class_palette(min(count + 2, 64)) if c not in (ORANGE, SKY_BLUE)]
    return [known[number % len(known)] for number in range(count)]


@dataclass(frozen=True)
class _Drawing:
    """Objects as they are drawn; masks may be None, and so may keypoints and their skeleton."""

    boxes: np.ndarray  # (D, 4)
    masks: np.ndarray | None  # (D, H, W)
    keypoints: np.ndarray | None  # (D, J, 3)
    skeleton: Skeleton | None
    colours: list[Colour]
    names: list[str]
    notes: list[str]

    def paint(self, picture: Image.Image, factor: int) -> Image.Image:
        """Everything on a picture that is ``factor`` times as large as the image."""
        size = picture.size
        starts, ends = self.boxes[:, :2] * factor < size, self.boxes[:, 2:] >= 0
        inside = np.all(starts & ends, axis=1)
        parts: list[Part | None] = [None] * len(self.boxes)
        if self.masks is not None:
            parts = [part_of(mask) for mask in self.masks]
        drawn = [i for i, part in enumerate(parts) if part is not None or inside[i]]
        areas = (self.boxes[:, 2:] - self.boxes[:, :2]).prod(axis=1)
        for i, part in enumerate(parts):
            if part is not None:
                areas[i] = np.count_nonzero(part.mask)
        drawn.sort(key=lambda i: (-areas[i], -i))  # the largest lowest, of equals the last
        masked = [(i, part) for i in drawn if (part := parts[i]) is not None]
        if masked:
            colours = [self.colours[i] for i, _ in masked]
            picture = paint_parts(picture, factor, [part for _, part in masked], colours)
        framed = [i for i in drawn if parts[i] is None]
        if framed:
            canvas, width = Canvas(picture), 0.7 * line_width_for(picture)
            for i in framed:
                box = clip_line(self.boxes[i] * factor, size, width)
                canvas.outline(box, self.colours[i], width)
            picture = canvas.finish()
        joints = np.zeros((0, 2))
        if self.keypoints is not None and self.skeleton is not None and drawn:
            people = self.keypoints[drawn]
            picture = paint_keypoints(picture, factor, people, self.skeleton)
            joints = people[people[..., 2] > 0][:, :2] * factor  # (P, 2)
        extents = []
        for i in drawn:
            part = parts[i]
            if part is None:
                extents.append(extent_of_box((self.boxes[i] * factor).tolist(), size))
            else:
                extents.append(extent_of_mask(part.mask, part.corner, factor, size))
        return self._paint_labels(picture, drawn, extents, joints)

    def _paint_labels(
        self,
        picture: Image.Image,
        drawn: Sequence[int],
        extents: Sequence[Extent],
        joints: np.ndarray,
    ) -> Image.Image:
        text_size: float = text_size_for(picture)
        sizes = [self._label(i, text_size, picture)[1] for i in drawn]
        areas = [width * height for width, height in sizes]
        text_size = shrunk_text_size(text_size, areas, picture.size, LEAST_TEXT)
        found = [self._label(i, text_size, picture) for i in drawn]
        places = place_labels(extents, [size for _, size in found], picture.size, joints)
        canvas, width = Canvas(picture), max(1.0, 0.35 * line_width_for(picture))
        for i, extent, place in zip(drawn, extents, places, strict=True):
            if place is not None and place.far:
                x, y = extent.inside
                ends = ((x, y), _nearest_of(place.box, x, y))
                canvas.line(ends, (*BLACK, 170), 3 * width)
                canvas.disc((x, y), 2.6 * width, BLACK)
                canvas.line(ends, self.colours[i], 1.4 * width)
                canvas.disc((x, y), 1.8 * width, self.colours[i])
        for i, (text, _), place in zip(drawn, found, places, strict=True):
            if place is None:
                continue
            x1, y1, _, y2 = place.box
            colour = self.colours[i]
            canvas.fill(place.box, (*colour, OPACITY), corner_radius=text_size * 0.2)
            position = (x1 + PADDING * text_size, (y1 + y2) / 2)
            canvas.text(position, text, text_size, text_colour_on(colour), anchor="lm")
        return canvas.finish()

    def _label(
        self, i: int, text_size: float, picture: Image.Image
    ) -> tuple[str, tuple[float, float]]:
        """The text of a label, the name shortened where it is long, and the label's size."""
        note = self.notes[i]
        most = max(LONGEST_NAME * picture.width, 6 * text_size)
        most = min(most, picture.width - 2 * PADDING * text_size)
        room = most - (text_width(f" {note}", text_size) if note else 0)
        text = f"{shortened(self.names[i], text_size, room)} {note}".strip()
        width = text_width(text, text_size) + 2 * PADDING * text_size
        return text, (float(np.ceil(width)), float(round(PLATE_HEIGHT * text_size)))


def _nearest_of(box: Sequence[float], x: float, y: float) -> tuple[float, float]:
    x1, y1, x2, y2 = box
    return min(max(x, x1), x2), min(max(y, y1), y2)


def _checked_masks(
    masks: np.ndarray | None, count: int, image_shape: tuple[int, ...]
) -> np.ndarray | None:
    if masks is None:
        return None
    masks = np.asarray(masks)
    if masks.shape != (count, *image_shape[1:]):
        raise ValueError(
            f"draw_instances: masks expect the shape {(count, *image_shape[1:])}, one of the "
            f"image's size for each box, but have {masks.shape}"
        )
    return masks.astype(bool, copy=False)


def _checked_keypoints(
    keypoints: np.ndarray | None, scores: np.ndarray | None, threshold: float, count: int
) -> np.ndarray | None:
    """The keypoints; those that score too little are not visible."""
    if keypoints is None:
        return None
    keypoints = np.array(keypoints, np.float64)
    if keypoints.ndim != 3 or len(keypoints) != count or keypoints.shape[2] != 3:
        raise ValueError(
            f"draw_instances: keypoints expect the shape ({count}, J, 3), joints for each box, but "
            f"have {keypoints.shape}"
        )
    keypoints[~np.isfinite(keypoints).all(axis=2)] = 0
    if scores is not None:
        scores = np.asarray(scores)
        if scores.shape != keypoints.shape[:2]:
            raise ValueError(
                f"draw_instances: keypoint_scores expect the shape {keypoints.shape[:2]}, one for "
                f"each joint, but have {scores.shape}"
            )
        keypoints[scores < threshold, 2] = 0
    return keypoints
