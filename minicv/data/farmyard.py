"""Farmyard: the built-in data set. Scenes with every label, drawn on the fly from a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from minicv.data.farmyard_drawing.cat import draw_cat
from minicv.data.farmyard_drawing.cow import draw_cow
from minicv.data.farmyard_drawing.dog import draw_dog
from minicv.data.farmyard_drawing.duck import draw_duck
from minicv.data.farmyard_drawing.figure import Figure, Layer, rasterise
from minicv.data.farmyard_drawing.person import JOINT_NAMES, draw_person
from minicv.data.farmyard_drawing.scenery import (
    MOODS,
    Mood,
    draw_tree,
    draw_treeline,
    draw_tufts,
    grain,
    paint_backdrop,
)

CLASSES: tuple[str, ...] = ("cow", "cat", "dog", "duck", "person")
SEGMENTATION_CLASSES: tuple[str, ...] = (*CLASSES, "sky", "tree", "grass")
PERSON = CLASSES.index("person")
SKY, TREE, GRASS = (SEGMENTATION_CLASSES.index(name) for name in ("sky", "tree", "grass"))

# Storybook heights, as a share of a person's scale: small animals are drawn larger than they are,
# so that they can be seen in a small picture.
HEIGHTS: dict[str, float] = {"cow": 0.62, "cat": 0.5, "dog": 0.54, "duck": 0.46, "person": 1.0}
DRAW: dict[str, Callable[[np.random.Generator], Figure]] = {
    "cow": draw_cow,
    "cat": draw_cat,
    "dog": draw_dog,
    "duck": draw_duck,
}

# An instance stays in the scene if at least this share of its figure is visible, and at least this
# share of the picture shows it (41 pixels of 128x128).
LEAST_VISIBLE = 0.35
LEAST_AREA = 1 / 400


@dataclass
class _Thing:
    """One animal, person (label 0..4) or tree (label TREE) placed in the scene."""

    label: int
    ground: float  # the row it stands on; what stands lower in the picture is nearer
    x: float  # the column of its middle
    width: float  # pixels
    layer: Layer
    full_area: float  # pixels it would cover if nothing hid it and no border cut it
    joints: np.ndarray | None = None  # (14, 2) pixels


class Farmyard:
    """Animals and people on a meadow, drawn on the fly; nothing to download.

    Scene `i` depends on `seed` and `i` alone, whatever the order of access or the number of workers. Each
    scene carries every label: class, box, instance mask, per-pixel class, and 14 joints for each person.

    The target of a scene with N instances (nearer ones later), H x W pixels and J = 14 joints:

    | key | shape | what |
    |---|---|---|
    | boxes | (N, 4) float32 | x1, y1, x2, y2, half-open, tight around the visible mask |
    | labels | (N,) int64 | index into `CLASSES` |
    | masks | (N, H, W) bool | visible pixels of the instance |
    | area | (N,) float32 | number of those pixels |
    | keypoints | (N, 14, 3) float32 | x, y, visible; Leeds Sports order (`JOINT_NAMES`); zeros for animals |
    | segmentation | (H, W) int64 | index into `SEGMENTATION_CLASSES`: the five things, sky, tree, grass |
    | image_id | str | names seed and index |

    A joint is visible (1) if it lies in the picture and no other thing or tree stands before it; a joint that
    the person's own body hides counts as visible. Its x and y are given in either case.

    An instance is in the scene only if at least 35 % of its figure is visible and its mask has at least 1/400
    of the picture's pixels; otherwise it is not drawn at all, so that nothing in the picture lacks its label.
    For that reason a scene can hold fewer instances than were asked for.

    Args:
        length: number of scenes.
        size: (height, width) in pixels, each at least 32.
        seed: whole number >= 0. Different seeds give different scenes: use one for training, another for
            validation.
        objects: least and greatest number of instances that are placed in a scene; (0, 0) gives empty meadows.
        only: names of the classes that are placed; None places all. Labels keep their numbers.

    Raises:
        ValueError: an argument is out of range, or `only` names a class that the set does not have.
        IndexError: a scene outside 0..length-1 is asked for.

    Example:
        >>> scenes = Farmyard(10, size=(64, 96), seed=3, objects=(2, 4))
        >>> image, target = scenes[0]
        >>> image.shape, image.dtype.name
        ((3, 64, 96), 'float32')
        >>> [scenes.classes[k] for k in target["labels"]]  # doctest: +SKIP
        ['duck', 'cow', 'person']
        >>> target["masks"].shape == (len(target["boxes"]), 64, 96)
        True
    """

    classes: tuple[str, ...] = CLASSES
    segmentation_classes: tuple[str, ...] = SEGMENTATION_CLASSES
    joint_names: tuple[str, ...] = JOINT_NAMES

    def __init__(
        self,
        length: int,
        size: tuple[int, int] = (128, 128),
        seed: int = 0,
        objects: tuple[int, int] = (1, 5),
        only: Sequence[str] | None = None,
    ) -> None:
        if length < 0:
            raise ValueError(f"Farmyard: length is {length}, expected a whole number >= 0")
        if min(size) < 32:
            raise ValueError(
                f"Farmyard: size is {size}, expected (height, width) of at least 32 each"
            )
        if seed < 0:
            raise ValueError(f"Farmyard: seed is {seed}, expected a whole number >= 0")
        if not 0 <= objects[0] <= objects[1]:
            raise ValueError(
                f"Farmyard: objects is {objects}, expected (least, greatest) with 0 <= least <= greatest"
            )
        unknown = [name for name in only or () if name not in CLASSES]
        if unknown or (only is not None and not only):
            raise ValueError(f"Farmyard: only is {only}, expected names among {CLASSES}")
        self.length, self.size, self.seed, self.objects = length, size, seed, objects
        self.only = tuple(CLASSES if only is None else only)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        if not -self.length <= index < self.length:
            raise IndexError(f"Farmyard: index {index} is outside a set of {self.length} scenes")
        index = int(index) % self.length
        rng = np.random.default_rng([self.seed, index])
        mood = MOODS[int(rng.integers(len(MOODS)))]
        sun_left = bool(rng.uniform() < 0.5)

        picture, ground, horizon = paint_backdrop(self.size, mood, sun_left, rng)
        segmentation = np.where(ground >= 0.5, GRASS, SKY)  # (H, W)
        self._woods(picture, segmentation, horizon, mood, sun_left, rng)
        things = self._place_trees(horizon, sun_left, rng) + self._place(horizon, sun_left, rng)
        things.sort(key=lambda thing: thing.ground)  # far to near
        things, owner = _keep_visible(things, self.size)

        for thing in things:
            _cast_shadow(picture, thing, mood.shadow, sun_left)
        for thing in things:
            self._paint(picture, thing, horizon, mood, rng)
        for k, thing in enumerate(things):
            segmentation[owner == k] = thing.label
        image = self._expose(picture, mood, rng)
        return image, _target(things, owner, segmentation, f"farmyard-{self.seed}-{index:06d}")

    def _light(self, sun_left: bool) -> tuple[float, float]:
        return (0.3 if sun_left else -0.3), 0.5

    def _woods(
        self,
        picture: np.ndarray,
        segmentation: np.ndarray,
        horizon: float,
        mood: Mood,
        sun_left: bool,
        rng: np.random.Generator,
    ) -> None:
        """A far wood on the horizon, and tufts in the grass."""
        height, width = self.size
        unit = min(self.size)
        if rng.uniform() < 0.65:
            wood = draw_treeline(rng)
            scale = unit * rng.uniform(0.07, 0.14)
            offset = (rng.uniform(-0.3, 0.8) * width, horizon + 0.01 * unit)
            layer, _ = rasterise(
                wood, self.size, scale, offset, light=self._light(sun_left), relief=0.2
            )
            if layer is not None:
                view = picture[layer.window]
                view += layer.alpha[..., None] * (layer.colour - view)
                segmentation[layer.window][layer.alpha >= 0.5] = TREE
        tufts = draw_tufts((height - horizon) / unit, width / unit, mood, rng)
        layer, _ = rasterise(tufts, self.size, unit, (0, height), supersample=2)
        if layer is not None:
            view = picture[layer.window]
            view += layer.alpha[..., None] * (layer.colour - view)

    def _scale(self, ground: float, horizon: float) -> float:
        """Pixels of a person's height at a row of the meadow."""
        return min(self.size) * (0.24 + 0.52 * (ground - horizon) / (self.size[0] - horizon))

    def _place_trees(
        self, horizon: float, sun_left: bool, rng: np.random.Generator
    ) -> list[_Thing]:
        height, width = self.size
        trees = []
        for _ in range(int(rng.integers(0, 4))):
            # Most stand far off; a near one can hide what is behind it.
            ground = horizon + (height - horizon) * rng.uniform(0.02, 0.9) ** 3
            scale = 1.7 * self._scale(ground, horizon) * rng.uniform(0.75, 1.2)
            tree = self._draw(
                draw_tree(rng), TREE, rng.uniform(0, width), ground, scale, sun_left, rng
            )
            trees += [] if tree is None else [tree]
        return trees

    def _place(self, horizon: float, sun_left: bool, rng: np.random.Generator) -> list[_Thing]:
        height, width = self.size
        zoom = rng.uniform(0.85, 1.3)
        things: list[_Thing] = []
        taken: list[tuple[float, float]] = []
        for _ in range(int(rng.integers(self.objects[0], self.objects[1] + 1))):
            name = self.only[int(rng.integers(len(self.only)))]
            # Of three random places take the one farthest from the others: some overlap stays.
            places = [
                (
                    rng.uniform(0.06, 0.94) * width,
                    horizon + (height - horizon) * rng.uniform(0.2, 0.97),
                )
                for _ in range(3)
            ]
            x, ground = max(
                places,
                key=lambda at: min(
                    (abs(at[0] - x) + abs(at[1] - y) for x, y in taken), default=0.0
                ),
            )
            scale = zoom * HEIGHTS[name] * self._scale(ground, horizon) * rng.uniform(0.85, 1.2)
            joints = None
            if name == "person":
                figure, joints = draw_person(rng)
            else:
                figure = DRAW[name](rng)
            thing = self._draw(figure, CLASSES.index(name), x, ground, scale, sun_left, rng, joints)
            if thing is not None:
                things.append(thing)
                taken.append((x, ground))
        return things

    def _draw(
        self,
        figure: Figure,
        label: int,
        x: float,
        ground: float,
        scale: float,
        sun_left: bool,
        rng: np.random.Generator,
        joints: np.ndarray | None = None,
    ) -> _Thing | None:
        """Rasterise a figure whose middle stands at (x, ground)."""
        # A person is not mirrored: that would exchange left and right.
        mirror = joints is None and bool(rng.uniform() < 0.5)
        sign = -1 if mirror else 1
        across = np.concatenate([outline[:, 0] for outline in figure.outlines])
        low, high = float(across.min()), float(across.max())
        offset = (x - sign * scale * (low + high) / 2, ground)
        layer, inside = rasterise(figure, self.size, scale, offset, mirror, self._light(sun_left))
        if layer is None:
            return None
        full_area = float((layer.alpha >= 0.5).sum()) / inside
        if joints is not None:
            joints = joints * scale + offset
        return _Thing(label, ground, x, scale * (high - low), layer, full_area, joints)

    def _paint(
        self,
        picture: np.ndarray,
        thing: _Thing,
        horizon: float,
        mood: Mood,
        rng: np.random.Generator,
    ) -> None:
        """Lay a thing over the picture, with the grain of its coat and the haze of its distance."""
        layer = thing.layer
        strength = 0.11 if thing.label == TREE else 0.035
        colour = layer.colour * (
            1 + strength * grain(self.size, *layer.alpha.shape, rng)[..., None]
        )
        far = 1 - (thing.ground - horizon) / (self.size[0] - horizon)
        haze = np.array(mood.sky_low, np.float32) / 255
        colour += np.float32(0.22 * max(0.0, far) ** 2) * (haze - colour)
        view = picture[layer.window]
        view += layer.alpha[..., None] * (colour - view)

    def _expose(self, picture: np.ndarray, mood: Mood, rng: np.random.Generator) -> np.ndarray:
        """Light, contrast and sensor noise: (H, W, 3) any -> (3, H, W) float32 in 0..1."""
        light = np.array(mood.light, np.float32) / 255 * np.float32(rng.uniform(0.85, 1.1))
        contrast = np.float32(rng.uniform(0.9, 1.1))
        picture = (picture * light - 0.5) * contrast + 0.5
        noise = rng.standard_normal((3, *self.size), dtype=np.float32)
        noise *= np.float32(rng.uniform(0.002, 0.018))
        noise += picture.transpose(2, 0, 1)
        return np.clip(noise, 0, 1, out=noise)


