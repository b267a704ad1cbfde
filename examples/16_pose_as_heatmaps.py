"""Pose as heat maps: each joint is one of 56 x 56 cells of its person's box.

Where is the left knee? A network that answers with two numbers, x and y, must average where it is
unsure: between two legs lies the air. Mask R-CNN answers with a map. Each box is cut out as
14 x 14 features, and for each joint a few convolutions make of them 56 x 56 numbers, one for each
cell of the box. The joint is the highest of them, and it is learnt like a class, of which there are
3,136.

    python examples/16_pose_as_heatmaps.py

It trains Mask R-CNN for joints on drawn people from random weights, and prints how far each joint
is from the truth. The pictures show a map and its peak for every joint of a person, and skeletons.

Then the loss is looked at. A softmax over the cells means: the joint is in one place, and the cells
compete for it; all shares of a map sum to 1. Independent sigmoids mean: each cell is asked whether
the joint is here, whatever the others say. Two joint heads are trained on the same features, from
the same weights, in the same order, and differ in that alone. (The features are those that the
network has learnt with a softmax. For the sigmoids "no" is right in all cells but one, so they
begin at the logit -8.05 of a chance of 1 in 3,136.)

Source: He et al., Mask R-CNN (ICCV 2017), section 5; independent yes and no for each cell as in
Papandreou et al., Towards accurate multi-person pose estimation in the wild (CVPR 2017).
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.data import Cached, DataLoader, Farmyard, Relabelled
from minicv.data.transforms import RandomHorizontalFlip
from minicv.data.transforms.joint_names import mirror_permutation
from minicv.inspection import contact_sheet, draw_bars, draw_instances_beside_truth
from minicv.inspection.canvas import Canvas, to_picture
from minicv.inspection.heatmap import colour_bar, overlay_heatmap
from minicv.inspection.palette import BLACK, ORANGE, WHITE
from minicv.inspection.panels import LegendEntry, mosaic, with_legend
from minicv.inspection.roi_grids import WHITE_ON_DARK
from minicv.metrics.instances import PoseMetric
from minicv.models.backbones import FPN, SmallBackbone
from minicv.models.detection import MaskRCNN
from minicv.models.detection.keypoint_head import KeypointHead, KeypointPredictor, keypoint_loss
from minicv.models.photographs import batch_for
from minicv.nn import Sequential, evaluating
from minicv.optim import Adam, CosineAnnealingLR, WarmupThen
from minicv.tasks.detection import sure
from minicv.tasks.instances import KEYPOINT_RCNN
from minicv.training import GradientStep, evaluate, fit
from minicv.vision.boxes import box_iou
from minicv.vision.heatmaps import heatmaps_to_keypoints, joint_positions

CLASSES = ("person",)
PEOPLE = (1, 3)  # in a scene
JOINTS = Farmyard.joint_names
LABELS = ("boxes", "labels", "keypoints", "area", "image_id")
STRIDES = (4, 8, 16)  # of the maps under the pyramid
SETTINGS = dataclasses.replace(KEYPOINT_RCNN["small_fpn"], joint_names=JOINTS)
CELLS = 4 * SETTINGS.keypoint_pooled_size  # of a heat map, along a side
RATE = 1e-3  # of Adam, at the peak
FOUND = 0.5  # IoU
DRAWN_SCORE = 0.5  # of a detection
SIDES = ("left", "right")
DRAWN = ("boxes", "labels", "keypoints")
SOFTMAX, SIGMOIDS = WAYS = ("softmax", "sigmoids")


class People(NamedTuple):
    """People cut out of scenes by their true boxes.

    Attributes:
        features: (P, C, 14, 14) of the trained network.
        boxes: (P, 4).
        keypoints: (P, J, 3).
        scenes: (P,) numbers of the scenes that hold them.
    """

    features: np.ndarray
    boxes: np.ndarray
    keypoints: np.ndarray
    scenes: np.ndarray


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/16_pose_as_heatmaps")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(
    out: Path,
    seed: int,
    scenes: tuple[int, int] = (480, 60),
    epochs: int = 9,
    head_epochs: int = 12,
) -> None:
    """Train, measure, print, draw; then the two heads."""
    out.mkdir(parents=True, exist_ok=True)
    known, unseen = (
        Cached(
            Relabelled(Farmyard(count, seed=own, objects=PEOPLE, only=CLASSES), CLASSES),
            keep=LABELS,
        )
        for count, own in zip(scenes, (2 * seed, 2 * seed + 1), strict=True)
    )
    model = train(known, epochs, seed)
    values = evaluate(model, unseen, PoseMetric(CLASSES)).values
    print(f"on {len(unseen)} unseen scenes: AP50 of boxes {values['AP50']:.3f}, ", end="")
    print(f"of joints by OKS {values['OKS AP50']:.3f}")
    errors = errors_of(model, unseen)
    print(table(errors))
    people = people_of(model, unseen)
    heads = train_heads(people_of(model, known), head_epochs, seed)
    print(f"\ntwo joint heads on the same features, of {len(people.boxes)} unseen people")
    print(compare(heads, people))

    facing, turned = (person_to_draw(people, facing) for facing in (True, False))
    images = [unseen[int(people.scenes[person])][0] for person in (facing, turned)]
    pictures = {
        "1_heat_maps": draw_heat_maps(model, images[0], people, facing),
        "2_skeletons": draw_skeletons(model, unseen),
        "3_errors": draw_errors(errors),
        "4_softmax_and_sigmoids": draw_heads(heads, images[1], people, turned),
    }
    for name, picture in pictures.items():
        picture.save(out / f"{name}.png")
    print(f"pictures in {out.resolve()}")


def train(known: Any, epochs: int, seed: int) -> MaskRCNN:
    """Boxes and joints at once; a mirrored person's left knee is the right one."""
    rng = np.random.default_rng(seed)
    backbone = FPN(SmallBackbone(16, STRIDES, rng=rng), 64, rng=rng)
    model = MaskRCNN(backbone, CLASSES, SETTINGS, rng=rng)
    flip = RandomHorizontalFlip(0.5, mirror_permutation(JOINTS))
    loader = DataLoader(known, batch_size=2, shuffle=True, rng=rng, transform=flip)
    schedule = WarmupThen(CosineAnnealingLR(RATE, epochs * len(loader)), warmup_steps=20)
    step = GradientStep(model, Adam(model.parameters(), lr=RATE), schedule)
    fit(step, loader, epochs=epochs, rng=rng)
    return model


