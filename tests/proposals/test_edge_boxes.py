"""Edge Boxes as a whole: finds what is there, and goes through pictures of nothing."""

from dataclasses import dataclass

import numpy as np
import pytest

from minicv.data import Farmyard
from minicv.proposals.edge_boxes import EdgeBoxes
from minicv.proposals.edge_map import GradientEdges
from minicv.vision import box_iou

RNG = np.random.default_rng(0)  # not used by the method


def discs(size, circles):
    """Bright discs on dark ground; circles of (x, y, radius)."""
    y, x = np.mgrid[: size[0], : size[1]]
    image = np.full((3, *size), 0.2, np.float32)
    for cx, cy, radius in circles:
        image[:, (x - cx) ** 2 + (y - cy) ** 2 < radius**2] = 0.8
    return image


def test_the_best_boxes_are_the_discs():
    circles = [(60, 50, 30), (160, 100, 40)]
    boxes, scores = EdgeBoxes(edges=GradientEdges(1.5)).propose(discs((150, 220), circles), RNG)
    truth = np.array([[x - r, y - r, x + r, y + r] for x, y, r in circles], float)
    assert box_iou(boxes[:2], truth).max(axis=0).min() > 0.85
    assert (np.diff(scores) <= 0).all()
    assert boxes.dtype == scores.dtype == np.float32


def test_boxes_are_inside_and_apart():
    image, _ = Farmyard(1, size=(96, 128), seed=3)[0]
    proposer = EdgeBoxes(edges=GradientEdges(1.5), least_area=200, most_boxes=300, refined=60)
    boxes, scores = proposer.propose(image, RNG)
    assert 100 < len(boxes) <= 300 and len(scores) == len(boxes)
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= [128, 96]).all()
    overlaps = box_iou(boxes, boxes)
    assert overlaps[~np.eye(len(boxes), dtype=bool)].max() <= proposer.beta


def test_recall_on_the_farmyard():
    scenes = Farmyard(8, size=(128, 128), seed=5)
    proposer = EdgeBoxes(edges=GradientEdges(1.5), least_area=200, refined=100, most_boxes=500)
    best = [
        box_iou(target["boxes"], proposer.propose(image, RNG)[0]).max(axis=1)
        for image, target in (scenes[i] for i in range(8))
    ]
    assert (np.concatenate(best) >= 0.5).mean() >= 0.9


@dataclass(frozen=True)
class Frame:
    """Says that there is the frame of a box, whatever the picture."""

    def detect(self, image):
        magnitude, orientation = np.zeros(image.shape[1:]), np.zeros(image.shape[1:])
        magnitude[20, 30:80] = magnitude[69, 30:80] = 1
        magnitude[20:70, 30] = magnitude[20:70, 79] = 1
        orientation[21:69] = np.pi / 2
        return magnitude, orientation


def test_an_edge_map_can_be_given():
    image = np.zeros((3, 90, 110), np.float32)
    boxes, scores = EdgeBoxes(edges=Frame()).propose(image, RNG)
    assert box_iou(boxes[:1], np.array([[30.0, 20, 80, 70]])).item() > 0.9
    again = EdgeBoxes().propose_from_edges(*Frame().detect(image))
    np.testing.assert_array_equal(again[0], boxes)
    np.testing.assert_array_equal(again[1], scores)


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (7, 5), (60, 70)])
@pytest.mark.parametrize("kind", ["even", "noise"])
def test_pictures_of_nothing(size, kind):
    image = np.full((3, *size), 0.4, np.float32)
    if kind == "noise":
        image = np.random.default_rng(1).random((3, *size), np.float32)
    boxes, scores = EdgeBoxes().propose(image, RNG)
    assert boxes.shape == (len(scores), 4)
    if kind == "even" or size != (60, 70):
        assert len(boxes) == 0


def test_wrong_edge_maps_are_refused():
    with pytest.raises(ValueError, match=r"EdgeBoxes: .*\(4, 5\) and \(5, 4\)"):
        EdgeBoxes().propose_from_edges(np.zeros((4, 5)), np.zeros((5, 4)))