def _keep_visible(things: list[_Thing], size: tuple[int, int]) -> tuple[list[_Thing], np.ndarray]:
    """The things that are visible enough, and for each pixel the number of the one it shows (or -1)."""
    least = LEAST_AREA * size[0] * size[1]
    while True:
        owner = np.full(size, -1)  # (H, W)
        for k, thing in enumerate(things):
            owner[thing.layer.window][thing.layer.alpha >= 0.5] = k
        visible = np.bincount(owner.ravel() + 1, minlength=len(things) + 1)[1:]
        # The least visible one goes first: what it hid may become visible enough.
        worst, worst_share = -1, LEAST_VISIBLE
        for k, thing in enumerate(things):
            if thing.label == TREE:
                continue
            share = visible[k] / max(thing.full_area, 1.0) if visible[k] >= least else 0.0
            if share < worst_share:
                worst, worst_share = k, share
        if worst < 0:
            return things, owner
        things = things[:worst] + things[worst + 1 :]


def _cast_shadow(picture: np.ndarray, thing: _Thing, strength: float, sun_left: bool) -> None:
    """Darken the ground in a soft ellipse under the thing, away from the sun."""
    height, width = picture.shape[:2]
    half = 0.5 * thing.width * (0.55 if thing.label == TREE else 1.0)
    x, y = thing.x + (0.25 if sun_left else -0.25) * half, thing.ground
    flat = 0.22 * half + 1
    left, right = max(0, int(x - half)), min(width, int(x + half) + 1)
    top, bottom = max(0, int(y - flat)), min(height, int(y + flat) + 1)
    if right <= left or bottom <= top:
        return
    row = (np.arange(top, bottom, dtype=np.float32)[:, None] + 0.5 - y) / flat
    column = (np.arange(left, right, dtype=np.float32) + 0.5 - x) / half
    dark = np.clip(1.15 * (1 - row**2 - column**2), 0, 1)
    picture[top:bottom, left:right] *= 1 - strength * dark[..., None]


