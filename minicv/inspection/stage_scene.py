"""What the drawers of stages share: the image under a stage, the regions shown, and layouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from minicv.backend import descending
from minicv.inspection.canvas import enlarged, scaled
from minicv.inspection.palette import WHITE
from minicv.inspection.panels import contact_sheet
from minicv.inspection.stage import Stage
from minicv.vision.boxes import box_iou, nms

PANEL_WIDTH = 600  # of each half of a picture of one stage
MOST_LOOKED_AT = 2000  # regions among which those shown are chosen
HIT = 0.5  # IoU from which a box hits an object
DIFFERENT = 0.4  # IoU up to which two regions differ enough to show both


class Drawn(NamedTuple):
    """A stage, drawn.

    Attributes:
        tile: for the overview.
        note: a line below the stage's caption: how to read the picture.
        detail: the picture of this stage alone, where it shows more than the tile.
        detail_note: the line above the detail, where it differs from ``note``.
    """

    tile: Image.Image
    note: str = ""
    detail: Image.Image | None = None
    detail_note: str | None = None


class Objects(NamedTuple):
    """The true objects of an image: ``boxes`` (G, 4) and ``labels`` (G,)."""

    boxes: np.ndarray
    labels: np.ndarray

    def hit_by(self, boxes: np.ndarray) -> np.ndarray:
        """For each of R boxes the label of the object that it hits, else -1: (R,) int64.

        A box hits the object with which its IoU is greatest, if it is `HIT` at least.

        >>> objects = Objects(np.array([[0.0, 0, 8, 8]]), np.array([3]))
        >>> objects.hit_by(np.array([[0.0, 0, 8, 6], [4.0, 4, 12, 12]])).tolist()
        [3, -1]
        """
        if len(self.boxes) == 0 or len(boxes) == 0:
            return np.full(len(boxes), -1)
        overlap = box_iou(boxes.astype(np.float64), self.boxes.astype(np.float64))  # (R, G)
        return np.where(overlap.max(axis=1) >= HIT, self.labels[overlap.argmax(axis=1)], -1)


@dataclass(frozen=True)
class Scene:
    """The context in which a stage is drawn.

    Attributes:
        stages: all of them.
        index: of the stage that is drawn.
        image: (3, H, W), in whose pixels its boxes are; None where no stage so far has one.
        class_names: K names.
        truth: the true objects in the pixels of ``image``; None where they are not known.
        colours: (K, 3) of 0..255, of label maps; None for those of `class_palette`.
    """

    stages: Sequence[Stage]
    index: int
    image: np.ndarray | None
    class_names: Sequence[str]
    truth: Objects | None = None
    colours: Sequence[Sequence[int]] | None = None

    def on_image(self) -> np.ndarray:
        """The image under the stage.

        Raises:
            ValueError: there is none.
        """
        if self.image is None:
            name = self.stages[self.index].name
            raise ValueError(
                f"draw_stages: stage {name!r} lies on an image, but no stage up to it has one"
            )
        return self.image

    def picture(self, width: int | None = None) -> tuple[Image.Image, float]:
        """The image as a picture, and how many times as large it is: at least 512 pixels on the
        longer side, or as wide as asked for."""
        picture, factor = enlarged(self.on_image())
        if width is None:
            return picture, factor
        reduced = at_width(picture, width)
        return reduced, factor * reduced.width / picture.width

    def class_scores(self) -> np.ndarray | None:
        """(R, K) scores of this stage's R regions: those of the first stage from here on that has
        them, else None."""
        regions = len(self.stages[self.index].arrays["boxes"])
        for stage in self.stages[self.index :]:
            scores = stage.arrays.get("class_scores")
            if scores is not None and np.ndim(scores) == 2 and len(scores) == regions:
                return scores
        return None

    def proposal_scores(self) -> np.ndarray | None:
        """(R,) scores of this stage's R regions as proposals, if an earlier stage has them."""
        regions = len(self.stages[self.index].arrays["boxes"])
        for stage in reversed(self.stages[: self.index]):
            if stage.kind == "boxes" and len(stage.arrays["boxes"]) == regions:
                return stage.arrays["scores"]
        return None

    def shown_regions(self, count: int) -> list[int]:
        """Which regions of this stage are shown: see `regions_to_show`. The score of a region is
        that of its best class; without class scores the first regions are the surest."""
        boxes = self.stages[self.index].arrays["boxes"]
        scores = self.class_scores()
        if scores is None or not scores.size:
            return regions_to_show(boxes, -np.arange(len(boxes)), count)
        return regions_to_show(boxes, scores.max(axis=1), count)

    def verdicts(self, shown: Sequence[int]) -> list[str]:
        """For each region shown its number, its score as a proposal, and its best class with the
        score."""
        proposed, scores = self.proposal_scores(), self.class_scores()
        verdicts = []
        for number, region in enumerate(shown, start=1):
            parts = [] if proposed is None else [f"proposed with {proposed[region]:.2f}"]
            if scores is not None:
                best = int(scores[region].argmax())
                parts.append(f"{self.class_names[best]} {scores[region, best]:.2f}")
            verdicts.append(f"{number}.  {', then '.join(parts)}")
        return verdicts


def regions_to_show(boxes: np.ndarray, scores: np.ndarray, count: int) -> list[int]:
    """The numbers of ``count`` regions: the surest that overlap little, then others to fill up.

    >>> boxes = np.array([[0.0, 0, 9, 9], [0, 0, 9, 8], [20, 20, 29, 29]])
    >>> regions_to_show(boxes, np.array([0.9, 0.8, 0.1]), 2)
    [0, 2]
    >>> regions_to_show(boxes, np.array([0.9, 0.8, 0.1]), 3)
    [0, 2, 1]
    """
    order = descending(scores)[:MOST_LOOKED_AT]
    different = nms(boxes[order].astype(np.float32), scores[order].astype(np.float32), DIFFERENT)
    others = np.setdiff1d(np.arange(len(order)), different)
    return order[np.concatenate([different, others])[:count]].tolist()


def at_width(picture: Image.Image, width: int) -> Image.Image:
    """The picture at that width; narrower where it would be more than twice as high as wide.

    >>> [at_width(Image.new("RGB", size), 50).size for size in ((200, 100), (9, 90))]
    [(50, 25), (10, 100)]
    """
    return scaled(picture, min(width / picture.width, 2 * width / picture.height))


def halves(left: Image.Image, right: Image.Image, left_note: str, right_note: str) -> Image.Image:
    """Two pictures beside each other, a note above each; the left one `PANEL_WIDTH` wide."""
    pictures = [at_width(left, PANEL_WIDTH), right]
    widths = [max(picture.width, PANEL_WIDTH) for picture in pictures]
    return contact_sheet(
        pictures, [f"\n{left_note}", f"\n{right_note}"], 2, tile_width=widths, margin=0
    )


def pale(picture: Image.Image) -> Image.Image:
    """The picture in light grey, so that all colour is what is drawn on it."""
    grey = picture.convert("L").convert("RGB")
    return Image.blend(grey, Image.new("RGB", grey.size, WHITE), 0.45)
