"""Farmyard: the built-in data set. Scenes with every label, drawn on the fly from a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from minicv.data.farmyard_drawing.cat import draw_cat
from minicv.data.farmyard_drawing.cow import draw_cow
from minicv.data.farmyard_drawing.dog import draw_dog
from minicv.data.farmyard_drawing.duck import draw_duck
from minicv.data.farmyard_drawing.figure import Figure
from minicv.data.farmyard_drawing.person import draw_person
from minicv.data.farmyard_drawing.raster import rasterise
from minicv.data.farmyard_drawing.scenery import (
    MOODS,
    Mood,
    draw_tree,
    draw_treeline,
    draw_tufts,
    paint_backdrop,
)
from minicv.data.farmyard_drawing.things import Thing, cast_shadow, keep_visible, paint, place
from minicv.vision.keypoints import LEEDS_SPORTS_JOINTS
from minicv.vision.masks import masks_to_boxes

CLASSES: tuple[str, ...] = ("cow", "cat", "dog", "duck", "person")
SEGMENTATION_CLASSES: tuple[str, ...] = (*CLASSES, "sky", "tree", "grass")
# As in nature where that leaves them distinct, which the tests measure.
SEGMENTATION_COLORS = np.array(
    [(230, 159, 0), (150, 20, 60), (204, 121, 167), (240, 228, 66), (0, 114, 178), (86, 180, 233),
     (0, 110, 70), (140, 200, 90)],
    np.uint8,
)  # fmt: skip
SKY, TREE, GRASS = (SEGMENTATION_CLASSES.index(name) for name in ("sky", "tree", "grass"))

DRAW: dict[str, Callable[[np.random.Generator], Figure]] = {
    "cow": draw_cow,
    "cat": draw_cat,
    "dog": draw_dog,
    "duck": draw_duck,
}
# Sizes as shares of a person's. Small animals are larger than in nature, so that a small picture
# still shows them.
SCALES: dict[str, float] = {"cow": 0.62, "cat": 0.5, "dog": 0.54, "duck": 0.46, "person": 1.0}

LEAST_VISIBLE = 0.35  # share of its figure that an instance must show
LEAST_AREA = 1 / 400  # share of the picture that its mask must have: 41 pixels of 128 x 128


class Farmyard:
    """Animals and people on a meadow, drawn on the fly; nothing to download.

    Scene `i` depends only on `size`, `seed`, `i` and the options, not on the order of access or the
    number of workers. Each scene carries every label. With N instances, far ones first:

    | key | shape | what |
    |---|---|---|
    | boxes | (N, 4) float32 | x1, y1, x2, y2, half-open, tight around the visible mask |
    | labels | (N,) int64 | index into `classes`: cow, cat, dog, duck, person |
    | masks | (N, H, W) bool | visible pixels of the instance |
    | area | (N,) float32 | number of those pixels |
    | keypoints | (N, 14, 3) float32 | x, y, visible of a person's joints; zeros for animals |
    | segmentation | (H, W) int64 | index into `segmentation_classes` |
    | image_id | str | names seed and index |

    The segmentation's classes are the five things 0..4, then sky 5, tree 6 and grass 7 (with hills
    and flowers).

    The joints are those of Leeds Sports Pose (`joint_names`); left and right are the person's own.
    A joint is visible if it lies in the picture and neither another instance nor a tree stands
    before it; a joint that the person's own body hides counts as visible. x and y are given in
    either case.

    An instance is in the scene only if at least 35 % of its figure can be seen and its mask has at
    least 1/400 of the picture's pixels. Otherwise it is not drawn at all, so that nothing in the
    picture lacks its label. For that reason a scene can hold fewer instances than were asked for.

    Args:
        length: number of scenes.
        size: (height, width) in pixels, at least 32 each.
        seed: whole number >= 0. Different seeds give different scenes: one for training, another
            for validation.
        objects: least and greatest number of instances that are placed in a scene; (0, 0) gives
            empty meadows.
        only: names of the classes that are placed; None places all. Labels keep their numbers.

    Raises:
        ValueError: an argument is out of range, or `only` names a class that the set lacks.
        IndexError: a scene beyond `length` is asked for.

    Example:
        >>> scenes = Farmyard(10, size=(64, 96), seed=3, objects=(2, 4))
        >>> image, target = scenes[0]
        >>> image.shape, image.dtype.name, target["image_id"]
        ((3, 64, 96), 'float32', 'farmyard-3-000000')
        >>> target["masks"].shape == (len(target["boxes"]), 64, 96)
        True
    """

    classes: tuple[str, ...] = CLASSES
    segmentation_classes: tuple[str, ...] = SEGMENTATION_CLASSES
    segmentation_colors: np.ndarray = SEGMENTATION_COLORS  # (8, 3) uint8, to draw them in
    joint_names: tuple[str, ...] = LEEDS_SPORTS_JOINTS
    joint_classes: tuple[str, ...] = ("person",)  # those whose joints are labelled

    def __init__(
        self,
        length: int,
        size: tuple[int, int] = (128, 128),
        seed: int = 0,
        objects: tuple[int, int] = (1, 5),
        only: Sequence[str] | None = None,
    ) -> None:
        if length < 0 or seed < 0:
            raise ValueError(f"Farmyard: length={length}, seed={seed}, expected whole numbers >= 0")
        if min(size) < 32:
            raise ValueError(f"Farmyard: size is {size}, expected (height, width) of at least 32")
        if not 0 <= objects[0] <= objects[1]:
            raise ValueError(
                f"Farmyard: objects is {objects}, expected (least, greatest) with 0 <= least"
            )
        if only is not None and (not only or not set(only) <= set(CLASSES)):
            raise ValueError(f"Farmyard: only is {only}, expected names among {CLASSES}")
        self.length, self.size, self.seed = length, (int(size[0]), int(size[1])), seed
        self.objects = objects
        self.only = CLASSES if only is None else tuple(only)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        if not -self.length <= index < self.length:
            raise IndexError(f"Farmyard: index {index} is outside a set of {self.length} scenes")
        index = int(index) % self.length
        rng = np.random.default_rng([self.seed, index])
        mood = MOODS[int(rng.integers(len(MOODS)))]
        sun_left = bool(rng.uniform() < 0.5)
        light = (0.3 if sun_left else -0.3, 0.5)

        picture, ground, horizon = paint_backdrop(self.size, mood, sun_left, rng)
        segmentation = np.where(ground >= 0.5, GRASS, SKY)  # (H, W)
        self._paint_plants(picture, segmentation, horizon, mood, light, rng)
        things = self._trees(horizon, light, rng) + self._animals(horizon, light, rng)
        things.sort(key=lambda thing: thing.ground)  # far to near
        least_area = LEAST_AREA * self.size[0] * self.size[1]
        things, owner = keep_visible(things, self.size, LEAST_VISIBLE, least_area)

        for thing in things:
            cast_shadow(picture, thing, mood.shadow, sun_left)
        for k, thing in enumerate(things):
            distance = 1 - (thing.ground - horizon) / (self.size[0] - horizon)
            haze = np.array(mood.sky_low, np.float32) / 255
            paint(picture, thing, (haze, 0.22 * distance**2), rng)
            segmentation[owner == k] = thing.label
        image = _expose(picture, mood, rng)
        return image, _target(things, owner, segmentation, f"farmyard-{self.seed}-{index:06d}")

    def _paint_plants(
        self,
        picture: np.ndarray,
        segmentation: np.ndarray,
        horizon: float,
        mood: Mood,
        light: tuple[float, float],
        rng: np.random.Generator,
    ) -> None:
        """Perhaps a far wood on the horizon, and tufts in the grass; changes both arrays."""
        height, width = self.size
        unit = min(self.size)
        if rng.uniform() < 0.65:
            wood = draw_treeline(rng)
            scale = unit * rng.uniform(0.07, 0.14)
            offset = (rng.uniform(-0.3, 0.8) * width, horizon + 0.01 * unit)
            layer = rasterise(wood, self.size, scale, offset, light=light, relief=0.2)
            if layer is not None:
                layer.lay_on(picture)
                segmentation[layer.window][layer.mask] = TREE
        tufts = draw_tufts((height - horizon) / unit, width / unit, mood, rng)
        layer = rasterise(tufts, self.size, unit, (0, height), supersample=2)
        if layer is not None:
            layer.lay_on(picture)

    def _person_height(self, ground: float, horizon: float) -> float:
        """Pixels of a person who stands on this row of the meadow."""
        return min(self.size) * (0.24 + 0.52 * (ground - horizon) / (self.size[0] - horizon))

    def _trees(
        self, horizon: float, light: tuple[float, float], rng: np.random.Generator
    ) -> list[Thing]:
        height, width = self.size
        trees = []
        for _ in range(int(rng.integers(0, 4))):
            # Most stand far off; a near one can hide what is behind it.
            ground = horizon + (height - horizon) * rng.uniform(0.02, 0.9) ** 3
            scale = 1.7 * self._person_height(ground, horizon) * rng.uniform(0.75, 1.2)
            at = (rng.uniform(0, width), ground)
            mirror = bool(rng.uniform() < 0.5)
            trees.append(place(draw_tree(rng), TREE, False, at, scale, self.size, light, mirror))
        return [tree for tree in trees if tree is not None]

    def _animals(
        self, horizon: float, light: tuple[float, float], rng: np.random.Generator
    ) -> list[Thing]:
        """Animals and people, facing left or right."""
        height, width = self.size
        zoom = rng.uniform(0.85, 1.3)
        things = []
        taken: list[tuple[float, float]] = []
        for _ in range(int(rng.integers(self.objects[0], self.objects[1] + 1))):
            name = self.only[int(rng.integers(len(self.only)))]
            # Of three random places the one farthest from all others: some overlap stays.
            free = [
                (width * across, horizon + (height - horizon) * down)
                for across, down in rng.uniform((0.06, 0.2), (0.94, 0.97), size=(3, 2)).tolist()
            ]
            at = max(free, key=lambda spot: _distance_to_nearest(spot, taken))
            taken.append(at)
            scale = zoom * SCALES[name] * self._person_height(at[1], horizon)
            scale *= rng.uniform(0.85, 1.2)
            joints, mirror = None, bool(rng.uniform() < 0.5)
            if name == "person":
                figure, joints = draw_person(rng)
                mirror = False  # it would exchange left and right; the pose turns any way itself
            else:
                figure = DRAW[name](rng)
            label = CLASSES.index(name)
            things.append(place(figure, label, True, at, scale, self.size, light, mirror, joints))
        return [thing for thing in things if thing is not None]


def _distance_to_nearest(spot: tuple[float, float], taken: list[tuple[float, float]]) -> float:
    return min((abs(spot[0] - x) + abs(spot[1] - y) for x, y in taken), default=0.0)


def _expose(picture: np.ndarray, mood: Mood, rng: np.random.Generator) -> np.ndarray:
    """Light, contrast and sensor noise: (H, W, 3) -> (3, H, W) float32 in 0..1."""
    light = np.array(mood.light, np.float32) / 255 * np.float32(rng.uniform(0.85, 1.1))
    contrast = np.float32(rng.uniform(0.9, 1.1))
    picture = (picture * light - 0.5) * contrast + 0.5
    image = rng.standard_normal((3, *picture.shape[:2]), dtype=np.float32)
    image *= np.float32(rng.uniform(0.002, 0.018))
    image += picture.transpose(2, 0, 1)
    return np.clip(image, 0, 1, out=image)


def _target(
    things: list[Thing], owner: np.ndarray, segmentation: np.ndarray, image_id: str
) -> dict:
    """The labels of a scene; `owner` (H, W) is the number of the thing each pixel shows, or -1."""
    numbers = [k for k, thing in enumerate(things) if thing.counts]
    masks = owner == np.array(numbers, np.int64)[:, None, None]  # (N, H, W)
    keypoints = np.zeros((len(numbers), len(LEEDS_SPORTS_JOINTS), 3), np.float32)
    for row, k in enumerate(numbers):
        joints = things[k].joints
        if joints is not None:
            keypoints[row, :, :2] = joints
            keypoints[row, :, 2] = _visible(joints, owner, k)
    return {
        "boxes": masks_to_boxes(masks),
        "labels": np.array([things[k].label for k in numbers], np.int64),
        "masks": masks,
        "area": masks.sum(axis=(1, 2)).astype(np.float32),
        "keypoints": keypoints,
        "segmentation": segmentation,
        "image_id": image_id,
    }


def _visible(joints: np.ndarray, owner: np.ndarray, k: int) -> np.ndarray:
    """For joints (J, 2) of thing `k`: in the picture, and nothing nearer before them? (J,) bool."""
    height, width = owner.shape
    x, y = np.floor(joints).astype(int).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    nearest = owner[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
    return inside & (nearest <= k)