def _target(
    things: list[_Thing], owner: np.ndarray, segmentation: np.ndarray, image_id: str
) -> dict:
    numbers = [k for k, thing in enumerate(things) if thing.label != TREE]
    count = len(numbers)
    height, width = owner.shape
    boxes = np.zeros((count, 4), np.float32)
    masks = np.zeros((count, height, width), bool)
    keypoints = np.zeros((count, len(JOINT_NAMES), 3), np.float32)
    for row, k in enumerate(numbers):
        masks[row] = owner == k
        ys, xs = np.flatnonzero(masks[row].any(axis=1)), np.flatnonzero(masks[row].any(axis=0))
        boxes[row] = xs[0], ys[0], xs[-1] + 1, ys[-1] + 1
        joints = things[k].joints
        if joints is not None:
            keypoints[row, :, :2] = joints
            keypoints[row, :, 2] = _joint_visible(joints, owner, k)
    return {
        "boxes": boxes,
        "labels": np.array([things[k].label for k in numbers], np.int64),
        "masks": masks,
        "area": masks.sum(axis=(1, 2)).astype(np.float32),
        "keypoints": keypoints,
        "segmentation": segmentation.astype(np.int64),
        "image_id": image_id,
    }


def _joint_visible(joints: np.ndarray, owner: np.ndarray, k: int) -> np.ndarray:
    """1 for each joint (14, 2) that lies in the picture with nothing nearer than thing `k` on it."""
    height, width = owner.shape
    x, y = np.floor(joints).astype(int).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    before = owner[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] > k
    return (inside & ~before).astype(np.float32)