def errors_of(model: MaskRCNN, scenes: Any) -> np.ndarray:
    """(P, J) pixels from each visible joint to the one found, NaN for others, of found people.

    A person is found by the detection that covers it best, if their IoU is at least `FOUND`.
    """
    rows = [np.zeros((0, len(JOINTS)))]
    for i in range(len(scenes)):
        image, target = scenes[i]
        (found,) = model.predict([image])
        if not len(found["boxes"]):
            continue
        overlap = box_iou(target["boxes"], found["boxes"])  # (G, D)
        held = overlap.max(axis=1) >= FOUND
        rows.append(
            distances(found["keypoints"][overlap.argmax(axis=1)[held]], target["keypoints"][held])
        )
    return np.concatenate(rows)


def distances(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(P, J) pixels between joints (P, J, 3); NaN where the true one is not visible.

    >>> distances(np.array([[[3.0, 4, 1], [0, 0, 1]]]), np.array([[[0.0, 0, 1], [0, 0, 0]]]))
    array([[ 5., nan]])
    """
    apart = np.linalg.norm(found[..., :2] - truth[..., :2], axis=2)
    return np.where(truth[..., 2] > 0, apart, np.nan)


def table(errors: np.ndarray) -> str:
    """A line for each joint: how many were there, and how far off the half of them are."""
    lines = [f"{'joint':<18}{'visible':>8}{'median error, px':>18}{'within 3 px':>13}"]
    for name, own in (*zip(JOINTS, errors.T, strict=True), ("all", errors.ravel())):
        seen = own[~np.isnan(own)]
        median, near = (np.median(seen), (seen <= 3).mean()) if len(seen) else (np.nan, np.nan)
        lines.append(f"{name:<18}{len(seen):>8}{median:>18.2f}{near:>13.0%}")
    return "\n".join(lines)


def people_of(model: MaskRCNN, scenes: Any) -> People:
    """What the joint head gets to see of each true box."""
    features, boxes, keypoints, numbers = [], [], [], []
    s = SETTINGS
    with no_grad(), evaluating(model):
        for i in range(len(scenes)):
            image, target = scenes[i]
            if not len(target["boxes"]):
                continue
            batch = batch_for(model.backbone, [image], s.min_size, s.max_size)
            maps = model.backbone(Tensor(batch.pixels))
            features.append(model.pool(maps, [target["boxes"]], s.keypoint_pooled_size).data)
            boxes.append(target["boxes"])
            keypoints.append(target["keypoints"])
            numbers.append(np.full(len(target["boxes"]), i))
    return People(*(np.concatenate(part) for part in (features, boxes, keypoints, numbers)))


def train_heads(people: People, epochs: int, seed: int) -> dict[str, Sequential]:
    """A joint head for each of `WAYS`: features (P, C, 14, 14) to logits (P, J, 56, 56)."""
    rng = np.random.default_rng(seed)
    channels = people.features.shape[1]
    head = Sequential(
        KeypointHead(channels, SETTINGS.keypoint_channels, rng=rng),
        KeypointPredictor(SETTINGS.keypoint_channels[-1], len(JOINTS), rng=rng),
    )
    heads = {way: copy.deepcopy(head) for way in WAYS}
    last = heads[SIGMOIDS][1]
    assert isinstance(last, KeypointPredictor) and last.kps_score_lowres.bias is not None
    last.kps_score_lowres.bias.data[:] = -np.log(CELLS**2 - 1)
    positions, valid = joint_positions(people.keypoints, people.boxes, CELLS)  # (P, J)
    for way, own in heads.items():
        rng = np.random.default_rng(seed)  # the same order for both
        optimizer = Adam(own.parameters(), lr=RATE)
        for _ in range(epochs):
            for some in np.array_split(rng.permutation(len(positions)), -(-len(positions) // 16)):
                logits = own(Tensor(people.features[some]))
                optimizer.zero_grad()
                loss(way, logits, positions[some], valid[some]).backward()
                optimizer.step()
    return heads


def loss(way: str, logits: Tensor, positions: np.ndarray, valid: np.ndarray) -> Tensor:
    """Cross-entropy over the cells, or the sum of the cells' own; the mean over visible joints."""
    if way == SOFTMAX:
        return keypoint_loss(logits, positions, valid)
    p, j, h, w = logits.shape
    of_joints = logits.reshape(p * j, h * w)[np.flatnonzero(valid)]  # (V, M M)
    here = np.zeros(of_joints.shape, np.float32)
    here[np.arange(len(here)), positions[valid]] = 1
    total = F.binary_cross_entropy_with_logits(of_joints, here, reduction="sum")
    return total / max(1, len(here))


def shares(way: str, logits: np.ndarray) -> np.ndarray:
    """Logits (P, J, M, M) as what they mean: shares of 1, or a probability for each cell."""
    if way == SIGMOIDS:
        return 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
    powers = np.exp(logits - logits.max(axis=(2, 3), keepdims=True))
    return powers / powers.sum(axis=(2, 3), keepdims=True)


def logits_of(head: Sequential, features: np.ndarray) -> np.ndarray:
    """(P, J, 56, 56)."""
    with no_grad():
        return head(Tensor(features)).data


def compare(heads: Mapping[str, Sequential], people: People) -> str:
    """A line for each head: errors, and what the cells of a map sum to."""
    visible = people.keypoints[..., 2] > 0
    lines = [
        f"{'':<10}{'median error, px':>17}{'within 3 px':>13}{'sum of a map: visible joint':>29}"
        f"{'hidden':>9}{'greatest cell':>15}{'reaches 1/2':>13}"
    ]
    for way, head in heads.items():
        logits = logits_of(head, people.features)
        found, _ = heatmaps_to_keypoints(logits, people.boxes)
        apart = distances(found, people.keypoints)
        maps = shares(way, logits)
        sums, peaks = maps.sum(axis=(2, 3)), maps.max(axis=(2, 3))  # (P, J)
        hidden = sums[~visible].mean() if (~visible).any() else np.nan
        lines.append(
            f"{way:<10}{np.nanmedian(apart):>17.2f}{(apart[visible] <= 3).mean():>13.0%}"
            f"{sums[visible].mean():>29.2f}{hidden:>9.2f}"
            f"{np.median(peaks[visible]):>15.3f}{(peaks[visible] >= 0.5).mean():>13.0%}"
        )
    return "\n".join(lines)


def person_to_draw(people: People, facing: bool) -> int:
    """Of those who face us or turn their back: the most visible joints, alone, and the largest."""
    visible = (people.keypoints[..., 2] > 0).sum(axis=1)
    left, right = (people.keypoints[:, JOINTS.index(f"{side} shoulder"), 0] for side in SIDES)
    width = people.boxes[:, 2] - people.boxes[:, 0]
    turned = (left - right if facing else right - left) > width / 3
    alone = np.bincount(people.scenes)[people.scenes] == 1
    areas = (people.boxes[:, 2:] - people.boxes[:, :2]).prod(axis=1)
    return int(np.lexsort((areas, alone, visible, turned))[-1])


class Crop:
    """The pixels of a box, enlarged, on which heat maps and points can be laid."""

    def __init__(self, image: np.ndarray, box: np.ndarray, height: int) -> None:
        self.box = box
        self.factor = height / float(box[3] - box[1])
        self.size = (max(1, round(float(box[2] - box[0]) * self.factor)), height)
        whole = to_picture(image)
        left, top, right, bottom = box.tolist()
        corners = (left, top, right, bottom)
        self.picture = whole.resize(self.size, Image.Resampling.BICUBIC, box=corners)

    def with_heat(self, heat: np.ndarray, truth: np.ndarray) -> Image.Image:
        """A map (M, M) over the pixels in grey; its highest cell, and where the joint is.

        A hill is narrow, so the colours are those of the square root, which shows its foot.
        """
        shown = np.sqrt(heat / heat.max())
        canvas = Canvas(overlay_heatmap(self.picture, shown, 0, 1, opacity=0.65))
        if truth[2] > 0:
            x, y = self.at(*truth[:2])
            for colour, width, arm in ((BLACK, 4.5, 9), (ORANGE, 2.2, 8)):
                canvas.line(((x - arm, y), (x + arm, y)), colour, width)
                canvas.line(((x, y - arm), (x, y + arm)), colour, width)
        row, column = np.unravel_index(heat.argmax(), heat.shape)
        cell = self.size[0] / heat.shape[1], self.size[1] / heat.shape[0]
        peak = ((column + 0.5) * cell[0], (row + 0.5) * cell[1])
        canvas.disc(peak, 4, BLACK)
        canvas.disc(peak, 2.8, WHITE)
        return canvas.finish()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A point of the image, in pixels of the crop."""
        return (float(x - self.box[0]) * self.factor, float(y - self.box[1]) * self.factor)


def with_scale(sheet: Image.Image) -> Image.Image:
    """A sheet of heat maps with its colours explained."""
    bar = colour_bar(sheet.width - 56, "0", "the joint's peak (square roots)")
    sheet = mosaic([sheet, ImageOps.expand(bar, (28, 0), WHITE)], columns=1, gap=0)
    entries = [LegendEntry(WHITE_ON_DARK, "the highest cell"), LegendEntry(ORANGE, "the truth")]
    return with_legend(sheet, entries, margin=28)


def draw_heat_maps(model: MaskRCNN, image: np.ndarray, people: People, person: int) -> Image.Image:
    """Joint by joint, the model's map over the person's box, each up to its own peak."""
    head = Sequential(model.keypoint_head, model.keypoint_predictor)
    maps = shares(SOFTMAX, logits_of(head, people.features[person][None]))[0]  # (J, M, M)
    crop = Crop(image, people.boxes[person], 300)
    tiles, captions = [crop.picture], ["\nthe box"]
    for name, heat, truth in zip(JOINTS, maps, people.keypoints[person], strict=True):
        tiles.append(crop.with_heat(heat, truth))
        captions.append(f"\n{name}\n{heat.max():.1%} in one cell")
    width = max(130, crop.size[0])
    title = "A heat map for each joint: a softmax over 56 × 56 cells"
    sheet = contact_sheet(tiles, captions, columns=5, title=title, tile_width=width)
    return with_scale(sheet)


def draw_skeletons(model: MaskRCNN, scenes: Any) -> Image.Image:
    """The two scenes with the most visible joints: the truth and what was found.

    All joints are drawn, also those of which the network is unsure.
    """
    counts = [int((scenes[i][1]["keypoints"][..., 2] > 0).sum()) for i in range(len(scenes))]
    rows = []
    for i in np.argsort(counts)[::-1][:2].tolist():
        image, target = scenes[i]
        found = sure(model.predict([image])[0], DRAWN_SCORE)
        truth, found = (
            {name: objects[name] for name in names}
            for objects, names in ((target, DRAWN), (found, (*DRAWN, "scores")))
        )
        rows.append(draw_instances_beside_truth(image, truth, found, CLASSES, joint_names=JOINTS))
    return mosaic(rows, columns=1, gap=0)


def draw_errors(errors: np.ndarray) -> Image.Image:
    """The median error of each joint, right and left beside each other."""
    rows: dict[str, dict[str, float]] = {}
    for name, own in zip(JOINTS, errors.T, strict=True):
        seen = own[~np.isnan(own)]
        side, _, part = name.partition(" ")
        if side not in ("left", "right"):
            side, part = "of the middle", name
        value = round(float(np.median(seen)), 2) if len(seen) else 0.0
        rows.setdefault(part, {})[side] = value
    return draw_bars("How far off is each joint? Median error", rows, "px")


def draw_heads(
    heads: Mapping[str, Sequential], image: np.ndarray, people: People, person: int
) -> Image.Image:
    """The maps of both heads for some joints of a person who turns away: which side is left?"""
    crop = Crop(image, people.boxes[person], 300)
    chosen = [JOINTS.index(name) for name in ("neck", "right shoulder", "left shoulder")]
    chosen += [JOINTS.index(name) for name in ("right elbow", "left elbow")]
    tiles, captions = [], []
    for way, head in heads.items():
        maps = shares(way, logits_of(head, people.features[person][None]))[0]
        for joint in chosen:
            truth = people.keypoints[person, joint]
            tiles.append(crop.with_heat(maps[joint], truth))
            name = JOINTS[joint]
            note = f"all cells: {maps[joint].sum():.2f}\nthe highest: {maps[joint].max():.3f}"
            captions.append(f"{name}\n{way}\n{note}")
    width = max(150, crop.size[0])
    title = "Seen from behind: cells that compete, and cells that do not"
    sheet = contact_sheet(tiles, captions, columns=len(chosen), title=title, tile_width=width)
    return with_scale(sheet)


if __name__ == "__main__":
    main()
